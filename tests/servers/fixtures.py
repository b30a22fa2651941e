"""The servers, each started once and only for tests that ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers.azure import Azurite, azurite
from tests.servers.gcs import GcsServer
from tests.servers.hostile import HostileS3
from tests.servers.s3 import Moto, moto
from tests.servers.swift import Swift, swift

if TYPE_CHECKING:
    from collections.abc import Iterator


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


@pytest.fixture
def gcs() -> Iterator[GcsServer]:
    with GcsServer() as server:
        yield server


@pytest.fixture
def hostile() -> Iterator[HostileS3]:
    with HostileS3() as server:
        yield server
