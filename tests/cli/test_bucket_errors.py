"""What people confuse, told apart on the command line; and making the bucket that a store is to lie in."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.certificates import authority
from tests.cli.shore import FILES, bucket, error, keys, ok, reef, shore, table
from tests.loopback import Handler, closed_port, site
from tests.servers.access import S3Bucket
from tests.servers.s3 import WRONG, Moto, policy
from tests.servers.wire import Reply, writes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.gcs import GcsServer
    from tests.servers.hostile import HostileS3
    from tests.yard import Yard

__all__ = ["bucket", "reef", "shore"]

# Errors of a real S3, with signatures and policies.


@pytest.fixture
def dock(yard: Yard, moto: Moto, monkeypatch: pytest.MonkeyPatch) -> tuple[Yard, S3Bucket]:
    """A project whose model was pushed to a bucket of moto's, by its owner."""
    made = moto.new_bucket(f"models-{uuid4().hex[:12]}")
    keys(monkeypatch, made)
    yard.settings(*table(made))
    yard.model(FILES)
    ok(yard.say("push", "m:1.0", "--json"))
    yard.forget()
    return yard, made


def test_a_wrong_secret(dock: tuple[Yard, S3Bucket], monkeypatch: pytest.MonkeyPatch) -> None:
    yard, _ = dock
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", WRONG[1])
    for words in (["pull", "m:1.0"], ["list", "m"], ["push", "m:1.1"], ["history", "m"]):
        message, hint = error(yard.say(*words, "--json"), 5, "bad-credentials")
        assert "SignatureDoesNotMatch" in message
        assert hint.startswith("check AWS_ACCESS_KEY_ID: key and secret belong together")


def test_a_key_id_that_nobody_has(dock: tuple[Yard, S3Bucket], monkeypatch: pytest.MonkeyPatch) -> None:
    yard, _ = dock
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", WRONG[0])
    message, _ = error(yard.say("show", "m:1.0", "--json"), 5, "bad-credentials")
    assert "InvalidAccessKeyId" in message


