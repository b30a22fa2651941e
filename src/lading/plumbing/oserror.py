"""What the operating system says, in lading's words."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lading.core.errors import BudgetError, LadingError, NotFoundError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_CLOSED = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


@contextmanager
def explained(doing: str, path: Path) -> Iterator[None]:
    """Turn an ``OSError`` inside the block into the error that a caller acts on.

    Args:
        doing: what was being done, such as ``writing to the store``.
        path: where; also used to measure the space left on a full disk.
    """
    try:
        yield
    except OSError as error:
        raise explain(error, doing, path) from error


def explain(error: OSError, doing: str, path: Path) -> LadingError:
    """The error that ``explained`` raises, for code that needs to choose by itself."""
    if error.errno in _FULL:
        return BudgetError(
            "disk-full",
            f"{doing}: the disk of {path} is full ({free_bytes(path)} bytes left)",
            hint="free space there, or point LADING_CACHE_DIR or the store at another disk",
        )
    if error.errno in _CLOSED:
        return UnavailableError(
            "read-only",
            f"{doing}: {path} cannot be written or read ({os.strerror(error.errno or 0)})",
            hint="check its owner and mode, and whether its file system is read-only; "
            "LADING_CACHE_DIR moves the cache",
        )
    if error.errno == errno.ENOENT:
        return NotFoundError("no-file", f"{doing}: {path} is not there")
    return UnavailableError("io-error", f"{doing}: {path}: {error.strerror or error}")


def free_bytes(path: Path) -> int:
    """The bytes left for this process on the disk that holds ``path`` or its nearest existing parent."""
    for place in (path, *path.parents):
        if place.exists():
            return shutil.disk_usage(place).free
    return 0
