"""Files that appear whole or not at all.

A draft is a temporary file in a folder of the same file system, held with an ``flock`` while its writer
lives. So a sweep can tell a draft in the making from one that a killed writer left behind, in whichever
container or process namespace the writer ran.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from lading.core.errors import UnavailableError
from lading.plumbing.oserror import explained

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PREFIX: Final = ".lading-draft-"
_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK})
_ABANDONED_S: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class Draft:
    """A file in the making: write to ``file``, then ``create`` or ``replace`` its target."""

    path: Path
    file: BinaryIO

    def create(self, target: Path) -> bool:
        """Give the draft its final name, flushed, unless something has that name.

        Returns:
            False where ``target`` exists; it is left as it is.
        """
        self.flush()
        make_folder(target.parent)
        try:
            os.link(self.path, target)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            raise UnavailableError(
                "no-hard-links",
                f"{target.parent} is on a file system without hard links, which lading creates files with",
                hint="put the store or LADING_CACHE_DIR on a local disk",
            ) from error
        self.path.unlink()
        flush_folder(target.parent)
        return True

    def replace(self, target: Path) -> None:
        """Give the draft its final name, flushed, in place of whatever has that name."""
        replace_all([(self, target)])

    def flush(self) -> None:
        """Make what was written survive a crash."""
        self.file.flush()
        os.fsync(self.file.fileno())


@contextmanager
def draft(folder: Path, *, mode: int = 0o666) -> Iterator[Draft]:
    """A draft in ``folder``, which must be on the file system of the target; gone when the block ends.

    Args:
        folder: where the draft lies; it is made if need be.
        mode: the file's mode before the umask.
    """
    make_folder(folder)
    path, descriptor = _open_held(folder, mode)
    with os.fdopen(descriptor, "w+b") as file:
        try:
            yield Draft(path, file)
        finally:
            path.unlink(missing_ok=True)


def replace_all(drafts: Sequence[tuple[Draft, Path]]) -> None:
    """Give every draft its final name: all flushed first, then all renamed at once."""
    for made, target in drafts:
        made.flush()
        make_folder(target.parent)
    for made, target in drafts:
        made.path.rename(target)
    for folder in {target.parent for _, target in drafts}:
        flush_folder(folder)


def write(target: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Put ``content`` at ``target``, whole or not at all."""
    with explained("writing", target), draft(target.parent, mode=mode) as made:
        made.file.write(content)
        made.replace(target)


def sweep(folder: Path) -> None:
    """Remove the drafts in ``folder`` whose writers are gone."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX):
                _remove_abandoned(entry.path)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, each flushed into its parent."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder survive a crash, where its file system can."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP, errno.EBADF}:  # folders of some network mounts
            raise
    finally:
        os.close(descriptor)


def _open_held(folder: Path, mode: int) -> tuple[Path, int]:
    while True:
        path = folder / f"{PREFIX}{secrets.token_hex(8)}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        if hold(descriptor) and os.fstat(descriptor).st_nlink:
            return path, descriptor
        os.close(descriptor)  # a sweep came between the two calls


def hold(descriptor: int) -> bool:
    """Lock a new draft or stage; False where a sweep holds it, which is about to remove it."""
    with suppress(OSError):  # a file system without locks: the sweep goes by age there
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _remove_abandoned(path: str) -> None:
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)  # noqa: PTH108 - a scandir entry is text already
        except BlockingIOError:
            pass
        except OSError:
            if os.fstat(descriptor).st_mtime < time.time() - _ABANDONED_S:
                os.unlink(path)  # noqa: PTH108
        finally:
            os.close(descriptor)
