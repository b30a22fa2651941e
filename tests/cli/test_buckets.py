"""The command line on stores in buckets and on web servers: what works, and what it says when it does not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.cli.shore import FILES, SIZE, bucket, error, keys, ok, reef, shore, table
from tests.loopback import closed_port
from tests.yard import Done, Yard, files_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.access import S3Bucket
    from tests.servers.gcs import GcsServer
    from tests.servers.hostile import HostileS3
    from tests.servers.s3 import Moto
    from tests.servers.static import StaticServer

__all__ = ["bucket", "reef", "shore"]

# What works.


def test_a_version_goes_to_a_bucket_and_comes_back(shore: Yard, bucket: S3Bucket) -> None:
    pushed = ok(shore.say("push", "m:1.0", "--json", "-m", "first"))
    assert (pushed["version"], pushed["size"], pushed["reused"]) == ("1.0", SIZE, 0)
    assert ok(shore.say("push", "m:1.0", "--json"))["uploaded"] == 0
    locked = ok(shore.say("lock", "--json"))["models"]["m"]
    assert locked["digest"] == pushed["digest"]
    shore.forget("model")
    (pulled,) = ok(shore.say("pull", "--json"))["models"]
    assert (pulled["tier"], pulled["fetched"]) == (f"s3://{bucket.bucket}/team", SIZE)
    assert files_of(shore.folder / "model") == FILES
    shore.forget("model")
    assert ok(shore.say("ensure", "--json"))["models"][0]["digest"] == pushed["digest"]
    assert shore.say("verify", "--require", "lock").status == 0


def test_everything_that_looks_finds_it_in_the_bucket(shore: Yard) -> None:
    first = ok(shore.say("push", "m:1.0", "--json", "-m", "first"))["digest"]
    (shore.folder / "model" / "labels.json").write_bytes(b'["a", "c"]')
    ok(shore.say("push", "m:1.1", "--json", "-m", "second"))
    assert ok(shore.say("list", "m", "--json"))["versions"] == ["1.1", "1.0"]
    assert ok(shore.say("list", "--json"))["models"][0]["pushed"] == ["1.1", "1.0"]
    assert ok(shore.say("show", "m:1.0", "--json"))["digest"] == first
    assert ok(shore.say("verify", "m:1.0", "--json"))["ok"] is True
    events = ok(shore.say("history", "m", "--json"))["events"]
    assert [(each["version"], each["message"]) for each in events] == [("1.0", "first"), ("1.1", "second")]
    changed = ok(shore.say("diff", "m:1.0", "m:1.1", "--json"))["files"]["changed"]
    assert [each["path"] for each in changed] == ["labels.json"]


def test_what_no_version_needs_is_removed_from_the_bucket(shore: Yard, bucket: S3Bucket) -> None:
    ok(shore.say("push", "m:1.0", "--json"))
    client = bucket.client()
    stray = f"team/v2/m/blobs/sha256:{'a' * 64}"
    client.put(stray, b"x" * 100)
    assert ok(shore.say("gc", "--older-than", "0", "--json"))["size"] == 100
    assert client.head(stray)["size"] == 100
    # A store's clock may tell whole seconds, and what is of this second is too young.
    removed = ("gc", "--older-than", "0", "--delete", "--json")
    until = time.monotonic() + 10
    while ok(shore.say(*removed))["size"] != 100:
        assert time.monotonic() < until
    with pytest.raises(FileNotFoundError):
        client.head(stray)
    assert ok(shore.say("verify", "m:1.0", "--json"))["ok"] is True


@pytest.mark.parametrize("name", ["models", "{url}"])
def test_another_store_is_named_by_its_table_or_its_url(
    yard: Yard, bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    keys(monkeypatch, bucket, "SHIP")
    yard.settings(*table(bucket, 'env = "SHIP"')[1:])
    yard.model(FILES)
    there = name.format(url=f"s3://{bucket.bucket}/team")
    ok(yard.say("push", "m:1.0", "--to", there, "--json"))
    assert yard.store.exists() is False
    for words in (["list", "m"], ["show", "m:1.0"], ["verify", "m:1.0"], ["history", "m"]):
        ok(yard.say(*words, "--store", there, "--json"))
    (pulled,) = ok(yard.say("pull", "m:1.0", "--store", there, "--into", "elsewhere", "--json"))["models"]
    assert pulled["tier"] == f"s3://{bucket.bucket}/team"
    assert files_of(yard.folder / "elsewhere") == FILES
    assert yard.say("show", "m:1.0").status == 3  # the project's own store has nothing


def test_a_full_reference_needs_no_project(
    shore: Yard, bucket: S3Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ok(shore.say("push", "m:1.0", "--json"))
    keys(monkeypatch, bucket)
    monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.endpoint)
    empty = tmp_path / "empty"
    empty.mkdir()
    reference = f"s3://{bucket.bucket}/team//m:1.0"
    (pulled,) = ok(shore.say("pull", reference, "--into", "here", "--json", cwd=empty))["models"]
    assert (pulled["version"], pulled["tier"]) == ("1.0", f"s3://{bucket.bucket}/team")
    assert files_of(empty / "here") == FILES
    assert sorted(path.name for path in empty.iterdir()) == ["here"]
    ok(shore.say("show", reference, "--json", cwd=empty))


def test_two_stores_with_their_own_keys_stand_side_by_side(
    yard: Yard, hostile: HostileS3, moto: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    near, far = hostile.new_bucket(), moto.new_bucket(f"models-{uuid4().hex[:12]}")
    keys(monkeypatch, near, "NEAR")
    keys(monkeypatch, far, "FAR")
    lines = [f'[stores.{name}]\nurl = "s3://{each.bucket}"\nendpoint = "{each.endpoint}"\nenv = "{name}"'
             for name, each in (("NEAR", near), ("FAR", far))]  # fmt: skip
    yard.settings('store = "FAR"', 'tiers = ["NEAR"]', *lines)
    yard.model(FILES)
    ok(yard.say("push", "m:1.0", "--json"))
    ok(yard.say("push", "m:1.0", "--to", "NEAR", "--json"))
    yard.forget("model")
    (pulled,) = ok(yard.say("pull", "m:1.0", "--json"))["models"]
    assert pulled["tier"] == "s3://models"


def test_a_version_goes_to_google_and_comes_back(
    yard: Yard, gcs: GcsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = gcs.new_bucket(tmp_path)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(made.service_account))
    yard.settings('store = "gs://models/team"')
    yard.model(FILES)
    ok(yard.say("push", "m:1.0", "--json"))
    yard.forget("model")
    (pulled,) = ok(yard.say("pull", "m:1.0", "--json"))["models"]
    assert (pulled["tier"], files_of(yard.folder / "model")) == ("gs://models/team", FILES)
    assert ok(yard.say("list", "m", "--json"))["versions"] == ["1.0"]
    assert len(ok(yard.say("history", "m", "--json"))["events"]) == 1


def test_a_weak_bucket_is_said_to_be_one_and_holds_no_ledger(reef: Yard, hostile: HostileS3) -> None:
    hostile.ignores_conditions()
    done = reef.say("push", "m:1.0")
    assert done.status == 0
    assert "s3://models/team is weak" in done.err
    assert [key for key in hostile.buckets.held["models"] if "ledger" in key] == []
    message, hint = error(again_with_other_content(reef), 6, "version-taken")
    assert "s3://models/team has m:1.0 with other content" in message
    assert hint.endswith("lading push m:1.1")


def again_with_other_content(yard: Yard) -> Done:
    (yard.folder / "model" / "labels.json").write_bytes(b"{}")
    return yard.say("push", "m:1.0", "--json")


# Web servers.


@pytest.fixture
def harbour(yard: Yard, static: StaticServer) -> Yard:
    """A project whose model was pushed to a folder that a web server shows."""
    yard.settings(f'store = "file://{static.root}"')
    yard.model(FILES)
    ok(yard.say("push", "m:1.0", "--json"))
    ok(yard.say("lock", "--json"))
    yard.forget("model")
    return yard


def test_a_web_server_is_a_store_to_read(harbour: Yard, static: StaticServer) -> None:
    there = ("--store", static.url, "--json")
    (pulled,) = ok(harbour.say("pull", "m:1.0", "--into", "here", *there))["models"]
    assert (pulled["tier"], files_of(harbour.folder / "here")) == (static.url, FILES)
    static.requests.clear()
    assert ok(harbour.say("list", "m", *there))["versions"] == ["1.0"]
    assert [asked.path for asked in static.requests] == ["/v2/m/tags/list"]
    assert ok(harbour.say("show", "m:1.0", *there))["version"] == "1.0"
    assert ok(harbour.say("verify", "m:1.0", *there))["ok"] is True
    reference = f"{static.url}/m:1.0"
    assert ok(harbour.say("show", reference, "--json"))["version"] == "1.0"


@pytest.mark.parametrize("words", [["push", "m:1.1"], ["push", "m:1.1", "--create-store"], ["gc"]])
def test_a_web_server_is_no_store_to_write(harbour: Yard, static: StaticServer, words: list[str]) -> None:
    (harbour.folder / "lading.toml").write_text(f'store = "{static.url}"\n[models.m]\npath = "model"\n')
    static.requests.clear()
    message, hint = error(harbour.say(*words, "--json"), 2, "read-only-store")
    assert static.url in message
    assert "--to s3://" in hint
    assert static.requests == []


def test_a_version_that_a_web_server_lacks_is_told_with_those_it_has(
    harbour: Yard, static: StaticServer
) -> None:
    message, _ = error(harbour.say("show", "m:9.9", "--store", static.url, "--json"), 3, "no-version")
    assert message.endswith("has no m:9.9; it has 1.0")


def test_a_web_tier_gives_bytes_before_the_bucket_is_asked(
    reef: Yard, static: StaticServer, hostile: HostileS3
) -> None:
    ok(reef.say("push", "m:1.0", "--json"))
    ok(reef.say("push", "m:1.0", "--to", f"file://{static.root}", "--json"))
    ok(reef.say("lock", "--json"))
    reef.forget("model")
    text = (reef.folder / "lading.toml").read_text()
    (reef.folder / "lading.toml").write_text(f'tiers = ["{static.url}"]\n{text}')
    hostile.requests.clear()
    (pulled,) = ok(reef.say("pull", "--json"))["models"]
    assert pulled["tier"] == static.url
    # The bucket said what the version is, and gave the first layer, which holds the bill.
    assert sum("blobs" in asked.path for asked in hostile.requests if asked.method == "GET") <= 2


def test_a_web_tier_that_is_down_leaves_it_to_the_bucket(reef: Yard) -> None:
    ok(reef.say("push", "m:1.0", "--json"))
    reef.forget("model")
    text = (reef.folder / "lading.toml").read_text()
    (reef.folder / "lading.toml").write_text(f'tiers = ["http://127.0.0.1:{closed_port()}"]\n{text}')
    (pulled,) = ok(reef.say("pull", "m:1.0", "--json"))["models"]
    assert pulled["tier"] == "s3://models/team"


def test_a_tier_without_credentials_leaves_it_to_the_store(harbour: Yard, static: StaticServer) -> None:
    tiers = 'tiers = ["far", "az://container"]'
    (harbour.folder / "lading.toml").write_text(
        f'store = "file://{static.root}"\n{tiers}\n[stores.far]\nurl = "s3://models"\nenv = "FAR"\n'
        '[models.m]\npath = "model"\n'
    )
    (pulled,) = ok(harbour.say("pull", "m:1.0", "--json"))["models"]
    assert pulled["tier"] == f"file://{static.root}"


def test_every_tier_that_could_not_help_is_named_with_its_cause(harbour: Yard, static: StaticServer) -> None:
    for blob in (static.root / "v2/m/blobs").iterdir():
        if blob.stat().st_size > 100_000:
            blob.unlink()
    (harbour.folder / "lading.toml").write_text(
        f'store = "file://{static.root}"\ntiers = ["far"]\n[stores.far]\nurl = "s3://models"\nenv = "FAR"\n'
        '[models.m]\npath = "model"\n'
    )
    message, _ = error(harbour.say("pull", "m:1.0", "--json"), 5, "tiers-failed")
    assert "far: s3://models: there are no credentials for it: FAR_ACCESS_KEY_ID" in message
    assert f"file://{static.root} lacks the blob" in message


# Without the network.


def test_offline_no_bucket_is_asked(reef: Yard, hostile: HostileS3, monkeypatch: pytest.MonkeyPatch) -> None:
    ok(reef.say("push", "m:1.0", "--json"))
    ok(reef.say("lock", "--json"))
    hostile.requests.clear()
    monkeypatch.setenv("LADING_OFFLINE", "1")
    for words in (["push", "m:1.1"], ["list", "m"], ["show", "m:1.0"], ["gc"], ["lock"]):
        message, hint = error(reef.say(*words, "--json"), 5, "offline")
        assert message == "s3://models/team needs the network, which LADING_OFFLINE forbids"
        assert "file://" in hint
    assert hostile.requests == []


def test_offline_what_is_in_place_stays_there_and_what_was_cached_comes_back(
    reef: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    ok(reef.say("push", "m:1.0", "--json"))
    ok(reef.say("lock", "--json"))
    reef.forget("model")
    ok(reef.say("pull", "--json"))
    monkeypatch.setenv("LADING_OFFLINE", "1")
    assert ok(reef.say("ensure", "--json"))["models"][0]["tier"] == "local"
    (reef.folder / "model" / "labels.json").unlink()
    assert ok(reef.say("ensure", "--json"))["models"][0]["tier"] == "cache"


def test_offline_a_near_store_does_without_a_far_tier(
    harbour: Yard, static: StaticServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LADING_OFFLINE", "1")
    monkeypatch.setenv("LADING_TIERS", f"{static.url},s3://models")
    static.requests.clear()
    (pulled,) = ok(harbour.say("pull", "--json"))["models"]
    assert pulled["tier"] == f"file://{static.root}"
    assert static.requests == []
