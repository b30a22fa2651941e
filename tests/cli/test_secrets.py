"""Secrets on the command line: what is said and written holds none (``Done`` looks at every word)."""

from __future__ import annotations

import json
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from lading.cli.app import _guarded
from lading.cli.out import Out
from lading.core.errors import UsageError
from tests.cli.shore import FILES, bucket, error, ok, reef, shore
from tests.discretion import planted
from tests.loopback import Handler, site
from tests.servers.access import secret, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.access import S3Bucket
    from tests.servers.hostile import HostileS3
    from tests.yard import Yard

__all__ = ["bucket", "reef", "shore"]

URL = f"https://user:{secret('url')}@store.example/models"
COMMANDS = [
    ["push", "m:1.0", "--to", URL],
    ["push", "m:1.0", "--to", URL, "--create-store"],
    ["pull", "m:1.0", "--store", URL],
    ["pull", "--store", URL],
    ["pull", f"{URL}/m:1.0"],
    ["pull", f"{URL}//acme/m:1.0"],
    ["pull", f"{URL}/m@sha256:{'a' * 64}"],
    ["pull", URL],
    ["pull", f"https://store.example/m:1.0?token={secret('url')}"],
    ["pull", f"s3://AKID:{secret('url')}@models/m:1.0"],
    ["list", "m", "--store", URL],
    ["list", URL],
    ["show", "m:1.0", "--store", URL],
    ["show", f"{URL}/m:1.0"],
    ["show", f"{URL}/m:1.0", "--store", "s3://other"],
    ["show", "s3://other//m:1.0", "--store", URL],
    ["diff", f"{URL}/m:1.0", f"{URL}/m:1.1"],
    ["history", "m", "--store", URL],
    ["verify", f"{URL}/"],
    ["verify", f"{URL}/m:1.0"],
    ["verify", "m:1.0", "--store", URL],
    ["gc", "--store", URL],
    ["export", "m:1.0", URL],
    ["import", URL, "--name", "n"],
    ["predict", f"{URL}/m:1.0"],
    ["push", URL],
    ["add", URL, "--name", "n"],
]


@pytest.mark.parametrize("how", [["--json"], [], ["-v"]])
@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words).replace(secret("url"), "..."))
def test_a_password_in_a_url_is_refused_and_not_repeated(
    yard: Yard, words: list[str], how: list[str]
) -> None:
    yard.model(FILES)
    assert yard.say(*words, *how).status in {2, 3}


def test_a_store_with_a_password_is_not_written_down(yard: Yard) -> None:
    (yard.folder / "lading.toml").unlink()
    error(yard.say("init", "--store", URL, "--json"), 2, "bad-url")
    assert list(yard.folder.iterdir()) == []


@pytest.mark.parametrize("name", ["LADING_STORE", "LADING_TIERS"])
def test_a_password_in_a_variable_is_refused(yard: Yard, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    yard.stock(FILES)
    monkeypatch.setenv(name, URL)
    error(yard.say("pull", "m:1.0", "--json"), 2, "bad-url")


@pytest.mark.parametrize(
    "lines",
    [
        [f'store = "{URL}"'],
        [f'tiers = ["{URL}"]'],
        ["[stores.x]", f'url = "{URL}"'],
        ['store = "https://user:${PASSWORD}@store.example"'],
    ],
)
def test_a_password_in_the_project_is_refused(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    monkeypatch.setenv("PASSWORD", secret("variable"))
    yard.stock(FILES)
    yard.settings(*lines)
    planted(yard.folder / "lading.toml")
    yard.declare("m", "model")
    error(yard.say("pull", "m:1.0", "--json"), 2, "bad-url")


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_a_password_in_an_endpoint_is_refused(yard: Yard, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret("key"))
    monkeypatch.setenv(name, URL)
    yard.settings('store = "s3://models"')
    error(yard.say("list", "m", "--json"), 2, "bad-endpoint")
    assert yard.say("list", "m", "-v").status == 2


def test_the_password_of_a_proxy_is_not_repeated(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handler: Handler) -> None:
        handler.reply(407, b"who are you?")

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret("key"))
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "acct")
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", f"sv=1&sig={secret('sas')}")
    with site(refuse) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:{secret('proxy')}@{proxy.host}:{proxy.port}")
        for store in ("s3://models", "az://models", "https://store.example"):
            for how in ("--json", "-v"):
                assert yard.say("show", "m:1.0", "--store", store, how).status == 5
        assert len(proxy.asked) >= 3
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{secret('proxy')}@proxy.example:port")
    for store in ("s3://models", "az://models", "gs://models", "https://store.example"):
        error(yard.say("show", "m:1.0", "--store", store, "--json"), 2, "bad-proxy")


