"""What must be read of a layer, run by run, and what each run must be."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

    from lading.core.blocks import BlockList
    from lading.core.layers import Layer


class Run(NamedTuple):
    """A run of a layer: a block of a file, or tar headers and padding, which are known beforehand.

    Attributes:
        offset: where it starts in the layer, in bytes.
        length: its bytes.
        sha256: its SHA-256 as 32 raw bytes.
        file: the index of the bill's file that it belongs to; None for headers and padding.
        place: where it starts in that file, in bytes.
    """

    offset: int
    length: int
    sha256: bytes
    file: int | None
    place: int


def runs(layer: Layer, blocks: BlockList, wanted: Collection[int]) -> list[Run]:
    """The runs of the files ``wanted``, each with the header before it, in the order of the layer.

    The layer's end is among them where its last file is.
    """
    found: list[Run] = []
    before: list[Run] = []
    for piece in layer.pieces:
        if piece.file is None:
            before = [Run(piece.offset, piece.size, hashlib.sha256(piece.literal).digest(), None, 0)]
        elif piece.file in wanted:
            found += [*before, *_blocks(piece.offset, piece.file, blocks)]
    return [*found, *before] if layer.files[-1] in wanted else found


def _blocks(offset: int, file: int, blocks: BlockList) -> list[Run]:
    found = []
    place = 0
    for length, sha256 in blocks.files[file]:
        found.append(Run(offset + place, length, sha256, file, place))
        place += length
    return found
