"""Redirects are where a client can be led astray: each rule is attacked here."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from lading.core.errors import LadingError, UnavailableError, UsageError
from lading.plumbing.http import Http
from tests.certificates import authority
from tests.loopback import Handler, ear, site

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def to(location: str, status: int = 302) -> Callable[[Handler], None]:
    return lambda handler: handler.redirect(location, status)


def ok(handler: Handler) -> None:
    handler.reply(200, b"here")


def countdown(handler: Handler) -> None:
    """Redirects from /5 to /4 and so on, until /0 answers."""
    left = int(handler.path.rpartition("/")[2])
    if left:
        handler.redirect(f"{left - 1}")
    else:
        handler.reply(200, b"here")


def ask(http: Http, url: str, method: str = "GET", **headers: str) -> bytes:
    with closing(http), http.request(method, url, headers) as response:
        assert response.status == 200
        return response.body(1000)


def refused(http: Http, url: str, method: str = "GET") -> LadingError:
    with closing(http), pytest.raises(LadingError) as caught:
        http.request(method, url)
    return caught.value


def only(*addresses: str) -> Callable[[str], bool]:
    return lambda address: address in addresses


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reads_are_redirected_with_their_method(method: str, status: int) -> None:
    def answer(handler: Handler) -> None:
        ok(handler) if handler.path == "/b" else handler.redirect("/b", status)

    with site(answer) as there:
        ask(Http({}), f"{there.url}/a", method)
    assert [(asked.method, asked.path) for asked in there.asked] == [(method, "/a"), (method, "/b")]
    assert there.connections == 1


@pytest.mark.parametrize("status", [300, 304, 305, 306])
def test_other_statuses_are_answers(status: int) -> None:
    with (
        site(to("/b", status)) as there,
        closing(Http({})) as http,
        http.request("GET", there.url) as response,
    ):
        assert response.status == status


def test_a_redirect_to_nowhere_is_an_answer() -> None:
    with (
        site(lambda handler: handler.reply(302)) as there,
        closing(Http({})) as http,
        http.request("GET", there.url) as response,
    ):
        assert response.status == 302


def test_a_caller_may_be_given_redirects() -> None:
    with (
        site(to("/b")) as there,
        closing(Http({})) as http,
        http.request("GET", there.url, follow=False) as response,
    ):
        assert (response.status, response.headers["location"]) == (302, "/b")
    assert len(there.asked) == 1


def test_five_redirects_are_followed_and_a_sixth_is_not() -> None:
    with site(countdown) as there:
        assert ask(Http({}), f"{there.url}/5") == b"here"
        error = refused(Http({}), f"{there.url}/6")
    assert error.code == "too-many-redirects"
    assert len(there.asked) == 12


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_writes_are_not_redirected(method: str) -> None:
    with site(to("/b", 307)) as there:
        error = refused(Http({}), f"{there.url}/a", method)
    assert (error.code, there.paths) == ("bad-redirect", ["/a"])
    assert method in error.message


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x/", "data:,x", "https://", "http://a b/"],
)
def test_a_redirect_leads_to_the_web_only(location: str) -> None:
    with site(to(location)) as there:
        error = refused(Http({}), there.url)
    assert error.code == "bad-redirect"
    assert isinstance(error, UnavailableError)


def test_a_location_is_read_as_browsers_read_it() -> None:
    def answer(handler: Handler) -> None:
        ok(handler) if handler.path.startswith("/b") else handler.redirect("/b c/\u00c3\u00a9?x=1%2F#top")

    with site(answer) as there:
        ask(Http({}), f"{there.url}/a")
    assert there.paths[1] == "/b%20c/%C3%A9?x=1%2F"


def test_https_never_leads_to_http(tmp_path: Path) -> None:
    trusted = authority(tmp_path)
    with (
        site(ok) as plain,
        site(to(f"{plain.url}/?token=secret"), context=trusted.server("127.0.0.1")) as there,
    ):
        error = refused(Http({"SSL_CERT_FILE": str(trusted.file)}, allow_http=True), there.url)
    assert (error.code, plain.asked) == ("bad-redirect", [])
    assert "plain http" in error.message
    assert "secret" not in error.message


def test_http_may_lead_to_https(tmp_path: Path) -> None:
    trusted = authority(tmp_path)
    with site(ok, context=trusted.server("127.0.0.1")) as there, site(to(there.url)) as plain:
        assert ask(Http({"SSL_CERT_FILE": str(trusted.file)}), plain.url) == b"here"


def test_plain_http_on_this_machine_does_not_lead_to_plain_http_elsewhere() -> None:
    with site(to("http://192.0.2.1/")) as there:
        error = refused(Http({}), there.url)
    assert isinstance(error, UsageError)
    assert error.code == "plain-http"


def test_a_public_address_does_not_lead_to_a_private_one(near: str) -> None:
    with ear(near) as private, site(to(f"http://{near}:{private.port}/latest/meta-data?secret")) as there:
        error = refused(Http({}, private=only(near)), there.url)
        assert private.done.wait(10)
    assert error.code == "bad-redirect"
    assert near in error.message
    assert "secret" not in error.message
    assert private.heard == [b""], "nothing may be sent there"


def test_a_public_address_does_not_lead_to_a_private_one_over_tls(near: str, tmp_path: Path) -> None:
    context = authority(tmp_path).server("127.0.0.1")
    with ear(near) as private, site(to(f"https://{near}:{private.port}/"), context=context) as there:
        environ = {"SSL_CERT_FILE": str(tmp_path / "authority.pem")}
        error = refused(Http(environ, private=only(near)), there.url)
        assert private.done.wait(10)
    assert (error.code, private.heard) == ("bad-redirect", [b""])


def test_a_name_that_turns_out_to_be_private_is_refused_before_anything_is_sent(near: str) -> None:
    """As in DNS rebinding, the name tells nothing: who answers is looked at when the connection is made."""
    with ear("127.0.0.1") as private, site(to(f"http://localhost:{private.port}/"), near) as there:
        error = refused(Http({}, private=only("127.0.0.1", "::1")), there.url)
        assert private.done.wait(10)
    assert (error.code, private.heard) == ("bad-redirect", [b""])


def test_a_kept_connection_to_a_private_address_is_no_way_in(near: str) -> None:
    with (
        site(ok, near) as private,
        site(to(f"{private.url}/inner")) as there,
        closing(Http({}, private=only(near))) as http,
    ):
        http.request("GET", f"{private.url}/mine").close()
        with pytest.raises(UnavailableError) as caught:
            http.request("GET", there.url)
    assert (caught.value.code, private.paths) == ("bad-redirect", ["/mine"])


def test_a_private_address_may_lead_anywhere(near: str) -> None:
    with site(ok) as public, site(to(public.url), near) as there:
        assert ask(Http({}, private=only(near)), there.url) == b"here"
    with site(ok) as other, site(to(other.url), near) as there:
        assert ask(Http({}, private=only(near, "127.0.0.1")), there.url) == b"here"


def test_the_way_back_in_is_closed(near: str) -> None:
    """From a private address to a public one is allowed; from there back in is not."""
    with site(ok, near) as inner, site(to(inner.url)) as public, site(to(public.url), near) as there:
        error = refused(Http({}, private=only(near)), there.url)
    assert (error.code, inner.asked, len(public.asked)) == ("bad-redirect", [], 1)


def test_a_public_address_may_lead_to_itself() -> None:
    with site(countdown) as there:
        assert ask(Http({}, private=only()), f"{there.url}/3") == b"here"


def test_a_new_origin_gets_none_of_the_headers_that_may_be_secret() -> None:
    given = {
        "Authorization": "Bearer secret",
        "authorization": "secret",
        "Cookie": "secret",
        "X-Api-Key": "secret",
        "x-amz-security-token": "secret",
        "PRIVATE-TOKEN": "secret",
        "Range": "bytes=0-3",
        "Accept": "application/json",
    }
    with site(ok) as other, site(to(other.url)) as there:
        ask(Http({}), there.url, **given)
    assert there.asked[0].headers["x-api-key"] == "secret"
    (asked,) = other.asked
    assert "secret" not in str(asked.headers)
    assert (asked.headers["range"], asked.headers["accept"]) == ("bytes=0-3", "application/json")
    assert asked.headers.keys() == {"host", "range", "accept", "accept-encoding", "user-agent"}


def test_the_same_origin_gets_the_headers_again() -> None:
    with site(countdown) as there:
        ask(Http({}), f"{there.url}/2", Authorization="secret")
    assert [asked.headers["authorization"] for asked in there.asked] == ["secret"] * 3


def test_headers_once_dropped_stay_dropped() -> None:
    back: list[str] = []

    def there_and_back(handler: Handler) -> None:
        ok(handler) if handler.path == "/back" else handler.redirect(back[1])

    with site(there_and_back) as here, site(lambda handler: handler.redirect(f"{back[0]}/back")) as other:
        back += [here.url, other.url]
        ask(Http({}), here.url, Authorization="secret")
    assert [asked.headers.get("authorization") for asked in here.asked] == ["secret", None]


def test_another_name_for_the_same_server_is_another_origin() -> None:
    def answer(handler: Handler) -> None:
        port = handler.site.port
        ok(handler) if handler.path == "/b" else handler.redirect(f"http://localhost:{port}/b")

    with site(answer) as there:
        ask(Http({}), there.url, Authorization="secret")
    assert [asked.headers.get("authorization") for asked in there.asked] == ["secret", None]


def test_users_in_a_location_are_not_sent() -> None:
    def answer(handler: Handler) -> None:
        where = f"http://me:secret@127.0.0.1:{handler.site.port}/b"
        ok(handler) if handler.path == "/b" else handler.redirect(where)

    with site(answer) as there:
        ask(Http({}), there.url)
    assert "authorization" not in there.asked[1].headers
