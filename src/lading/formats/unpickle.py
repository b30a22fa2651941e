"""The one unpickler of the project, ours down to nested streams.

What a stream can do here, whatever it says: name exact pairs of the allow-list; hold them as values;
make a bare instance of an allowed class; call the few pairs that are listed as calls, most of them with
judged arguments; and give each thing that it made one state. It cannot walk attributes, call what it
made, touch a class, a function or a finished object, or use persistent ids and the copyreg registry.

It is built on CPython's pickle machine in Python, since the one in C cannot be asked before it calls.
Instructions are taken over by name, so one that a later Python adds is refused until it is read.

Not covered: native code of allowed libraries trusts the *numbers* in a model (indices in a tree, a
sparse matrix or a support vector machine), so a hostile model may crash its process when it predicts.
"""

# ruff: noqa: ANN401, D102 - what a stream holds is Any until it is checked here (D102: load_x is the instruction X)

from __future__ import annotations

import enum
import functools
import pickle  # noqa: TID251 - this is the module that the ban points to
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, BinaryIO, cast

from lading.core.errors import IntegrityError, LadingError, UnavailableError
from lading.formats import ndarrays, rebuild
from lading.formats.allowlist import AllowList, Pair
from lading.formats.opcodes import Table, instructions
from lading.formats.resolve import current, resolve
from lading.formats.source import Source, broken, described, shown, unsafe

__all__ = ["AllowList", "Unpickler", "load"]

_SHARED = (type, ModuleType, FunctionType, BuiltinFunctionType, enum.Enum)
_TALLEST = 100
_HEAVIEST = 1 << 24
_BASE: Any = pickle._Unpickler  # noqa: SLF001 - see above; joblib has relied on the same class since 2010


