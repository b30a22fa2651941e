"""A user's own things: settings files, and a folder for the cache, also for a user without a home."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from lading.core.errors import UsageError
from lading.plumbing.cache import writable

if TYPE_CHECKING:
    from collections.abc import Mapping


def read_settings(path: Path) -> str | None:
    """What a file of settings says, or None where there is none.

    Raises:
        UsageError: ``bad-setting``, where it cannot be read.
    """
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("bad-setting", f"{path} cannot be read: {error}") from error


def cache_folder(environ: Mapping[str, str]) -> Path:
    """The user's own folder for the cache, or one in the temporary folder where that cannot be written."""
    own = _own_cache(environ)
    if own is not None and writable(own):
        return own
    # Containers run with a read-only root, without HOME, as any user: what is temporary may still be there.
    # The tempfile module is not asked: it probes by writing, fails where nothing can be written, though
    # nothing may have to be, and takes the working folder before it fails.
    folder = Path(environ.get("TMPDIR") or "/tmp", f"lading-{os.geteuid()}")  # noqa: S108 - see _ours
    return folder if _ours(folder) else folder.with_name(f"{folder.name}-{secrets.token_hex(8)}")


def _own_cache(environ: Mapping[str, str]) -> Path | None:
    """The user's own folder for the cache, or None where the user has no home."""
    if base := environ.get("XDG_CACHE_HOME"):
        return Path(base, "lading").absolute()
    if environ.get("HOME", "/") in {"", "/"}:
        return None
    from platformdirs import user_cache_path

    return user_cache_path("lading", appauthor=False)


def _ours(folder: Path) -> bool:
    """Whether no other user can have put anything in ``folder``, whose name anybody can guess."""
    try:
        seen = folder.lstat()
    except OSError:
        return True
    return stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.geteuid() and not seen.st_mode & 0o022
