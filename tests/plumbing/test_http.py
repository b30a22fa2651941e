from __future__ import annotations

import gzip
import logging
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from lading import __version__
from lading.core.errors import UnavailableError, UsageError
from lading.plumbing.http import Http, Timeouts
from tests.loopback import Handler, site

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1024 * 1024


@pytest.fixture
def http() -> Iterator[Http]:
    with closing(Http({})) as client:
        yield client


def hello(handler: Handler) -> None:
    handler.reply(200, b"hello", x_thing="1")


def test_an_answer_has_status_headers_and_body(http: Http) -> None:
    with (
        site(hello) as there,
        http.request("GET", f"{there.url}/a?b=c", {"Accept": "text/plain"}) as response,
    ):
        assert (response.status, response.headers["X-THING"], response.body(100)) == (200, "1", b"hello")
        assert (response.name, response.origin) == (f"{there.url}/a", f"127.0.0.1:{there.port}")
    (asked,) = there.asked
    assert (asked.method, asked.path, asked.headers["accept"]) == ("GET", "/a?b=c", "text/plain")


def test_a_server_learns_who_asks_and_that_bodies_are_wanted_as_they_are(http: Http) -> None:
    with site(hello) as there:
        http.request("GET", there.url).close()
        http.request("GET", there.url, {"user-agent": "me", "accept-encoding": "gzip"}).close()
    ours, theirs = (asked.headers for asked in there.asked)
    assert (ours["user-agent"], ours["accept-encoding"]) == (f"lading/{__version__}", "identity")
    assert (theirs["user-agent"], theirs["accept-encoding"]) == ("me", "gzip")


@pytest.mark.parametrize("status", [204, 304, 400, 404, 500, 503])
def test_every_status_is_an_answer(http: Http, status: int) -> None:
    with site(lambda handler: handler.reply(status)) as there, http.request("GET", there.url) as response:
        assert response.status == status
    assert len(there.asked) == 1


def test_a_body_is_never_decompressed(http: Http) -> None:
    packed = gzip.compress(b"hello")
    with (
        site(lambda handler: handler.reply(200, packed, content_encoding="gzip")) as there,
        http.request("GET", there.url) as response,
    ):
        assert response.body(1000) == packed


def test_a_body_comes_in_pieces_of_at_most_a_mebibyte(http: Http) -> None:
    content = bytes(range(256)) * 4 * 2600
    with site(lambda handler: handler.reply(200, content)) as there:
        with http.request("GET", there.url) as response:
            pieces = list(response.chunks())
        with http.request("GET", there.url) as response:
            beginning = list(response.chunks(MIB + 5))
    assert [len(piece) for piece in pieces] == [MIB, MIB, len(content) - 2 * MIB]
    assert b"".join(pieces) == content
    assert b"".join(beginning) == content[: MIB + 5]


def test_a_chunked_body_is_put_together(http: Http) -> None:
    def chunked(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")

    with site(chunked) as there:
        for _ in range(2):
            with http.request("GET", there.url) as response:
                assert response.body(100) == b"hello"
    assert there.connections == 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_connection_is_kept(http: Http, method: str) -> None:
    with site(hello) as there:
        for _ in range(3):
            http.request(method, there.url).close()
    assert (len(there.asked), there.connections) == (3, 1)


def test_a_connection_with_much_left_to_read_is_not_kept(http: Http) -> None:
    with site(lambda handler: handler.reply(200, bytes(64 * MIB))) as there:
        for _ in range(2):
            with http.request("GET", there.url) as response:
                assert response.body(10) == bytes(10)
        assert there.connections == 2


def test_threads_share_a_client(http: Http) -> None:
    def echo(handler: Handler) -> None:
        handler.reply(200, handler.path.encode() * 1000)

    with site(echo) as there:

        def ask(number: int) -> bool:
            with http.request("GET", f"{there.url}/{number}") as response:
                return response.body(MIB) == f"/{number}".encode() * 1000

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(ask, range(100)))
    assert there.connections <= 8


def test_a_closed_client_connects_anew(http: Http) -> None:
    with site(hello) as there:
        http.request("GET", there.url).close()
        http.close()
        http.request("GET", there.url).close()
    assert there.connections == 2


@pytest.mark.parametrize("url", ["http://192.0.2.1/x?token=secret", "http://u:secret@models.example/x"])
def test_plain_http_beyond_this_machine_is_refused(http: Http, url: str) -> None:
    with pytest.raises(UsageError) as caught:
        http.request("GET", url)
    assert caught.value.code == "plain-http"
    assert "allow_http = true" in caught.value.hint
    assert "[stores.X]" in caught.value.hint
    assert "secret" not in caught.value.message


def test_plain_http_is_spoken_where_it_is_allowed() -> None:
    # The name does not resolve: that it is looked up shows that plain HTTP is no longer refused.
    with closing(Http({}, allow_http=True)) as http, pytest.raises(UnavailableError) as caught:
        http.request("GET", "http://nowhere.invalid/")
    assert caught.value.code == "dns-failed"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1"])
def test_this_machine_may_be_asked_by_plain_http(http: Http, host: str) -> None:
    with site(hello) as there, http.request("GET", f"http://{host}:{there.port}/") as response:
        assert response.status == 200


def test_nothing_logs_what_urls_and_headers_hold(http: Http, caplog: pytest.LogCaptureFixture) -> None:
    def odd(handler: Handler) -> None:
        if handler.path.startswith("/moved"):
            handler.redirect("/there?X-Amz-Signature=secret")
        else:
            handler.send_response(200)
            handler.wfile.write(b"".join(getattr(handler, "_headers_buffer", [])))
            handler._headers_buffer = []  # type: ignore[attr-defined]
            handler.wfile.write(b"Content-Length: 0\r\n : not a header\r\nX: secret\r\n\r\n")

    caplog.set_level(logging.DEBUG)
    with site(odd) as there:
        http.request("GET", f"{there.url}/moved?token=secret", {"Authorization": "secret"}).close()
    assert len(there.asked) == 2
    assert "secret" not in caplog.text


def test_a_large_body_may_take_longer_than_any_wait_for_a_sign_of_life() -> None:
    body, taken = b"x" * (8 * 1024 * 1024), 0
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)

        def sip() -> None:
            nonlocal taken
            connection, _ = server.accept()
            with connection:
                while taken < len(body):
                    taken += len(connection.recv(128 * 1024))
                    threading.Event().wait(0.02)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=sip, daemon=True)
        thread.start()
        http = Http({}, timeouts=Timeouts(connect_s=0.3, read_s=30))
        with http.request("PUT", f"http://127.0.0.1:{server.getsockname()[1]}/", body=body) as response:
            assert response.status == 200
        thread.join(10)
