"""NumPy's dtypes and array states, checked where NumPy itself does not check.

NumPy restores a dtype's flags and offsets from a pickle as they come: an object dtype without its object
flag makes an array of pointers from bytes (tried on 2.4: ``dtype('O8').__setstate__`` with flags 0), and
a field may lie a million bytes behind its record. So a dtype is built anew from the parts that describe it.
"""

# ruff: noqa: ANN401 - what a stream holds is Any until it is checked here

from __future__ import annotations

import re
import sys
from typing import Any

from lading.formats.source import broken

_TYPE_CODE = re.compile(r"[<>=|]?[?bBhHiIlLqQefdgFDGSUVOMmuc]\d{0,9}")
_TIME_UNIT = re.compile(rb"[A-Za-z]{1,7}")
_STATE_LENGTH = (
    8  # of a dtype: version, order, subarray, names, fields, size, alignment, flags; then metadata
)
_ALIGNED = 0x80
_DTYPE_ARGUMENTS = 3  # the code, and two flags that change nothing about the value
_MOST_DIMENSIONS = 64  # NumPy's own limit


def expect(holds: object, thing: str) -> None:
    """Raise unless ``holds``: the stream gives ``thing`` what its library never writes."""
    if not holds:
        raise broken(f"the stream builds {thing} from arguments that its own library never writes")


def sized(parts: Any, length: int) -> bool:
    """Whether there are exactly ``length`` parts."""
    return len(parts) == length


def dtype_named(*args: Any) -> object:
    """The dtype for a type code; never the shared instance."""
    import numpy as np

    expect(
        1 <= len(args) <= _DTYPE_ARGUMENTS and type(args[0]) is str and _TYPE_CODE.fullmatch(args[0]),
        "a dtype",
    )
    return np.dtype(args[0], copy=True)


def count(shape: object) -> int:
    """How many elements an array of this shape has; raises unless it is a shape."""
    expect(type(shape) is tuple and len(shape) <= _MOST_DIMENSIONS, "an array")
    total = 1
    for length in shape:  # type: ignore[attr-defined]
        expect(isinstance(length, int) and length >= 0, "an array")
        total *= length
    # A length of zero would hide lengths beside it that no machine can address.
    expect(all(length < sys.maxsize for length in shape), "an array")  # type: ignore[attr-defined]
    return total


def is_dtype(made: object) -> bool:
    """Whether this is a NumPy dtype."""
    import_free = sys.modules.get("numpy")
    return import_free is not None and isinstance(made, import_free.dtype)


def is_array(made: object) -> bool:
    """Whether this is a NumPy array."""
    import_free = sys.modules.get("numpy")
    return import_free is not None and isinstance(made, import_free.ndarray)


def array_state(made: object, state: Any) -> list[object]:
    """The objects that ``state`` puts into an array; raises unless its data fill its shape exactly."""
    import numpy as np

    masked = isinstance(made, np.ma.MaskedArray)
    expect(type(state) is tuple and sized(state, 7 if masked else 5), "an array")
    _, shape, dtype, fortran, data = state[:5]
    expect(isinstance(dtype, np.dtype) and isinstance(fortran, (bool, int)), "an array")
    wanted = count(shape)
    if dtype.hasobject:
        expect(type(data) is list and len(data) == wanted, "an array")
    else:
        expect(type(data) is bytes and len(data) == wanted * dtype.itemsize, "an array")
    if masked:
        expect(not dtype.names and type(state[5]) is bytes and len(state[5]) == wanted, "an array")
    return data if dtype.hasobject else []


def inner_dtypes(state: Any) -> list[object]:
    """The dtypes that a checked dtype state holds."""
    _, _, subarray, _, fields = state[:5]
    if fields is not None:
        return [part[0] for part in fields.values()]
    return [] if subarray is None else [subarray[0]]


def dtype_of(base: Any, state: Any) -> Any:
    """The dtype that ``state`` describes, from checked parts; ``base`` is what the stream made."""
    import numpy as np

    expect(type(state) is tuple and len(state) in {_STATE_LENGTH, _STATE_LENGTH + 1}, "a dtype")
    _, order, subarray, names, fields, size, _, flags = state[:_STATE_LENGTH]
    if fields is not None:
        return _structure(names, fields, size, align=type(flags) is int and bool(flags & _ALIGNED))
    if subarray is not None:
        expect(type(subarray) is tuple and sized(subarray, 2), "a dtype")
        inner, shape = subarray
        expect(isinstance(inner, np.dtype) and not inner.hasobject and count(shape) >= 0, "a dtype")
        return np.dtype((inner, shape))
    if base.kind in "mM" and len(state) > _STATE_LENGTH and state[_STATE_LENGTH] is not None:
        base = _moment(base.kind, state[_STATE_LENGTH])
    expect(order in {"<", ">", "|", "="}, "a dtype")
    return base.newbyteorder(order) if order in "<>" else base


def _structure(names: Any, fields: Any, size: Any, *, align: bool) -> Any:
    import numpy as np

    expect(type(names) is tuple and type(fields) is dict and type(size) is int and size >= 0, "a dtype")
    expect(all(type(name) is str and type(fields.get(name)) is tuple for name in names), "a dtype")
    parts = [fields[name] for name in names]
    expect(
        all(sized(part, 2) and isinstance(part[0], np.dtype) and type(part[1]) is int for part in parts),
        "a dtype",
    )
    # Objects inside records are not needed by any model, and are where offsets would do harm.
    expect(all(part[1] >= 0 and not part[0].hasobject for part in parts), "a dtype")
    formats, offsets = [part[0] for part in parts], [part[1] for part in parts]
    layout = {"names": list(names), "formats": formats, "offsets": offsets, "itemsize": size}
    return np.dtype(layout, align=align)  # type: ignore[call-overload]


def _moment(kind: str, metadata: Any) -> Any:
    import numpy as np

    expect(type(metadata) is tuple and sized(metadata, 2) and type(metadata[1]) is tuple, "a dtype")
    expect(sized(metadata[1], 4), "a dtype")
    unit, number = metadata[1][:2]
    expect(type(unit) is bytes and type(number) is int and _TIME_UNIT.fullmatch(unit), "a dtype")
    text = unit.decode("ascii")
    return np.dtype(f"{kind}8" if text == "generic" else f"{kind}8[{number}{text}]")
