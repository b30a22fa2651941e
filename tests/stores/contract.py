"""The stores that the contract of ``test_contract.py`` holds for: a new store adds a row to ``CASES``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lading.core.digest import Digest
from lading.stores.directory import DirectoryStore
from lading.stores.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lading.core.ports import WritableStore

KINDS: Final[tuple[type[WritableStore], ...]] = (DirectoryStore, MemoryStore)
"""Every class of store; the type checker holds each to the protocol."""


@dataclass(frozen=True, slots=True)
class StoreCase:
    """One way to get a store.

    Attributes:
        kind: the scheme, which names the case.
        make: an empty store, given a folder of the test's own.
    """

    kind: str
    make: Callable[[Path], WritableStore]

    def __str__(self) -> str:
        return self.kind


def _directory(folder: Path) -> WritableStore:
    root = folder / "st\u00f6re 1"
    return DirectoryStore(f"file://{root}", root)


def _memory(folder: Path) -> WritableStore:
    return MemoryStore(f"memory://{folder.name}")


CASES: Final = (StoreCase("file", _directory), StoreCase("memory", _memory))


def put(store: WritableStore, name: str, content: bytes) -> Digest:
    """Put a blob in pieces and return its digest."""
    digest = Digest.of(content)
    store.put_blob(name, digest, len(content), in_pieces(content))
    return digest


def in_pieces(content: bytes, length: int = 1000) -> Iterator[bytes]:
    """``content`` piece by piece, as a file is read."""
    for start in range(0, len(content), length):
        yield content[start : start + length]


def get(store: WritableStore, name: str, digest: Digest, start: int, end: int) -> bytes:
    """The bytes ``start`` to ``end`` of a blob."""
    return b"".join(store.read(name, digest, start, end))
