"""``lading env``: what lading finds here, where models would come from, whether stores can be used."""

from __future__ import annotations

import json
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import lading
from lading import api
from lading.core.surroundings import VARIABLES
from tests.cargo import fill, noise
from tests.ops.test_probe import nobody

if TYPE_CHECKING:
    from tests.servers.hostile import HostileS3
    from tests.servers.static import StaticServer
    from tests.yard import Done, Yard

FILES = {"a.bin": noise(50_000), "b.bin": b"b"}
SECRET = "wJalr/SECRET+of+nobody"
STORE = {"url", "role", "scheme", "writable", "credentials", "endpoint", "region", "problem", "probe"}


@pytest.fixture
def keys(hostile: HostileS3, monkeypatch: pytest.MonkeyPatch) -> HostileS3:
    """A server with the bucket ``models``, and keys for it in the environment."""
    bucket = hostile.new_bucket()
    monkeypatch.setenv("R2_ACCESS_KEY_ID", bucket.key_id)
    monkeypatch.setenv("R2_SECRET_ACCESS_KEY", SECRET)
    return hostile


def r2(endpoint: str, *lines: str) -> tuple[str, ...]:
    """A project on a bucket of its own endpoint, with its own variables."""
    table = ("[stores.r2]", 'url = "s3://models/p"', f'endpoint = "{endpoint}"', 'env = "R2"')
    return ('store = "r2"', *lines, *table)


def model(done: Done) -> dict[str, Any]:
    assert done.status == 0
    (found,) = done.document["models"]
    assert isinstance(found, dict)
    return found


def test_an_empty_project(yard: Yard) -> None:
    document = yard.say("env", "--json").document
    (store,) = document.pop("stores")
    cache = document.pop("cache")
    assert document == {
        "lading": lading.__version__,
        "python": platform.python_version(),
        "project": {"folder": str(yard.folder), "declared": True},
        "variables": [{"name": "LADING_CACHE_DIR", "value": str(yard.cache)}],
        "models": [],
    }
    assert (cache["path"], cache["free"] > 0, cache["writable"]) == (str(yard.cache), True, True)
    assert store.keys() == STORE
    assert (store["url"], store["role"], store["credentials"]) == ("file://.lading/store", "store", None)


def test_outside_of_any_project(tmp_path: Path, yard: Yard) -> None:
    done = yard.say("env", cwd=tmp_path)
    assert done.status == 0
    assert f"{tmp_path}, without lading.toml\n" in done.out


def test_it_writes_nothing_and_asks_nobody(yard: Yard, keys: HostileS3) -> None:
    yard.settings(*r2(keys.url))
    yard.model(FILES)
    before = sorted(yard.folder.rglob("*"))
    assert yard.say("env").status == 0
    assert (sorted(yard.folder.rglob("*")), yard.cache.exists(), keys.requests) == (before, False, [])


def test_a_model_in_its_place(yard: Yard) -> None:
    yard.stock(FILES)
    yard.pull("m:1.0")
    found = model(yard.say("env", "--json"))
    # Nothing asks for a version, so only the store knows which is meant.
    assert (found["wanted"], found["decided_by"], found["source"]) == ("m", "highest", "tiers")
    api.lock(project=yard.folder)
    found = model(yard.say("env", "--json"))
    assert (found["wanted"], found["decided_by"], found["source"]) == ("m:1.0", "lock", "place")
    assert found["why"] == "it lies there and agrees with its bill, which the lock pins"
    assert (found["path"], found["tiers"]) == (str(yard.folder / "model"), [])


def test_a_model_that_the_cache_has(yard: Yard) -> None:
    yard.stock(FILES)
    api.lock(project=yard.folder)
    yard.pull("m")
    (yard.folder / "model" / "a.bin").unlink()
    found = model(yard.say("env", "--json"))
    assert (found["source"], found["why"]) == ("cache", "a.bin is missing; the cache has what is needed")


def test_a_model_that_must_be_fetched_names_the_tiers_in_order(yard: Yard) -> None:
    yard.stock(FILES)
    api.lock(project=yard.folder)
    yard.pull("m")
    yard.settings('tiers = ["file:///mnt/near"]', '[models."m"]', 'path = "model"', 'version = "1.0"')
    yard.forget()
    fill(yard.folder / "model", {"a.bin": b"x"})
    found = model(yard.say("env", "--json"))
    assert found["source"] == "tiers"
    assert found["why"] == "a.bin is truncated; 50000 bytes are not in the cache"
    assert found["tiers"] == ["file:///mnt/near", "file://.lading/store"]


def test_a_lock_that_lading_toml_contradicts(yard: Yard) -> None:
    yard.stock(FILES)
    api.lock(project=yard.folder)
    yard.settings('[models."m"]', 'path = "model"', 'version = "2.0"')
    found = model(yard.say("env", "--json"))
    assert (found["source"], found["decided_by"]) == ("nowhere", None)
    assert found["why"] == "lading.toml asks for m:2.0, lading.lock pins m:1.0"


def test_a_version_of_which_nothing_lies_here(yard: Yard) -> None:
    yard.stock(FILES)
    api.lock(project=yard.folder)
    found = model(yard.say("env", "--json"))
    assert (found["wanted"], found["source"]) == ("m:1.0", "tiers")
    assert found["why"] == "its bill lies neither in its place nor in the cache"


