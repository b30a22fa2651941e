"""``s3://``, ``gs://`` and ``az://``: a store in a bucket, over obstore.

A bucket is asked once whether it keeps its promise that of two writers of one key one loses. Where it does
not, as OpenStack Swift and servers that ignore the condition, it is *weak* (design, section 3.3): what it
holds is looked at before and after each write, and it never holds a ledger.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from lading.core.errors import LadingError, UsageError
from lading.core.objects import Kind
from lading.plumbing.http import Http
from lading.stores.blame import Place, answered, from_obstore
from lading.stores.clients import NEVER, azure_client, gcs_client, s3, s3_client
from lading.stores.layout import LaidOut
from lading.stores.reader import Reader, blamed
from lading.stores.s3read import Bucket as Where
from lading.stores.s3read import S3Reader, Signer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from obstore import PutMode
    from obstore.store import AzureStore, GCSStore, S3Store

    from lading.core.location import Location
    from lading.core.objects import Entries, Found, Objects
    from lading.stores.clients import S3

    Client = S3Store | GCSStore | AzureStore

PROBE_KEY: Final = ".lading-probe"
_PROBE: Final = b"lading: is a key created once?\n"
_PART_BYTES: Final = 8 * 1024 * 1024
_MAX_PARTS: Final = 9_000
"""S3 takes at most 10,000 parts (Amazon S3 user guide, "Multipart upload limits")."""
_TRIES: Final = 6
_SETTLING_S: Final = 0.5
"""How long the writers of one key in a weak bucket wait before each looks whose object stands."""
_FOREVER: Final = "public, max-age=31536000, immutable"


@dataclass(slots=True)
class Bucket:
    """Objects in a bucket.

    Attributes:
        place: how messages name it.
        reader: what it is read with.
        client: what it is written with.
        once: the same, but for requests that must not be tried again.
        pause: waits that many seconds before another try.
    """

    place: Place
    reader: Objects
    client: Client
    once: Client
    pause: Callable[[float], None] = time.sleep
    _strong: bool | None = None

    @property
    def url(self) -> str:
        """The URL as it was given."""
        return self.place.url

    def head(self, key: str) -> Found | None:
        """What is known of an object."""
        return self.reader.head(key)

    def get(self, key: str, limit: int) -> bytes | None:
        """The first bytes of an object."""
        return self.reader.get(key, limit)

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes of an object, in pieces."""
        return self.reader.read(key, start, end)

    def entries(self, folder: str, after: str = "") -> Entries:
        """What lies in a folder."""
        return self.reader.entries(folder, after)

    def create(self, key: str, raw: bytes, kind: Kind) -> bool:
        """Store a small object, never replacing one."""
        if not self.strong():
            return self._create_weakly(key, raw, kind)
        for number in range(_TRIES):
            error = self._put(key, raw, kind, "create")
            if error is None:
                return True
            # Somebody was first; or we were, and the answer was lost: what lies there tells.
            there = self.get(key, len(raw) + 1)
            if there is not None:
                return there == raw
            if not _contended(error) or number == _TRIES - 1:
                raise self._blame(error, "writing", key) from error
            self.pause(0.05 * 2**number)
        raise AssertionError  # pragma: no cover - the last try returns or raises

    def replace(self, key: str, raw: bytes, kind: Kind) -> None:
        """Store a small object in place of another."""
        for number in range(_TRIES):
            error = self._put(key, raw, kind, "overwrite")
            # The answer may have been lost or unclear, and the object be there.
            if error is None or self.get(key, len(raw) + 1) == raw:
                return
            if not _contended(error) or number == _TRIES - 1:
                raise self._blame(error, "writing", key) from error
            self.pause(0.05 * 2**number)

    def put(self, key: str, size: int, chunks: Iterable[bytes], kind: Kind) -> None:
        """Store an object in place of another; a large one in parts, which show only when all are there."""
        import obstore

        if size <= _PART_BYTES:
            return self.replace(key, b"".join(chunks), kind)
        with blamed(self.place, "writing", key):
            obstore.put(
                self.client,
                key,
                iter(chunks),
                attributes=_attributes(kind),
                use_multipart=True,
                chunk_size=max(_PART_BYTES, -(-size // _MAX_PARTS)),
                max_concurrency=4,
            )
        return None

    def delete(self, key: str) -> None:
        """Remove an object."""
        import obstore

        with blamed(self.place, "deleting", key), suppress(FileNotFoundError):
            obstore.delete(self.client, key)

    def strong(self) -> bool:
        """Whether the bucket refuses to create a key twice, found out by doing so, once."""
        if self._strong is None:
            self._strong = self._probe()
        return self._strong

    def _probe(self) -> bool:
        for _ in range(2):
            error = self._put(PROBE_KEY, _PROBE, Kind("text/plain"), "create", self.once)
            if error is not None:
                if _refused(error):
                    return True
                if _unknown(error):
                    return False
                raise self._blame(error, "writing", PROBE_KEY) from error
        return False

    def _create_weakly(self, key: str, raw: bytes, kind: Kind) -> bool:
        there = self.get(key, len(raw) + 1)
        if there is None:
            self.replace(key, raw, kind)
            self.pause(_SETTLING_S)
            there = self.get(key, len(raw) + 1)
        return there == raw

    def _put(
        self, key: str, raw: bytes, kind: Kind, mode: PutMode, client: Client | None = None
    ) -> Exception | None:
        """Put a small object in one request; the error is returned, for those who look again first."""
        import obstore

        try:
            attributes = _attributes(kind)
            obstore.put(
                client or self.client, key, raw, attributes=attributes, mode=mode, use_multipart=False
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller looks at what lies there
            return error
        return None

    def _blame(self, error: Exception, doing: str, key: str) -> LadingError:
        return from_obstore(error, self.place, doing, key)


class BucketStore(LaidOut):
    """A writable store in a bucket."""


def open_store(location: Location, base: Path) -> BucketStore:  # noqa: ARG001 - every door looks like this
    """The store at an ``s3://``, ``gs://`` or ``az://`` URL; nothing is asked of it yet.

    Raises:
        UsageError: ``plain-http``, ``bad-endpoint``; ``bad-bucket``, for a URL without a bucket.
        UnavailableError: ``no-credentials``, where variables that it needs are not set.
    """
    if not location.bucket:
        raise UsageError(
            "bad-bucket",
            f"'{location.url}' names no bucket",
            hint=f"write {location.scheme}://BUCKET or {location.scheme}://BUCKET/PREFIX",
        )
    place = Place(location.scheme, location.url, location.bucket, location.endpoint)
    if location.scheme == "s3":
        found = s3(location)
        place = replace(place, endpoint=found.endpoint, region=found.region, credentials=found.source)
        client = s3_client(found, location)
        reader = _s3_reader(found, place, location) or Reader(place, client)
        return BucketStore(Bucket(place, reader, client, s3_client(found, location, NEVER)))
    make = gcs_client if location.scheme == "gs" else azure_client
    place = replace(place, credentials=f"{location.env}_*" if location.env else "")
    return BucketStore(Bucket(place, Reader(place, make(location)), make(location), make(location, NEVER)))


def _s3_reader(found: S3, place: Place, location: Location) -> S3Reader | None:
    """Reads that we sign, where the keys are known: then no redirect takes a token along."""
    keys = found.keys
    if keys is None:
        return None
    prefix = f"{found.prefix}/" if found.prefix else ""
    return S3Reader(
        Http(location.environ, allow_http=location.allow_http),
        Where(found.bucket, found.region, prefix, found.endpoint),
        Signer(lambda: keys),
        explain=partial(answered, place),
    )


def _refused(error: Exception) -> bool:
    """Whether the key exists, or another writer is about to create it."""
    from obstore.exceptions import AlreadyExistsError, PreconditionError

    return isinstance(error, AlreadyExistsError | PreconditionError) or "409 Conflict" in str(error)


def _contended(error: Exception) -> bool:
    """Whether others are writing the same key, so that another try is worth while.

    Swift answers 202 without an ETag to some of the writers of one key.
    """
    return _refused(error) or "MissingEtag" in str(error)


def _unknown(error: Exception) -> bool:
    """Whether the service does not know how to create only."""
    from obstore.exceptions import NotSupportedError

    return isinstance(error, NotSupportedError | NotImplementedError) or "501 Not Implemented" in str(error)


def _attributes(kind: Kind) -> dict[str, str]:
    return {
        "Content-Type": kind.content_type,
        "Cache-Control": "no-cache" if kind.changes else _FOREVER,
    }
