"""Files that joblib 1.0 and later write: a pickle with the bytes of its arrays in between.

Where an array belongs, joblib pickles a small header, ends the frame and writes a padding length, the
padding and the array's bytes as they lie in memory; an array of objects is a nested pickle instead. A
file without headers is a plain pickle, so this reader serves both. All of it goes through
``lading.formats.unpickle``; joblib itself is never imported.
"""

# ruff: noqa: ANN401 - what a stream holds is Any until it is checked here

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import lzma
import mmap
import os
import sys
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast

from lading.core.errors import IntegrityError, UnavailableError, UsageError
from lading.formats import ndarrays
from lading.formats.ndarrays import expect
from lading.formats.source import Source, broken
from lading.formats.unpickle import AllowList, Unpickler

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np

    from lading.formats.allowlist import Pair

_HEADERS = {("joblib.numpy_pickle", "NumpyArrayWrapper")}
_OLD_HEADERS = {
    (module, name)
    for module in ("joblib.numpy_pickle", "joblib.numpy_pickle_compat")
    for name in ("NDArrayWrapper", "ZNDArrayWrapper")
}
_LONGEST_MAGIC_BYTES = 6
_BUFFER_BYTES = 1 << 18
_ALIGNMENT_BYTES = 16


class ArrayHeader:
    """Stands for joblib's NumpyArrayWrapper in the stream; holds nothing and does nothing."""


@dataclass(frozen=True)
class _Layout:
    """What a header says about its array, checked."""

    kind: type
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: Literal["C", "F"]
    mappable: bool
    padded: bool

    @classmethod
    def parse(cls, state: Any) -> _Layout:
        import numpy as np

        expect(type(state) is dict, "an array")
        kind, shape, order = state.get("subclass"), state.get("shape"), state.get("order")
        dtype, alignment = state.get("dtype"), state.get("numpy_array_alignment_bytes")
        # Compared by identity: whatever else stands there must not get to compare itself.
        expect((kind is np.ndarray or kind is np.matrix) and type(order) is str, "an array")
        expect(order in {"C", "F"} and isinstance(dtype, np.dtype), "an array")
        expect(alignment is None or type(alignment) is int, "an array")
        ndarrays.count(shape)
        mappable = state.get("allow_mmap") is True and not cast("np.dtype[Any]", dtype).hasobject
        return cls(
            cast("type", kind), cast("Any", shape), dtype, cast("Any", order), mappable, alignment is not None
        )

    @property
    def size_bytes(self) -> int:
        return ndarrays.count(self.shape) * self.dtype.itemsize


class _Mapping:
    """The file of a stream in memory, mapped once and shared by all of its arrays."""

    def __init__(self, stream: BinaryIO, path: Path, mode: Literal["r", "c"]) -> None:
        access = mmap.ACCESS_READ if mode == "r" else mmap.ACCESS_COPY
        with path.open("rb") as file:
            if not os.path.samestat(os.fstat(file.fileno()), _stat(stream, file)):
                raise IntegrityError(
                    "file-changed", f"{path} is no longer the file that was opened", hint="load it again"
                )
            self.bytes = mmap.mmap(file.fileno(), 0, access=access)

    def array(self, layout: _Layout, offset: int) -> np.ndarray[Any, Any]:
        import numpy as np

        return np.ndarray(layout.shape, layout.dtype, buffer=self.bytes, offset=offset, order=layout.order)


def _stat(stream: BinaryIO, file: BinaryIO) -> os.stat_result:
    try:
        return os.fstat(stream.fileno())
    except OSError:  # a stream in memory has no descriptor: then the path alone says which file
        return os.fstat(file.fileno())


class _Reader(Unpickler):
    """The unpickler, with arrays read where their headers stand."""

    def __init__(self, source: Source, allowed: AllowList, mapping: _Mapping | None) -> None:
        super().__init__(source, allowed)
        self._mapping = mapping

    def find_class(self, module: str, name: str) -> Any:
        pair: Pair = (module, name)
        if pair in _OLD_HEADERS:
            raise _too_old()
        if pair not in _HEADERS:
            return super().find_class(module, name)
        self._globals[id(ArrayHeader)] = (pair, ArrayHeader)
        return ArrayHeader

    def restore(self, made: Any, state: Any) -> Any:
        if type(made) is not ArrayHeader:
            return super().restore(made, state)
        import numpy as np

        layout = _Layout.parse(state)
        array = self._objects(layout) if layout.dtype.hasobject else self._numbers(layout)
        return array.view(np.matrix) if layout.kind is np.matrix else array

    def _objects(self, layout: _Layout) -> Any:
        import numpy as np

        array = Unpickler(self.source, self.allowed).run()
        if not isinstance(array, np.ndarray) or array.shape != layout.shape or array.dtype != layout.dtype:
            raise broken("an array of objects is not what its header announces")
        return array

    def _numbers(self, layout: _Layout) -> Any:
        if layout.padded:
            padding = self.source.read(1)[0]
            self.source.read(padding)
        if self._mapping and layout.mappable and layout.size_bytes:
            offset = self.source.stream.tell()
            # joblib before 1.2 did not pad, and code that takes arrays may rely on the alignment.
            if offset % _ALIGNMENT_BYTES == 0:
                array = self._mapping.array(layout, offset)
                self.source.stream.seek(offset + layout.size_bytes)
                return array
        return self._copied(layout)

    def _copied(self, layout: _Layout) -> Any:
        import numpy as np

        self.source.demand(layout.size_bytes)
        array = np.empty(layout.shape, layout.dtype, order=layout.order)
        if layout.size_bytes:
            # A view, not a copy: the elements in the order in which they lie.
            self.source.readinto(array.reshape(-1, order=layout.order).view(np.uint8).data)
        return _native(array)


def _native(array: Any) -> Any:
    foreign = ">" if sys.byteorder == "little" else "<"
    if array.dtype.fields:
        # Field by field: a record may mix orders, which a swap of the whole would only exchange.
        mixed = any(field[0].base.byteorder == foreign for field in array.dtype.fields.values())
        return array.astype(array.dtype.newbyteorder("=")) if mixed else array
    if array.dtype.byteorder == foreign:
        return array.byteswap(inplace=True).view(array.dtype.newbyteorder("="))
    return array


class _Inflated(io.RawIOBase):
    """The bytes of a zlib stream, which the standard library has no file for."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self._machine = zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with memoryview(buffer).cast("B") as view:
            while not self._machine.eof:
                fed = self._machine.unconsumed_tail or self._stream.read(_BUFFER_BYTES)
                data = self._machine.decompress(fed, len(view))
                if data:
                    view[: len(data)] = data
                    return len(data)
                if not fed:
                    raise broken("the compressed stream is cut short")
        return 0


def _lz4(stream: BinaryIO) -> Any:
    try:
        frame = importlib.import_module("lz4.frame")
    except ImportError as error:
        message = "the file is compressed with lz4, which is not installed"
        raise UsageError("missing-extra", message, hint="pip install lz4") from error
    return frame.LZ4FrameFile(stream)


_COMPRESSIONS: dict[bytes, Callable[[BinaryIO], Any]] = {
    b"\x78": _Inflated,
    b"\x1f\x8b": lambda stream: gzip.GzipFile(fileobj=stream, mode="rb"),
    b"BZ": bz2.BZ2File,
    b"\x5d\x00": lzma.LZMAFile,
    b"\xfd7zXZ": lzma.LZMAFile,
    b"\x04\x22\x4d\x18": _lz4,
}
_OLD_MAGIC = b"ZF"


def _too_old() -> UsageError:
    message = "the file was written by joblib 0.9 or older, whose format reads other files beside it"
    hint = "load it with an old joblib where you trust it, and dump it again with joblib 1.6 or later"
    return UsageError("old-joblib", message, hint=hint)


def load(
    stream: BinaryIO,
    allowed: AllowList,
    *,
    mmap_path: Path | None = None,
    mmap_mode: Literal["r", "c"] = "r",
) -> object:
    """The object in the joblib file or plain pickle that ``stream`` holds.

    Peak memory is the object once: arrays are read into the memory that they stay in. The caller opens
    and closes the stream, which must be able to seek; it ends anywhere behind the object.

    Args:
        stream: at the file's first byte.
        allowed: what the file may name and call.
        mmap_path: the same file's path: arrays of numbers are then mapped, not read. Without effect on
            compressed files. Whoever changes the file later changes the model.
        mmap_mode: ``r`` for arrays that cannot be written to, ``c`` for private copies on writing.

    Raises:
        PolicyError: ``unsafe-pickle``, the file wants what the list does not allow; nothing ran.
        IntegrityError: ``broken-pickle``, it is cut short, damaged, hostile in size or depth, or no
            such file; ``version-skew``, the installed library lacks a name; ``file-changed``,
            ``mmap_path`` is another file than the stream.
        UsageError: ``missing-extra``, a library that it needs is not installed; ``old-joblib``.
        UnavailableError: ``read-failed``, the operating system could not read the stream.
    """
    start = stream.tell()
    magic = stream.read(_LONGEST_MAGIC_BYTES)
    stream.seek(start)
    if magic.startswith(_OLD_MAGIC):
        raise _too_old()
    for prefix, opened in _COMPRESSIONS.items():
        if magic.startswith(prefix):
            return _load_compressed(opened(stream), allowed)
    try:
        mapping = _Mapping(stream, mmap_path, mmap_mode) if mmap_path and magic else None
    except OSError as error:
        raise UnavailableError("read-failed", f"mapping {mmap_path} failed: {error}") from error
    return _Reader(Source(stream), allowed, mapping).run()


def _load_compressed(raw: Any, allowed: AllowList) -> object:
    with io.BufferedReader(raw, _BUFFER_BYTES) as stream:
        reader = _CompressedReader(Source(cast("BinaryIO", stream), sized=False), allowed, None)
        return reader.run()


class _CompressedReader(_Reader):
    def load(self) -> Any:
        found = super().load()
        # Reading to the end is what makes a decompressor compare its checksum.
        if self.source.stream.read(1):
            raise broken("something follows the object in the compressed stream")
        return found
