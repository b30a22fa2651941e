"""Reading from streams that may lie about how much they hold."""

from __future__ import annotations

import io
from typing import BinaryIO

from lading.core.errors import IntegrityError, PolicyError

_HINT = (
    "train and save it again from the libraries' own objects, or save it as ONNX or safetensors, "
    "which hold no code"
)
_LONGEST_SHOWN = 200
_STEP_BYTES = 1 << 20
_GULP_BYTES = 1 << 24


def broken(message: str) -> IntegrityError:
    """The one error for a stream that is no whole pickle; ``message`` says what is wrong."""
    hint = "compare the file with its bill, and fetch or save it again"
    return IntegrityError("broken-pickle", message, hint=hint)


def unsafe(message: str) -> PolicyError:
    """The one error for a stream that wants to do what no model needs."""
    return PolicyError("unsafe-pickle", message, hint=_HINT)


def shown(text: str) -> str:
    """A name from the stream, fit for a terminal."""
    return text if text.isprintable() and len(text) <= _LONGEST_SHOWN else ascii(text)[:_LONGEST_SHOWN]


def described(error: Exception) -> str:
    """What an error says, where saying it does not ask the stream's own objects."""
    plain = all(isinstance(arg, (str, int)) for arg in error.args)
    try:
        return f"{type(error).__name__}: {str(error)[:_LONGEST_SHOWN]}" if plain else type(error).__name__
    except Exception:  # noqa: BLE001 - some errors format values that they were not raised with
        return type(error).__name__


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

    def readinto(self, buffer: memoryview | bytearray) -> int:
        """Fill all of ``buffer``; returns its length in bytes."""
        with memoryview(buffer).cast("B") as view:
            filled = 0
            while filled < len(view):
                # In steps, since decompressors read into memory of their own first.
                count = self.stream.readinto(view[filled : filled + _GULP_BYTES])  # type: ignore[attr-defined]
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
