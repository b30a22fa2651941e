"""``file://``: a store in a folder, laid out as design section 3.3 says.

Behind any static web server whose ``/v2/`` answers 200 the same folder is a registry that container
tools can pull from.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from lading.core.digest import Digest
from lading.core.errors import LadingError, NotFoundError
from lading.core.image import MAX_MANIFEST_BYTES
from lading.core.names import check_name, check_version
from lading.plumbing import atomic
from lading.plumbing.oserror import explain, explained
from lading.stores import problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from io import FileIO

_READ_BYTES: Final = 1024 * 1024
_FRONT: Final = (
    b"<!doctype html><title>lading</title><p>A store of models, readable as an OCI registry.</p>\n"
)


class DirectoryStore:
    """A writable store in the folder ``root``, which the first push makes."""

    def __init__(self, url: str, root: Path) -> None:
        self._url = url
        self._root = root
        self._drafts = root / ".drafts"

    @property
    def url(self) -> str:
        """The URL as it was given."""
        return self._url

    def manifest(self, name: str, reference: str) -> bytes:
        """The manifest under a version or digest."""
        path = self._manifest(name, reference)
        try:
            with path.open("rb") as file:
                return file.read(MAX_MANIFEST_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError):
            raise self._missing(name, reference) from None
        except OSError as error:
            raise explain(error, "reading a manifest", path) from error

    def read(self, name: str, digest: Digest, start: int, end: int) -> Iterator[bytes]:
        """The bytes of a blob."""
        path = self._blob(name, digest)
        try:
            with path.open("rb", buffering=0) as file:
                file.seek(start)
                yield from self._pieces(file, start, end, digest)
        except (FileNotFoundError, NotADirectoryError):
            raise problems.no_blob(self._url, name, digest) from None
        except OSError as error:
            raise explain(error, "reading a blob", path) from error

    def blob_size(self, name: str, digest: Digest) -> int | None:
        """The size of a blob, or None."""
        try:
            return self._blob(name, digest).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise explain(error, "looking for a blob", self._root) from error

    def put_blob(self, name: str, digest: Digest, size: int, chunks: Iterable[bytes]) -> None:
        """Store a blob; a copy that lies there already, perhaps damaged, is replaced by proven bytes."""
        with explained("writing to the store", self._root):
            self._begin()
            with atomic.draft(self._drafts) as draft:
                whole = hashlib.sha256()
                for chunk in chunks:
                    whole.update(chunk)
                    draft.file.write(chunk)
                got = (draft.file.tell(), Digest(whole.hexdigest()))
                if got != (size, digest):
                    raise problems.changed(name, (size, digest), got)
                draft.replace(self._blob(name, digest))

    def create_manifest(self, name: str, reference: str, raw: bytes) -> bool:
        """Store a manifest, never replacing one."""
        path = self._manifest(name, reference)
        with explained("writing to the store", self._root):
            self._begin()
            with atomic.draft(self._drafts) as draft:
                draft.file.write(raw)
                return draft.create(path) or path.read_bytes() == raw

    def versions(self, name: str) -> list[str]:
        """The versions of a model."""
        folder = self._model(name) / "manifests"
        try:
            return [entry.name for entry in folder.iterdir() if _is(check_version, entry.name)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise explain(error, "listing versions", folder) from error

    def names(self) -> list[str]:
        """The models that have a version."""
        root = self._root / "v2"
        found = []
        for parent, folders, _ in os.walk(root):
            if "manifests" in folders:
                name = Path(parent).relative_to(root).as_posix()
                if _is(check_name, name) and self.versions(name):
                    found.append(name)
            folders[:] = [folder for folder in folders if folder not in {"manifests", "blobs", "referrers"}]
        return sorted(found)

    def _begin(self) -> None:
        atomic.sweep(self._drafts)
        front = self._root / "v2" / "index.html"
        if not front.exists():
            atomic.make_folder(self._drafts)
            with atomic.draft(self._drafts) as draft:
                draft.file.write(_FRONT)
                draft.create(front)

    def _model(self, name: str) -> Path:
        return self._root / "v2" / check_name(name)

    def _manifest(self, name: str, reference: str) -> Path:
        return self._model(name) / "manifests" / reference

    def _blob(self, name: str, digest: Digest) -> Path:
        return self._model(name) / "blobs" / str(digest)

    def _missing(self, name: str, reference: str) -> NotFoundError:
        if not self._root.is_dir():
            return NotFoundError(
                "no-store",
                f"there is no store at {self._url} ({self._root})",
                hint="push a model there first",
            )
        return problems.no_version(self._url, name, reference, self.versions(name))

    def _pieces(self, file: FileIO, start: int, end: int, digest: Digest) -> Iterator[bytes]:
        place = start
        while place < end:
            piece = file.read(min(_READ_BYTES, end - place))
            if not piece:
                raise problems.truncated(self._url, digest, place, end)
            place += len(piece)
            yield piece


def open_store(url: str, base: Path) -> DirectoryStore:
    """The store at a ``file://`` URL (RFC 8089, and relative paths, which count from ``base``)."""
    path = url.removeprefix("file://")
    if path.startswith("localhost/"):
        path = path.removeprefix("localhost")
    return DirectoryStore(url, base / unquote(path))


def _is(check: Callable[[str], str], text: str) -> bool:
    with suppress(LadingError):
        check(text)
        return True
    return False
