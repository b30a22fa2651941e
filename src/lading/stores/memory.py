"""``memory://``: a store in this process, for tests and for trying things out."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from lading.core.digest import Digest
from lading.core.names import is_version
from lading.stores import problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_READ_BYTES: Final = 1024 * 1024
_DIGESTS: Final = ("sha256:", "sha256-")


class MemoryStore:
    """A writable store that ends with the process."""

    def __init__(self, url: str = "memory://") -> None:
        self._url = url
        self._manifests: dict[tuple[str, str], bytes] = {}
        self._blobs: dict[tuple[str, Digest], bytes] = {}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The URL as it was given."""
        return self._url

    def manifest(self, name: str, reference: str) -> bytes:
        """The manifest under a version or digest."""
        raw = self._manifests.get((name, reference))
        if raw is None:
            raise problems.no_version(self._url, name, reference, self.versions(name))
        return raw

    def read(self, name: str, digest: Digest, start: int, end: int) -> Iterator[bytes]:
        """The bytes of a blob."""
        blob = self._blobs.get((name, digest))
        if blob is None:
            raise problems.no_blob(self._url, name, digest)
        for place in range(start, min(end, len(blob)), _READ_BYTES):
            yield blob[place : min(place + _READ_BYTES, end)]
        if end > len(blob):
            raise problems.truncated(self._url, digest, len(blob), end)

    def blob_size(self, name: str, digest: Digest) -> int | None:
        """The size of a blob, or None."""
        blob = self._blobs.get((name, digest))
        return None if blob is None else len(blob)

    def put_blob(self, name: str, digest: Digest, size: int, chunks: Iterable[bytes]) -> None:
        """Store a blob."""
        blob = b"".join(chunks)
        got = (len(blob), Digest.of(blob))
        if got != (size, digest):
            raise problems.changed(name, (size, digest), got)
        self._blobs[name, digest] = blob

    def create_manifest(self, name: str, reference: str, raw: bytes) -> bool:
        """Store a manifest, never replacing one."""
        with self._lock:
            return self._manifests.setdefault((name, reference), raw) == raw

    def versions(self, name: str) -> list[str]:
        """The versions of a model."""
        return [label for model, label in self._tagged() if model == name]

    def names(self) -> list[str]:
        """The models that have a version."""
        return sorted({model for model, _ in self._tagged()})

    def _tagged(self) -> list[tuple[str, str]]:
        """The names and versions that there are; digests, stages and referrers are none."""
        with self._lock:
            keys = list(self._manifests)
        return [
            (model, label) for model, label in keys if is_version(label) and not label.startswith(_DIGESTS)
        ]


_shared: dict[str, MemoryStore] = {}


def open_store(url: str, base: Path) -> MemoryStore:  # noqa: ARG001 - every store's door looks like this
    """The store of that URL in this process: the same one each time."""
    return _shared.setdefault(url, MemoryStore(url))