def test_a_stage_is_what_the_store_says(yard: Yard) -> None:
    yard.settings('[models."m"]', 'path = "model"', 'stage = "production"')
    found = model(yard.say("env", "--json"))
    assert (found["wanted"], found["source"]) == ("m:production", "tiers")
    assert found["why"] == "the store says what the stage 'production' holds"


def test_a_declared_file_that_the_version_does_not_hold(yard: Yard) -> None:
    yard.stock(FILES)
    api.lock(project=yard.folder)
    yard.pull("m")
    fill(yard.folder, {"other.bin": b"x"})
    yard.settings('[models."m"]', 'path = "other.bin"')
    found = model(yard.say("env", "--json"))
    assert found["source"] == "nowhere"
    assert found["why"].startswith("lading.toml declares m at other.bin; m:1.0 holds a.bin, b.bin")


def test_offline_the_model_comes_from_nowhere(
    yard: Yard, keys: HostileS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    yard.settings(*r2(keys.url))
    yard.model(FILES)
    yard.push("m:1.0")
    yard.forget("model")
    monkeypatch.setenv("LADING_OFFLINE", "1")
    done = yard.say("env", "--json")
    (store,) = done.document["stores"]
    assert (store["problem"]["code"], model(done)["source"]) == ("offline", "nowhere")
    assert model(done)["why"].endswith("; s3://models/p cannot be used: offline")
    with pytest.raises(lading.LadingError) as caught:
        yard.pull("m")
    assert caught.value.code == "offline"


def test_probing_an_honest_bucket(yard: Yard, keys: HostileS3) -> None:
    yard.settings(*r2(keys.url))
    yard.model(FILES)
    yard.push("m:1.0")
    done = yard.say("env", "--probe", "--json")
    (store,) = done.document["stores"]
    assert (done.status, store["credentials"], store["endpoint"]) == (0, "R2_ACCESS_KEY_ID", keys.url)
    assert store["probe"].keys() == {"readable", "strong", "speed", "steps"}
    assert store["probe"]["speed"].keys() == {"size", "seconds", "first_byte_s"}
    steps = {step["step"]: step["result"] for step in store["probe"]["steps"]}
    assert steps == dict.fromkeys(("credentials", "list", "read", "write", "speed"), "ok") | {
        "delete": "skipped"
    }
    assert all(
        step.keys() == {"step", "result", "message", "seconds", "code", "hint"}
        for step in store["probe"]["steps"]
    )


def test_a_tier_that_cannot_be_read_does_not_hide_the_others(
    yard: Yard, static: StaticServer, keys: HostileS3
) -> None:
    gone = nobody()
    yard.settings(*r2(keys.url, f'tiers = ["{gone}", "{static.url}"]'))
    done = yard.say("env", "--probe", "--json")
    readable = {store["url"]: store["probe"]["readable"] for store in done.document["stores"]}
    assert (done.status, readable) == (1, {gone: False, static.url: True, "s3://models/p": True})


def test_what_people_see(yard: Yard, keys: HostileS3) -> None:
    yard.settings(*r2(keys.url, 'tiers = ["http://far.example/x", "file:near"]'))
    yard.model(FILES)
    yard.push("m:1.0", to="r2")
    keys.fails(403, "AccessDenied", "Access Denied", when=lambda request: request.method == "PUT")
    done = yard.say("env", "--probe")
    assert done.status == 1
    assert "[plain-http]" in done.out
    assert "2. file:near (a tier)\n  cannot be used: 'file:near' is not a store" in done.out
    shown = done.out[done.out.index("3. s3://models/p (the store)") :].splitlines()
    assert shown[1:3] == [f"  endpoint     {keys.url}", "  region       us-east-1"]
    steps = [line for line in shown[3:] if "hint: " not in line]
    assert [line.split()[:2] for line in steps] == [
        ["credentials", "ok"], ["list", "ok"], ["read", "ok"], ["write", "no"], ["speed", "ok"],
        ["delete", "skipped"],
    ]  # fmt: skip
    assert steps[3].endswith("[access-denied]")
    assert {line[33:35].strip() != "" for line in steps} == {True}


@pytest.mark.parametrize(
    "words", [["env"], ["env", "--json"], ["env", "--probe"], ["env", "--probe", "--json"]]
)
def test_secrets_never_appear(
    yard: Yard, keys: HostileS3, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    gone = nobody().replace("http://", f"http://me:{SECRET}@")
    keys.fails(403, "SignatureDoesNotMatch", f"{SECRET[:5]} does not match")
    monkeypatch.setenv("LADING_TIERS", f"{gone},ftp://me:{SECRET}@host/x,s3://AKID:{SECRET}@models")
    monkeypatch.setenv("LADING_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", keys.url)
    yard.settings(*r2(keys.url))
    done = yard.say(*words)
    assert done.status == int("--probe" in words)
    assert SECRET not in done.out + done.err
    assert SECRET.partition("/")[2] not in done.out + done.err


def test_the_variables_it_knows_are_those_that_are_read() -> None:
    assert lading.__file__ is not None
    wiring = Path(lading.__file__).with_name("wiring.py").read_text("utf-8")
    assert set(VARIABLES) == set(re.findall(r"\"(LADING_[A-Z_]+)\"", wiring))


def test_a_cache_that_cannot_be_written(yard: Yard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("LADING_CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert json.loads(yard.say("env", "--json").out)["cache"]["writable"] is False
    assert "free, cannot be written\n" in yard.say("env").out
