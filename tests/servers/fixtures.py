"""The servers, each started once and only for tests that ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.components.conftest import public_folder
from tests.servers.access import shown
from tests.servers.azure import Azurite, azurite
from tests.servers.gcs import GcsServer
from tests.servers.hostile import HostileS3
from tests.servers.s3 import Moto, moto
from tests.servers.static import StaticServer, nginx
from tests.servers.swift import Swift, swift

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.dialect import BucketServer


@pytest.fixture(scope="session", name="moto")
def _moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    with moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="session", name="azurite")
def _azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    with azurite(tmp_path_factory.mktemp("azurite")) as server:
        yield server


@pytest.fixture(scope="session", name="swift")
def _swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swift]:
    with swift(tmp_path_factory.mktemp("swift")) as server:
        yield server


def _check(server: BucketServer) -> None:
    """Refuse a server that holds a secret in an object, or was sent one in a URL."""
    for objects in server.buckets.held.values():
        assert [key for key, blob in objects.items() if shown(blob.data)] == []
    assert [asked.target for asked in server.requests if shown(asked.target)] == []


@pytest.fixture
def gcs() -> Iterator[GcsServer]:
    with GcsServer() as server:
        yield server
        _check(server)


@pytest.fixture
def hostile() -> Iterator[HostileS3]:
    with HostileS3() as server:
        yield server
        _check(server)


@pytest.fixture
def static(tmp_path: Path) -> Iterator[StaticServer]:
    """A web server before an empty folder."""
    root = tmp_path / "site"
    root.mkdir()
    with StaticServer(root) as server:
        yield server


@pytest.fixture(name="nginx")
def _nginx() -> Iterator[tuple[str, Path]]:
    """The URL of an nginx, and the folder before which it stands, which every user may enter."""
    with public_folder() as folder:
        root = folder / "site"
        root.mkdir(mode=0o755)
        with nginx(root, folder / "nginx") as url:
            yield url, root
