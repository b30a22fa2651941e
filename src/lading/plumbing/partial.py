"""A partial file: proven blocks at their fixed places, shared by the processes of one machine.

Every write is a proven block at its fixed offset, so processes that write the same partial file write
the same bytes, and no lock is needed to be correct. Nobody truncates it. What another boot or host left is
proven again block by block like everything else (design, section 3.6).
"""

from __future__ import annotations

import hashlib
import os
import socket
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Self

from lading.plumbing import atomic
from lading.plumbing.oserror import explained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.core.blocks import Block

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Partial:
    """One file on its way into the cache; close it, or use it in a ``with`` block."""

    def __init__(self, base: Path, final: Path, blocks: Sequence[Block]) -> None:
        """Begin or take up the partial file ``<base>.<boot id>`` of ``final``."""
        self._path = base.with_name(f"{base.name}.{boot_id()}")
        self._final = final
        self._blocks = blocks
        self._places = [0, *accumulate(block.length for block in blocks)]
        _adopt(self._path)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def present(self) -> set[int]:
        """The places of the blocks that are there and right: each is read and proven."""
        size = os.fstat(self._file).st_size
        return {
            place
            for place, block in zip(self._places, self._blocks, strict=False)
            if place + block.length <= size
            and hashlib.sha256(self.read(place, block.length)).digest() == block.sha256
        }

    def read(self, place: int, length: int) -> bytes:
        """The bytes of a block, right or not."""
        return os.pread(self._file, length, place)

    def write(self, place: int, data: bytes) -> None:
        """Put a proven block at its place."""
        with explained("writing a partial file", self._path):
            view = memoryview(data)
            while view:
                done = os.pwrite(self._file, view, place)
                place += done
                view = view[done:]

    def finish(self) -> None:
        """Give the file, which is proven whole, its final name: flushed, and without replacing."""
        with explained("finishing a file in the cache", self._path):
            os.fsync(self._file)
            atomic.make_folder(self._final.parent)
            try:
                os.link(self._path, self._final)
            except FileExistsError:
                pass
            except FileNotFoundError:
                if not self._final.exists():  # else another process finished first and took the name away
                    raise
            self._path.unlink(missing_ok=True)
            atomic.flush_folder(self._final.parent)

    def discard(self) -> None:
        """Remove a file whose blocks are right and whose whole is not: no other copy of it can be right."""
        self._path.unlink(missing_ok=True)


def boot_id() -> str:
    """What tells this boot of this machine from every other."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return socket.gethostname()


def _adopt(path: Path) -> None:
    """Take up the partial file of an earlier boot, so that its blocks need not be fetched again."""
    if path.exists():
        return
    for older in path.parent.glob(f"{path.name.partition('.')[0]}.*"):
        with suppress(OSError):
            os.link(older, path)
            older.unlink(missing_ok=True)
            return
