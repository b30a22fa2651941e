"""``file://``: a store in a folder.

Behind any static web server whose ``/v2/`` answers 200 the same folder is a registry that container
tools can pull from.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from lading.core.errors import NotFoundError
from lading.core.objects import Entries, Found
from lading.plumbing import atomic
from lading.plumbing.oserror import explain, explained
from lading.stores import problems
from lading.stores.layout import LaidOut

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lading.core.location import Location
    from lading.core.objects import Kind

_READ_BYTES: Final = 1024 * 1024
_DRAFTS: Final = ".drafts"
_FRONT: Final = (
    b"<!doctype html><title>lading</title><p>A store of models, readable as an OCI registry.</p>\n"
)
_MISSING: Final = (FileNotFoundError, NotADirectoryError)


class Folder:
    """Objects that are files below ``root``, which the first write makes.

    Args:
        url: how messages name it.
        root: the folder.
        drafts: where files are written before they get their names; without it beside their names, so
            that nothing but the objects ever lies there.
    """

    def __init__(self, url: str, root: Path, drafts: Path | None = None) -> None:
        self._url = url
        self._root = root
        self._drafts = drafts

    @property
    def url(self) -> str:
        """The URL as it was given."""
        return self._url

    def head(self, key: str) -> Found | None:
        """What is known of a file."""
        path = self._root / key
        try:
            return _found(key, path.stat())
        except _MISSING:
            return None
        except OSError as error:
            raise explain(error, "looking into the store", path) from error

    def get(self, key: str, limit: int) -> bytes | None:
        """The first bytes of a file.

        Raises:
            NotFoundError: ``no-store``, where not even the folder is there.
        """
        path = self._root / key
        try:
            with path.open("rb") as file:
                return file.read(limit)
        except _MISSING:
            if not self._root.is_dir():
                raise NotFoundError(
                    "no-store",
                    f"there is no store at {self._url} ({self._root})",
                    hint="push a model there first",
                ) from None
            return None
        except OSError as error:
            raise explain(error, "reading from the store", path) from error

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes of a file, in pieces."""
        path = self._root / key
        try:
            with path.open("rb", buffering=0) as file:
                file.seek(start)
                place = start
                while place < end and (piece := file.read(min(_READ_BYTES, end - place))):
                    place += len(piece)
                    yield piece
        except _MISSING:
            raise problems.no_object(self._url, key) from None
        except OSError as error:
            raise explain(error, "reading from the store", path) from error

    def entries(self, folder: str, after: str = "") -> Entries:
        """What lies in a folder."""
        path = self._root / folder
        folders, files = [], []
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    key, seen = f"{folder}{entry.name}", _seen(entry)
                    if seen is None:
                        continue
                    if stat.S_ISDIR(seen.st_mode):
                        folders.append(entry.name)
                    elif os.fsencode(key) > os.fsencode(after):
                        files.append(_found(key, seen))
        except _MISSING:
            return Entries((), ())
        except OSError as error:
            raise explain(error, "listing the store", path) from error
        return Entries(tuple(sorted(folders)), tuple(sorted(files, key=lambda each: each.key)))

    def create(self, key: str, raw: bytes, kind: Kind) -> bool:  # noqa: ARG002 - a file has no media type
        """Store a file, never replacing one."""
        path = self._root / key
        with explained("writing to the store", self._root), self._draft(path) as draft:
            draft.file.write(raw)
            return draft.create(path) or path.read_bytes() == raw

    def replace(self, key: str, raw: bytes, kind: Kind) -> None:
        """Store a file in place of another."""
        self.put(key, len(raw), [raw], kind)

    def put(self, key: str, size: int, chunks: Iterable[bytes], kind: Kind) -> None:  # noqa: ARG002
        """Store a file in place of another."""
        path = self._root / key
        with explained("writing to the store", self._root), self._draft(path) as draft:
            draft.file.writelines(chunks)
            draft.replace(path)

    def delete(self, key: str) -> None:
        """Remove a file."""
        with explained("writing to the store", self._root):
            (self._root / key).unlink(missing_ok=True)

    def strong(self) -> bool:
        """True: of two links of one name the file system makes one fail."""
        return True

    @contextmanager
    def _draft(self, path: Path) -> Iterator[atomic.Draft]:
        folder = self._drafts or path.parent
        atomic.sweep(folder)
        if self._drafts is not None:
            self._write_front(self._drafts)
        with atomic.draft(folder) as draft:
            yield draft

    def _write_front(self, drafts: Path) -> None:
        front = self._root / "v2" / "index.html"
        if not front.exists():
            with atomic.draft(drafts) as draft:
                draft.file.write(_FRONT)
                draft.create(front)


class DirectoryStore(LaidOut):
    """A writable store in the folder ``root``."""

    def __init__(self, url: str, root: Path) -> None:
        super().__init__(Folder(url, root, root / _DRAFTS))


def open_store(location: Location, base: Path) -> DirectoryStore:
    """The store at a ``file://`` URL (RFC 8089, and relative paths, which count from ``base``)."""
    return DirectoryStore(location.url, _path(location, base))


def open_plain(location: Location, base: Path) -> Folder:
    """The plain files of a folder, without a store's own."""
    return Folder(location.url, _path(location, base))


def _path(location: Location, base: Path) -> Path:
    path = location.url.removeprefix("file://")
    if path.startswith("localhost/"):
        path = path.removeprefix("localhost")
    return base / unquote(path)


def _seen(entry: os.DirEntry[str]) -> os.stat_result | None:
    """What a name leads to: a folder or a file that is none of our drafts; links that lead up end nowhere."""
    try:
        seen = entry.stat()
    except _MISSING:
        return None  # a link that leads nowhere, or somebody removed it just now
    if stat.S_ISDIR(seen.st_mode):
        folder = Path(entry.path)
        up = entry.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())
        return None if up else seen
    return seen if stat.S_ISREG(seen.st_mode) and not entry.name.startswith(atomic.PREFIX) else None


def _found(key: str, seen: os.stat_result) -> Found:
    return Found(key, seen.st_size, seen.st_mtime)
