"""How the files of a version lie in the layers of its image: a pure function of the bill.

The first layer holds the bill and the block list. Files of 1 MiB and more follow, contiguous in the
order of their paths, one a layer where they fit into 98 layers; all smaller files share the last. Offsets
are not stored anywhere: they are computed here, by writer and reader alike (design, section 3.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lading.core import tar
from lading.core.bill import MAX_BILL_BYTES
from lading.core.blocks import MAX_LIST_BYTES
from lading.core.errors import IntegrityError
from lading.core.paths import BILL_FILE, BLOCKS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


ROOT: Final = "models"
LARGE_BYTES: Final = 1024 * 1024
MAX_LARGE_LAYERS: Final = 98
MAX_FIRST_BYTES: Final = MAX_BILL_BYTES + MAX_LIST_BYTES + 16 * tar.BLOCK_BYTES


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of a layer: the whole content of the bill's file ``file``, or ``literal`` where that is None."""

    offset: int
    size: int
    literal: bytes
    file: int | None


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer as its pieces, which follow each other without a gap."""

    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int:
        """The length of the layer in bytes."""
        return self.pieces[-1].offset + self.pieces[-1].size

    @property
    def files(self) -> tuple[int, ...]:
        """The indices of the files in it, in the order in which they lie."""
        return tuple(piece.file for piece in self.pieces if piece.file is not None)


def plan(files: Sequence[tuple[str, int]]) -> tuple[Layer, ...]:
    """The layers after the first, for the paths and sizes of a bill's files, in the order of the bill."""
    large = [index for index, (_, size) in enumerate(files) if size >= LARGE_BYTES]
    small = [index for index, (_, size) in enumerate(files) if size < LARGE_BYTES]
    groups = _deal(large, files)
    if small:
        groups.append(small)
    return tuple(_layer(group, files) for group in groups)


def first_layer(bill: bytes, block_list: bytes) -> bytes:
    """The first layer, whole."""
    parts = [tar.folder_header(ROOT)]
    for name, content in ((BILL_FILE, bill), (BLOCKS_FILE, block_list)):
        parts += [tar.file_header(f"{ROOT}/{name}", len(content)), content, tar.padding(len(content))]
    return b"".join([*parts, tar.TRAILER])


def open_first_layer(layer: bytes) -> tuple[bytes, bytes]:
    """The bill and the block list that a first layer holds.

    Raises:
        IntegrityError: ``bad-layer``, for any byte that ``first_layer`` would have written otherwise.
    """
    try:
        bill, end = _content(layer, tar.BLOCK_BYTES)
        block_list, _ = _content(layer, end)
    except ValueError as error:
        raise IntegrityError(
            "bad-layer", f"the first layer holds no bill where it should: {error}"
        ) from error
    if first_layer(bill, block_list) != layer:
        raise IntegrityError("bad-layer", "the first layer's tar headers are not those that lading writes")
    return bill, block_list


def _content(layer: bytes, offset: int) -> tuple[bytes, int]:
    start = offset + tar.BLOCK_BYTES
    size = tar.content_size(layer[offset:start])
    if size < 0 or start + size > len(layer):
        raise ValueError(f"{size} bytes announced at {start}, the layer has {len(layer)}")
    return layer[start : start + size], start + size + len(tar.padding(size))


def _deal(large: Sequence[int], files: Sequence[tuple[str, int]]) -> list[list[int]]:
    if len(large) <= MAX_LARGE_LAYERS:
        return [[index] for index in large]
    total = sum(files[index][1] for index in large)
    groups: list[list[int]] = [[] for _ in range(MAX_LARGE_LAYERS)]
    before = 0
    for index in large:
        groups[before * MAX_LARGE_LAYERS // total].append(index)
        before += files[index][1]
    return [group for group in groups if group]


def _layer(indices: Iterable[int], files: Sequence[tuple[str, int]]) -> Layer:
    pieces: list[Piece] = []
    listed: set[str] = set()
    literal = b""
    offset = 0
    for index in indices:
        path, size = f"{ROOT}/{files[index][0]}", files[index][1]
        literal += _folders(path, listed) + tar.file_header(path, size)
        pieces.append(Piece(offset, len(literal), literal, None))
        offset += len(literal)
        pieces.append(Piece(offset, size, b"", index))
        offset += size
        literal = tar.padding(size)
    literal += tar.TRAILER
    return Layer((*pieces, Piece(offset, len(literal), literal, None)))


def _folders(path: str, listed: set[str]) -> bytes:
    headers = b""
    parts = path.split("/")[:-1]
    for depth in range(1, len(parts) + 1):
        folder = "/".join(parts[:depth])
        if folder not in listed:
            listed.add(folder)
            headers += tar.folder_header(folder)
    return headers
