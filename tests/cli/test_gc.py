"""``lading gc``: what nothing needs is counted, and removed if asked to."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from lading.stores.directory import DirectoryStore
from tests.cargo import noise
from tests.wharf import litter, whole

if TYPE_CHECKING:
    from pathlib import Path

    from tests.yard import Yard

WEEK_S = 7 * 24 * 3600


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """Every path below a folder, with when it was changed last."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_ctime_ns)
        for path in folder.rglob("*")
    }


def store_of(yard: Yard) -> DirectoryStore:
    return DirectoryStore(f"file://{yard.store}", yard.store)


def age(yard: Yard, digests: set[str], age_s: float, name: str = "m") -> None:
    for digest in digests:
        then = time.time() - age_s
        os.utime(yard.store / "v2" / name / "blobs" / digest, (then, then))


@pytest.fixture
def littered(yard: Yard) -> Yard:
    """A version whose blobs are all old, an old blob and a young one that nothing names."""
    yard.model({"a.bin": noise(5000)})
    yard.push("m:1.0", modelpack=True, platforms=["linux/amd64", "linux/arm64"])
    age(yard, {path.name for path in yard.blobs()}, 10 * WEEK_S)
    age(yard, litter(store_of(yard), b"x" * 2048), WEEK_S + 60)
    age(yard, litter(store_of(yard), b"young"), WEEK_S - 60)
    return yard


def test_without_delete_it_counts_and_writes_nothing_at_all(littered: Yard) -> None:
    before = state(littered.folder)
    done = littered.say("gc", "--json")
    assert (done.status, done.err) == (0, "")
    assert done.document == {
        "deleted": False,
        "size": 2048,
        "models": [{"name": "m", "blobs": 1, "size": 2048}],
    }
    assert littered.say("gc").out.splitlines() == [
        "MODEL  BLOBS  SIZE",
        "m      1      2.0 KiB",
        "could be removed with --delete: 1 blob, 2.0 KiB",
    ]
    assert state(littered.folder) == before


def test_with_delete_it_removes_the_old_ones_that_nothing_names_and_nothing_else(littered: Yard) -> None:
    before = set(state(littered.store))
    done = littered.say("gc", "--delete", "--json")
    assert done.document == {
        "deleted": True,
        "size": 2048,
        "models": [{"name": "m", "blobs": 1, "size": 2048}],
    }
    (gone,) = before - set(state(littered.store))
    assert gone.startswith("v2/m/blobs/sha256:")
    assert whole(store_of(littered)) == {"1.0"}
    young = littered.say("gc", "m", "--delete", "--older-than", "6.9")
    assert young.out.splitlines()[-1] == "removed: 1 blob, 5 B"
    assert littered.say("gc", "--delete", "--older-than", "0").out == "removed: 0 blobs, 0 B\n"
    assert whole(store_of(littered)) == {"1.0"}


def test_with_nothing_to_remove_nothing_is_written_so_that_no_push_has_to_wait(yard: Yard) -> None:
    yard.model({"a.bin": b"a"})
    yard.push("m:1.0")
    before = state(yard.folder)
    done = yard.say("gc", "--delete", "--json")
    assert done.document == {"deleted": True, "size": 0, "models": [{"name": "m", "blobs": 0, "size": 0}]}
    assert state(yard.folder) == before


def test_models_are_named_or_all(littered: Yard) -> None:
    age(littered, litter(store_of(littered), b"left", name="acme/m"), 2 * WEEK_S, "acme/m")
    assert [each["name"] for each in littered.say("gc", "--json").document["models"]] == ["acme/m", "m"]
    done = littered.say("gc", "acme/m", "acme/m", "--json")
    assert done.document["models"] == [{"name": "acme/m", "blobs": 1, "size": 4}]
    elsewhere = littered.say("gc", "--json", "--store", f"file://{littered.folder}/elsewhere")
    assert elsewhere.document["models"] == []


def test_a_manifest_that_cannot_be_read_is_named_and_nothing_is_removed_of_any_model(littered: Yard) -> None:
    age(littered, litter(store_of(littered), b"left", name="a"), 2 * WEEK_S, "a")
    (littered.manifests / "1.0").write_bytes(b"\x1b[31m damaged")
    before = state(littered.store)
    done = littered.say("gc", "--delete")
    assert (done.status, done.out) == (4, "")
    assert "v2/m/manifests/1.0 is no JSON, so nobody knows which blobs it needs [bad-manifest]" in done.err
    assert "hint: restore it from a copy of the store" in done.err
    assert state(littered.store) == before


@pytest.mark.parametrize(
    ("words", "code", "status"),
    [
        (["--older-than=-1"], "bad-age", 2),
        (["--older-than", "nan"], "bad-age", 2),
        (["mm"], "no-model", 3),
        (["M"], "bad-name", 2),
    ],
)
def test_what_cannot_be_meant_is_refused(littered: Yard, words: list[str], code: str, status: int) -> None:
    before = state(littered.store)
    done = littered.say("gc", "--delete", "--json", *words)
    assert (done.status, done.document["error"]["code"]) == (status, code)
    assert state(littered.store) == before