def test_keys_that_no_header_can_carry_are_not_repeated(
    reef: Yard, hostile: HostileS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SESSION_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"):
        for text in (
            secret("a") + "\n",
            "\u00e4" + secret("a"),
            secret("a") + " ",
            f"{secret('a')}\r\nX-Evil: 1",
        ):
            with monkeypatch.context() as there:
                there.setenv(name, text)
                message, hint = error(reef.say("list", "m", "--json"), 5, "bad-credentials")
                assert "the credentials of AWS_ACCESS_KEY_ID hold a space, a line end" in message
                assert "without spaces" in hint
    assert hostile.requests == []


def test_nothing_that_is_written_holds_a_secret(
    shore: Yard, bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock, the project, the bill, the cache and the bucket itself; ``tests.discretion`` looks too."""
    monkeypatch.setenv("SHIP_SESSION_TOKEN", "")
    ok(shore.say("push", "m:1.0", "--json", "-m", "why"))
    ok(shore.say("lock", "--json"))
    shore.forget("model")
    ok(shore.say("pull", "--json"))
    for path in shore.folder.rglob("*"):
        assert not path.is_file() or shown(path.read_bytes()) == []
    client = bucket.client()
    for batch in client.list():
        for meta in batch:
            assert shown(bytes(client.get(meta["path"]).bytes())) == [], meta["path"]
    assert "lading.lock" in {path.name for path in shore.folder.iterdir()}


# Bugs.


def bug(act: Callable[[], int | None], *, verbose: bool, as_json: bool = False) -> tuple[int, str]:
    told = StringIO()
    with redirect_stdout(told), redirect_stderr(told):
        status = _guarded(Out(as_json=as_json, quiet=False, verbose=verbose, project=None), act)
    return status, told.getvalue()


def stumble() -> None:
    inner = ValueError(f"GET {URL}?x-amz-signature={secret('sig')} AWS_SESSION_TOKEN={secret('token')}")
    raise RuntimeError(f"Invalid URL {URL}") from inner


@pytest.mark.parametrize("verbose", [True, False])
@pytest.mark.parametrize("as_json", [True, False])
def test_a_bug_is_told_without_the_secrets_that_it_quotes(verbose: bool, as_json: bool) -> None:
    status, told = bug(stumble, verbose=verbose, as_json=as_json)
    assert status == 70
    assert shown(told) == []
    assert ("Traceback" in told, "in stumble" in told) == (verbose, verbose)
    assert "RuntimeError: Invalid URL https://store.example/models" in told


def test_an_error_that_quotes_a_url_is_told_without_its_password() -> None:
    def act() -> None:
        raise UsageError("usage", f"unexpected extra argument ({URL}?sig={secret('sig')})")

    assert bug(act, verbose=False) == (
        2, "lading: unexpected extra argument (https://store.example/models) [usage]\n"
    )  # fmt: skip


# Descriptors that name other addresses.


@pytest.mark.parametrize("missing", [False, True])
def test_addresses_in_a_manifest_are_nobodys_business(yard: Yard, missing: bool) -> None:
    """A registry's descriptor may have ``urls``; who follows them asks whomever a stranger names."""
    yard.stock(FILES)
    with site(lambda handler: handler.reply(200, b"gotcha")) as elsewhere:
        tag = yard.manifests / "1.0"
        document = json.loads(tag.read_bytes())
        for descriptor in (document["config"], *document["layers"]):
            descriptor["urls"] = [f"{elsewhere.url}/v2/m/blobs/{descriptor['digest']}"]
        tag.write_text(json.dumps(document))
        if missing:
            for blob in yard.blobs():
                if blob.stat().st_size > 100_000:
                    blob.unlink()
            error(yard.say("pull", "m:1.0", "--json"), 3, "no-blob")
        else:
            ok(yard.say("pull", "m:1.0", "--json"))
        yard.say("verify", "m:1.0")
        yard.say("show", "m:1.0")
        assert elsewhere.connections == 0
