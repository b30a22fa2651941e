"""Folders that other users can enter, and the engines, which are started once."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.components.servers import Docker, Podman, docker_engine, podman_storage
from tests.components.tools import need_root, unmount_below

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def public_folder() -> Iterator[Path]:
    """An empty folder with a short path that every user may enter."""
    # Not below pytest's own folders: those are closed to other users, and too long for a socket's path.
    folder = Path(tempfile.mkdtemp(prefix="lading-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        unmount_below(folder)
        shutil.rmtree(folder)


@pytest.fixture
def public() -> Iterator[Path]:
    """An empty folder with a short path that every user may enter."""
    with public_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def shared() -> Iterator[Path]:
    """The same for all tests of a session."""
    with public_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def docker(shared: Path) -> Iterator[Docker]:
    need_root()
    with docker_engine(shared / "d") as engine:
        yield engine


@pytest.fixture(scope="session")
def podman(shared: Path) -> Iterator[Podman]:
    need_root()
    with podman_storage(shared / "p") as storage:
        yield storage
