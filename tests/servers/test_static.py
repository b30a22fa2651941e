"""Folders as static HTTP: what obstore reads from them, and what the plain server does on the wire."""

from __future__ import annotations

import http.client
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest
from obstore.exceptions import BaseError

from tests.servers.access import HTTP, ONCE
from tests.servers.static import StaticServer, nginx

if TYPE_CHECKING:
    from pathlib import Path

CONTENT: Final = bytes(range(256)) * 400


def stock(root: Path) -> None:
    (root / "a b").mkdir(parents=True)
    (root / "a b" / "sha256:cd").write_bytes(CONTENT)
    (root / "empty").touch()


def check(url: str) -> None:
    """What a reader of a folder relies on."""
    from obstore.store import HTTPStore

    client = HTTPStore.from_url(url, client_options=HTTP, retry_config=ONCE)
    key = "a b/sha256:cd"
    assert client.head(key)["size"] == len(CONTENT)
    assert bytes(client.get(key).bytes()) == CONTENT
    assert bytes(client.get_range(key, start=1000, end=1010)) == CONTENT[1000:1010]
    assert client.head("empty")["size"] == 0
    with pytest.raises(FileNotFoundError):
        client.get("a b/missing")
    with pytest.raises(BaseError, match="416"):
        client.get_range(key, start=len(CONTENT), end=len(CONTENT) + 1)


def test_the_plain_server_serves_a_folder(tmp_path: Path) -> None:
    stock(tmp_path / "store")
    with StaticServer(tmp_path / "store") as server:
        check(server.url)


@pytest.mark.component
def test_nginx_serves_a_folder(public: Path) -> None:
    stock(public / "store")
    with nginx(public / "store", public / "nginx") as url:
        check(url)


def test_nothing_outside_the_folder_is_served(tmp_path: Path) -> None:
    stock(tmp_path / "store")
    (tmp_path / "secret").write_bytes(b"x")
    with StaticServer(tmp_path / "store") as server, closing(connect(server)) as connection:
        for path in ("/../secret", "/%2e%2e/secret", "//etc/passwd", "/a%20b"):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 404, path


def connect(server: StaticServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)


def test_one_connection_serves_many_requests(tmp_path: Path) -> None:
    stock(tmp_path)
    with StaticServer(tmp_path) as server, closing(connect(server)) as connection:
        for _ in range(3):
            connection.request("GET", "/a%20b/sha256:cd", headers={"Range": "bytes=5-9"})
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (206, CONTENT[5:10])
            assert answer.headers["Content-Range"] == f"bytes 5-9/{len(CONTENT)}"
            assert answer.headers["Content-Length"] == "5"
            connection.request("HEAD", "/a%20b/sha256:cd")
            answer = connection.getresponse()
            assert (answer.headers["Content-Length"], answer.read()) == (str(len(CONTENT)), b"")
        connection.request("GET", "/empty", headers={"Range": "bytes=0-9"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 416


def test_a_server_may_ignore_ranges(tmp_path: Path) -> None:
    stock(tmp_path)
    with StaticServer(tmp_path, ranges=False) as server, closing(connect(server)) as connection:
        connection.request("GET", "/a%20b/sha256:cd", headers={"Range": "bytes=5-9"})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, CONTENT)


def test_a_stopped_server_leaves_no_thread_and_no_connection(tmp_path: Path) -> None:
    stock(tmp_path)
    before = threading.active_count()
    server = StaticServer(tmp_path).start()
    with closing(connect(server)) as connection:
        connection.request("GET", "/empty")
        connection.getresponse().read()
        server.stop()
        connection.auto_open = 0
        assert connection.sock is not None
        assert connection.sock.recv(1) == b""
    assert threading.active_count() == before
