"""Rebuilding values whose own reconstructors trust their arguments, and states, too much.

Many call what they are given, or trust its length. So these are *judged*: arguments and states of any
shape but the one that their library writes are refused, and the value is built from checked parts.
"""

# ruff: noqa: ANN401 - what a stream holds is Any until it is checked here

from __future__ import annotations

import collections
import functools
import sys
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any

from lading.formats import ndarrays
from lading.formats.ndarrays import expect, sized
from lading.formats.source import unsafe

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.formats.allowlist import Pair

_MT19937_WORDS = 624
_FACTORIES = (None, int, float, str, bool, list, dict, set, tuple)


def _encode(*args: Any) -> bytes:
    expect(sized(args, 2) and type(args[0]) is str and args[1] == "latin1", "bytes")
    text: str = args[0]
    return text.encode("latin1")


def _bytes(*args: Any) -> bytes:
    expect(not args, "bytes")
    return b""


def _bytearray(*args: Any) -> bytearray:
    # A number would set aside that many bytes.
    expect(not args or (sized(args, 1) and type(args[0]) is bytes), "a bytearray")
    return bytearray(*args)


def _numbers(kind: Callable[..., object]) -> Callable[..., object]:
    def build(*args: Any) -> object:
        expect(all(type(arg) in {int, float, str, type(None)} for arg in args), kind.__name__)
        return kind(*args)

    return build


def _collection(kind: Callable[..., object]) -> Callable[..., object]:
    def build(*args: Any) -> object:
        expect(all(type(arg) is list for arg in args), kind.__name__)
        return kind(*args)

    return build


def _defaultdict(*args: Any) -> object:
    # The factory is called on every missing key, behind this reader's back.
    expect(sized(args, 1) and any(args[0] is kind for kind in _FACTORIES), "a defaultdict")
    return collections.defaultdict(args[0])


def _partial(*args: Any) -> object:
    """HistGradientBoosting on categories holds ``partial(check_array)``; no other partial is made."""
    check = getattr(sys.modules.get("sklearn.utils.validation"), "check_array", None)
    if check is None or len(args) != 1 or args[0] is not check:
        raise unsafe("the file makes a functools.partial of something else than sklearn's check_array")
    return functools.partial(check)


def _array(*args: Any) -> object:
    import numpy as np

    expect(sized(args, 3) and args[0] in (np.ndarray, np.matrix), "an array")
    expect(args[1] == (0,) and args[2] in (b"b", "b"), "an array")
    return np.ndarray.__new__(args[0], (0,), "b")


def _masked(*args: Any) -> object:
    import numpy as np

    expect(
        args[:2] == (np.ma.MaskedArray, np.ndarray) and args[2:] in (((0,), "b"), ((0,), b"b")), "an array"
    )
    return np.ma.MaskedArray(np.empty((0,), "b"), mask=np.empty((0,), "?"), dtype="b")


def _scalar(*args: Any) -> object:
    import numpy as np

    expect(sized(args, 2) and isinstance(args[0], np.dtype) and type(args[1]) is bytes, "a number")
    expect(not args[0].hasobject and len(args[1]) == args[0].itemsize, "a number")
    return np.frombuffer(args[1], args[0])[0] if args[0].itemsize else np.zeros((), args[0])[()]


def _frombuffer(*args: Any) -> object:
    import numpy as np

    expect(len(args) in {4, 5}, "an array")
    # From 2.3 a fifth argument tells how axes lie that are neither in C's order nor in Fortran's.
    data, dtype, shape, order, axes = (*args, None)[:5]
    expect(type(data) in {bytes, bytearray} and order in ({"C", "F"} if axes is None else {"K"}), "an array")
    expect(isinstance(dtype, np.dtype) and not dtype.hasobject, "an array")
    expect(len(data) == dtype.itemsize * ndarrays.count(shape), "an array")
    array: Any = np.ndarray(shape, dtype, buffer=data, order="F" if order == "F" else "C")
    return array if axes is None else array.transpose(axes)


def _random(function: Callable[..., object]) -> Callable[..., object]:
    def build(*args: Any) -> object:
        from numpy.random import BitGenerator, _pickle

        def plain(arg: object) -> bool:
            # The second argument of the older forms is called: only NumPy's own may stand there.
            kind = isinstance(arg, type) and issubclass(arg, BitGenerator)
            ours = arg is getattr(_pickle, "__bit_generator_ctor")
            return kind or ours or isinstance(arg, (str, BitGenerator))

        expect(all(plain(arg) for arg in args), "a random state")
        return function(*args)

    return build


