"""Stores that lead astray: whoever is asked, nobody else hears of it (design, section 3.7)."""

from __future__ import annotations

import traceback
from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

from lading.core.errors import LadingError
from lading.core.location import Location
from lading.core.objects import Kind
from lading.plumbing.http import Http
from lading.stores.schemes import open_store, open_writable
from lading.stores.web import Web
from tests.certificates import authority
from tests.loopback import Handler, site
from tests.servers.access import secret, shown
from tests.servers.hostile import HostileS3
from tests.servers.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lading.core.objects import WritableObjects
    from tests.servers.static import StaticServer
    from tests.servers.wire import Answer, Request

KIND: Final = Kind("text/plain")
BIG: Final = 9 * 1024 * 1024
CALLS: Final[dict[str, Callable[[WritableObjects], object]]] = {
    "head": lambda objects: objects.head("k"),
    "get": lambda objects: objects.get("k", 10),
    "read": lambda objects: b"".join(objects.read("k", 0, 1)),
    "list": lambda objects: objects.entries("v2/"),
    "list on": lambda objects: objects.entries("v2/", "v2/a"),
    "create": lambda objects: objects.create("k", b"x", KIND),
    "replace": lambda objects: objects.replace("k", b"x", KIND),
    "put": lambda objects: objects.put("k", BIG, iter([bytes(BIG)]), KIND),
    "delete": lambda objects: objects.delete("k"),
}
"""Everything that a bucket is asked for."""


def error_of(act: Callable[[], object]) -> LadingError:
    with pytest.raises(LadingError) as caught:
        act()
    assert shown("".join(traceback.format_exception(caught.value))) == []
    return caught.value


def s3_with_a_token(server: HostileS3, folder: Path) -> WritableObjects:
    made = server.new_bucket()
    environ = {
        "AWS_ACCESS_KEY_ID": made.key_id,
        "AWS_SECRET_ACCESS_KEY": made.secret,
        "AWS_SESSION_TOKEN": secret("session"),
    }
    return open_writable(Location("s3://models/p", endpoint=made.endpoint, environ=environ), folder).objects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("call", CALLS)
def test_an_s3_that_redirects_takes_nobody_along(
    hostile: HostileS3, tmp_path: Path, call: str, status: int
) -> None:
    with HostileS3() as other:
        other.new_bucket()

        def act(request: Request, _honest: Answer) -> Reply:
            return Reply(status, {"Location": other.url + request.target})

        objects = s3_with_a_token(hostile, tmp_path)
        hostile.acts(act)
        error = error_of(partial(CALLS[call], objects))
        assert other.requests == []
    assert error.code in {"login-page", "wrong-region"}
    assert hostile.requests[0].headers["x-amz-security-token"] == secret("session")


@pytest.mark.parametrize("query", ["partNumber", "uploadId"])
def test_an_s3_that_redirects_in_the_midst_of_an_upload_takes_nobody_along(
    hostile: HostileS3, tmp_path: Path, query: str
) -> None:
    with HostileS3() as other:
        other.new_bucket()
        objects = s3_with_a_token(hostile, tmp_path)
        hostile.redirects_to(other.url + "/", lambda asked: query in asked.query)
        error_of(partial(CALLS["put"], objects))
        assert other.requests == []


@pytest.mark.parametrize("call", CALLS)
def test_an_endpoint_that_answers_with_what_it_was_told_shows_no_secret(
    hostile: HostileS3, tmp_path: Path, call: str
) -> None:
    def act(request: Request, _honest: Answer) -> Reply:
        token = request.headers["x-amz-security-token"]
        body = f"<Error><Code>Odd</Code><Message>x-amz-security-token={token}</Message></Error>"
        return Reply(400, {"Content-Type": "application/xml"}, body.encode())

    hostile.acts(act)
    objects = s3_with_a_token(hostile, tmp_path)
    error = error_of(partial(CALLS[call], objects))
    assert shown(error.message + error.hint) == []


def azure_by_signature(server: HostileS3, folder: Path) -> WritableObjects:
    environ = {"AZURE_STORAGE_ACCOUNT_NAME": "acct", "AZURE_STORAGE_SAS_TOKEN": f"sv=1&sig={secret('sas')}"}
    return open_writable(Location("az://c", f"{server.url}/acct", environ=environ), folder).objects


@pytest.mark.parametrize("call", ["head", "get", "read", "list", "replace", "put", "delete"])
@pytest.mark.parametrize("answer", ["denied", "page", "cut", "redirect"])
def test_a_signature_in_a_query_is_in_no_error_and_in_no_trace(
    tmp_path: Path, call: str, answer: str
) -> None:
    with HostileS3() as server:
        replies = {
            "denied": Reply(403, {}, b"<Error><Code>AuthenticationFailed</Code></Error>"),
            "page": Reply(200, {"Content-Type": "text/html"}, b"<html><title>Sign in</title></html>"),
            "cut": Reply(200, cut=-1),
        }
        objects = azure_by_signature(server, tmp_path)
        if answer == "redirect":
            server.redirects_to(f"{server.url}/elsewhere?sig={secret('sas')}")
        else:
            server.acts(lambda *_: replies[answer])
        error_of(partial(CALLS[call], objects))
        assert any(shown(asked.target) for asked in server.requests)  # there was something to keep


