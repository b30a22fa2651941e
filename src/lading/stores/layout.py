"""A store over objects: where its versions and blobs lie is said by ``lading.core.layout``."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from lading.core import layout
from lading.core.digest import Digest
from lading.core.errors import LadingError, NotFoundError
from lading.core.image import MAX_MANIFEST_BYTES
from lading.core.names import check_name, check_version
from lading.core.objects import Objects, WritableObjects
from lading.stores import problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_DIGEST: Final = "sha256:"
_Held = TypeVar("_Held", bound=Objects)


class Shelves(Generic[_Held]):
    """The reading half of a store over objects.

    Attributes:
        objects: what holds the bytes.
    """

    def __init__(self, objects: _Held) -> None:
        self.objects = objects

    @property
    def url(self) -> str:
        """The URL as it was given."""
        return self.objects.url

    def manifest(self, name: str, reference: str) -> bytes:
        """The manifest under a version or digest."""
        raw = self.objects.get(layout.manifest_key(name, reference), MAX_MANIFEST_BYTES + 1)
        if raw is None:
            raise problems.no_version(self.url, name, reference, self.versions(name))
        return raw

    def read(self, name: str, digest: Digest, start: int, end: int) -> Iterator[bytes]:
        """The bytes of a blob."""
        place = start
        try:
            for piece in self.objects.read(layout.blob_key(name, digest), start, end):
                place += len(piece)
                yield piece
        except NotFoundError as error:
            if error.code != "no-object":
                raise
            raise problems.no_blob(self.url, name, digest) from None
        if place < end:
            raise problems.truncated(self.url, digest, place, end)

    def versions(self, name: str) -> list[str]:
        """The versions of a model."""
        found = self.objects.entries(layout.manifests_folder(name)).objects
        labels = (each.key.rpartition("/")[2] for each in found)
        return [label for label in labels if not label.startswith(_DIGEST) and _is(check_version, label)]

    def names(self) -> list[str]:
        """The models that have a version."""
        return sorted(self._names(layout.ROOT))

    def _names(self, folder: str) -> Iterator[str]:
        folders = self.objects.entries(folder).folders
        name = folder.removeprefix(layout.ROOT).rstrip("/")
        if "manifests" in folders and _is(check_name, name) and self.versions(name):
            yield name
        for part in folders:
            if part not in layout.PARTS:
                yield from self._names(f"{folder}{part}/")


class LaidOut(Shelves[WritableObjects]):
    """A writable store over objects."""

    def blob_size(self, name: str, digest: Digest) -> int | None:
        """The size of a blob, or None."""
        found = self.objects.head(layout.blob_key(name, digest))
        return None if found is None else found.size

    def put_blob(self, name: str, digest: Digest, size: int, chunks: Iterable[bytes]) -> None:
        """Store a blob; a copy that lies there already, perhaps damaged, is replaced by proven bytes."""
        checked = _checked(name, (size, digest), chunks)
        self.objects.put(layout.blob_key(name, digest), size, checked, layout.BLOB)

    def create_manifest(self, name: str, reference: str, raw: bytes) -> bool:
        """Store a manifest, never replacing one."""
        return self.objects.create(layout.manifest_key(name, reference), raw, layout.manifest_kind(raw))


def _checked(name: str, expected: tuple[int, Digest], chunks: Iterable[bytes]) -> Iterator[bytes]:
    """``chunks``, and an error instead of their end where they were not what was announced."""
    whole, size = hashlib.sha256(), 0
    for chunk in chunks:
        whole.update(chunk)
        size += len(chunk)
        yield chunk
    got = (size, Digest(whole.hexdigest()))
    if got != expected:
        raise problems.changed(name, expected, got)


def _is(check: Callable[[str], str], text: str) -> bool:
    with suppress(LadingError):
        check(text)
        return True
    return False
