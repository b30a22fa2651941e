"""The OCI image of a version: its config and its manifest (OCI image specification 1.1).

The config survives registries that rewrite manifests and recompress layers, so it carries what must
survive: the uncompressed digests of the layers and the digest of the bill.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, Self

from lading.core import canonical
from lading.core.digest import Digest
from lading.core.errors import IntegrityError, LadingError
from lading.core.table import Table

MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE: Final = "application/vnd.oci.image.index.v1+json"
CONFIG_TYPE: Final = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE: Final = "application/vnd.oci.image.layer.v1.tar"
BILL_LABEL: Final = "dev.lading.bill"
MAX_MANIFEST_BYTES: Final = 4 * 1024 * 1024

_INDEX_TYPES: Final = frozenset({INDEX_TYPE, "application/vnd.docker.distribution.manifest.list.v2+json"})
_GZIP_TYPES: Final = frozenset(
    {f"{LAYER_TYPE}+gzip", "application/vnd.docker.image.rootfs.diff.tar.gzip"},
)
_PLAIN_TYPES: Final = frozenset({LAYER_TYPE, "application/vnd.docker.image.rootfs.diff.tar"})


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A blob or manifest by its media type, digest and size in bytes."""

    media_type: str
    digest: Digest
    size: int

    @classmethod
    def parse(cls, table: Table) -> Self:
        """Read a descriptor; ``urls`` and annotations are ignored (design, section 3.7)."""
        media_type = table.need("mediaType", table.text("mediaType"))
        digest = table.need("digest", table.digest("digest"))
        return cls(media_type, digest, table.need("size", table.number("size")))

    def document(self) -> dict[str, Any]:
        """The JSON form that ``parse`` reads."""
        return {"mediaType": self.media_type, "digest": str(self.digest), "size": self.size}

    @property
    def gzipped(self) -> bool:
        """Whether a layer was compressed on its way.

        Raises:
            IntegrityError: ``bad-layer``, for a media type that is not a tar, plain or gzip.
        """
        if self.media_type in _GZIP_TYPES:
            return True
        if self.media_type in _PLAIN_TYPES:
            return False
        raise IntegrityError(
            "bad-layer",
            f"the layer {self.digest} is of type '{self.media_type}'; lading reads plain and gzip tar layers",
            hint="copy the image again without zstd compression",
        )


@dataclass(frozen=True, slots=True)
class Manifest:
    """An image's manifest: its config and its layers."""

    config: Descriptor
    layers: tuple[Descriptor, ...]

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a manifest as any registry may have rewritten it.

        Raises:
            IntegrityError: ``bad-manifest``.
        """
        table = read_json(raw, "the manifest", "bad-manifest")
        config = Descriptor.parse(table.need("config", table.table("config")))
        layers = table.need("layers", table.tables("layers"))
        return cls(config, tuple(Descriptor.parse(item) for item in layers))

    def encode(self) -> bytes:
        """The manifest as lading writes it."""
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": self.config.document(),
            "layers": [layer.document() for layer in self.layers],
        }
        return canonical.encode(document, "the manifest")


@dataclass(frozen=True, slots=True)
class Config:
    """An image's config: the platform, the uncompressed layers' digests, the bill's digest."""

    diff_ids: tuple[Digest, ...]
    bill: Digest
    platform: str = "linux/amd64"

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a config.

        Raises:
            IntegrityError: ``bad-config``, also for an image that lading did not pack.
        """
        table = read_json(raw, "the image config", "bad-config")
        rootfs = table.need("rootfs", table.table("rootfs"))
        settings = table.table("config")
        labels = settings.table("Labels") if settings else None
        bill = labels.digest(BILL_LABEL) if labels else None
        if bill is None:
            raise table.fail(
                f"it has no label {BILL_LABEL}: this image was not packed by lading",
                hint="push the model with: lading push",
            )
        platform = f"{table.text('os')}/{table.text('architecture')}"
        ids = rootfs.need("diff_ids", rootfs.texts("diff_ids"))
        try:
            return cls(tuple(Digest.parse(text) for text in ids), bill, platform)
        except LadingError as error:
            raise table.fail(error.message) from error

    def encode(self) -> bytes:
        """The config as lading writes it. ``docker create`` wants a command, so there is one."""
        system, _, architecture = self.platform.partition("/")
        document = {
            "architecture": architecture,
            "os": system,
            "created": "1970-01-01T00:00:00Z",
            "config": {"Cmd": ["/lading"], "Labels": {BILL_LABEL: str(self.bill)}},
            "rootfs": {"type": "layers", "diff_ids": [str(digest) for digest in self.diff_ids]},
        }
        return canonical.encode(document, "the image config")


def index(manifests: dict[str, Descriptor]) -> bytes:
    """An index of one manifest a platform, such as ``linux/arm64``."""
    entries = []
    for platform, descriptor in sorted(manifests.items()):
        system, _, architecture = platform.partition("/")
        entries.append(
            descriptor.document() | {"platform": {"os": system, "architecture": architecture}},
        )
    document = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries}
    return canonical.encode(document, "the index")


def index_entries(raw: bytes) -> tuple[Descriptor, ...] | None:
    """The manifests that an index lists, or None where ``raw`` is not an index.

    Raises:
        IntegrityError: ``bad-manifest``, for bytes that are neither.
    """
    table = read_json(raw, "the manifest", "bad-manifest")
    listed = table.tables("manifests")
    if listed is None and table.text("mediaType") not in _INDEX_TYPES:
        return None
    return tuple(Descriptor.parse(item) for item in listed or ())


def media_type(raw: bytes) -> str:
    """The media type of a manifest: its own word, else an index where it lists manifests.

    OCI image specification 1.1, "Image Manifest Property Descriptions". What is no manifest counts as one.
    """
    try:
        document: Any = json.loads(raw)
    except ValueError:
        document = None
    said = document.get("mediaType") if isinstance(document, dict) else None
    lists = isinstance(document, dict) and "manifests" in document
    return said if isinstance(said, str) else INDEX_TYPE if lists else MANIFEST_TYPE


def read_json(raw: bytes, what: str, code: str) -> Table:
    """The JSON object of a registry's document, however it is spelled.

    Raises:
        IntegrityError: of that ``code``.
    """
    if len(raw) > MAX_MANIFEST_BYTES:
        raise IntegrityError(code, f"{what} has {len(raw)} bytes; at most {MAX_MANIFEST_BYTES}")
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(code, f"{what} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise IntegrityError(code, f"{what} is not a JSON object")
    return Table(document, what, IntegrityError, code)
