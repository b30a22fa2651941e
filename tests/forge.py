"""Versions as an adversary would write them: everything consistent but one thing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lading.core import canonical
from lading.core.bill import BlobRef, FileEntry, Metadata
from lading.core.blocks import BlockList
from lading.core.digest import Digest
from lading.core.image import CONFIG_TYPE, LAYER_TYPE, Config, Descriptor, Manifest
from lading.core.layers import first_layer, plan
from lading.stores.directory import DirectoryStore
from tests.cargo import blocks_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Forged:
    """The parts of a version; change one with ``dataclasses.replace`` before ``publish``."""

    document: Mapping[str, Any]
    blocks: bytes
    layers: tuple[bytes, ...]
    bill: bytes | None = None

    def with_bill(self, **keys: Any) -> Forged:  # noqa: ANN401 - whatever JSON holds
        """With other values under these keys of the bill."""
        return replace(self, document={**self.document, **keys})

    def with_blocks(self, blocks: BlockList) -> Forged:
        """With another block list, which the bill then names."""
        raw = blocks.encode()
        return replace(self, blocks=raw).with_bill(blocks={"sha256": Digest.of(raw).hex, "size": len(raw)})

    def publish(self, root: Path, name: str = "m", version: str = "1.0") -> None:
        """Write the version into the directory store ``root``, with every digest computed anew."""
        store = DirectoryStore(f"file://{root}", root)
        bill = self.bill if self.bill is not None else canonical.encode(self.document, "a forged bill")
        blobs = [first_layer(bill, self.blocks), *self.layers]
        config = Config(tuple(map(Digest.of, blobs)), Digest.of(bill)).encode()
        for blob in (*blobs, config):
            store.put_blob(name, Digest.of(blob), len(blob), [blob])
        layers = tuple(Descriptor(LAYER_TYPE, Digest.of(blob), len(blob)) for blob in blobs)
        manifest = Manifest(Descriptor(CONFIG_TYPE, Digest.of(config), len(config)), layers).encode()
        assert store.create_manifest(name, version, manifest)


def genuine(files: Mapping[str, bytes], name: str = "m", version: str = "1.0") -> Forged:
    """A version of these files with nothing wrong."""
    ordered = sorted(files, key=str.encode)
    blocks = BlockList(tuple(blocks_of(files[path], 1000) for path in ordered)).encode()
    entries = [FileEntry(path, len(files[path]), Digest.of(files[path])) for path in ordered]
    document = Metadata().document() | {
        "lading": 1,
        "name": name,
        "version": version,
        "files": [{"path": e.path, "size": e.size, "sha256": e.digest.hex} for e in entries],
        "blocks": {"sha256": (ref := BlobRef(Digest.of(blocks), len(blocks))).digest.hex, "size": ref.size},
    }
    layers = tuple(
        b"".join(
            piece.literal if piece.file is None else files[ordered[piece.file]] for piece in layer.pieces
        )
        for layer in plan([(entry.path, entry.size) for entry in entries])
    )
    return Forged(document, blocks, layers)
