"""Packing: files on disk to the bill, the block list and the image of a version.

A pure function of the bill and the contents (design, section 3.2): the same input gives the same digests
on any machine, in any order.
"""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lading.core import modelpack
from lading.core.bill import Bill, BlobRef, FileEntry
from lading.core.blocks import MAX_LIST_BYTES, BlockList
from lading.core.digest import Digest
from lading.core.errors import UsageError
from lading.core.image import CONFIG_TYPE, LAYER_TYPE, Config, Descriptor, Manifest, index, media_type
from lading.core.layers import Layer, first_layer, plan
from lading.plumbing.oserror import explained
from lading.plumbing.scan import Scanner, changed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from lading.core.bill import Metadata
    from lading.core.blocks import Block
    from lading.core.ports import Progress
    from lading.plumbing.tree import Tree

DEFAULT_PLATFORM: Final = "linux/amd64"
_READ_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Contents:
    """What one read of a model's files told: their entries and blocks, and the digests of their layers."""

    root: Path
    files: tuple[FileEntry, ...]
    blocks: BlockList
    layers: tuple[tuple[Layer, Digest], ...]

    def bill(self, name: str, version: str, metadata: Metadata) -> Bill:
        """The bill of these contents.

        Raises:
            UsageError: ``model-too-large``; what ``Bill.write`` refuses.
        """
        raw = self.blocks.encode()
        if len(raw) > MAX_LIST_BYTES:
            raise UsageError(
                "model-too-large",
                f"the block list of {name}:{version} would have {len(raw)} bytes; at most {MAX_LIST_BYTES}",
                hint="split the model into several",
            )
        return Bill.write(name, version, self.files, BlobRef(Digest.of(raw), len(raw)), metadata)


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob to be stored: what it must be, and a way to get its bytes, any number of times."""

    digest: Digest
    size: int
    chunks: Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Shape:
    """Which images to make of a version.

    Attributes:
        platforms: such as ``linux/arm64``; more than one makes an index of images that share all layers,
            none is ``linux/amd64`` alone.
        modelpack: whether to publish the blobs a second time, as a CNCF ModelPack artifact.
    """

    platforms: tuple[str, ...] = ()
    modelpack: bool = False


@dataclass(frozen=True, slots=True)
class Image:
    """A version ready to be stored: its blobs, and its manifests with the one for the tag last.

    Attributes:
        layers: the first layer and those of the files.
        modelpack: the config of the ModelPack artifact, where one was asked for.
    """

    bill: Bill
    blobs: tuple[Blob, ...]
    manifests: tuple[bytes, ...]
    layers: tuple[Descriptor, ...]
    modelpack: Descriptor | None = None

    @property
    def tagged(self) -> bytes:
        """The manifest, or index, that the version names."""
        return self.manifests[-1]


def read_contents(tree: Tree, average: int, progress: Progress) -> Contents:
    """Read each file of ``tree`` once, computing every digest in that read.

    Raises:
        IntegrityError: ``changed-while-read``.
    """
    layers = plan(tree.files)
    scans: dict[int, tuple[Digest, tuple[Block, ...]]] = {}
    digests = []
    with closing(Scanner(average)) as scanner, explained("reading a model's files", tree.root):
        for layer in layers:
            whole = hashlib.sha256()
            for piece in layer.pieces:
                if piece.file is None:
                    whole.update(piece.literal)
                else:
                    path, size = tree.files[piece.file]
                    scan = scanner.scan(tree.root / path, size, whole.update)
                    scans[piece.file] = (scan.digest, scan.blocks)
                    progress.advance(size)
            digests.append(Digest(whole.hexdigest()))
    files = tuple(FileEntry(path, size, scans[i][0]) for i, (path, size) in enumerate(tree.files))
    blocks = BlockList(tuple(scans[i][1] for i in range(len(files))), average)
    return Contents(tree.root, files, blocks, tuple(zip(layers, digests, strict=True)))


def image(contents: Contents, bill: Bill, shape: Shape) -> Image:
    """The image of a version whose bill speaks of ``contents``.

    Args:
        contents: what the files hold.
        bill: the bill; made from ``contents`` or one that is stored already and the same.
        shape: which images to make of it.
    """
    first = first_layer(bill.raw, contents.blocks.encode())
    blobs = [_memory_blob(first)]
    for layer, digest in contents.layers:
        blobs.append(Blob(digest, layer.size, _chunks(contents, layer)))
    layers = tuple(Descriptor(LAYER_TYPE, blob.digest, blob.size) for blob in blobs)
    diff_ids = tuple(blob.digest for blob in blobs)
    manifests: dict[str, bytes] = {}
    for platform in shape.platforms or (DEFAULT_PLATFORM,):
        blob = _memory_blob(Config(diff_ids, bill.digest, platform).encode())
        blobs.append(blob)
        manifests[platform] = Manifest(Descriptor(CONFIG_TYPE, blob.digest, blob.size), layers).encode()
    tagged = list(manifests.values())
    if len(manifests) > 1:
        tagged.append(index({p: describe(raw) for p, raw in manifests.items()}))
    artifact = None
    if shape.modelpack:
        blob = _memory_blob(modelpack.config(bill, diff_ids))
        blobs.append(blob)
        artifact = Descriptor(modelpack.CONFIG_TYPE, blob.digest, blob.size)
    return Image(bill, tuple(blobs), tuple(tagged), layers, artifact)


def _memory_blob(content: bytes) -> Blob:
    return Blob(Digest.of(content), len(content), lambda: [content])


def describe(manifest: bytes) -> Descriptor:
    """A manifest as others name it."""
    return Descriptor(media_type(manifest), Digest.of(manifest), len(manifest))


def _chunks(contents: Contents, layer: Layer) -> Callable[[], Iterator[bytes]]:
    def read() -> Iterator[bytes]:
        for piece in layer.pieces:
            if piece.file is None:
                yield piece.literal
            else:
                entry = contents.files[piece.file]
                yield from _content(contents.root / entry.path, entry.size)

    return read


def _content(path: Path, size: int) -> Iterator[bytes]:
    with explained("reading a model's files", path), path.open("rb", buffering=0) as file:
        left = size
        while left:
            chunk = file.read(min(_READ_BYTES, left))
            if not chunk:
                raise changed(path)
            left -= len(chunk)
            yield chunk
