"""Finding a version in a store and opening it: from the manifest to a bill that is proven."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lading.core.bill import Bill
from lading.core.blocks import BlockList
from lading.core.digest import Digest
from lading.core.errors import IntegrityError, NotFoundError
from lading.core.image import MAX_MANIFEST_BYTES, Config, Descriptor, Manifest, index_entries
from lading.core.layers import MAX_FIRST_BYTES, Layer, open_first_layer, plan
from lading.core.versions import highest, version_key
from lading.plumbing.inflate import inflate

if TYPE_CHECKING:
    from lading.core.ports import Store
    from lading.core.resolution import Wanted

_REPAIR: Final = "push the version again: lading push --repair"


@dataclass(frozen=True, slots=True)
class Version:
    """A version as one store holds it, with its bill and block list proven.

    Attributes:
        manifest: the digest of the manifest in that store.
        descriptors: the layers after the first, as that store holds them; they match ``layers``.
    """

    store: Store
    bill: Bill
    blocks: BlockList
    blocks_raw: bytes
    manifest: Digest
    descriptors: tuple[Descriptor, ...]
    layers: tuple[Layer, ...]


def find(wanted: Wanted, store: Store) -> Version:
    """Open the version that ``wanted`` means, in the store that decides what names mean.

    Raises:
        NotFoundError: ``no-version``, ``no-model`` or ``no-stage``.
        IntegrityError: what lies there is not what was asked for.
    """
    if wanted.stage is not None:
        raise NotFoundError(
            "no-stage",
            f"{store.url} records no version of '{wanted.name}' for the stage '{wanted.stage}'",
            hint=f"name a version: {wanted.name}:{highest(store.versions(wanted.name)) or '1.0.0'}",
        )
    label = wanted.version or _label(wanted, store)
    version = open_version(store, wanted.name, label)
    _check(version.bill, wanted, label, store)
    return version


def open_version(store: Store, name: str, reference: str) -> Version:
    """Open what a store has under a version or a manifest digest, whatever its bill says it is.

    Raises:
        NotFoundError: ``no-version``, ``no-blob``.
        IntegrityError: some byte is not what another says that it is.
    """
    digest, manifest = _manifest(store, name, reference)
    config = Config.parse(_blob(store, name, manifest.config, MAX_MANIFEST_BYTES))
    if len(config.diff_ids) != len(manifest.layers) or not manifest.layers:
        raise IntegrityError(
            "bad-manifest",
            f"{store.url}: the manifest of {name}:{reference} has {len(manifest.layers)} layers, "
            f"its config {len(config.diff_ids)}",
            hint=_REPAIR,
        )
    raw, blocks_raw = open_first_layer(_first_layer(store, name, manifest.layers[0], config.diff_ids[0]))
    bill = Bill.parse(raw)
    if bill.digest != config.bill:
        raise _mismatch("the bill", config.bill, bill.digest, store)
    layers = _check_layers(bill, manifest, store)
    return Version(
        store, bill, parse_blocks(bill, blocks_raw), blocks_raw, digest, manifest.layers[1:], layers
    )


def no_model(store: Store, name: str) -> NotFoundError:
    """A model is not in a store."""
    return NotFoundError(
        "no-model",
        f"{store.url} has no model '{name}'; it has {', '.join(store.names()) or 'none'}",
        hint=f"lading push {name}:VERSION publishes it",
    )


def bill_digest(store: Store, name: str, version: str) -> Digest:
    """The digest of a version's bill, from its manifest and config alone.

    Raises:
        NotFoundError: ``no-version``, ``no-blob``.
        IntegrityError: some byte is not what another says that it is.
    """
    _, manifest = _manifest(store, name, version)
    return Config.parse(_blob(store, name, manifest.config, MAX_MANIFEST_BYTES)).bill


def parse_blocks(bill: Bill, raw: bytes) -> BlockList:
    """The block list of a bill, checked against what the bill says of it.

    Raises:
        IntegrityError: ``bad-blocks``, or a digest that differs.
    """
    got = Digest.of(raw)
    if (got, len(raw)) != (bill.blocks.digest, bill.blocks.size):
        raise IntegrityError(
            "bad-blocks",
            f"the block list of {bill.name}:{bill.version}: expected {bill.blocks.size} bytes with "
            f"{bill.blocks.digest}, got {len(raw)} with {got}",
            hint=_REPAIR,
        )
    blocks = BlockList.parse(raw)
    blocks.check_sizes([entry.path for entry in bill.files], [entry.size for entry in bill.files])
    return blocks


def _label(wanted: Wanted, store: Store) -> str:
    versions = store.versions(wanted.name)
    if not versions:
        raise no_model(store, wanted.name)
    if wanted.bill is None:
        return max(versions, key=version_key)
    for version in sorted(versions, key=version_key, reverse=True):
        if bill_digest(store, wanted.name, version) == wanted.bill:
            return version
    raise NotFoundError(
        "no-version",
        f"no version of '{wanted.name}' in {store.url} has the bill {wanted.bill}",
        hint=f"lading list {wanted.name}",
    )


def _check(bill: Bill, wanted: Wanted, label: str, store: Store) -> None:
    if (bill.name, bill.version) != (wanted.name, label):
        raise IntegrityError(
            "wrong-bill",
            f"{store.url}: asked for {wanted.name}:{label}, the bill there says {bill.name}:{bill.version}",
            hint="somebody put another version's manifest in its place; push the right one to a clean store",
        )
    if wanted.bill is not None and bill.digest != wanted.bill:
        raise IntegrityError(
            "wrong-bill",
            f"{store.url}: {wanted} was {wanted.bill} when it was pinned by the {wanted.decided_by}, "
            f"now it is {bill.digest}",
            hint=f"if that is intended: lading lock {wanted.name}",
        )


def _manifest(store: Store, name: str, reference: str) -> tuple[Digest, Manifest]:
    raw = store.manifest(name, reference)
    entries = index_entries(raw)
    if entries:
        # Every platform's image has the same layers, so the first speaks for all.
        reference = str(entries[0].digest)
        raw = store.manifest(name, reference)
    digest = Digest.of(raw)
    if reference.startswith("sha256:") and str(digest) != reference:
        raise _mismatch(f"the manifest of {name}", Digest.parse(reference), digest, store)
    return digest, Manifest.parse(raw)


def _blob(store: Store, name: str, descriptor: Descriptor, limit: int) -> bytes:
    if descriptor.size > limit:
        raise IntegrityError(
            "too-large",
            f"{store.url}: {descriptor.digest} of {name} is announced with {descriptor.size} bytes; "
            f"at most {limit} belong there",
        )
    data = b"".join(store.read(name, descriptor.digest, 0, descriptor.size))
    if Digest.of(data) != descriptor.digest:
        raise _mismatch(f"a blob of {name}", descriptor.digest, Digest.of(data), store)
    return data


def _first_layer(store: Store, name: str, descriptor: Descriptor, diff_id: Digest) -> bytes:
    if not descriptor.gzipped:
        return _blob(store, name, descriptor, MAX_FIRST_BYTES)
    data = bytearray()
    for piece in inflate(store.read(name, descriptor.digest, 0, descriptor.size), str(descriptor.digest)):
        data += piece
        if len(data) > MAX_FIRST_BYTES:
            raise IntegrityError("too-large", f"{store.url}: the first layer of {name} is too large")
    if Digest.of(data) != diff_id:
        raise _mismatch(f"the first layer of {name}", diff_id, Digest.of(data), store)
    return bytes(data)


def _check_layers(bill: Bill, manifest: Manifest, store: Store) -> tuple[Layer, ...]:
    layers = plan([(entry.path, entry.size) for entry in bill.files])
    descriptors = manifest.layers[1:]
    if len(layers) != len(descriptors):
        raise IntegrityError(
            "bad-manifest",
            f"{store.url}: {bill.name}:{bill.version} should have {len(layers) + 1} layers, its manifest has "
            f"{len(manifest.layers)}",
            hint=_REPAIR,
        )
    for layer, descriptor in zip(layers, descriptors, strict=True):
        if not descriptor.gzipped and layer.size != descriptor.size:
            raise IntegrityError(
                "bad-layer",
                f"{store.url}: the layer {descriptor.digest} has {descriptor.size} bytes, "
                f"by the bill it has {layer.size}",
                hint=_REPAIR,
            )
    return layers


def _mismatch(what: str, expected: Digest, got: Digest, store: Store) -> IntegrityError:
    return IntegrityError(
        "wrong-digest", f"{store.url}: {what}: expected {expected}, got {got}", hint=_REPAIR
    )
