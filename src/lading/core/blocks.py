"""The block list, ``lading.blocks``: for every file the lengths and SHA-256 digests of its blocks.

All numbers are little-endian and unsigned::

    8 bytes   LADBLKS1
    4 bytes   the number of files
    4 bytes   the average block size that the writer aimed at, in bytes; readers ignore it
    for each file, in the order of the bill:
        4 bytes   the number of its blocks
        for each block: 4 bytes its length, 32 bytes its SHA-256

Readers use the list alone, so how boundaries were chosen is no part of the format.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from lading.core.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAGIC: Final = b"LADBLKS1"
MAX_LIST_BYTES: Final = 64 * 1024 * 1024
AVERAGE_BYTES: Final = 32 * 1024
MAX_AVERAGE_BYTES: Final = 4 * 1024 * 1024
"""The largest average that the library which cuts takes."""

_HEADER = struct.Struct("<8sII")
_COUNT = struct.Struct("<I")
_BLOCK = struct.Struct("<I32s")


class Block(NamedTuple):
    """A run of a file's bytes: its length in bytes, and its SHA-256 as 32 raw bytes."""

    length: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class BlockList:
    """The blocks of each file, in the order of the bill's files; ``parse`` inverts ``encode``."""

    files: tuple[tuple[Block, ...], ...]
    average: int = AVERAGE_BYTES

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a block list.

        Raises:
            IntegrityError: ``bad-blocks``, for anything that ``encode`` would not have written.
        """
        if len(raw) > MAX_LIST_BYTES:
            raise IntegrityError(
                "bad-blocks", f"the block list has {len(raw)} bytes; at most {MAX_LIST_BYTES}"
            )
        try:
            magic, files, average = _HEADER.unpack_from(raw)
            if magic != MAGIC:
                raise IntegrityError("bad-blocks", f"not a block list: expected {MAGIC!r}, got {magic!r}")
            parsed, offset = _parse_files(raw, files)
        except struct.error as error:
            raise IntegrityError("bad-blocks", f"the block list is cut short: {error}") from error
        if offset != len(raw):
            raise IntegrityError("bad-blocks", f"the block list has {len(raw) - offset} bytes too many")
        return cls(parsed, average)

    def encode(self) -> bytes:
        """The bytes of the list."""
        parts = [_HEADER.pack(MAGIC, len(self.files), self.average)]
        for blocks in self.files:
            parts.append(_COUNT.pack(len(blocks)))
            parts.extend(_BLOCK.pack(*block) for block in blocks)
        return b"".join(parts)

    def check_sizes(self, paths: Sequence[str], sizes: Sequence[int]) -> None:
        """Check that the list speaks of exactly these files.

        Raises:
            IntegrityError: ``bad-blocks``, naming the file whose blocks do not sum to its size.
        """
        if len(self.files) != len(sizes):
            raise IntegrityError(
                "bad-blocks", f"the bill has {len(sizes)} files, its block list speaks of {len(self.files)}"
            )
        for path, size, blocks in zip(paths, sizes, self.files, strict=True):
            total = sum(block.length for block in blocks)
            if total != size:
                raise IntegrityError(
                    "bad-blocks", f"'{path}' has {size} bytes in the bill, its blocks sum to {total}"
                )


def average_for(total_bytes: int) -> int:
    """The average block size, in bytes, for a model of this size that has no version yet.

    The smallest power of two that is at least 32 KiB and a millionth (2**-20) of the model, so that the
    list stays near half its limit (``docs/decisions/0001-blocks.md``).
    """
    average = AVERAGE_BYTES
    while average * 2**20 < total_bytes and average < MAX_AVERAGE_BYTES:
        average *= 2
    return average


def usable_average(average: int) -> bool:
    """Whether a later version may keep this average: readers ignore it, so anything may stand there."""
    return AVERAGE_BYTES <= average <= MAX_AVERAGE_BYTES and average.bit_count() == 1


def _parse_files(raw: bytes, count: int) -> tuple[tuple[tuple[Block, ...], ...], int]:
    files = []
    offset = _HEADER.size
    for _ in range(count):
        (blocks,) = _COUNT.unpack_from(raw, offset)
        offset += _COUNT.size
        end = offset + blocks * _BLOCK.size
        if end > len(raw):
            raise struct.error(f"{blocks} blocks announced, {(len(raw) - offset) // _BLOCK.size} there")
        files.append(tuple(map(Block._make, _BLOCK.iter_unpack(raw[offset:end]))))
        if any(block.length == 0 for block in files[-1]):
            raise IntegrityError("bad-blocks", "the block list holds a block of no length")
        offset = end
    return tuple(files), offset
