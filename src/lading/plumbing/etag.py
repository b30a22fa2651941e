"""The ETags of buckets, computed from a local copy.

Most services that speak S3 tag an upload in one part with the MD5 of its content, and one in several parts
with the MD5 of the parts' MD5s and their number. Encrypted objects and other services have other tags, so
that a tag can say that a content is right and never that it is wrong.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lading.core.bill import FileEntry

_READ_BYTES: Final = 1024 * 1024
_MIB: Final = 1024 * 1024
_USUAL_MIB: Final = (5, 8, 10, 15, 16, 20, 25, 32, 50, 64, 100, 128, 200, 256, 500, 512, 1000, 1024)
"""The lengths of parts that clients use: 8 MiB are those of boto3, the AWS CLI and lading itself."""
_MOST_PARTS: Final = 9_000
"""Lading's own uploads have at most so many parts."""
_TAG = re.compile(r"[0-9a-f]{32}(?:-([1-9][0-9]{0,4}))?")


def has_tag(path: Path, entry: FileEntry, etag: str) -> bool:
    """Whether the file at ``path`` is ``entry`` and an object with this content could have this ETag.

    The file is read once, for all digests. False for a file that is not there, and without reading it
    for a tag that is no MD5.
    """
    tags = [_Tag(part) for part in _parts(entry.size, etag)]
    if not tags:
        return False
    whole = hashlib.sha256()
    try:
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(_READ_BYTES):
                whole.update(chunk)
                for tag in tags:
                    tag.update(chunk)
    except OSError:
        return False
    return whole.hexdigest() == entry.digest.hex and etag in {tag.text() for tag in tags}


def _parts(size: int, etag: str) -> Iterator[int]:
    """The lengths of the parts that could have given an object of ``size`` bytes this tag; 0 for none."""
    form = _TAG.fullmatch(etag)
    if form is None:
        return
    if form[1] is None:
        yield 0
        return
    number = int(form[1])
    even = -(-size // number)
    candidates = {*(each * _MIB for each in _USUAL_MIB), -(-even // _MIB) * _MIB, -(-size // _MOST_PARTS)}
    if number == 1:
        candidates = {size}
    yield from sorted(part for part in candidates if part and -(-size // part) == number)


class _Tag:
    def __init__(self, part: int) -> None:
        self._part = part
        self._room = part
        self._now = _md5()
        self._done: list[bytes] = []

    def update(self, chunk: bytes) -> None:
        if not self._part:
            return self._now.update(chunk)
        view = memoryview(chunk)
        while view:
            if not self._room:
                self._next()
            piece, view = view[: self._room], view[self._room :]
            self._now.update(piece)
            self._room -= len(piece)
        return None

    def text(self) -> str:
        if not self._part:
            return self._now.hexdigest()
        self._next()
        return f"{_md5(b''.join(self._done)).hexdigest()}-{len(self._done)}"

    def _next(self) -> None:
        self._done.append(self._now.digest())
        self._now, self._room = _md5(), self._part


def _md5(data: bytes = b"") -> hashlib._Hash:
    return hashlib.md5(data, usedforsecurity=False)