def _tree(*args: Any) -> object:
    import numpy as np
    from sklearn.tree._tree import Tree

    expect(sized(args, 3) and type(args[0]) is int and args[0] >= 0 and type(args[2]) is int, "a tree")
    # Tree copies n_outputs numbers out of this array without looking at its length.
    expect(type(args[1]) is np.ndarray and args[1].dtype == np.intp and args[1].shape == (args[2],), "a tree")
    return Tree(*args)


def _bare(*args: Any) -> object:
    expect(sized(args, 1) and isinstance(args[0], type), "an index of neighbours")
    return args[0].__new__(args[0])


# Values that are finished when they are made, and those that a state completes.
STAND_INS: dict[Pair, Callable[..., object]] = {("functools", "partial"): _partial}
ALSO: dict[type, tuple[type, ...]] = {list: (collections.deque,)}
FINISHED: dict[Pair, Callable[..., object]] = {
    ("_codecs", "encode"): _encode,
    ("builtins", "bytes"): _bytes,
    ("builtins", "bytearray"): _bytearray,
    ("builtins", "complex"): _numbers(complex),
    ("builtins", "range"): _numbers(range),
    ("builtins", "slice"): _numbers(slice),
    ("builtins", "set"): _collection(set),
    ("builtins", "frozenset"): _collection(frozenset),
    ("collections", "defaultdict"): _defaultdict,
    ("numpy._core.multiarray", "scalar"): _scalar,
    ("numpy._core.numeric", "_frombuffer"): _frombuffer,
}
UNFINISHED: dict[Pair, Callable[..., object]] = {
    ("functools", "partial"): _partial,
    ("numpy", "dtype"): ndarrays.dtype_named,
    ("numpy._core.multiarray", "_reconstruct"): _array,
    ("numpy.ma.core", "_mareconstruct"): _masked,
    ("sklearn.tree._tree", "Tree"): _tree,
    ("sklearn.metrics._dist_metrics", "newObj"): _bare,
    ("sklearn.neighbors._ball_tree", "newObj"): _bare,
    ("sklearn.neighbors._kd_tree", "newObj"): _bare,
}


def judge(pair: Pair, function: Callable[..., object]) -> tuple[Callable[..., object], bool]:
    """What to call instead of ``function``, and whether a state may follow for the result."""
    if pair in FINISHED:
        return FINISHED[pair], False
    if pair[0].startswith(
        "numpy.random._"
    ):  # the constructors, and the bit generators, of which none is bare
        return _random(function), True
    return UNFINISHED.get(pair, function), True


def other_state(made: object, state: Any) -> None:
    """Raise if the state of something that is neither array nor dtype is one to refuse."""
    if isinstance(made, functools.partial):
        _partial_state(made, state)
    elif type(made).__module__.startswith("numpy.random"):
        _generator_state(state)


def _partial_state(held: functools.partial[object], state: Any) -> None:
    """Raise unless ``state`` keeps the function of a partial and gives it plain keywords."""
    expect(type(state) is tuple and sized(state, 4), "a partial")
    function, args, keywords, namespace = state
    expect(function is held.func and args == () and not namespace, "a partial")
    expect(keywords is None or type(keywords) is dict, "a partial")


def _generator_state(state: Any) -> None:
    """Raise unless a Mersenne twister's position lies inside its table: NumPy reads there unchecked."""
    inner = state[0] if isinstance(state, tuple) and state else state
    numbers = inner.get("state") if isinstance(inner, dict) else None
    if isinstance(numbers, dict) and "pos" in numbers:
        expect(type(numbers["pos"]) is int and 0 <= numbers["pos"] <= _MT19937_WORDS, "a random state")


def set_state(made: Any, state: Any) -> None:
    """What BUILD does, for an instance that was just made; looks at its class only, never at itself."""
    slots: Any = None
    setter = getattr(type(made), "__setstate__", None)
    if setter is None and type(state) is tuple and sized(state, 2):  # copyreg's (dict, slots)
        state, slots = state
    for part in (state, slots):
        if isinstance(part, dict) and any(type(key) is str and key[:2] == key[-2:] == "__" for key in part):
            raise unsafe(f"the file sets special attributes of a {type(made).__name__}")
    if setter is not None:
        setter(made, state)
        return
    # Exact dictionaries: a subclass may carry an `items` that the stream planted.
    expect(all(part is None or type(part) is dict for part in (state, slots)), f"a {type(made).__name__}")
    if state:
        vars(made).update({sys.intern(key): value for key, value in state.items()})
    for key, value in (slots or {}).items():
        descriptor = getattr(type(made), key, None)
        if not isinstance(descriptor, MemberDescriptorType):
            raise unsafe(f"the file sets {key} of a {type(made).__name__}, which is no slot")
        descriptor.__set__(made, value)
