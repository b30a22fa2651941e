"""Putting proven files where a person's code looks for them."""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from lading.core.errors import IntegrityError, PolicyError
from lading.plumbing import atomic
from lading.plumbing.oserror import explained
from lading.plumbing.proof import hash_file

if TYPE_CHECKING:
    from lading.core.digest import Digest

COPY_BYTES: Final = 1024 * 1024
_KEPT_CHARS: Final = 60
"""Of a replaced file's name: with the digest before it, it must fit where names have at most 255 bytes."""

_FICLONE: Final = 0x40049409
"""ioctl(2) FICLONE: share the extents of another file, copied on write (linux/fs.h)."""


def copy(source: Path, draft: atomic.Draft, digest: Digest) -> None:
    """Copy ``source`` into a draft as a writable file of its own, and prove what the draft then holds.

    Raises:
        IntegrityError: ``bad-file``, where the bytes do not have ``digest``.
    """
    with source.open("rb") as file:
        got = _clone(file, draft.file) or _copy(file, draft.file)
    if got != digest.hex:
        raise IntegrityError(
            "bad-file",
            f"{source}: its blocks are right but the whole is not: expected {digest}, got sha256:{got}",
        )


def check_inside(target: Path, root: Path) -> None:
    """Check that ``target`` does not leave ``root`` through a link that lies there already.

    Raises:
        PolicyError: ``link-out``.
    """
    # What realpath leaves a link is one that leads to itself, where Path.resolve fails before Python 3.13.
    parent = Path(os.path.realpath(target.parent))
    if parent.is_symlink() or not parent.is_relative_to(root.resolve()):
        raise PolicyError(
            "link-out",
            f"{target} would be written to {parent}, outside of {root}",
            hint=f"remove the link below {root}",
        )


def keep_replaced(target: Path, folder: Path) -> Path | None:
    """Keep what lies at ``target``, which lading did not put there, before something replaces it.

    Returns:
        Where it is kept, under the digest of its content; None where there was nothing.
    """
    if not target.is_file():
        return None
    with explained("keeping the file that is replaced", target), target.open("rb") as file:
        kept = folder / f"{hash_file(file).hex[:16]}-{target.name[-_KEPT_CHARS:]}"
        file.seek(0)
        with atomic.draft(folder) as draft:
            _copy(file, draft.file)
            draft.create(kept)
    return kept


def _clone(source: BinaryIO, target: BinaryIO) -> str | None:
    with suppress(OSError):
        fcntl.ioctl(target.fileno(), _FICLONE, source.fileno())
        return hash_file(target).hex
    return None


def _copy(source: BinaryIO, target: BinaryIO) -> str:
    whole = hashlib.sha256()
    while chunk := source.read(COPY_BYTES):
        whole.update(chunk)
        target.write(chunk)
    return whole.hexdigest()
