"""Blobs that no manifest names: counted, removed, and nothing else."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import pytest

from lading.core.digest import Digest
from lading.core.objects import Kind
from lading.core.projections import fallback_key, referrer_key
from lading.core.rubbish import KEPT_S
from lading.ops.pack import Shape
from lading.ops.prune import Pruned, Pruner, models
from lading.ops.sweep import FRESH_S
from tests.cargo import noise
from tests.wharf import Busy, Ticker, Wharf, blobs, keys, litter, whole
from tests.yard import refusal

if TYPE_CHECKING:
    from lading.core.ports import WritableStore

JSON = Kind("application/json")
LATER = 4e9
"""Long after every blob of these tests."""


def remove(store: WritableStore, name: str = "m", kept_s: float = 0) -> Pruned:
    return Pruner(store, name).remove(Ticker(), kept_s)


def found(store: WritableStore, name: str = "m", now_s: float = LATER) -> set[str]:
    return {each.key.rpartition("/")[2] for each in Pruner(store, name).find(now_s, KEPT_S)}


def test_what_no_manifest_names_is_found_and_removed_and_nothing_else(wharf: Wharf) -> None:
    wharf.push("1.0", b"a")
    wharf.push("1.1", b"b")
    needed = blobs(wharf.store.objects)
    rubbish = litter(wharf.store, b"left", b"behind!")
    before = keys(wharf.store.objects)
    assert found(wharf.store) == rubbish
    assert keys(wharf.store.objects) == before, "looking writes nothing"
    assert remove(wharf.store) == Pruned("m", 2, 11, deleted=True)
    assert blobs(wharf.store.objects) == needed
    assert keys(wharf.store.objects) == before - {f"v2/m/blobs/{digest}" for digest in rubbish}
    assert whole(wharf.store) == {"1.0", "1.1"}
    assert found(wharf.store) == set()


def test_young_blobs_stay(wharf: Wharf) -> None:
    wharf.push("1.0")
    rubbish = litter(wharf.store, b"a push that goes on")
    (blob,) = (wharf.store.objects.head(f"v2/m/blobs/{digest}") for digest in rubbish)
    assert blob is not None
    assert found(wharf.store, now_s=blob.modified_s + KEPT_S) == set()
    assert found(wharf.store, now_s=blob.modified_s + KEPT_S + 0.01) == rubbish
    assert remove(wharf.store, kept_s=KEPT_S) == Pruned("m", 0, 0, deleted=True)
    assert rubbish <= blobs(wharf.store.objects)


def test_what_an_index_and_its_children_and_a_modelpack_artifact_name_stays(wharf: Wharf) -> None:
    wharf.push("1.0", shape=Shape(("linux/amd64", "linux/arm64"), modelpack=True))
    needed = blobs(wharf.store.objects)
    assert len(needed) == 2 + 2 + 1, "two layers, a config a platform, the artifact's"
    assert found(wharf.store) == set()
    for key in keys(wharf.store.objects, "v2/m/manifests/"):
        if key.endswith("/1.0"):
            wharf.store.objects.delete(key)  # the children alone still need everything
    assert found(wharf.store) == set()


def test_what_evidence_and_a_stage_name_stays(wharf: Wharf) -> None:
    pushed = wharf.push("1.0")
    subject = Digest.parse(pushed.manifest)
    proof, listed, staged = (
        litter(wharf.store, b"a signature"),
        litter(wharf.store, b"x"),
        litter(wharf.store, b"y"),
    )

    def manifest(digests: set[str]) -> bytes:
        return json.dumps({"layers": [{"digest": digest} for digest in digests]}).encode()

    evidence = manifest(proof)
    wharf.store.objects.create(referrer_key("m", subject, Digest.of(evidence)), evidence, JSON)
    wharf.store.objects.create(fallback_key("m", subject), manifest(listed), JSON)
    wharf.store.objects.create("v2/m/manifests/production", manifest(staged), JSON)
    assert found(wharf.store) == set()
    wharf.store.objects.replace("v2/m/manifests/production", b"{}", JSON)
    assert found(wharf.store) == staged


def test_a_model_without_a_version_has_nothing_that_it_needs(wharf: Wharf) -> None:
    rubbish = litter(wharf.store, b"left by a push that was killed")
    assert list(models(wharf.store.objects)) == ["m"]
    assert found(wharf.store) == rubbish
    assert remove(wharf.store).blobs == 1
    assert blobs(wharf.store.objects) == set()


def test_models_in_models_are_told_apart(wharf: Wharf) -> None:
    for name in ("acme", "acme/m", "acme/m/small", "b"):
        wharf.push("1.0", name=name)
    litter(wharf.store, b"one", name="acme/m")
    litter(wharf.store, b"two", name="acme")
    wharf.store.objects.create("v2/Not_A_Model/blobs/x", b"?", Kind())
    assert sorted(models(wharf.store.objects)) == ["acme", "acme/m", "acme/m/small", "b"]
    assert remove(wharf.store, "acme/m") == Pruned("acme/m", 1, 3, deleted=True)
    assert found(wharf.store, "acme") == {str(Digest.of(b"two"))}
    for name in ("acme", "acme/m", "acme/m/small", "b"):
        assert whole(wharf.store, name) == {"1.0"}


def test_a_model_that_is_not_there_is_told(wharf: Wharf) -> None:
    wharf.push("1.0")
    code, status, message, _ = refusal(lambda: found(wharf.store, "mm"))
    assert (code, status) == ("no-model", 3)
    assert "has no model 'mm'; it has m" in message


@pytest.mark.parametrize(
    "raw", [b"", b"damaged", b"null", b"{}"], ids=["empty", "no JSON", "null", "other JSON"]
)
def test_a_manifest_that_cannot_be_read_stops_it_before_anything_is_removed(wharf: Wharf, raw: bytes) -> None:
    pushed = wharf.push("1.0")
    litter(wharf.store, b"left")
    key = f"v2/m/manifests/{pushed.manifest}"
    wharf.store.objects.replace(key, raw, JSON)
    before = keys(wharf.store.objects)
    for act in (found, remove):
        code, status, message, _ = refusal(partial(act, wharf.store))
        assert (code, status) == ("bad-manifest", 4)
        assert f"{wharf.store.url}: {key} " in message
        assert "so nobody knows which blobs it needs" in message
    assert keys(wharf.store.objects) == before, "not even the notice is left"


def test_a_manifest_that_is_removed_while_it_is_read_stops_it(busy: tuple[Wharf, Busy]) -> None:
    wharf, objects = busy
    wharf.push("1.0")
    objects.once("get", "manifests/1.0", lambda: objects.delete("v2/m/manifests/1.0"))
    code, _, message, _ = refusal(lambda: found(wharf.store))
    assert (code, message) == (
        "bad-manifest",
        "memory://busy: v2/m/manifests/1.0 was removed while it was read",
    )


def test_a_long_removal_reads_the_manifests_anew_and_those_that_stay_only_once(
    busy: tuple[Wharf, Busy],
) -> None:
    wharf, objects = busy
    wharf.push("1.0")
    litter(wharf.store, *(noise(9, number) for number in range(9)))
    clock, read, posted = Ticker(), list[str](), list[str]()

    def before(step: str, key: str) -> None:
        if step == "get" and "/manifests/" in key:
            read.append(key)
        elif step == "create" and ".sweeps" in key:
            posted.append(key)
        elif step == "delete" and "/blobs/" in key:
            clock.seconds += FRESH_S / 4

    pruner = Pruner(wharf.store, "m")
    assert len(pruner.find(LATER, 0)) == 9
    objects.before = before
    assert pruner.remove(clock, 0).blobs == 9
    assert len(posted) == len(set(posted)) == 3, "four blobs a notice"
    assert read == [], "the manifests were read when looking, and never change"
    objects.before = lambda *_: None
    pushed = wharf.push("1.1", b"b")
    objects.before = before
    pruner.remove(clock, 0)
    assert {key.rpartition("/")[2] for key in read} == {"1.1", pushed.manifest}
    assert whole(wharf.store) == {"1.0", "1.1"}


def test_where_reading_takes_longer_than_a_notice_holds_nothing_is_removed(busy: tuple[Wharf, Busy]) -> None:
    wharf, objects = busy
    wharf.push("1.0")
    rubbish = litter(wharf.store, b"left")
    clock = Ticker()

    def before(step: str, _: str) -> None:
        clock.seconds += FRESH_S if step == "get" else 0

    objects.before = before
    code, status, message, _ = refusal(lambda: Pruner(wharf.store, "m").remove(clock, 0))
    assert (code, status) == ("slow-store", 5)
    assert "took longer than 60 s" in message
    assert rubbish <= blobs(objects)
    assert not any(".sweeps" in key for key in keys(objects))


def test_two_who_remove_at_once_remove_the_same_and_harm_nobody(busy: tuple[Wharf, Busy]) -> None:
    wharf, objects = busy
    wharf.push("1.0")
    rubbish = litter(wharf.store, *(noise(9, number) for number in range(9)))
    second: list[Pruned] = []
    objects.once("delete", "", lambda: second.append(remove(wharf.store)))
    first = remove(wharf.store)
    assert first.blobs == second[0].blobs == len(rubbish)
    assert found(wharf.store) == set()
    assert whole(wharf.store) == {"1.0"}
    assert not any(".sweeps" in key for key in keys(objects))
