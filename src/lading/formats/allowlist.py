"""Which names a pickle may refer to, and which of them it may call."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Self

from lading.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

Pair = tuple[str, str]

_LISTS = ("python", "numpy", "scipy", "sklearn")


@dataclass(frozen=True)
class AllowList:
    """Exact (module, name) pairs; never prefixes, patterns or dotted names.

    Attributes:
        pairs: what a stream may name. A class among them may be made bare (``cls.__new__(cls)``), a
            function may only be held as a value.
        calls: the pairs that a stream may also call with arguments of its own choosing.
    """

    pairs: frozenset[Pair]
    calls: frozenset[Pair]

    def __post_init__(self) -> None:
        for module, name in self.pairs | self.calls:
            # A dotted name walks over attributes, and so may end anywhere: many modules hold `os`.
            if not name.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
                message = f"{module} {name} is not a module and one plain name in it"
                raise UsageError("bad-pair", message, hint="write the pair as: package.module Name")

    @classmethod
    def builtin(cls) -> Self:
        """The packaged lists: what fitted scikit-learn models are made of. May be called often."""
        pairs, calls = _packaged()
        return cls(pairs, calls)

    def union(self, pairs: Iterable[Pair]) -> Self:
        """This list and more exact pairs, which a stream may name and call.

        Whoever adds a pair vouches for it: its code runs with arguments from the file.
        """
        extra = frozenset(pairs)
        return type(self)(self.pairs | extra, self.calls | extra)


@cache
def _packaged() -> tuple[frozenset[Pair], frozenset[Pair]]:
    pairs = frozenset[Pair]().union(*(_read(stem) for stem in _LISTS))
    return pairs, _read("calls")


def _read(stem: str) -> frozenset[Pair]:
    text = resources.files("lading.formats").joinpath("allowed", f"{stem}.txt").read_text(encoding="ascii")
    lines = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    return frozenset((module, name) for module, name in lines)