def test_who_may_only_read_cannot_push_and_is_told_the_right(
    dock: tuple[Yard, S3Bucket], moto: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    yard, made = dock
    keys(monkeypatch, made.by(moto.user(policy("s3:GetObject", "s3:ListBucket"))))
    ok(yard.say("verify", "m:1.0", "--json"))
    (yard.folder / "model" / "labels.json").write_bytes(b"{}")
    message, hint = error(yard.say("push", "m:1.1", "--json"), 5, "access-denied")
    assert message.startswith("writing: s3://")
    assert hint == f"grant s3:PutObject on {made.bucket}"
    assert ok(yard.say("list", "m", "--json"))["versions"] == ["1.0"]


def test_who_may_not_list_reads_what_is_named_and_is_told_the_right(
    dock: tuple[Yard, S3Bucket], moto: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    yard, made = dock
    keys(monkeypatch, made.by(moto.user(policy("s3:GetObject"))))
    assert ok(yard.say("show", "m:1.0", "--json"))["version"] == "1.0"
    message, hint = error(yard.say("list", "m", "--json"), 5, "access-denied")
    assert "s3:ListBucket" in hint
    assert message.startswith("listing: ")


def test_a_bucket_that_is_not_there(dock: tuple[Yard, S3Bucket]) -> None:
    yard, made = dock
    for words in (["push", "m:1.0"], ["pull", "m:1.0"], ["list", "m"]):
        yard.settings(*(line.replace(made.bucket, "no-such-bucket") for line in table(made)))
        yard.declare("m", "model")
        message, hint = error(yard.say(*words, "--json"), 3, "no-store")
        assert "no bucket no-such-bucket" in message
        assert "--create-store" in hint


# Errors that a server is told to make.


def test_a_missing_object_that_is_hidden_by_a_denial(reef: Yard, hostile: HostileS3) -> None:
    ok(reef.say("push", "m:1.0", "--json"))
    hostile.hides_missing()
    message, hint = error(reef.say("show", "m:9.9", "--json"), 5, "denied-or-missing")
    assert "it is not there, or the credentials of AWS_ACCESS_KEY_ID lack s3:GetObject" in message
    assert hint == "grant s3:ListBucket on models: then a missing key is 404, and a 403 is a denial"
    assert ok(reef.say("show", "m:1.0", "--json"))["version"] == "1.0"


@pytest.mark.parametrize("lie", ["lies_in_another_region", "expects_region"])
@pytest.mark.parametrize("words", [["list", "m"], ["show", "m:1.0"], ["push", "m:1.0"]])
def test_a_bucket_of_another_region(reef: Yard, hostile: HostileS3, lie: str, words: list[str]) -> None:
    getattr(hostile, lie)("eu-west-3")
    message, hint = error(reef.say(*words, "--json"), 5, "wrong-region")
    assert "in the region eu-west-3" in message
    assert "not in us-east-1" in message
    assert hint == 'region = "eu-west-3" in the [stores.X] table, or AWS_REGION=eu-west-3'


def test_a_region_that_is_said_is_the_one_that_requests_are_signed_for(
    reef: Yard, hostile: HostileS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    ok(reef.say("push", "m:1.0", "--json"))
    assert {asked.headers["authorization"].split("/")[2] for asked in hostile.requests} == {"eu-west-3"}


@pytest.mark.parametrize("words", [["pull", "m:1.0"], ["push", "m:1.0"]])
def test_a_clock_that_is_wrong(reef: Yard, hostile: HostileS3, words: list[str]) -> None:
    hostile.fails(403, "RequestTimeTooSkewed", ServerTime="2026-11-21T08:00:00Z")
    message, hint = error(reef.say(*words, "--json"), 5, "clock-skew")
    assert "the store's clock says 2026-11-21T08:00:00Z" in message
    assert "timedatectl" in hint


@pytest.mark.parametrize("words", [["pull", "m:1.0"], ["push", "m:1.0"]])
def test_a_token_that_has_expired(reef: Yard, hostile: HostileS3, words: list[str]) -> None:
    hostile.fails(400, "ExpiredToken", "The provided token has expired.")
    _, hint = error(reef.say(*words, "--json"), 5, "expired-credentials")
    assert "aws sso login" in hint


def test_a_checksum_that_is_refused(reef: Yard, hostile: HostileS3, monkeypatch: pytest.MonkeyPatch) -> None:
    # What we sign ourselves has none, whatever the environment says: R2 takes it.
    monkeypatch.setenv("AWS_CHECKSUM_ALGORITHM", "sha256")
    hostile.refuses_checksums()
    ok(reef.say("push", "m:1.0", "--json"))
    hostile.behaves()
    hostile.fails(501, "NotImplemented", "Header 'x-amz-checksum-sha256' not implemented", when=writes)
    (reef.folder / "model" / "labels.json").write_bytes(b"{}")
    message, hint = error(reef.say("push", "m:1.1", "--json"), 5, "checksum-refused")
    assert "the credentials are not the cause" in message
    assert "unset AWS_CHECKSUM_ALGORITHM" in hint


@pytest.mark.parametrize("words", [["list", "m"], ["show", "m:1.0"], ["pull", "m:1.0"], ["push", "m:1.0"]])
def test_a_login_page_in_place_of_the_store(reef: Yard, hostile: HostileS3, words: list[str]) -> None:
    page = b"<!DOCTYPE html><html><title>Sign in to the guest network</title></html>"
    hostile.html(page, when=lambda _: True)
    message, hint = error(reef.say(*words, "--json"), 5, "login-page")
    assert "Sign in to the guest network" in message
    assert "log in to the network" in hint


@pytest.mark.parametrize("words", [["list", "m"], ["show", "m:1.0"], ["push", "m:1.0"]])
def test_another_web_page_in_place_of_the_store(reef: Yard, hostile: HostileS3, words: list[str]) -> None:
    hostile.html(b"<html><title>Welcome to nginx!</title></html>", when=lambda _: True)
    message, hint = error(reef.say(*words, "--json"), 5, "html-body")
    assert "Welcome to nginx!" in message
    assert "check the endpoint" in hint


def at(yard: Yard, endpoint: str) -> None:
    yard.settings(
        'store = "s3://models"', "[stores.models]", 'url = "s3://models"', f'endpoint = "{endpoint}"'
    )
    yard.declare("m", "model")


def test_a_certificate_that_nobody_trusts(reef: Yard, tmp_path: Path) -> None:
    trusted = authority(tmp_path)
    with site(lambda handler: handler.reply(200), context=trusted.server("127.0.0.1")) as there:
        at(reef, there.url)
        for words in (["list", "m"], ["push", "m:1.0"]):
            message, hint = error(reef.say(*words, "--json"), 5, "tls-failed")
            assert "unknown authority" in message
            assert "SSL_CERT_FILE" in hint
        assert there.asked == []


def test_a_certificate_of_an_authority_of_ones_own(
    reef: Yard, hostile: HostileS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``SSL_CERT_FILE`` a store behind that authority is read and written."""
    import urllib.request

    trusted = authority(tmp_path)

    def pass_on(handler: Handler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        sent = urllib.request.Request(
            hostile.url + handler.path,
            handler.rfile.read(length) if length else None,
            dict(handler.headers.items()),
            method=handler.command,
        )
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sent) as told:
                status, headers, body = told.status, told.headers, told.read()
        except urllib.error.HTTPError as told_off:
            status, headers, body = told_off.code, told_off.headers, told_off.read()
        kept = {name.replace("-", "_"): text for name, text in headers.items() if name != "Content-Length"}
        size = headers.get("Content-Length", "0") if handler.command == "HEAD" else str(len(body))
        handler.reply(status, body, Content_Length=size, **kept)

    monkeypatch.setenv("SSL_CERT_FILE", str(trusted.file))
    with site(pass_on, context=trusted.server("127.0.0.1")) as there:
        at(reef, there.url)
        ok(reef.say("push", "m:1.0", "--json"))
        ok(reef.say("verify", "m:1.0", "--json"))


def test_a_name_that_has_no_address(reef: Yard) -> None:
    at(reef, "https://store.invalid")
    for words in (["list", "m"], ["push", "m:1.0"]):
        message, _ = error(reef.say(*words, "--json"), 5, "dns-failed")
        assert "store.invalid" in message


def test_a_port_where_nobody_listens(reef: Yard) -> None:
    endpoint = f"http://127.0.0.1:{closed_port()}"
    at(reef, endpoint)
    for words in (["list", "m"], ["push", "m:1.0"]):
        message, hint = error(reef.say(*words, "--json"), 5, "unreachable")
        assert endpoint.removeprefix("http://") in message
        assert hint


def test_plain_http_to_another_machine(reef: Yard) -> None:
    at(reef, "http://store.example:9000")
    message, hint = error(reef.say("list", "m", "--json"), 2, "plain-http")
    assert "http://store.example:9000" in message
    assert "allow_http = true" in hint


def test_no_credentials_at_all(reef: Yard) -> None:
    reef.settings('store = "s3://models"', "[stores.r2]", 'url = "s3://models"', 'env = "R2"')
    reef.declare("m", "model")
    message, hint = error(reef.say("list", "m", "--json"), 5, "no-credentials")
    assert "R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY are not set" in message
    assert hint.startswith("set R2_ACCESS_KEY_ID")
    reef.settings('store = "az://models"')
    reef.declare("m", "model")
    message, _ = error(reef.say("list", "m", "--json"), 5, "no-credentials")
    assert "AZURE_STORAGE_ACCOUNT_NAME" in message


def test_what_google_denies(
    yard: Yard, gcs: GcsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = gcs.new_bucket(tmp_path)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(made.service_account))
    yard.settings('store = "gs://models"')
    yard.model(FILES)
    gcs.denies("models")
    message, hint = error(yard.say("push", "m:1.0", "--json"), 5, "denied-or-missing")
    assert "storage.objects.list" in message
    assert "grant storage.objects.list" in hint


# Making the bucket.


def test_a_bucket_is_made_where_asked_and_again_is_a_success(
    yard: Yard, moto: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = S3Bucket(moto.endpoint, f"new-{uuid4().hex[:12]}", *moto.owner, region="eu-west-1")
    keys(monkeypatch, made)
    yard.settings(*table(made, 'region = "eu-west-1"'))
    yard.model(FILES)
    error(yard.say("push", "m:1.0", "--json"), 3, "no-store")
    ok(yard.say("push", "m:1.0", "--create-store", "--json"))
    assert ok(yard.say("push", "m:1.0", "--create-store", "--json"))["uploaded"] == 0


def test_a_bucket_of_the_first_region_is_made_without_naming_it(reef: Yard, hostile: HostileS3) -> None:
    del hostile.buckets.held["models"]
    ok(reef.say("push", "m:1.0", "--create-store", "--json"))
    assert hostile.requests[0].method == "PUT"
    assert hostile.requests[0].path == "/models"
    assert "content-length" not in hostile.requests[0].headers or (
        hostile.requests[0].headers["content-length"] == "0"
    )
    ok(reef.say("push", "m:1.0", "--create-store", "--json"))


def test_a_name_that_is_somebody_elses(reef: Yard, hostile: HostileS3) -> None:
    hostile.fails(409, "BucketAlreadyExists", "The requested bucket name is not available.")
    message, hint = error(reef.say("push", "m:1.0", "--create-store", "--json"), 6, "bucket-taken")
    assert "'models' belongs to somebody else" in message
    assert hint == "choose another name"


def test_who_may_not_make_buckets_is_told_so(reef: Yard, hostile: HostileS3) -> None:
    hostile.fails(403, "AccessDenied", "Access Denied")
    message, _ = error(reef.say("push", "m:1.0", "--create-store", "--json"), 5, "access-denied")
    assert message.startswith("creating the bucket: ")


def test_without_keys_no_bucket_is_made(yard: Yard) -> None:
    yard.settings('store = "s3://models"')
    yard.model(FILES)
    _, hint = error(yard.say("push", "m:1.0", "--create-store", "--json"), 2, "cannot-create-store")
    assert hint.startswith("aws s3 mb s3://models")


def test_a_bucket_is_made_at_google(
    yard: Yard, gcs: GcsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(gcs.account(tmp_path)))
    yard.settings('store = "eu"', "[stores.eu]", 'url = "gs://models"', 'region = "EU"')
    yard.model(FILES)
    _, hint = error(yard.say("push", "m:1.0", "--create-store", "--json"), 2, "cannot-create-store")
    assert hint.startswith("GCP_PROJECT_ID=")
    monkeypatch.setenv("GCP_PROJECT_ID", "project")
    ok(yard.say("push", "m:1.0", "--create-store", "--json"))
    assert gcs.requests[0].query == {"project": "project"}
    assert ok(yard.say("push", "m:1.0", "--create-store", "--json"))["uploaded"] == 0


def test_a_google_that_will_not(
    yard: Yard, gcs: GcsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(gcs.account(tmp_path)))
    monkeypatch.setenv("GCP_PROJECT_ID", "project")
    yard.settings('store = "gs://models"')
    yard.model(FILES)
    body = b'{"error": {"code": 409, "message": "not available", "errors": [{"reason": "conflict"}]}}'
    gcs.acts(lambda *_: Reply(409, {"Content-Type": "application/json"}, body))
    error(yard.say("push", "m:1.0", "--create-store", "--json"), 6, "bucket-taken")


@pytest.mark.parametrize("store", ["az://models", "file://.lading/store", "memory://{}"])
def test_other_stores_are_not_made(yard: Yard, monkeypatch: pytest.MonkeyPatch, store: str) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "acct")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")
    store = store.format(uuid4().hex)
    yard.settings(f'store = "{store}"')
    yard.model(FILES)
    message, hint = error(yard.say("push", "m:1.0", "--create-store", "--json"), 2, "cannot-create-store")
    assert store in message
    assert hint == (
        "az storage container create --name models --account-name ACCOUNT"
        if store.startswith("az")
        else "push without --create-store"
    )
