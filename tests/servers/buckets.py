"""Buckets in memory: objects with conditions that are decided under a lock, listings, uploads in parts."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Refusal = Callable[["Blob | None"], None]
    """Raises ``RefusedError`` where the object that is there now forbids what is asked."""


class RefusedError(Exception):
    """What was asked is answered with an error."""

    def __init__(self, status: int, code: str, message: str, details: str = "") -> None:
        super().__init__(status, code, message, details)
        self.status, self.code, self.message, self.details = status, code, message, details


@dataclass(frozen=True, slots=True)
class Blob:
    """An object; ``headers`` are those that its writer wants its readers to get."""

    data: bytes = field(repr=False)
    headers: Mapping[str, str]
    etag: str
    generation: int
    modified_s: float


@dataclass(frozen=True, slots=True)
class Asked:
    """What a listing is asked for; ``after`` is where it starts, ``token`` how the page before ended."""

    prefix: str = ""
    delimiter: str = ""
    after: str = ""
    token: str = ""
    most: int = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing; ``token`` asks for the next and is empty on the last."""

    blobs: Sequence[tuple[str, Blob]]
    folders: Sequence[str]
    token: str


@dataclass(slots=True)
class _Upload:
    place: tuple[str, str]
    headers: Mapping[str, str]
    parts: dict[int, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class Buckets:
    """Every bucket of a server; safe for any number of threads."""

    held: dict[str, dict[str, Blob]] = field(default_factory=dict)
    uploads: dict[str, _Upload] = field(default_factory=dict)
    _generation: int = 0
    _guard: threading.RLock = field(default_factory=threading.RLock)

    def create(self, bucket: str) -> bool:
        """Make a bucket; False where there is one."""
        with self._guard:
            new = bucket not in self.held
            self.held.setdefault(bucket, {})
            return new

    def get(self, bucket: str, key: str) -> Blob:
        """The object under a key."""
        found = self._objects(bucket).get(key)
        if found is None:
            raise RefusedError(
                404, "NoSuchKey", "The specified key does not exist.", f"No such object: {key}"
            )
        return found

    def put(
        self, place: tuple[str, str], data: bytes, headers: Mapping[str, str], refuse: Refusal, etag: str = ""
    ) -> Blob:
        """Store an object under a key, unless ``refuse`` objects to what is there."""
        etag = etag or hashlib.md5(data).hexdigest()
        bucket, key = place
        with self._guard:
            objects = self._objects(bucket)
            refuse(objects.get(key))
            self._generation = max(self._generation + 1, time.time_ns() // 1000)
            objects[key] = Blob(data, headers, etag, self._generation, time.time())
            return objects[key]

    def delete(self, bucket: str, key: str, refuse: Refusal) -> bool:
        """Remove an object; False where there was none."""
        with self._guard:
            objects = self._objects(bucket)
            refuse(objects.get(key))
            return objects.pop(key, None) is not None

    def listing(self, bucket: str, asked: Asked) -> Page:
        """The next page of keys in the order of their bytes."""
        with self._guard:
            objects = dict(self._objects(bucket))
        blobs: list[tuple[str, Blob]] = []
        folders: list[str] = []
        last = ""
        for key in sorted(each for each in objects if each.startswith(asked.prefix)):
            folder = _folder(key, asked)
            if key <= asked.after or (folder or key) <= asked.token or (folder and folder == last):
                continue
            if len(blobs) + len(folders) == asked.most:
                return Page(blobs, folders, last)
            last = folder or key
            if folder:
                folders.append(folder)
            else:
                blobs.append((key, objects[key]))
        return Page(blobs, folders, "")

    def begin(self, place: tuple[str, str], headers: Mapping[str, str]) -> str:
        """Begin an upload in parts."""
        with self._guard:
            self._objects(place[0])
            self._generation += 1
            self.uploads[f"upload-{self._generation}"] = _Upload(place, headers)
            return f"upload-{self._generation}"

    def part(self, upload: str, number: int, data: bytes) -> str:
        """Keep one part, in place of what may be there; returns its tag."""
        with self._guard:
            self._upload(upload).parts[number] = data
        return hashlib.md5(data).hexdigest()

    def complete(
        self, upload: str, tags: Mapping[int, str], least: int, refuse: Refusal
    ) -> tuple[tuple[str, str], Blob]:
        """Put the parts together; all but the last must have ``least`` bytes."""
        with self._guard:
            held = self._upload(upload)
            parts = [held.parts.get(number, b"") for number in tags]
        found = [hashlib.md5(part) for part in parts]
        if list(tags) != sorted(tags) or [each.hexdigest() for each in found] != list(tags.values()):
            raise RefusedError(400, "InvalidPart", "One or more of the specified parts could not be found.")
        if any(len(part) < least for part in parts[:-1]):
            raise RefusedError(
                400, "EntityTooSmall", "Your proposed upload is smaller than the minimum size."
            )
        etag = f"{hashlib.md5(b''.join(each.digest() for each in found)).hexdigest()}-{len(parts)}"
        data = b"".join(parts)
        with self._guard:
            blob = self.put(held.place, data, held.headers, refuse, etag)
            self.uploads.pop(upload, None)
        return held.place, blob

    def abort(self, upload: str) -> None:
        """Forget an upload and its parts."""
        with self._guard:
            self._upload(upload)
            del self.uploads[upload]

    def _objects(self, bucket: str) -> dict[str, Blob]:
        if bucket not in self.held:
            raise RefusedError(404, "NoSuchBucket", "The specified bucket does not exist.")
        return self.held[bucket]

    def _upload(self, upload: str) -> _Upload:
        if upload not in self.uploads:
            raise RefusedError(404, "NoSuchUpload", "The specified upload does not exist.")
        return self.uploads[upload]


def _folder(key: str, asked: Asked) -> str:
    """The common prefix that a key is rolled up into, or an empty string."""
    if not asked.delimiter:
        return ""
    head, found, _ = key[len(asked.prefix) :].partition(asked.delimiter)
    return asked.prefix + head + found if found else ""
