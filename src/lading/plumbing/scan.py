"""Reading a file once, with every digest computed in that read: the file's, its blocks', its layer's."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lading.core.blocks import Block
from lading.core.digest import Digest
from lading.core.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO
    from pathlib import Path

    from pyfastcdc import FastCDC

READ_BYTES: Final = 4 * 1024 * 1024
_INLINE_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Scan:
    """What one read of a file told."""

    digest: Digest
    blocks: tuple[Block, ...]


class Scanner:
    """Reads files; holds the threads in which digests are computed beside each other."""

    def __init__(self, average: int) -> None:
        self._average = average
        from concurrent.futures import ThreadPoolExecutor

        self._pool = ThreadPoolExecutor(2, "lading-scan")

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def scan(self, path: Path, size: int, also: Callable[[memoryview], None]) -> Scan:
        """Read the file ``path`` of ``size`` bytes from start to end.

        Args:
            path: the file.
            size: its length in bytes when the packing began.
            also: gets every byte in order too, as the layer's digest needs them.

        Raises:
            IntegrityError: ``changed-while-read``, where the file is not the same before and after.
        """
        with path.open("rb", buffering=0) as file:
            before = _state(file)
            if before[0] != size:
                raise changed(path)
            scan = self._read(file, size, also)
            if before != _state(file):
                raise changed(path)
        return scan

    def _read(self, file: FileIO, size: int, also: Callable[[memoryview], None]) -> Scan:
        whole = hashlib.sha256()
        cutter = _Cutter(self._average)
        done = 0
        while done < size:
            data = cutter.fill(file)
            done += len(data) - cutter.kept
            fresh = data[cutter.kept :]
            if not fresh:
                break  # it shrank; the caller sees that
            last = done >= size
            if len(fresh) > _INLINE_BYTES:
                tasks = [self._pool.submit(whole.update, fresh), self._pool.submit(also, fresh)]
                cutter.cut(data, last=last)
                for task in tasks:
                    task.result()
            else:
                whole.update(fresh)
                also(fresh)
                cutter.cut(data, last=last)
            cutter.carry(data)
        return Scan(Digest(whole.hexdigest()), tuple(cutter.blocks))


def changed(path: Path) -> IntegrityError:
    """The error that a file is not what it was a moment ago."""
    return IntegrityError(
        "changed-while-read",
        f"{path} changed while it was read; nothing was published",
        hint="wait until its writer is done, then run the same command again",
    )


class _Cutter:
    """Cuts a stream into blocks: the last block of a buffer is carried over until its end is known."""

    def __init__(self, average: int) -> None:
        self._cdc = _chunker(average)
        self._buffer = bytearray(self._cdc.max_size + max(READ_BYTES, self._cdc.max_size))
        self._done = 0
        self.kept = 0
        self.blocks: list[Block] = []

    def fill(self, file: FileIO) -> memoryview:
        """The ``kept`` bytes carried over, and those that the next read of ``file`` gives."""
        view = memoryview(self._buffer)
        count = file.readinto(view[self.kept : self.kept + READ_BYTES])
        return view[: self.kept + count]

    def cut(self, data: memoryview, *, last: bool) -> None:
        """Cut ``data``; its final block only if nothing follows."""
        self._done = 0
        for piece in self._cdc.cut_buf(data):
            if not last and piece.offset + piece.length == len(data):
                break
            self.blocks.append(Block(piece.length, hashlib.sha256(piece.data).digest()))
            self._done = piece.offset + piece.length

    def carry(self, data: memoryview) -> None:
        """Move what was not cut to the start of the buffer; nobody may be reading ``data`` any more."""
        self.kept = len(data) - self._done
        self._buffer[: self.kept] = bytes(data[self._done :])


def _chunker(average: int) -> FastCDC:
    from pyfastcdc import FastCDC  # 40 ms that only a push needs

    return FastCDC(average, min_size=average // 4, max_size=average * 4, normalized_chunking=1)


def _state(file: FileIO) -> tuple[int, int, int, int]:
    stat = os.fstat(file.fileno())
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino
