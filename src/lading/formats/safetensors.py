"""Safetensors: named arrays and nothing else, so nothing in it can execute or predict."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NoReturn

from lading.core.errors import IntegrityError, UsageError
from lading.core.signature import Signature, Tensor, TensorSpec
from lading.formats.arrays import datatype_of
from lading.formats.extras import needs
from lading.formats.source import Source
from lading.plumbing import atomic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np

    from lading.formats.arrays import Array

_DTYPES: Final = {"BOOL": "bool", "F16": "<f2", "F32": "<f4", "F64": "<f8"} | {
    f"{sign}{8 * size}": f"<{kind}{size}" for sign, kind in (("I", "i"), ("U", "u")) for size in (1, 2, 4, 8)
}
_NOT_IN_NUMPY: Final = ("BF16", "F8_", "F6_", "F4", "C64")
_LENGTH_BYTES: Final = 8
_HEADER_LIMIT_BYTES: Final = 100_000_000


@dataclass(frozen=True, slots=True)
class Safetensors:
    """Models are dicts from names to arrays."""

    name: str = "safetensors"
    packages: Sequence[str] = ("safetensors", "numpy")

    def load(self, entry: BinaryIO, path: Path) -> object:  # noqa: ARG002 - proven bytes come from entry alone
        """The arrays by name, each read into the memory that it stays in: peak memory is the file once.

        The library reads from a path, which is not what was proven, or from bytes, which doubles the
        memory; so the file is read here, by the library's own rules (safetensors README, "Format").

        Raises:
            IntegrityError: ``broken-safetensors``.
            UsageError: ``bad-datatype``, for BF16 and the like; ``missing-extra``.
        """
        np = needs("numpy", "safetensors")
        header, end = _header(entry)
        source = Source(entry)
        arrays: dict[str, Array] = {}
        for name, dtype, shape in _layout(header, end):
            try:
                array = np.empty(shape, dtype)
            except (ValueError, OverflowError) as error:
                raise _broken(f"'{name}' has a shape that NumPy refuses: {error}") from error
            if array.size:
                _fill(source, array.reshape(-1).view(np.uint8))
            arrays[name] = array.astype(array.dtype.newbyteorder("="), copy=False)
        return arrays

    def save(self, model: object, path: Path) -> None:
        """Write a dict of arrays to ``path``, whole or not at all; it takes its size in memory once more."""
        library = needs("safetensors.numpy", "safetensors")
        # The library's own file would be readable by its owner alone, and not flushed.
        atomic.write(path, library.save(_savable(model)))

    def tensors(self, model: object, example: object) -> tuple[Tensor, ...]:
        """Always the ``UsageError`` that arrays take no inputs."""
        del model, example
        _no_predict()

    def signature(self, model: object, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Signature:
        """No inputs; every array as an output, sorted by name."""
        del inputs, outputs
        arrays = sorted(_savable(model).items())
        specs = [TensorSpec(name, datatype_of(array.dtype) or "", array.shape) for name, array in arrays]
        return Signature((), tuple(specs))

    def predict(self, model: object, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Always the ``UsageError`` that arrays do not predict."""
        del model, inputs
        _no_predict()


def open_format(name: str) -> Safetensors:
    """The format of that name."""
    return Safetensors(name)


def _no_predict() -> NoReturn:
    message = "a safetensors file holds arrays alone: nothing in it predicts"
    raise UsageError(
        "no-predict", message, hint="load it with lading.load and give the arrays to your network"
    )


def _broken(message: str) -> IntegrityError:
    hint = "compare the file with its bill, and fetch or save it again"
    return IntegrityError(
        "broken-safetensors", f"not a safetensors file, or a damaged one: {message}", hint=hint
    )


def _savable(model: object) -> dict[str, Array]:
    np = needs("numpy", "safetensors")
    if not isinstance(model, dict) or not all(isinstance(name, str) for name in model):
        raise UsageError("bad-model", f"expected a dict of named arrays, got {type(model).__name__}")
    for name, array in model.items():
        if not isinstance(array, np.ndarray):
            hint = "convert it first, such as with tensor.detach().cpu().numpy()"
            raise UsageError(
                "bad-model", f"'{name}': expected a NumPy array, got {type(array).__name__}", hint=hint
            )
        if array.dtype.kind not in "biuf" or datatype_of(array.dtype) is None:
            raise UsageError("bad-model", f"'{name}': safetensors cannot hold an array of {array.dtype}")
    # The library writes bytes as they lie, whatever the order of an array's axes or of its bytes.
    return {
        name: np.asarray(array, dtype=array.dtype.newbyteorder("="), order="C")
        for name, array in model.items()
    }


def _header(entry: BinaryIO) -> tuple[dict[str, Any], int]:
    """The header, with ``entry`` behind it, and how many bytes of arrays follow."""
    size = entry.seek(0, 2)
    entry.seek(0)
    length = int.from_bytes(entry.read(_LENGTH_BYTES), "little")
    end = size - _LENGTH_BYTES - length
    if size < _LENGTH_BYTES or end < 0 or length > _HEADER_LIMIT_BYTES:
        raise _broken(f"its header of {length} bytes does not fit into its {size} bytes")
    try:
        header = json.loads(entry.read(length).decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _broken(f"its header is not JSON ({error})") from error
    if not isinstance(header, dict):
        raise _broken("its header is no table")
    header.pop("__metadata__", None)
    return header, end


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name stands in it twice")
    return made


def _layout(header: Mapping[str, Any], end: int) -> Iterator[tuple[str, np.dtype[Any], tuple[int, ...]]]:
    """Name, dtype and shape in the order of the bytes, which are all used, and once."""
    parts = sorted((_part(name, table) for name, table in header.items()), key=lambda part: part[3:])
    position = 0
    for name, dtype, shape, begin, stop in parts:
        if begin != position or stop - begin != math.prod(shape) * dtype.itemsize:
            raise _broken(f"'{name}' does not fill the bytes {begin} to {stop}, or they are another's")
        position = stop
    if position != end:
        raise _broken(f"its arrays take {position} bytes, and {end} are there")
    for name, dtype, shape, _, _ in parts:
        yield name, dtype, shape


def _part(name: str, table: Any) -> tuple[str, np.dtype[Any], tuple[int, ...], int, int]:  # noqa: ANN401 - JSON
    if not isinstance(table, dict) or table.keys() != {"dtype", "shape", "data_offsets"}:
        raise _broken(f"'{name}' has no dtype, shape and data_offsets")
    code, shape, offsets = table["dtype"], table["shape"], table["data_offsets"]
    lengths = [*shape, *offsets] if isinstance(shape, list) and isinstance(offsets, list) else [None]
    if not all(type(length) is int and length >= 0 for length in lengths) or len(offsets) != 2:  # noqa: PLR2004
        raise _broken(f"'{name}' has lengths or offsets that are none")
    if not isinstance(code, str):
        raise _broken(f"'{name}' has no dtype")
    if code.startswith(_NOT_IN_NUMPY):
        message = f"'{name}' is {code}, which NumPy does not have"
        raise UsageError("bad-datatype", message, hint="save the arrays as F32 or F16 instead")
    if code not in _DTYPES:
        raise _broken(f"'{name}' has the unknown dtype {code!r}")
    return name, needs("numpy", "safetensors").dtype(_DTYPES[code]), tuple(shape), *offsets


def _fill(source: Source, view: Array) -> None:
    try:
        source.readinto(view.data)
    except IntegrityError as error:
        raise _broken(error.message) from error
