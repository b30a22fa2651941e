"""Stamps: what a proven file looked like, so that a warm start need not hash it again.

They lie outside the checkout, one small file for each folder and model. They are hints for starting fast
and are never consulted by ``verify`` (design, section 3.6).
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from lading.core.errors import LadingError
from lading.plumbing import atomic

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lading.core.digest import Digest

_TICK_S: Final = 0.01
"""Longer than the clock tick of a file system's times: a change within the tick would not show."""


class Stamps:
    """The stamps of the files of one model below one folder."""

    def __init__(self, folder: Path, root: Path, name: str) -> None:
        self._root = root
        key = hashlib.sha256(f"{root.absolute()}\0{name}".encode()).hexdigest()
        self._path = folder / f"{key[:32]}.json"
        self._known: dict[str, list[int | str]] | None = None

    def proven(self, path: str, digest: Digest) -> bool:
        """Whether the file ``path`` is untouched since it was proven to have ``digest``.

        False also for a file that others may write.
        """
        known = self._load().get(path)
        return known is not None and known == _stamp(self._root / path, digest)

    def untouched(self, path: str) -> bool:
        """Whether lading put the file there, whatever its digest, and nobody has changed it since."""
        known = self._load().get(path)
        return known is not None and known[:-1] == (_stamp(self._root / path, None) or [])[:-1]

    def record(self, files: Iterable[tuple[str, Digest]]) -> None:
        """Stamp files that were just proven. A cache that cannot be written costs only the speed."""
        stamps = {path: stamp for path, digest in files if (stamp := _stamp(self._root / path, digest))}
        if stamps == self._load():
            return
        newest = max((int(stamp[4]) for stamp in stamps.values()), default=0)
        if newest > time.time_ns() - _TICK_S * 1e9:
            time.sleep(_TICK_S)
            stamps = {path: stamp for path, stamp in stamps.items() if stamp[:-1] == self._now(path)}
        self._known = stamps
        atomic.sweep(self._path.parent)
        with suppress(LadingError, OSError):
            atomic.write(self._path, json.dumps(stamps).encode())

    def _now(self, path: str) -> list[int | str]:
        return (_stamp(self._root / path, None) or [])[:-1]

    def _load(self) -> dict[str, list[int | str]]:
        if self._known is None:
            self._known = {}
            with suppress(OSError, ValueError):
                loaded = json.loads(self._path.read_bytes())
                if isinstance(loaded, dict):
                    self._known = {path: stamp for path, stamp in loaded.items() if isinstance(stamp, list)}
        return self._known


def _stamp(path: Path, digest: Digest | None) -> list[int | str] | None:
    try:
        seen = path.lstat()
    except OSError:
        return None
    ours = seen.st_uid in {0, os.geteuid()} and not seen.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if not ours or not stat.S_ISREG(seen.st_mode):
        return None
    text = "" if digest is None else str(digest)
    return [seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, text]