class Unpickler(_BASE):  # type: ignore[misc]
    """Loads one pickle; reads not a byte past its end.

    Subclasses may override ``find_class`` and ``restore`` to read containers that mix pickles with
    other data.
    """

    stack: list[Any]
    memo: dict[int, Any]
    dispatch: Table = Table()

    def __init__(self, source: Source, allowed: AllowList) -> None:
        super().__init__(source)
        self.source = source
        self.allowed = allowed
        # By identity, with the object beside it so that the identity stays taken.
        self._globals: dict[int, tuple[Pair, Any]] = {}
        self._unbuilt: dict[int, Any] = {}
        self._heights: dict[int, tuple[int, int, Any]] = {}

    def run(self) -> Any:
        """The object in the stream; every failure is a ``LadingError``."""
        try:
            return self.load()
        except LadingError:
            raise
        except Warning as warning:
            # Raised by libraries where the caller has turned warnings into errors.
            message = f"a library warns while loading: {described(warning)}"
            raise IntegrityError("version-skew", message) from warning
        except OSError as error:
            if error.errno is None:  # what decompressors raise about their data
                raise broken(f"the stream is damaged: {described(error)}") from error
            raise UnavailableError("read-failed", f"reading the stream failed: {error}") from error
        except Exception as error:  # whatever a damaged stream makes of the machine and of libraries
            raise broken(f"the stream is damaged: {described(error)}") from error

    def find_class(self, module: str, name: str) -> Any:
        """The real attribute for an allowed pair; anything else is a ``PolicyError``."""
        pair = current((module, name), python2=self.proto < 3)  # noqa: PLR2004 - protocol 3 is Python 3's first
        if pair not in self.allowed.pairs and pair not in rebuild.STAND_INS:
            thing = shown(f"{module}.{name}")
            raise unsafe(f"the file refers to {thing}, which is not on the list of safe names")
        found = rebuild.STAND_INS[pair] if pair in rebuild.STAND_INS else resolve(pair)
        self._globals[id(found)] = (pair, found)
        return found

    def _pair(self, function: object) -> Pair:
        if id(function) not in self._globals:
            raise unsafe(f"the file calls a {type(function).__name__} that it made itself")
        return self._globals[id(function)][0]

    def _call(self, function: Any, args: Any, keywords: Any = None) -> Any:
        pair = self._pair(function)
        if pair not in self.allowed.calls and pair not in rebuild.STAND_INS:
            raise unsafe(f"the file calls {'.'.join(pair)}, which may only be referred to")
        if type(args) is not tuple or (keywords is not None and type(keywords) is not dict):
            raise broken("the stream calls something with arguments that are no tuple")
        build, open_ended = rebuild.judge(pair, function)
        made = build(*args, **(keywords or {}))
        if open_ended:
            self._expect_state(made)
        if isinstance(made, tuple):
            self._weigh(made, made)
        return made

    def _bare(self, kind: Any) -> Any:
        pair = self._pair(kind)
        if not isinstance(kind, type) or rebuild.judge(pair, kind)[0] is not kind:
            raise unsafe(f"the file makes a bare {'.'.join(pair)}, which no library writes")
        made = cast("Any", kind).__new__(kind)
        self._expect_state(made)
        return made

    def _expect_state(self, made: Any) -> None:
        # Shared objects that a call merely hands out are no one's to change.
        if not isinstance(made, _SHARED) and id(made) not in self._globals:
            self._unbuilt[id(made)] = made

    def load_reduce(self) -> None:
        args = self.stack.pop()
        function = self.stack[-1]
        if self._pair(function) == ("copyreg", "_reconstructor"):
            # Protocols 0 and 1: (class, object, None) is a bare instance, all other bases carry a value.
            if type(args) is not tuple or args[1:] != (object, None):
                raise broken(
                    "the stream rebuilds a subclass of a built-in type; save with protocol 2 or later"
                )
            self.stack[-1] = self._bare(args[0])
        else:
            self.stack[-1] = self._call(function, args)

    def load_newobj(self) -> None:
        args = self.stack.pop()
        kind = self.stack.pop()
        self.stack.append(self._call(kind, args) if args else self._bare(kind))

    def load_newobj_ex(self) -> None:
        keywords, args, kind = self.stack.pop(), self.stack.pop(), self.stack.pop()
        self.stack.append(self._call(kind, args, keywords) if args or keywords else self._bare(kind))

    def load_inst(self) -> None:
        module, name = (self.readline()[:-1].decode("ascii") for _ in range(2))
        args = self.pop_mark()
        kind = self.find_class(module, name)
        self.stack.append(self._call(kind, tuple(args)) if args else self._bare(kind))

    def load_obj(self) -> None:
        kind, *args = self.pop_mark()
        self.stack.append(self._call(kind, tuple(args)) if args else self._bare(kind))

    def load_build(self) -> None:
        state = self.stack.pop()
        made = self.stack[-1]
        if self._unbuilt.pop(id(made), None) is None:
            raise unsafe(f"the file changes a {type(made).__name__} that it did not just make")
        restored = self.restore(made, state)
        if restored is not made:
            self._replace(made, restored)

    def _replace(self, old: object, new: object) -> None:
        self.stack[-1] = new
        # The memo's entry was made just before the state was read, so it is found from the end.
        for key in reversed(self.memo):
            if self.memo[key] is old:
                self.memo[key] = new
                return

    def restore(self, made: Any, state: Any) -> Any:
        """Give ``made`` its state; returns ``made`` or what replaces it."""
        if ndarrays.is_dtype(made):
            # Never changed in place: an array may already lie in memory by it.
            return self._weigh(ndarrays.dtype_of(made, state), ndarrays.inner_dtypes(state))
        if ndarrays.is_array(made):
            objects = ndarrays.array_state(made, state)
            if objects:
                self._weigh(made, objects)
        else:
            rebuild.other_state(made, state)
        rebuild.set_state(made, state)
        return made

    def _weigh(self, whole: Any, parts: Any) -> Any:
        """Refuse towers: C code hashes, compares and frees tuples and arrays by recursion.

        Height is bounded for the C stack; weight, with shared parts counted again, for the time that
        hashing takes.
        """
        known = [self._heights[id(part)] for part in parts if id(part) in self._heights]
        height = 1 + max((height for height, _, _ in known), default=0)
        weight = 1 + len(parts) + sum(weight for _, weight, _ in known)
        if height > _TALLEST or weight > _HEAVIEST:
            raise broken(f"the stream nests values more than {_TALLEST} deep, or {_HEAVIEST} in all")
        if known or not isinstance(whole, tuple) or any(type(part) is tuple and part for part in parts):
            self._heights[id(whole)] = (height, weight, whole)
        return whole

    def _tuple(self, parts: list[Any]) -> None:
        self.stack.append(self._weigh(tuple(parts), parts))

    def load_tuple(self) -> None:
        self._tuple(self.pop_mark())

    def load_tuple_of(self, length: int) -> None:
        if len(self.stack) < length:
            raise broken("the stream takes more values than it gave")
        parts = self.stack[-length:]
        del self.stack[-length:]
        self._tuple(parts)

    def load_append(self) -> None:
        item = self.stack.pop()
        top = self._mutable(list)
        type(top).append(top, item)

    def load_appends(self) -> None:
        items = self.pop_mark()
        top = self._mutable(list)
        type(top).extend(top, items)

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._mutable(dict)[key] = value

    def load_setitems(self) -> None:
        items = self.pop_mark()
        top = self._mutable(dict)
        type(top).update(top, zip(items[::2], items[1::2], strict=True))

    def load_additems(self) -> None:
        items = self.pop_mark()
        top = self._mutable(set)
        type(top).update(top, items)

    def _mutable(self, kind: type) -> Any:
        """The collection on top of the stack: this stream's own, and no duck that merely has its methods.

        Methods are taken from its class, since the stream may have planted others in the instance.
        """
        top = self.stack[-1]
        if not isinstance(top, (kind, *rebuild.ALSO.get(kind, ()))) or id(top) in self._globals:
            raise unsafe(f"the file adds items to a {type(top).__name__}")
        return top

    def load_bytearray8(self) -> None:
        size = int.from_bytes(self.read(8), "little")
        self.stack.append(bytearray(self.read(size)))

    def load_refused(self) -> None:
        raise unsafe("the file uses persistent ids, extension codes or outside buffers, which no model needs")


def _take_tuple(length: int, machine: Any) -> None:
    machine.load_tuple_of(length)


Unpickler.dispatch = instructions(
    _BASE.dispatch,
    {name[5:].upper(): method for name, method in vars(Unpickler).items() if name.startswith("load_")}
    | {f"TUPLE{length}": functools.partial(_take_tuple, length) for length in (1, 2, 3)},
)


def load(stream: BinaryIO, allowed: AllowList) -> object:
    """The object in the plain pickle at the stream's position, which ends just behind it.

    Peak memory is the object and its largest bytes value once more. The caller closes the stream.

    Raises:
        PolicyError: ``unsafe-pickle``, the stream wants what the list does not allow; nothing ran.
        IntegrityError: ``broken-pickle``, it is cut short, damaged, hostile in size or depth, or no
            pickle; ``version-skew``, the installed library lacks a name.
        UsageError: ``missing-extra``, the library that the object needs is not installed.
        UnavailableError: ``read-failed``, the operating system could not read the stream.
    """
    return Unpickler(Source(stream), allowed).run()