def answering(location: str) -> Callable[[Handler], None]:
    return lambda handler: handler.redirect(location)


def test_a_web_store_may_not_lead_to_a_private_address(near: str) -> None:
    with (
        site(lambda handler: handler.reply(200, b"private"), near) as inside,
        site(answering(f"{inside.url}/admin")) as there,
    ):
        web = Web(Http({}, private=lambda address: address == near), there.url)
        for call in ("head", "get", "read"):
            assert error_of(partial(CALLS[call], web)).code == "bad-redirect"  # type: ignore[arg-type]
        assert inside.asked == []


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1:70/_x", "http://", "//"]
)
def test_a_web_store_may_not_lead_to_what_is_no_web(tmp_path: Path, location: str) -> None:
    with site(answering(location)) as there:
        store = open_store(Location(there.url), tmp_path)
        assert error_of(lambda: store.manifest("m", "1.0")).code in {"bad-redirect", "too-many-redirects"}


def test_a_web_store_may_not_lead_from_tls_to_plain_http(tmp_path: Path) -> None:
    trusted = authority(tmp_path)
    with (
        site(lambda handler: handler.reply(200, b"{}")) as plain,
        site(answering(plain.url), context=trusted.server("127.0.0.1")) as there,
    ):
        store = open_store(Location(there.url, environ={"SSL_CERT_FILE": str(trusted.file)}), tmp_path)
        assert error_of(lambda: store.manifest("m", "1.0")).code == "bad-redirect"
        assert plain.asked == []


def test_a_web_store_that_leads_round_and_round_is_left(tmp_path: Path) -> None:
    with site(lambda handler: handler.redirect(f"{handler.path}x")) as there:
        store = open_store(Location(there.url), tmp_path)
        assert error_of(lambda: store.manifest("m", "1.0")).code == "too-many-redirects"
        assert len(there.asked) == 6


def test_a_web_store_that_leads_to_another_web_server_is_followed(
    static: StaticServer, tmp_path: Path
) -> None:
    """What it gives is proven by the bill, so it may lie wherever it wants."""
    (static.root / "v2/m/manifests").mkdir(parents=True)
    (static.root / "v2/m/manifests/1.0").write_bytes(b"{}")
    with site(lambda handler: handler.redirect(static.url + handler.path)) as there:
        assert open_store(Location(there.url), tmp_path).manifest("m", "1.0") == b"{}"


@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{secret('x')}@store.example/models",
        f"https://{secret('x')}@store.example",
        f"https://user:{secret('x')}/y@store.example",
        f"http://user:{secret('x')}@127.0.0.1:8000/",
        f"https://store.example/models?token={secret('x')}",
        f"https://store.example/models#{secret('x')}",
        f"s3://AKID:{secret('x')}@models/prefix",
        f"s3://AKID:{secret('x')}/y@models",
        f"gs://{secret('x')}@models",
        f"az://models?sv=1&sig={secret('x')}",
        f"ftp://user:{secret('x')}@store.example",
    ],
)
def test_credentials_in_the_url_of_a_store_are_refused_and_not_quoted(url: str) -> None:
    error = error_of(lambda: Location(url))
    assert (error.code, error.exit_status) == ("bad-url", 2)
    assert error.message.startswith(f"the URL of a store ({url.partition('://')[0]}://...) may have no user")


@pytest.mark.parametrize(
    "url",
    [
        "https://store.example/models/@scope",
        "https://[::1]:8000/models",
        "http://127.0.0.1:8000",
        "s3://models/team@acme/x",
        "file:///srv/a?b#c@d",
        "file://user@home/x",
        "memory://a@b",
        "models",
    ],
)
def test_the_url_of_a_store_may_look_odd(url: str) -> None:
    assert Location(url).url == url


@pytest.mark.parametrize("scheme", ["s3", "gs", "az"])
@pytest.mark.parametrize(
    "endpoint",
    [
        "https://user:{}@store.example",
        "https://store.example/?token={}",
        "https://store.example/#{}",
        "u:{}@host",
    ],
)
def test_credentials_in_an_endpoint_are_refused_and_not_quoted(
    scheme: str, endpoint: str, tmp_path: Path
) -> None:
    environ = {
        "AZURE_STORAGE_ACCOUNT_NAME": "acct",
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": secret("aws"),
    }
    location = Location(f"{scheme}://models", endpoint.format(secret("x")), environ=environ)
    error = error_of(lambda: open_store(location, tmp_path))
    assert error.code == "bad-endpoint"
    assert "expected https://HOST" in error.message
