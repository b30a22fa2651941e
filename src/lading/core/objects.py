"""Plain objects under keys: the little that a store needs from whatever holds its bytes.

A folder, a bucket and a process's memory are each an ``Objects``; where versions, blobs and events lie among
the keys is said once, by the layout of stores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PROBE_KEY: Final = ".lading-probe"
"""What is created to see whether a place creates a key only once; it stays there."""
PROBE: Final = b"lading: is a key created once?\n"


@dataclass(frozen=True, slots=True)
class Found:
    """An object that is there.

    Attributes:
        key: its whole key below the place's URL, with ``/`` between the parts.
        size: in bytes.
        modified_s: when it was last written, in seconds since 1970 by the clock of whoever holds it.
        etag: the holder's own tag of the content, unquoted, or an empty string.
    """

    key: str
    size: int
    modified_s: float
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """What web servers and caches are told of an object.

    Attributes:
        content_type: its media type.
        changes: whether it may be replaced, so that no cache may keep it unasked.
    """

    content_type: str = "application/octet-stream"
    changes: bool = False


@dataclass(frozen=True, slots=True)
class Entries:
    """What lies directly in a folder: the names of folders in it, and its own objects, both in order."""

    folders: tuple[str, ...]
    objects: tuple[Found, ...]


class Objects(Protocol):
    """Objects that can be read and listed.

    Every method may raise ``UnavailableError``, or an error that says what is wrong with the credentials,
    also while what it returned is being iterated. No method verifies any content.
    """

    @property
    def url(self) -> str:
        """How messages name the place; it holds no credentials."""
        ...

    def head(self, key: str) -> Found | None:
        """What is known of an object, or None where there is none."""
        ...

    def get(self, key: str, limit: int) -> bytes | None:
        """The first ``limit`` bytes of a small object, or None where there is none."""
        ...

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes ``start`` to ``end`` (exclusive), in pieces of at most 1 MiB; fewer where it ends sooner.

        Raises:
            NotFoundError: ``no-object``.
        """
        ...

    def entries(self, folder: str, after: str = "") -> Entries:
        """What lies directly in ``folder``, which ends with ``/`` or is empty.

        Args:
            folder: the common beginning of the keys.
            after: leave out keys up to and including this one, in the order of their UTF-8 bytes.
        """
        ...


class WritableObjects(Objects, Protocol):
    """Objects that can be written."""

    def create(self, key: str, raw: bytes, kind: Kind) -> bool:
        """Store a small object under a key that has none; never replace one.

        Returns:
            True where the place now holds ``raw`` there; False where it holds something else, which stays as
            it is. A writer that crashed or got no answer, and tries again, therefore gets True.
        """
        ...

    def replace(self, key: str, raw: bytes, kind: Kind) -> None:
        """Store a small object, in place of what may be there."""
        ...

    def put(self, key: str, size: int, chunks: Iterable[bytes], kind: Kind) -> None:
        """Store an object of ``size`` bytes in place of what may be there; it is visible whole or not at all.

        An exception out of ``chunks`` is passed on and leaves everything as it was.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove an object; that there is none is a success."""
        ...

    def strong(self) -> bool:
        """Whether of two writers that create one key at once the place itself makes one lose."""
        ...
