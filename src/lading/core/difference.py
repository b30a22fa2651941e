"""How two versions differ: in their files, in their blocks, and in what their bills say beside them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from lading.core import canonical
from lading.core.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lading.core.bill import Bill, FileEntry
    from lading.core.blocks import BlockList

Pair: TypeAlias = "tuple[FileEntry, FileEntry]"
"""A file as the old version has it, and as the new one has it."""


class Absent:
    """What stands for a value that a bill does not have; JSON's null is a value."""


ABSENT: Final = Absent()


@dataclass(frozen=True, slots=True)
class Change:
    """One value that two bills do not share.

    Attributes:
        path: the keys that lead to it in the bill, such as ``("metrics", "accuracy")``.
        old: the value in the old bill, or ``ABSENT``.
        new: the value in the new bill, or ``ABSENT``.
    """

    path: tuple[str, ...]
    old: object
    new: object

    @property
    def amount(self) -> float | None:
        """By how much a metric grew; None for what is no metric or no number, or too far apart to say."""
        values = (self.old, self.new)
        if self.path[0] != "metrics" or not all(type(value) in {int, float} for value in values):
            return None
        grown: float = self.new - self.old  # type: ignore[operator]
        return grown if math.isfinite(grown) else None

    def document(self) -> dict[str, Any]:
        """``old`` and ``new``, each only where it is, and for a metric that is a number ``change``."""
        said = {"old": self.old, "new": self.new, "change": ABSENT if self.amount is None else self.amount}
        return {key: value for key, value in said.items() if value is not ABSENT}


@dataclass(frozen=True, slots=True)
class Difference:
    """What is other in the version ``new`` than in the version ``old``.

    Attributes:
        added: files that only the new version has.
        removed: files that only the old version has.
        changed: files of one path and different content.
        moved: files that only their path tells apart; they are not among the added and removed.
        equal: how many files both versions have.
        shared_bytes: the bytes of the new version's files in blocks that the old version has too.
        metadata: what else the bills say differently, in the order of the keys. A golden example stands
            there as the digest of its canonical JSON.
    """

    old: Bill
    new: Bill
    added: tuple[FileEntry, ...]
    removed: tuple[FileEntry, ...]
    changed: tuple[Pair, ...]
    moved: tuple[Pair, ...]
    equal: int
    shared_bytes: int
    metadata: tuple[Change, ...]

    @property
    def same(self) -> bool:
        """Whether ``push`` would take one for the other; their metrics, say, may differ all the same."""
        return self.old.same(self.new)

    @property
    def new_bytes(self) -> int:
        """The bytes of the new version's files in blocks that the old version does not have."""
        return self.new.size - self.shared_bytes

    def document(self) -> dict[str, Any]:
        """The JSON form; ``metadata`` is nested as in the bill and holds only what differs."""
        return {
            "a": _version(self.old),
            "b": _version(self.new),
            "same": self.same,
            "files": {
                "added": [_file(entry) for entry in self.added],
                "removed": [_file(entry) for entry in self.removed],
                "changed": [_both(pair) for pair in self.changed],
                "moved": [{**_file(new), "from": old.path} for old, new in self.moved],
                "equal": self.equal,
            },
            "blocks": {"shared": self.shared_bytes, "new": self.new_bytes},
            "metadata": _nested(self.metadata),
        }


def compare(old: Bill, old_blocks: BlockList, new: Bill, new_blocks: BlockList) -> Difference:
    """How the version ``new`` differs from the version ``old``, each with its own block list."""
    before = {entry.path: entry for entry in old.files}
    after = {entry.path: entry for entry in new.files}
    added = [entry for entry in new.files if entry.path not in before]
    removed = [entry for entry in old.files if entry.path not in after]
    moved = _moves(removed, added)
    both = [(before[entry.path], entry) for entry in new.files if entry.path in before]
    changed = tuple(pair for pair in both if pair[0] != pair[1])
    went, came = {pair[0].path for pair in moved}, {pair[1].path for pair in moved}
    return Difference(
        old,
        new,
        added=tuple(entry for entry in added if entry.path not in came),
        removed=tuple(entry for entry in removed if entry.path not in went),
        changed=changed,
        moved=moved,
        equal=len(both) - len(changed),
        shared_bytes=_shared(old, old_blocks, new, new_blocks),
        metadata=tuple(_changes((), _said(old), _said(new))),
    )


def _moves(removed: Sequence[FileEntry], added: Sequence[FileEntry]) -> tuple[Pair, ...]:
    gone: dict[Digest, list[FileEntry]] = {}
    for entry in removed:
        if entry.size:  # that two files are empty does not make them one that moved
            gone.setdefault(entry.digest, []).append(entry)
    return tuple((gone[entry.digest].pop(0), entry) for entry in added if gone.get(entry.digest))


def _shared(old: Bill, old_blocks: BlockList, new: Bill, new_blocks: BlockList) -> int:
    # Equal files may be cut differently, where the versions come from stores with other averages.
    whole = {entry.digest for entry in old.files}
    known = {block for blocks in old_blocks.files for block in blocks}
    return sum(
        entry.size if entry.digest in whole else sum(block.length for block in blocks if block in known)
        for entry, blocks in zip(new.files, new_blocks.files, strict=True)
    )


def _said(bill: Bill) -> dict[str, Any]:
    said = bill.metadata.document()
    if "golden" in said:
        # A whole example is too long to be shown beside another; all that counts is whether it is equal.
        said["golden"] = str(Digest.of(canonical.encode(said["golden"], "the golden example")))
    return said


def _changes(path: tuple[str, ...], old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key, ABSENT), new.get(key, ABSENT)
        tables = [{} if value is ABSENT else value for value in (was, now)]
        if any(tables) and all(isinstance(table, Mapping) for table in tables):
            yield from _changes((*path, key), *tables)
        elif _spelled(was) != _spelled(now):
            yield Change((*path, key), was, now)


def _spelled(value: object) -> bytes | None:
    # Python takes True for 1; JSON, and so the bill's digest, does not.
    return None if value is ABSENT else canonical.encode(value, "a value of a bill")


def _nested(changes: Sequence[Change]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for change in changes:
        *tables, key = change.path
        place = nested
        for table in tables:
            place = place.setdefault(table, {})
        place[key] = change.document()
    return nested


def _version(bill: Bill) -> dict[str, str]:
    return {"name": bill.name, "version": bill.version, "digest": str(bill.digest)}


def _file(entry: FileEntry) -> dict[str, Any]:
    return {"path": entry.path, "size": entry.size, "sha256": entry.digest.hex}


def _both(pair: Pair) -> dict[str, Any]:
    old, new = pair
    return {"path": new.path, "size": [old.size, new.size], "sha256": [old.digest.hex, new.digest.hex]}
