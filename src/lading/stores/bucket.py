"""``s3://``, ``gs://`` and ``az://``: a store in a bucket.

A bucket is asked once whether it keeps its promise that of two writers of one key one loses. Where it does
not, as OpenStack Swift and servers that ignore the condition, it is *weak* (design, section 3.3): what it
holds is looked at before and after each write, and it never holds a ledger.

Where the keys are known, lading signs its requests itself; else obstore gets credentials from the machine.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from lading.core.errors import LadingError, UsageError
from lading.core.objects import PROBE, PROBE_KEY, Kind
from lading.plumbing.http import Http
from lading.stores.azure import azure_client
from lading.stores.blame import Place, answered
from lading.stores.clients import gcs_client, s3, s3_client
from lading.stores.layout import LaidOut
from lading.stores.reader import Reader, blamed
from lading.stores.s3read import Bucket as Where
from lading.stores.s3read import S3Reader, Signed, Signer
from lading.stores.s3write import S3Writer
from lading.stores.writer import PART_BYTES, Why, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from lading.core.location import Location
    from lading.core.objects import Entries, Found, Objects
    from lading.plumbing.sigv4 import Keys
    from lading.stores.clients import S3
    from lading.stores.reader import Client
    from lading.stores.writer import Setback, Writes

_TRIES: Final = 6
_SETTLING_S: Final = 0.5
"""How long the writers of one key in a weak bucket wait before each looks whose object stands."""
_CONTENDED: Final = frozenset({Why.TAKEN, Why.BUSY})
"""What another try may overcome."""


@dataclass(slots=True)
class Bucket:
    """Objects in a bucket.

    Attributes:
        url: as it was given.
        reader: what it is read with.
        writer: what it is written with.
        pause: waits that many seconds before another try.
    """

    url: str
    reader: Objects
    writer: Writes
    pause: Callable[[float], None] = time.sleep
    _strong: bool | None = None

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
        tries = 0
        while setback := self.writer.put(key, raw, kind, new=True):
            # Somebody was first; or we were, and the answer was lost: what lies there tells.
            there = self._there(key, raw, setback)
            if there is not None:
                return there == raw
            tries += 1
            self._bear(setback, tries)
        return True

    def replace(self, key: str, raw: bytes, kind: Kind) -> None:
        """Store a small object in place of another."""
        tries = 0
        while setback := self.writer.put(key, raw, kind, new=False):
            # The answer may have been lost or unclear, and the object be there.
            if self._there(key, raw, setback) == raw:
                return
            tries += 1
            self._bear(setback, tries)

    def put(self, key: str, size: int, chunks: Iterable[bytes], kind: Kind) -> None:
        """Store an object in place of another; a large one in parts, which show only when all are there."""
        if size <= PART_BYTES:
            self.replace(key, b"".join(chunks), kind)
        else:
            self.writer.put_parts(key, size, chunks, kind)

    def delete(self, key: str) -> None:
        """Remove an object."""
        self.writer.delete(key)

    def strong(self) -> bool:
        """Whether the bucket refuses to create a key twice, found out by doing so, once."""
        if self._strong is None:
            self._strong = self._probe()
        return self._strong

    def _probe(self) -> bool:
        for _ in range(2):
            setback = self.writer.put(PROBE_KEY, PROBE, Kind("text/plain"), new=True)
            if setback is None:
                continue
            if setback.why is Why.TAKEN:
                return True
            if setback.why is Why.UNKNOWN:
                return False
            raise setback.error
        return False

    def _create_weakly(self, key: str, raw: bytes, kind: Kind) -> bool:
        there = self.get(key, len(raw) + 1)
        if there is None:
            self.replace(key, raw, kind)
            self.pause(_SETTLING_S)
            there = self.get(key, len(raw) + 1)
        return there == raw

    def _there(self, key: str, raw: bytes, setback: Setback) -> bytes | None:
        """What lies under a key after a write that was not confirmed."""
        try:
            return self.get(key, len(raw) + 1)
        except LadingError:  # who may not write may perhaps not read either
            raise setback.error from None

    def _bear(self, setback: Setback, tries: int) -> None:
        """Wait after so many tries, or raise the error of the last where another one is of no use."""
        if setback.why not in _CONTENDED or tries == _TRIES:
            raise setback.error
        self.pause(0.025 * 2**tries)


class BucketStore(LaidOut):
    """A writable store in a bucket."""


def open_store(location: Location, base: Path) -> BucketStore:  # noqa: ARG001 - every door looks like this
    """The store at an ``s3://``, ``gs://`` or ``az://`` URL; nothing is asked of it yet.

    Raises:
        UsageError: ``plain-http``, ``bad-endpoint``; ``bad-bucket``, for a URL without a bucket.
        UnavailableError: ``no-credentials``, where variables that it needs are not set; ``bad-credentials``,
            where they cannot be used.
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
        if found.keys is not None:
            return BucketStore(_signed(found, found.keys, place, location))
        make: Callable[[Location], Client] = partial(s3_client, found)
    else:
        make = gcs_client if location.scheme == "gs" else azure_client
        place = replace(place, credentials=f"{location.env}_*" if location.env else "")
    with blamed(place, "opening", ""):
        client = make(location)
    return BucketStore(Bucket(location.url, Reader(place, client), Writer(place, client)))


def _signed(found: S3, keys: Keys, place: Place, location: Location) -> Bucket:
    """A bucket whose requests we sign: no redirect takes a token along."""
    where = Where(found.bucket, found.region, f"{found.prefix}/" if found.prefix else "", found.endpoint)
    http, explain = Http(location.environ, allow_http=location.allow_http), partial(answered, place)
    signed = Signed(http, where, Signer(lambda: keys))
    return Bucket(location.url, S3Reader(signed, explain=explain), S3Writer(signed, explain=explain))
