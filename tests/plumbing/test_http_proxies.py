from __future__ import annotations

import select
import socket
from base64 import b64encode
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from lading.core.errors import LadingError
from lading.plumbing.http import Http
from tests.certificates import authority
from tests.loopback import Handler, closed_port, site

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.loopback import Site


def proxy_to(there: Site) -> Callable[[Handler], None]:
    """A proxy for which every name is that of one server."""

    def tunnel(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.flush()
        with socket.create_connection((there.host, there.port)) as upstream:
            pair = {handler.connection: upstream, upstream: handler.connection}
            while ready := select.select(list(pair), [], [], 20)[0]:
                for one in ready:
                    if not (piece := one.recv(65536)):
                        handler.close_connection = True
                        return
                    pair[one].sendall(piece)

    def answer(handler: Handler) -> None:
        if handler.command == "CONNECT":
            tunnel(handler)
            return
        with urlopen(f"{there.url}{urlsplit(handler.path).path}") as response:
            handler.reply(200, response.read())

    return answer


def ok(handler: Handler) -> None:
    handler.reply(200, b"here")


def behind(proxy: Site, authority_file: Path) -> dict[str, str]:
    url = proxy.url.replace("//", "//me:s%40cret@")
    return {"HTTPS_PROXY": url, "SSL_CERT_FILE": str(authority_file)}


def test_https_goes_through_a_tunnel_and_the_proxy_sees_no_headers(tmp_path: Path) -> None:
    trusted = authority(tmp_path)
    with (
        site(ok, context=trusted.server("models.example")) as there,
        site(proxy_to(there)) as proxy,
        closing(Http(behind(proxy, trusted.file))) as http,
    ):
        for _ in range(2):
            with http.request("GET", "https://models.example/x", {"Authorization": "secret"}) as response:
                assert response.body(10) == b"here"
    (asked,) = proxy.asked
    assert (asked.method, asked.path) == ("CONNECT", "models.example:443")
    assert asked.headers["proxy-authorization"] == "Basic " + b64encode(b"me:s@cret").decode()
    assert "authorization" not in asked.headers
    assert [asked.headers["authorization"] for asked in there.asked] == ["secret", "secret"]
    assert "proxy-authorization" not in there.asked[0].headers


def test_plain_http_is_forwarded_where_it_is_allowed() -> None:
    with (
        site(ok) as there,
        site(proxy_to(there)) as proxy,
        closing(Http({"HTTP_PROXY": proxy.url}, allow_http=True)) as http,
        http.request("GET", "http://models.example/x") as response,
    ):
        assert response.body(10) == b"here"
    assert proxy.paths == ["http://models.example/x"]


def test_this_machine_is_asked_without_the_proxy() -> None:
    with (
        site(ok) as there,
        closing(Http({"HTTP_PROXY": f"http://127.0.0.1:{closed_port()}"})) as http,
        http.request("GET", there.url) as response,
    ):
        assert response.status == 200


def failed(environ: dict[str, str], url: str) -> LadingError:
    with closing(Http(environ, allow_http=True)) as http, pytest.raises(LadingError) as caught:
        http.request("GET", url)
    assert "secret" not in caught.value.message
    return caught.value


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_not_there(scheme: str) -> None:
    proxy = f"http://me:secret@127.0.0.1:{closed_port()}"
    error = failed({f"{scheme.upper()}_PROXY": proxy}, f"{scheme}://models.example/?secret")
    assert error.code == "proxy-failed"
    assert "Connection refused" in error.message
    assert "NO_PROXY=models.example" in error.hint


def test_a_proxy_that_refuses() -> None:
    with site(lambda handler: handler.reply(407)) as proxy:
        error = failed({"HTTPS_PROXY": proxy.url}, "https://models.example/?secret")
    assert error.code == "proxy-failed"
    assert "407" in error.message


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "10.0.0.1", "[fd00::1]", "0xa9fea9fe", "[::ffff:10.0.0.1]"]
)
def test_a_proxy_is_not_asked_for_a_private_address_where_a_public_name_led_there(host: str) -> None:
    with site(lambda handler: handler.redirect(f"http://{host}/meta-data")) as proxy:
        error = failed({"HTTP_PROXY": proxy.url}, "http://models.example/x")
    assert (error.code, proxy.paths) == ("bad-redirect", ["http://models.example/x"])


def test_a_private_address_may_be_asked_through_a_proxy_and_lead_anywhere() -> None:
    def answer(handler: Handler) -> None:
        ok(handler) if "models" in handler.path else handler.redirect("http://models.example/x")

    with (
        site(answer) as proxy,
        closing(Http({"HTTP_PROXY": proxy.url}, allow_http=True)) as http,
        http.request("GET", "http://10.0.0.1/x") as response,
    ):
        assert response.body(10) == b"here"
    assert proxy.paths == ["http://10.0.0.1/x", "http://models.example/x"]


def test_a_public_name_behind_a_proxy_does_not_lead_to_this_machine() -> None:
    with site(ok) as inner, site(lambda handler: handler.redirect(inner.url)) as proxy:
        error = failed({"HTTP_PROXY": proxy.url}, "http://models.example/x")
    assert (error.code, inner.asked) == ("bad-redirect", [])
