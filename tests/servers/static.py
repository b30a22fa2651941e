"""A folder as static HTTP with ranges: a plain threaded server, and nginx for the component tests."""

from __future__ import annotations

from contextlib import contextmanager
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING

from tests.components import servers
from tests.servers.wire import Reply, Request, WireServer, ranged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class StaticServer(WireServer):
    """Serves the files below a folder at ``/``, as nginx does without an index.

    Attributes:
        ranges: whether ``Range`` is honoured; a server may ignore it and answer 200 with the whole.
    """

    def __init__(self, root: Path, *, ranges: bool = True) -> None:
        super().__init__()
        self.root = root
        self.ranges = ranges

    def answer(self, request: Request) -> Reply:
        if request.method not in {"GET", "HEAD"}:
            return Reply(405, {"Allow": "GET, HEAD"})
        path = self.root / request.path.lstrip("/")
        if ".." in request.path.split("/") or not path.is_file():
            return Reply(404, {"Content-Type": "text/html"}, b"<html><h1>404 Not Found</h1></html>")
        known = path.stat()
        headers = {
            "Content-Type": "application/octet-stream",
            "Last-Modified": formatdate(known.st_mtime, usegmt=True),
            "ETag": f'"{known.st_mtime_ns:x}-{known.st_size:x}"',
        }
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Reply(304, headers)
        if not self.ranges:
            return Reply(200, headers, path.read_bytes())
        return ranged(request, known.st_size, partial(_part, path), headers)


def _part(path: Path, start: int, end: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(end - start)


@contextmanager
def nginx(root: Path, folder: Path) -> Iterator[str]:
    """The same by nginx, whose URL is yielded; every user must be able to enter ``root``."""
    with servers.static_server(root, folder) as authority:
        yield f"http://{authority}"
