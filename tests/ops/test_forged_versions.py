"""Manifests and configs that do not fit what they lead to: each is refused before a file is fetched."""

from __future__ import annotations

import json
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lading.core.bill import Bill, BlobRef, FileEntry, Metadata
from lading.core.blocks import Block, BlockList
from lading.core.digest import Digest
from lading.core.errors import IntegrityError
from lading.core.image import CONFIG_TYPE, LAYER_TYPE, MANIFEST_TYPE, Config, Descriptor, Manifest, index
from lading.core.layers import first_layer, plan
from lading.ops.version import open_version
from lading.stores.directory import DirectoryStore
from tests.cargo import digest, noise
from tests.forge import genuine
from tests.yard import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.yard import Yard

FILES = {"a.bin": noise(3000), "b.bin": b"b"}
TIB = 1024**4


def rewrite(yard: Yard, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest of m:1.0 where it lies; a version's name, unlike a digest, proves nothing."""
    document = yard.manifest("1.0")
    change(document)
    (yard.manifests / "1.0").write_text(json.dumps(document))


def put(yard: Yard, blob: bytes) -> Digest:
    (yard.manifests.parent / "blobs" / str(Digest.of(blob))).write_bytes(blob)
    return Digest.of(blob)


@pytest.fixture
def forged(yard: Yard) -> Yard:
    """A project that asks for a version of a store, in which nothing is wrong yet."""
    genuine(FILES).publish(yard.store)
    yard.declare("m", "model")
    return yard


def refused(yard: Yard) -> tuple[str, str]:
    """Code and message of a pull, which leaves nothing behind."""
    code, status, message, _ = refusal(partial(yard.pull, "m:1.0"))
    assert status == 4
    assert not (yard.folder / "model").exists()
    return code, message


def test_the_version_is_right_before_it_is_forged(forged: Yard) -> None:
    rewrite(forged, lambda _: None)
    assert forged.pull("m:1.0")[0].size == 3001


@pytest.mark.parametrize("keep", [1, 0])
def test_a_manifest_with_fewer_layers_than_its_config(forged: Yard, keep: int) -> None:
    rewrite(forged, lambda document: document.update(layers=document["layers"][:keep]))
    code, message = refused(forged)
    assert (code, f"has {keep} layers, its config 2" in message) == ("bad-manifest", True)


def test_a_manifest_and_a_config_without_any_layer(forged: Yard) -> None:
    config = Config((), digest("bill")).encode()
    descriptor = Descriptor(CONFIG_TYPE, put(forged, config), len(config))
    rewrite(forged, lambda document: document.update(config=descriptor.document(), layers=[]))
    code, message = refused(forged)
    assert (code, "has 0 layers, its config 0" in message) == ("bad-manifest", True)


def test_a_layer_fewer_than_the_bill_needs(forged: Yard) -> None:
    first = forged.manifest("1.0")["layers"][0]
    config = Config((Digest.parse(first["digest"]),), _bill_of(forged)).encode()
    descriptor = Descriptor(CONFIG_TYPE, put(forged, config), len(config))
    rewrite(forged, lambda document: document.update(config=descriptor.document(), layers=[first]))
    code, message = refused(forged)
    assert (code, "should have 2 layers, its manifest has 1" in message) == ("bad-manifest", True)


def _bill_of(yard: Yard) -> Digest:
    return open_version(DirectoryStore("file://x", yard.store), "m", "1.0").bill.digest


def test_a_config_whose_label_names_another_bill(forged: Yard) -> None:
    document = forged.manifest("1.0")
    ids = tuple(Digest.parse(layer["digest"]) for layer in document["layers"])
    config = Config(ids, digest("another bill")).encode()
    descriptor = Descriptor(CONFIG_TYPE, put(forged, config), len(config))
    right = _bill_of(forged)
    rewrite(forged, lambda document: document.update(config=descriptor.document()))
    code, message = refused(forged)
    assert code == "wrong-digest"
    assert f"the bill: expected {digest('another bill')}, got {right}" in message


def test_a_config_that_is_announced_too_large_is_not_read(forged: Yard) -> None:
    rewrite(forged, lambda document: document["config"].update(size=4 * 1024**2 + 1))
    code, message = refused(forged)
    assert code == "too-large"
    assert "announced with 4194305 bytes; at most 4194304 belong there" in message


def test_a_first_layer_that_is_announced_too_large_is_not_read(forged: Yard) -> None:
    rewrite(forged, lambda document: document["layers"][0].update(size=TIB))
    assert refused(forged)[0] == "too-large"


def test_an_index_whose_manifest_was_replaced(forged: Yard) -> None:
    raw = (forged.manifests / "1.0").read_bytes()
    descriptor = Descriptor(MANIFEST_TYPE, Digest.of(raw), len(raw))
    (forged.manifests / "1.0").write_bytes(index({"linux/amd64": descriptor, "linux/arm64": descriptor}))
    (forged.manifests / str(Digest.of(raw))).write_bytes(raw)
    assert forged.pull("m:1.0")[0].version == "1.0"

    forged.forget("model")
    (forged.manifests / str(Digest.of(raw))).write_bytes(raw + b"\n")
    code, message = refused(forged)
    assert code == "wrong-digest"
    assert f"the manifest of m: expected {Digest.of(raw)}, got sha256:" in message


def test_a_manifest_is_proven_where_it_is_asked_for_by_digest(forged: Yard) -> None:
    store = DirectoryStore("file://x", forged.store)
    raw = (forged.manifests / "1.0").read_bytes()
    (forged.manifests / str(Digest.of(raw))).write_bytes(raw + b" ")
    with pytest.raises(IntegrityError) as caught:
        open_version(store, "m", str(Digest.of(raw)))
    assert caught.value.code == "wrong-digest"


def absurd(yard: Yard, tebibytes: int, version: str = "1.0") -> None:
    """Publish a version that claims to have a file of that size, and has three blobs of a few kilobytes."""
    size = tebibytes * TIB
    blocks = BlockList(((Block(2**31, bytes(32)),) * (size // 2**31),))
    bill = Bill.write("m", version, [FileEntry("a.bin", size, digest("a"))], _ref(blocks), Metadata())
    first = first_layer(bill.raw, blocks.encode())
    (layer,) = plan([("a.bin", size)])
    store = DirectoryStore("file://x", yard.store)
    config = Config((Digest.of(first), digest("layer")), bill.digest).encode()
    for blob in (first, config):
        store.put_blob("m", Digest.of(blob), len(blob), [blob])
    layers = (
        Descriptor(LAYER_TYPE, Digest.of(first), len(first)),
        Descriptor(LAYER_TYPE, digest("layer"), layer.size),
    )
    manifest = Manifest(Descriptor(CONFIG_TYPE, Digest.of(config), len(config)), layers)
    assert store.create_manifest("m", version, manifest.encode())


def _ref(blocks: BlockList) -> BlobRef:
    raw = blocks.encode()
    return BlobRef(Digest.of(raw), len(raw))


@pytest.fixture
def shm() -> Iterator[Path]:
    """A folder on another disk than the tests' own, as Linux has one in memory."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == Path(tempfile.gettempdir()).stat().st_dev:
        pytest.skip("there is no second disk here")
    with tempfile.TemporaryDirectory(dir=memory, prefix="lading-test-") as folder:
        yield Path(folder)


def test_a_version_larger_than_any_disk_is_refused_before_a_byte_is_fetched(yard: Yard) -> None:
    absurd(yard, 16)
    yard.declare("m", "model")
    code, status, message, hint = refusal(partial(yard.pull, "m:1.0"))
    assert (code, status) == ("disk-full", 8)
    assert f"m:1.0 needs {2 * 16 * TIB} bytes below {yard.folder / 'model'}, " in message
    assert message.endswith("are free; nothing was fetched")
    assert "LADING_CACHE_DIR" in hint
    assert not (yard.folder / "model").exists()
    assert not (yard.cache / "partial").exists()


def test_the_cache_and_the_place_are_weighed_apart_where_they_are_on_two_disks(
    yard: Yard, shm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LADING_CACHE_DIR", str(shm / "cache"))
    genuine(FILES).publish(yard.store)
    yard.declare("m", "model")
    assert yard.pull("m:1.0")[0].fetched == 3001

    absurd(yard, 16, version="2.0")
    code, _, message, _ = refusal(partial(yard.pull, "m:2.0"))
    assert code == "disk-full"
    assert f"m:2.0 needs {16 * TIB} bytes below {shm / 'cache'}, " in message
