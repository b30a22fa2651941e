"""Making a bucket: which request is made of whom, with whose credentials."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from lading.core.errors import LadingError
from lading.core.location import Location
from lading.stores.creation import create_bucket
from tests.discretion import planted
from tests.loopback import Handler, site
from tests.servers.access import kept_secret, secret, shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.servers.gcs import GcsServer
    from tests.servers.hostile import HostileS3
    from tests.servers.wire import Answer, Reply, Request, WireServer

KEYS: Final = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": secret("aws")}


def refused(location: Location) -> tuple[str, str, str]:
    with pytest.raises(LadingError) as caught:
        create_bucket(location)
    assert shown(caught.value.message + caught.value.hint) == []
    return caught.value.code, caught.value.message, caught.value.hint


def bodies_of(server: WireServer) -> list[bytes]:
    """The bodies that a server will have been sent."""
    bodies: list[bytes] = []

    def act(request: Request, honest: Answer) -> Reply:
        bodies.append(request.body)
        return honest(request)

    server.acts(act)
    return bodies


def test_whether_a_bucket_was_made_now_or_before_is_told(hostile: HostileS3) -> None:
    location = Location("s3://new/prefix", endpoint=f"{hostile.url}/", environ=KEYS)
    assert create_bucket(location) is True
    assert create_bucket(location) is False
    assert [(asked.method, asked.target) for asked in hostile.requests] == [("PUT", "/new")] * 2


@pytest.mark.parametrize(("region", "named"), [("us-east-1", False), ("auto", False), ("eu-west-1", True)])
def test_the_region_is_named_in_the_body_but_for_the_first(
    hostile: HostileS3, region: str, named: bool
) -> None:
    bodies = bodies_of(hostile)
    create_bucket(Location("s3://new", endpoint=hostile.url, region=region, environ=KEYS))
    (body,) = bodies
    assert (b"<LocationConstraint>eu-west-1</LocationConstraint>" in body) == named
    assert bool(body) == named


def test_amazon_itself_is_asked_at_the_buckets_own_host() -> None:
    with site(lambda handler: handler.reply(403)) as proxy:
        location = Location("s3://new", region="eu-west-1", environ={**KEYS, "HTTPS_PROXY": proxy.url})
        assert refused(location)[0] == "proxy-failed"
    assert [(asked.method, asked.path) for asked in proxy.asked] == [
        ("CONNECT", "new.s3.eu-west-1.amazonaws.com:443")
    ]


def test_a_redirect_is_not_followed(hostile: HostileS3) -> None:
    with site(lambda handler: handler.reply(200)) as elsewhere:
        hostile.redirects_to(elsewhere.url)
        code, _, _ = refused(Location("s3://new", endpoint=hostile.url, environ=KEYS))
        assert (code, elsewhere.asked) == ("login-page", [])


# Google, with a token.


def service_account(folder: Path, tokens: str, **more: str) -> str:
    """The key file of a service account whose tokens come from ``tokens``."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    kept_secret(private.splitlines()[5])
    told = {"type": "service_account", "client_email": "a@b", "private_key": private, "private_key_id": "c"}
    path = planted(folder / "account.json")
    path.write_text(json.dumps({**told, "token_uri": f"{tokens}/token", **more}))
    return str(path)


def gives(handler: Handler) -> None:
    handler.reply(200, json.dumps({"access_token": secret("bearer"), "expires_in": 3600}).encode())


def google(endpoint: str, environ: Mapping[str, str]) -> Location:
    return Location("gs://new", endpoint=endpoint, environ={"GCP_PROJECT_ID": "my project", **environ})


def test_google_gets_a_token_and_the_project(gcs: GcsServer, tmp_path: Path) -> None:
    with site(gives) as tokens:
        environ = {"GOOGLE_APPLICATION_CREDENTIALS": service_account(tmp_path, tokens.url)}
        assert create_bucket(google(gcs.url, environ)) is True
        assert create_bucket(google(gcs.url, environ)) is False
    assert gcs.requests[0].headers["authorization"] == f"Bearer {secret('bearer')}"
    assert gcs.requests[0].query == {"project": "my project"}
    assert "new" in gcs.buckets.held


def test_google_is_asked_with_the_credentials_of_the_stores_own_prefix(
    gcs: GcsServer, tmp_path: Path
) -> None:
    with site(gives) as tokens:
        environ = {
            "GCP_PROJECT_ID": "p",
            "SHIP_APPLICATION_CREDENTIALS": service_account(tmp_path, tokens.url),
        }
        location = Location("gs://new", endpoint=gcs.url, env="SHIP", environ=environ)
        assert create_bucket(location) is True
    foreign = {"GCP_PROJECT_ID": "p", "GOOGLE_APPLICATION_CREDENTIALS": "/nowhere"}
    code, message, _ = refused(Location("gs://new", endpoint=gcs.url, env="SHIP", environ=foreign))
    assert code == "no-credentials"
    assert message.endswith("SHIP_APPLICATION_CREDENTIALS are not set")


@pytest.mark.parametrize("body", [b"{}", b'{"error": "invalid_grant"}', b"<html>"])
def test_a_google_that_gives_no_token(gcs: GcsServer, tmp_path: Path, body: bytes) -> None:
    with site(lambda handler: handler.reply(400, body)) as tokens:
        environ = {"GOOGLE_APPLICATION_CREDENTIALS": service_account(tmp_path, tokens.url)}
        code, message, hint = refused(google(gcs.url, environ))
    assert (code, "Google gave no token" in message) == ("no-credentials", True)
    assert "gcloud auth application-default login" in hint
    assert gcs.requests == []


def test_tokens_come_through_the_proxy(gcs: GcsServer, tmp_path: Path) -> None:
    with site(lambda handler: handler.reply(403)) as proxy:
        path = service_account(tmp_path, "https://tokens.example")
        environ = {"GOOGLE_APPLICATION_CREDENTIALS": path, "HTTPS_PROXY": proxy.url}
        assert refused(google(gcs.url, environ))[0] == "no-credentials"
    assert {asked.path for asked in proxy.asked} == {"tokens.example:443"}


def test_without_any_credentials_of_google(gcs: GcsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    assert refused(google(gcs.url, {}))[0] == "no-credentials"


def test_an_endpoint_of_google_with_a_password_is_refused(tmp_path: Path) -> None:
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": service_account(tmp_path, "https://tokens.example")}
    location = google(f"https://user:{secret('x')}@gcs.example", environ)
    assert refused(location)[0] == "bad-endpoint"


def test_a_region_is_where_google_puts_the_bucket(gcs: GcsServer, tmp_path: Path) -> None:
    bodies = bodies_of(gcs)
    environ = {"GCP_PROJECT_ID": "p", "GOOGLE_APPLICATION_CREDENTIALS": str(gcs.account(tmp_path))}
    create_bucket(Location("gs://new", region="EU", environ=environ))
    create_bucket(Location("gs://newer", environ=environ))
    assert [json.loads(body) for body in bodies] == [{"name": "new", "location": "EU"}, {"name": "newer"}]
    assert "authorization" not in gcs.requests[0].headers  # that account needs no token
