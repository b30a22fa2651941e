"""``memory://``: a store in this process, for tests and for trying things out."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import TYPE_CHECKING, Final

from lading.core.objects import Entries, Found
from lading.stores import problems
from lading.stores.layout import LaidOut

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from lading.core.location import Location
    from lading.core.objects import Kind

_READ_BYTES: Final = 1024 * 1024


class Memory:
    """Objects that end with the process."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._held: dict[str, tuple[bytes, float, str]] = {}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The URL as it was given."""
        return self._url

    def head(self, key: str) -> Found | None:
        """What is known of an object."""
        held = self._held.get(key)
        return None if held is None else Found(key, len(held[0]), held[1], held[2])

    def get(self, key: str, limit: int) -> bytes | None:
        """The first bytes of an object."""
        held = self._held.get(key)
        return None if held is None else held[0][:limit]

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes of an object, in pieces."""
        held = self._held.get(key)
        if held is None:
            raise problems.no_object(self._url, key)
        for place in range(start, min(end, len(held[0])), _READ_BYTES):
            yield held[0][place : min(place + _READ_BYTES, end)]

    def entries(self, folder: str, after: str = "") -> Entries:
        """What lies in a folder."""
        with self._lock:
            keys = [key for key in self._held if key.startswith(folder)]
        below = {key: key.removeprefix(folder) for key in keys}
        folders = {rest.partition("/")[0] for rest in below.values() if "/" in rest}
        own = sorted(key for key, rest in below.items() if "/" not in rest and key > after)
        found = (self.head(key) for key in own)
        return Entries(tuple(sorted(folders)), tuple(each for each in found if each is not None))

    def create(self, key: str, raw: bytes, kind: Kind) -> bool:  # noqa: ARG002 - nobody asks for it
        """Store an object, never replacing one."""
        with self._lock:
            return self._held.setdefault(key, _held(raw))[0] == raw

    def replace(self, key: str, raw: bytes, kind: Kind) -> None:  # noqa: ARG002
        """Store an object in place of another."""
        with self._lock:
            self._held[key] = _held(raw)

    def put(self, key: str, size: int, chunks: Iterable[bytes], kind: Kind) -> None:  # noqa: ARG002
        """Store an object in place of another."""
        self.replace(key, b"".join(chunks), kind)

    def delete(self, key: str) -> None:
        """Remove an object."""
        with self._lock:
            self._held.pop(key, None)

    def strong(self) -> bool:
        """True: one lock stands before all writers."""
        return True


class MemoryStore(LaidOut):
    """A writable store that ends with the process."""

    def __init__(self, url: str = "memory://") -> None:
        super().__init__(Memory(url))


def _held(raw: bytes) -> tuple[bytes, float, str]:
    # The tag is that of an S3 upload in one part (Amazon S3 API, "Object", ETag).
    return raw, time.time(), hashlib.md5(raw, usedforsecurity=False).hexdigest()


_shared: dict[str, MemoryStore] = {}


def open_store(location: Location, base: Path) -> MemoryStore:  # noqa: ARG001 - every door looks like this
    """The store of that URL in this process: the same one each time."""
    return _shared.setdefault(location.url, MemoryStore(location.url))
