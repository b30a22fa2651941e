"""The stores that the contract of ``test_contract.py`` holds for: a new store adds a row to ``CASES``."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import pytest

from lading.core.digest import Digest
from lading.core.location import Location
from lading.stores.bucket import Bucket, BucketStore
from lading.stores.directory import DirectoryStore, Folder
from lading.stores.layout import LaidOut
from lading.stores.memory import MemoryStore
from lading.stores.schemes import open_store, open_writable
from lading.stores.web import WebStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lading.core.objects import Found, Objects
    from lading.core.ports import Store, WritableStore
    from tests.servers.access import S3Bucket
    from tests.servers.azure import Azurite
    from tests.servers.gcs import GcsServer
    from tests.servers.hostile import HostileS3
    from tests.servers.s3 import Moto
    from tests.servers.static import StaticServer
    from tests.servers.swift import Swift

    Make = Callable[[pytest.FixtureRequest, Path], WritableStore]

KINDS: Final[tuple[type[WritableStore], ...]] = (BucketStore, DirectoryStore, LaidOut, MemoryStore)
"""Every class of store; the type checker holds each to the protocol."""


@dataclass(frozen=True, slots=True)
class StoreCase:
    """One way to get a store.

    Attributes:
        scheme: of the store's URL.
        server: what it runs against; empty for stores without one.
        make: an empty store, given what a test asks with, and a folder of the test's own.
    """

    scheme: str
    server: str
    make: Make

    def __str__(self) -> str:
        return f"{self.scheme}-{self.server}" if self.server else self.scheme


def s3_location(bucket: S3Bucket, url: str = "") -> Location:
    """Where a bucket of a test server is, with its keys under the platform's own names."""
    environ = {"AWS_ACCESS_KEY_ID": bucket.key_id, "AWS_SECRET_ACCESS_KEY": bucket.secret}
    return Location(
        url or f"s3://{bucket.bucket}", endpoint=bucket.endpoint, region=bucket.region, environ=environ
    )


def _directory(_: pytest.FixtureRequest, folder: Path) -> WritableStore:
    root = folder / "st\u00f6re 1"
    return DirectoryStore(f"file://{root}", root)


def _memory(_: pytest.FixtureRequest, folder: Path) -> WritableStore:
    return MemoryStore(f"memory://{folder.name}")


def _s3(request: pytest.FixtureRequest, folder: Path) -> WritableStore:
    server: HostileS3 = request.getfixturevalue("hostile")
    return open_writable(s3_location(server.new_bucket(), "s3://models/a/pr\u00e9fix"), folder)


def _moto(request: pytest.FixtureRequest, folder: Path) -> WritableStore:
    server: Moto = request.getfixturevalue("moto")
    return open_writable(s3_location(server.new_bucket(f"models-{uuid4().hex[:12]}")), folder)


def _swift(request: pytest.FixtureRequest, folder: Path) -> WritableStore:
    server: Swift = request.getfixturevalue("swift")
    store = open_writable(s3_location(server.new_bucket(f"models-{uuid4().hex[:12]}")), folder)
    assert isinstance(store.objects, Bucket)
    store.objects.pause = lambda seconds: time.sleep(seconds / 50)
    return store


def _gcs(request: pytest.FixtureRequest, folder: Path) -> WritableStore:
    server: GcsServer = request.getfixturevalue("gcs")
    bucket = server.new_bucket(folder)
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": str(bucket.service_account)}
    return open_writable(Location(f"gs://{bucket.bucket}/prefix", environ=environ), folder)


def _azurite(request: pytest.FixtureRequest, folder: Path) -> WritableStore:
    server: Azurite = request.getfixturevalue("azurite")
    container = server.new_container(f"models-{uuid4().hex[:12]}")
    environ = {"AZURE_STORAGE_ACCOUNT_NAME": container.account, "AZURE_STORAGE_ACCOUNT_KEY": container.key}
    location = Location(f"az://{container.container}", endpoint=container.endpoint, environ=environ)
    return open_writable(location, folder)


class Through(Folder):
    """Objects that are written to a folder, and read as a web server before it shows them.

    Only the folder can be listed.
    """

    def __init__(self, web: Objects, root: Path) -> None:
        super().__init__(web.url, root)
        self._web = web

    def head(self, key: str) -> Found | None:
        return self._web.head(key)

    def get(self, key: str, limit: int) -> bytes | None:
        return self._web.get(key, limit)

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        return self._web.read(key, start, end)


def _through(url: str, root: Path, folder: Path) -> WritableStore:
    web = open_store(Location(url), folder)
    assert isinstance(web, WebStore)
    return LaidOut(Through(web.objects, root))


def _static(request: pytest.FixtureRequest, folder: Path) -> WritableStore:
    server: StaticServer = request.getfixturevalue("static")
    return _through(server.url, server.root, folder)


def _nginx(request: pytest.FixtureRequest, folder: Path) -> WritableStore:
    url, root = request.getfixturevalue("nginx")
    return _through(url, root, folder)


CASES: Final = (
    StoreCase("file", "", _directory),
    StoreCase("memory", "", _memory),
    StoreCase("s3", "own", _s3),
    StoreCase("s3", "moto", _moto),
    StoreCase("s3", "swift", _swift),
    StoreCase("gs", "own", _gcs),
    StoreCase("az", "azurite", _azurite),
    StoreCase("http", "static", _static),
    StoreCase("http", "nginx", _nginx),
)
COMPONENTS: Final = frozenset({"swift", "azurite", "nginx"})
PARAMS: Final = [
    pytest.param(case, id=str(case), marks=[pytest.mark.component] if case.server in COMPONENTS else [])
    for case in CASES
]


def put(store: WritableStore, name: str, content: bytes) -> Digest:
    """Put a blob in pieces and return its digest."""
    digest = Digest.of(content)
    store.put_blob(name, digest, len(content), in_pieces(content))
    return digest


def in_pieces(content: bytes, length: int = 1000) -> Iterator[bytes]:
    """``content`` piece by piece, as a file is read."""
    for start in range(0, len(content), length):
        yield content[start : start + length]


def get(store: Store, name: str, digest: Digest, start: int, end: int) -> bytes:
    """The bytes ``start`` to ``end`` of a blob."""
    return b"".join(store.read(name, digest, start, end))
