"""What a user reads when a connection fails: what, which host, and what to do."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

from lading.core.errors import LadingError, UnavailableError, UsageError
from lading.plumbing.http import Http, Timeouts
from tests.certificates import authority
from tests.loopback import Handler, closed_port, ear, site

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.certificates import Authority

QUICK = Timeouts(connect_s=0.3, read_s=0.3)
SECRETS = "?token=secret"


def failed(url: str, environ: dict[str, str] | None = None) -> LadingError:
    """The error of asking, which must not show the secrets in the URL."""
    with closing(Http(environ or {}, timeouts=QUICK)) as http, pytest.raises(LadingError) as caught:
        http.request("GET", url + SECRETS)
    assert "secret" not in caught.value.message + caught.value.hint
    assert caught.value.hint
    return caught.value


def broken(answer: Callable[[Handler], None]) -> tuple[bytes, LadingError]:
    """What came of a body before it broke, and the error."""
    got: list[bytes] = []
    with (
        site(answer) as there,
        closing(Http({}, timeouts=QUICK)) as http,
        http.request("GET", there.url + SECRETS) as response,
        pytest.raises(LadingError) as caught,
    ):
        got.extend(response.chunks())
    assert "secret" not in caught.value.message
    assert f"127.0.0.1:{there.port}" in caught.value.message
    return b"".join(got), caught.value


def test_a_name_that_does_not_resolve() -> None:
    error = failed("https://nowhere.invalid/x")
    assert (type(error), error.code) == (UnavailableError, "dns-failed")
    assert "nowhere.invalid" in error.message
    assert error.hint.endswith("getent hosts nowhere.invalid")


def test_a_port_where_nobody_listens() -> None:
    port = closed_port()
    error = failed(f"http://127.0.0.1:{port}/x")
    assert (type(error), error.code) == (UnavailableError, "unreachable")
    assert error.message == f"127.0.0.1:{port} could not be reached: Connection refused"
    assert f"curl -I http://127.0.0.1:{port}/" in error.hint


def test_a_server_that_never_takes_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, ExitStack() as stack:
        for _ in range(2):  # fills its queue
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        error = failed(f"http://127.0.0.1:{server.getsockname()[1]}/x")
    assert error.code == "timed-out"
    assert "could not be reached within 0.3 s" in error.message


def test_a_server_that_takes_the_connection_and_says_nothing() -> None:
    with ear() as silent:
        error = failed(f"http://127.0.0.1:{silent.port}/x")
    assert error.code == "timed-out"
    assert error.message == f"127.0.0.1:{silent.port} sent nothing for 0.3 s"


def test_a_server_that_says_nothing_over_tls() -> None:
    with ear() as silent:
        error = failed(f"https://127.0.0.1:{silent.port}/x")
    assert error.code == "timed-out"


def test_a_server_that_hangs_up() -> None:
    with ear(says=b"") as rude:
        error = failed(f"http://127.0.0.1:{rude.port}/x")
    assert error.code == "unreachable"


@pytest.mark.parametrize(
    "words",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x15\x03\x03\0\x02\x02\x50",
        b"HTTP/1.1 ? what\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
)
def test_a_server_that_speaks_something_else(words: bytes) -> None:
    with ear(says=words) as other:
        error = failed(f"http://127.0.0.1:{other.port}/x")
    assert error.code == "not-http"


def said_of(context: ssl.SSLContext, trusted: Authority | None) -> LadingError:
    environ = {"SSL_CERT_FILE": str(trusted.file)} if trusted else {}
    with site(lambda handler: handler.reply(200), context=context) as there:
        error = failed(there.url, environ)
        assert there.asked == []
    assert (type(error), error.code) == (UnavailableError, "tls-failed")
    return error


def test_a_certificate_of_an_unknown_authority(tmp_path: Path) -> None:
    error = said_of(authority(tmp_path).server("127.0.0.1"), None)
    assert "unknown authority" in error.message
    assert "SSL_CERT_FILE" in error.hint


def test_a_certificate_that_signed_itself(tmp_path: Path) -> None:
    error = said_of(authority(tmp_path).server("127.0.0.1", alone=True), None)
    assert "self-signed" in error.message
    assert "SSL_CERT_FILE" in error.hint


def test_a_certificate_that_has_expired(tmp_path: Path) -> None:
    trusted = authority(tmp_path)
    error = said_of(trusted.server("127.0.0.1", days=-1), trusted)
    assert "expired" in error.message
    assert "clock" in error.hint


@pytest.mark.parametrize("name", ["models.example", "127.0.0.9"])
def test_a_certificate_for_another_name(tmp_path: Path, name: str) -> None:
    trusted = authority(tmp_path)
    error = said_of(trusted.server(name), trusted)
    assert "for another" in error.message


def test_a_certificate_for_another_name_of_this_machine(tmp_path: Path) -> None:
    trusted = authority(tmp_path)
    with site(lambda handler: handler.reply(200), context=trusted.server("models.example")) as there:
        error = failed(f"https://localhost:{there.port}/", {"SSL_CERT_FILE": str(trusted.file)})
    assert error.code == "tls-failed"
    assert "for another name" in error.message


def test_a_plain_server_that_is_asked_over_tls() -> None:
    with site(lambda handler: handler.reply(200)) as there:
        error = failed(there.url.replace("http:", "https:"))
    assert error.code == "tls-failed"
    assert "does not speak TLS" in error.message
    assert "http://" in error.hint


def test_a_server_that_wants_a_certificate_of_ours(tmp_path: Path) -> None:
    trusted = authority(tmp_path)
    context = trusted.server("127.0.0.1")
    context.load_verify_locations(trusted.file)
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # in 1.3 the refusal may come after the request
    error = said_of(context, trusted)
    assert "handshake failure" in error.message
    assert "openssl s_client -connect 127.0.0.1:" in error.hint


def test_a_server_that_hangs_up_over_tls() -> None:
    with ear(says=b"") as rude:
        error = failed(f"https://127.0.0.1:{rude.port}/x")
    assert error.code == "tls-failed"
    assert "it hung up" in error.message


def test_a_trusted_certificate_is_taken(tmp_path: Path) -> None:
    trusted = authority(tmp_path)
    with (
        site(lambda handler: handler.reply(200, b"safe"), context=trusted.server("127.0.0.1")) as there,
        closing(Http({"SSL_CERT_FILE": str(trusted.file)})) as http,
    ):
        for _ in range(2):
            with http.request("GET", there.url) as response:
                assert response.body(10) == b"safe"
    assert there.connections == 1


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_a_file_of_certificates_that_cannot_be_read(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "mine.pem"
    if content is not None:
        file.write_text(content)
    error = failed("https://127.0.0.1/", {"SSL_CERT_FILE": str(file)})
    assert (type(error), error.code) == (UsageError, "bad-certificates")
    assert str(file) in error.message


def test_a_body_that_ends_before_its_length() -> None:
    def end(handler: Handler) -> None:
        handler.reply(200, b"x" * 10, content_length="100")
        handler.close_connection = True

    got, error = broken(end)
    assert (got, type(error), error.code) == (b"x" * 10, UnavailableError, "cut-short")
    assert "after 10 bytes: 90 more were expected" in error.message


def test_a_body_whose_connection_is_reset() -> None:
    def reset(handler: Handler) -> None:
        handler.reply(200, b"x" * 10, content_length="100")
        handler.reset()

    _, error = broken(reset)
    assert (type(error), error.code) == (UnavailableError, "cut-short")


def test_a_chunked_body_that_ends_before_its_end() -> None:
    def cut(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"a\r\n0123456789\r\nff\r\nabc")
        handler.close_connection = True

    _, error = broken(cut)
    assert error.code == "cut-short"


def test_a_body_that_stops_coming() -> None:
    end = threading.Event()

    def stop(handler: Handler) -> None:
        handler.reply(200, b"x" * 10, content_length="100")
        handler.wfile.flush()
        end.wait(20)
        handler.close_connection = True

    _, error = broken(stop)
    end.set()
    assert error.code == "timed-out"
    assert "sent nothing for 0.3 s" in error.message
