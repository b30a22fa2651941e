"""Which of pickle's instructions are run, and by whom.

Instructions are taken over by name, so one that a later Python adds is refused until it is read.
"""

from __future__ import annotations

import pickle  # noqa: TID251 - its opcodes, for the one unpickler
from typing import TYPE_CHECKING, Any

from lading.formats.source import broken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Those that only move plain values between the stream, the stack and the memo: pickle's own code runs them.
_PLAIN = (
    "PROTO FRAME NONE NEWFALSE NEWTRUE INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING "
    "BINSTRING SHORT_BINSTRING BINBYTES BINBYTES8 SHORT_BINBYTES UNICODE BINUNICODE BINUNICODE8 "
    "SHORT_BINUNICODE EMPTY_TUPLE EMPTY_LIST EMPTY_DICT EMPTY_SET FROZENSET LIST DICT GLOBAL STACK_GLOBAL "
    "POP POP_MARK DUP GET BINGET LONG_BINGET PUT BINPUT LONG_BINPUT MEMOIZE MARK STOP"
)
_REFUSED = "EXT1 EXT2 EXT4 PERSID BINPERSID NEXT_BUFFER READONLY_BUFFER"
# Those that call, change or measure: ours.
_OURS = (
    "REDUCE NEWOBJ NEWOBJ_EX INST OBJ BUILD TUPLE TUPLE1 TUPLE2 TUPLE3 APPEND APPENDS SETITEM SETITEMS "
    "ADDITEMS BYTEARRAY8"
)


class Table(dict[int, "Callable[[Any], None]"]):
    """What to run for each instruction's byte; a byte that is no instruction is an ``IntegrityError``."""

    def __missing__(self, key: int) -> Callable[[Any], None]:
        """Raise, since there is no such instruction."""
        raise broken(f"not a pickle, or a damaged one: byte {key:#04x} is no instruction")


def instructions(
    plain: Mapping[int, Callable[[Any], None]], ours: Mapping[str, Callable[[Any], None]]
) -> Table:
    """The table from pickle's own methods by byte and ours by name, which holds ``REFUSED`` too."""
    table = Table({_byte(name): plain[_byte(name)] for name in _PLAIN.split()})
    table.update({_byte(name): ours["REFUSED"] for name in _REFUSED.split()})
    table.update({_byte(name): ours[name] for name in _OURS.split()})
    return table


def _byte(name: str) -> int:
    code: bytes = getattr(pickle, name)
    return code[0]
