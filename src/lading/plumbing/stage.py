"""Folders that appear whole or not at all.

A stage is a folder beside its target, held with an ``flock`` while its writer lives, as drafts are.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lading.plumbing import atomic

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX: Final = ".lading-stage-"
_TAKEN: Final = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR})


@dataclass(frozen=True, slots=True)
class Stage:
    """A folder in the making: fill ``path`` with flushed files, then ``publish`` it."""

    path: Path

    def publish(self, target: Path) -> bool:
        """Give the folder its final name, flushed.

        Returns:
            False where something other than an empty folder has that name; it is left as it is.
        """
        for parent, _, _ in os.walk(self.path):
            atomic.flush_folder(Path(parent))
        try:
            self.path.rename(target)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
            return False
        atomic.flush_folder(target.parent)
        return True


@contextmanager
def stage(target: Path) -> Iterator[Stage]:
    """A stage beside ``target``; what was not published is gone when the block ends."""
    atomic.make_folder(target.parent)
    sweep(target.parent)
    path, descriptor = _begin(target.parent)
    try:
        yield Stage(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Remove the stages in ``folder`` whose writers are gone."""
    for path in folder.glob(f"{PREFIX}*"):
        with suppress(OSError):  # its writer lives, or nobody can tell
            descriptor = _open(path)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(descriptor)


def _begin(folder: Path) -> tuple[Path, int]:
    while True:
        path = folder / f"{PREFIX}{secrets.token_hex(8)}"
        path.mkdir()
        with suppress(FileNotFoundError):
            descriptor = _open(path)
            if atomic.hold(descriptor) and path.exists():
                return path, descriptor
            os.close(descriptor)  # a sweep came between


def _open(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
