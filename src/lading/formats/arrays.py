"""Between tensors, as bills and requests hold them, and NumPy's arrays.

Missing numbers are NaN in an array, and NaN or null in a tensor of floats. They may go into a model; what
leaves one must be finite, because canonical JSON has no spelling for anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from lading.core.errors import UsageError
from lading.core.signature import DYNAMIC, FLOATS, Tensor, TensorSpec
from lading.core.table import Table
from lading.formats.extras import needs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np

    Array: TypeAlias = np.ndarray[Any, Any]

T = TypeVar("T")
UNNAMED: Final = "input"
_DTYPES: Final = {
    "BOOL": "bool",
    **{f"{sign}INT{bits}": f"{sign.lower()}int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": f"float{bits}" for bits in (16, 32, 64)},
    "BYTES": "object",
}
_DATATYPES: Final = {dtype: datatype for datatype, dtype in _DTYPES.items()}
_KINDS: Final = {"b": "truth values", "i": "numbers", "u": "numbers", "f": "numbers", "O": "text"}
_TEXTS: Final = "UST"


def bad_input(name: str, expected: str, got: str, *, hint: str = "") -> UsageError:
    """The one error for an input that a model cannot take, for the caller to raise."""
    return UsageError("bad-input", f"input '{name}': expected {expected}, got {got}", hint=hint)


def dtype_of(datatype: str) -> np.dtype[Any]:
    """The dtype for a datatype; text is held as objects.

    Raises:
        UsageError: ``bad-datatype``, for BF16, which NumPy does not have.
    """
    if datatype not in _DTYPES:
        message = f"NumPy has no type for {datatype}; known: {', '.join(sorted(_DTYPES))}"
        raise UsageError("bad-datatype", message, hint="save the model with FP32 or FP16 instead")
    dtype: np.dtype[Any] = needs("numpy", "sklearn").dtype(_DTYPES[datatype])
    return dtype


def datatype_of(dtype: np.dtype[Any]) -> str | None:
    """The datatype for a dtype, or None where there is none, as for dates and complex numbers."""
    return "BYTES" if dtype.kind in _TEXTS else _DATATYPES.get(dtype.name)


def to_array(tensor: Tensor) -> Array:
    """The array that a tensor spells; text becomes an array of objects.

    Raises:
        UsageError: ``bad-input``, a value is not of the tensor's datatype; ``bad-datatype``.
    """
    wanted = dtype_of(tensor.datatype)
    if any(length < 0 for length in tensor.shape):
        raise bad_input(tensor.name, "the lengths of one tensor", f"shape {list(tensor.shape)}")
    flat = _wide(tensor.name, tensor.datatype, list(tensor.data))
    return cast(tensor.name, flat, wanted).reshape(tensor.shape)


def from_array(name: str, array: Array, *, finite: bool = True) -> Tensor:
    """The tensor of an array of numbers, truth values or text.

    Args:
        name: of the tensor.
        array: of any shape; text may be ``str`` or UTF-8 ``bytes``.
        finite: refuse NaN and infinity, which no bill and no answer can hold.

    Raises:
        UsageError: ``not-finite``; ``bad-datatype``, for arrays of anything else.
    """
    np = needs("numpy", "sklearn")
    try:
        array = as_array(array, name)
    except UsageError as error:
        message = f"'{name}' holds {array.dtype} values that no datatype of the Open Inference Protocol fits"
        raise UsageError(
            "bad-datatype", message, hint="convert it to numbers, truth values or text"
        ) from error
    datatype = datatype_of(array.dtype) or ""
    if finite and datatype in FLOATS and not np.isfinite(array).all():
        place = int(np.flatnonzero(~np.isfinite(array.reshape(-1)))[0])
        message = f"'{name}' at {place}: {array.reshape(-1)[place]} has no spelling in JSON"
        raise UsageError("not-finite", message, hint="use inputs for which the model gives finite numbers")
    return Tensor(name, datatype, tuple(array.shape), tuple(array.reshape(-1).tolist()))


def as_arrays(example: object) -> dict[str, Array]:
    """An example in any of the forms that people have one in, as named arrays.

    Args:
        example: an array, scalar or nested lists, which get the name ``input``; a mapping from names to
            these; a data frame or a list of records, of which each column becomes an array of one
            dimension; tensors, or their JSON form. A data frame whose columns are numbered is an array.

    Raises:
        UsageError: ``bad-input``: ragged lists, mixed types, types that no tensor holds.
    """
    if _is_frame(example):
        return _columns(example)
    if isinstance(example, Mapping):
        return {str(name): as_array(value, str(name)) for name, value in example.items()}
    if isinstance(example, (list, tuple)) and example:
        if all(isinstance(item, Tensor) for item in example):
            return _unique((item.name, to_array(item)) for item in example)
        if all(isinstance(item, Mapping) for item in example):
            return _mappings(example)
    return {UNNAMED: as_array(example)}


def as_array(value: object, name: str = UNNAMED) -> Array:
    """One array of numbers, truth values or text (as objects); ``name`` is for messages.

    Raises:
        UsageError: ``bad-input``.
    """
    np = needs("numpy", "sklearn")
    dense = getattr(value, "toarray", None)  # scipy's sparse matrices
    try:
        array: Array = np.asarray(dense() if dense else value)
        if array.dtype.kind in _TEXTS and not hasattr(value, "dtype"):
            array = np.asarray(value, dtype=object)  # NumPy spells numbers among texts as texts
    except (TypeError, ValueError) as error:
        hint = "every row needs the same number of values"
        raise bad_input(
            name, "an array or nested lists", f"what NumPy refuses: {error}", hint=hint
        ) from error
    if array.dtype.kind == "O":
        flat = [item.item() if hasattr(item, "item") else item for item in array.reshape(-1).tolist()]
        datatype = _guess(name, flat)
        array = cast(name, _wide(name, datatype, flat), dtype_of(datatype)).reshape(array.shape)
    elif array.dtype.kind in _TEXTS:
        array = _wide(name, "BYTES", array.reshape(-1).tolist()).reshape(array.shape)
    if datatype_of(array.dtype) is None:
        raise bad_input(name, "numbers, truth values or text", str(array.dtype))
    return array


def cast(name: str, array: Array, wanted: np.dtype[Any]) -> Array:
    """``array`` as ``wanted``, where that changes no value but for the rounding of floats.

    Raises:
        UsageError: ``bad-input``: other kinds, fractions for whole numbers, numbers out of range.
    """
    np = needs("numpy", "sklearn")
    if array.dtype == wanted:
        return array
    expected, got = _takes(str(datatype_of(wanted)))[1], str(datatype_of(array.dtype))
    if array.size and _KINDS[wanted.kind] != _KINDS[array.dtype.kind]:
        raise bad_input(name, expected, got)
    with np.errstate(all="ignore"):
        made: Array = array.astype(wanted)
    kept = np.isfinite(made) == np.isfinite(array) if wanted.kind == "f" else made == array
    if array.size and not kept.all():
        value = array.reshape(-1)[int(np.flatnonzero(~kept.reshape(-1))[0])]
        raise bad_input(name, expected, f"{value} in {got}")
    return made


def of_example(tensor: Tensor) -> TensorSpec:
    """The spec that one example shows: its first length, the number of rows, is free."""
    return TensorSpec(tensor.name, tensor.datatype, (DYNAMIC, *tensor.shape[1:]) if tensor.shape else ())


def described(array: Array) -> str:
    """An array in the words of messages, such as ``FP64 [3, 4]``."""
    return f"{datatype_of(array.dtype) or array.dtype} {list(array.shape)}"


def _is_frame(example: object) -> bool:
    return hasattr(example, "columns") and hasattr(example, "dtypes")


def _columns(frame: Any) -> dict[str, Array]:  # noqa: ANN401 - of pandas or polars, neither of which is needed
    if not all(isinstance(name, str) for name in frame.columns):
        return {UNNAMED: as_array(frame.to_numpy())}
    names = _unique((name, name) for name in frame.columns)
    return {name: as_array(frame[name].to_numpy(), name) for name in names}


def _unique(pairs: Iterable[tuple[str, T]]) -> dict[str, T]:
    made: dict[str, T] = {}
    for name, value in pairs:
        if name in made:
            raise bad_input(name, "every name once", "it twice")
        made[name] = value
    return made


def _mappings(items: Sequence[Mapping[str, Any]]) -> dict[str, Array]:
    if all("datatype" in item and "data" in item for item in items):
        tensors = [_parsed(number, item) for number, item in enumerate(items)]
        return _unique((tensor.name, to_array(tensor)) for tensor in tensors)
    names = list(items[0])
    for number, item in enumerate(items):
        if item.keys() != items[0].keys():
            raise bad_input(f"row {number}", f"the columns {names}", str(list(item)))
    return {str(name): as_array([item[name] for item in items], str(name)) for name in names}


def _parsed(number: int, item: Mapping[str, Any]) -> Tensor:
    # "parameters" are hints to servers, and no part of the tensor.
    keys = {key: value for key, value in item.items() if key != "parameters"}
    return Tensor.parse(Table(keys, f"inputs[{number}]", UsageError, "bad-input"))


def _takes(datatype: str) -> tuple[frozenset[type], str]:
    """The types of Python that spell a datatype, and the words for them."""
    if datatype == "BYTES":
        return frozenset({str, bytes}), f"text ({datatype})"
    if datatype == "BOOL":
        return frozenset({bool}), f"truth values ({datatype})"
    if datatype in FLOATS:
        return frozenset({int, float, type(None)}), f"numbers ({datatype})"
    return frozenset({int, float}), f"whole numbers ({datatype})"


def _guess(name: str, values: Sequence[object]) -> str:
    """The datatype of values of any type."""
    kinds = set(map(type, values))
    if kinds == {int}:
        return "INT64"
    for datatype in ("BYTES", "BOOL", "FP64"):
        if kinds <= _takes(datatype)[0]:
            return datatype
    found = ", ".join(sorted(kind.__name__ for kind in kinds))
    hint = "give columns of different types by name, as a data frame or mapping, and fill missing texts"
    raise bad_input(name, "numbers, truth values or text", f"a mix of {found}", hint=hint)


def _wide(name: str, datatype: str, values: Sequence[Any]) -> Array:
    """The values in the widest type of their kind, so that ``cast`` can tell what it would lose."""
    np = needs("numpy", "sklearn")
    takes, expected = _takes(datatype)
    kinds = set(map(type, values))
    if not kinds <= takes:
        wrong = next(value for value in values if type(value) not in takes)
        raise bad_input(name, expected, repr(wrong))
    if datatype == "BYTES":
        texts: Array = np.empty(len(values), dtype=object)
        texts[:] = [_text(name, value) for value in values]
        return texts
    if datatype == "BOOL" or kinds != {int} or datatype in FLOATS:
        return np.array(values, dtype="bool" if datatype == "BOOL" else "float64")  # type: ignore[no-any-return]
    try:
        return np.array(values, dtype="int64" if min(values) < 0 else "uint64")  # type: ignore[no-any-return]
    except OverflowError as error:
        raise bad_input(name, expected, "a number that no 64 bits hold") from error


def _text(name: str, value: str | bytes) -> str:
    try:
        return value if isinstance(value, str) else value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise bad_input(name, "text in UTF-8", repr(value)) from error
