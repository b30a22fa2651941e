"""Reading from streams that may lie about how much they hold."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

from lading.core.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Buffer

_STEP_BYTES = 1 << 20


def broken(message: str) -> IntegrityError:
    """The one error for a stream that is no whole pickle; ``message`` says what is wrong."""
    hint = "compare the file with its bill, and fetch or save it again"
    return IntegrityError("broken-pickle", message, hint=hint)


class Source:
    """A stream from which every read is whole or an ``IntegrityError``.

    The caller opens and closes the stream. A length that the stream cannot hold is refused before
    memory is set aside for it: where the length is known by comparing, else by reading in steps.
    """

    def __init__(self, stream: BinaryIO, *, sized: bool = True) -> None:
        """Read on from where ``stream`` is; ``sized=False`` where seeking to the end is dear."""
        self.stream = stream
        self._end = _end(stream) if sized else None

    def left(self) -> int | None:
        """How many bytes are left, or None where that is not known."""
        return None if self._end is None else self._end - self.stream.tell()

    def demand(self, size: int) -> None:
        """Raise unless ``size`` more bytes can be there."""
        left = self.left() if size > _STEP_BYTES else None
        if left is not None and size > left:
            raise broken(f"the stream is cut short: {size} bytes are announced, {left} are left")

    def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes."""
        if size <= _STEP_BYTES:
            data = self.stream.read(size)
            if len(data) == size:
                return data
        else:
            self.demand(size)
            data = b""
        return self._gather(data, size)

    def _gather(self, data: bytes, size: int) -> bytes:
        gathered = io.BytesIO()
        gathered.write(data)
        while gathered.tell() < size:
            part = self.stream.read(min(_STEP_BYTES, size - gathered.tell()))
            if not part:
                raise broken(f"the stream is cut short: {gathered.tell()} of {size} bytes are there")
            gathered.write(part)
        return gathered.getvalue()

    def readline(self) -> bytes:
        """One line, with its newline."""
        line = self.stream.readline()
        if not line.endswith(b"\n"):
            raise broken("the stream is cut short in the middle of a line")
        return line

    def readinto(self, buffer: Buffer) -> int:
        """Fill all of ``buffer``; returns its length in bytes."""
        with memoryview(buffer).cast("B") as view:
            filled = 0
            while filled < len(view):
                count = self.stream.readinto(view[filled:])  # type: ignore[attr-defined]
                if not count:
                    raise broken(
                        f"the stream is cut short: {filled} of {len(view)} bytes of an array are there"
                    )
                filled += count
            return filled


def _end(stream: BinaryIO) -> int | None:
    if not stream.seekable():
        return None
    here = stream.tell()
    try:
        return stream.seek(0, io.SEEK_END)
    finally:
        stream.seek(here)
