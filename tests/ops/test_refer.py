from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lading.core.digest import Digest
from lading.core.errors import IntegrityError
from lading.core.image import MANIFEST_TYPE
from lading.core.objects import Kind
from lading.core.projections import fallback_key, referrer_key
from lading.ops.refer import attach, referrers
from lading.stores.memory import MemoryStore
from tests.cargo import digest

SUBJECT = digest("the image")


def manifest(**more: object) -> bytes:
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, **more}).encode()


def listed(store: MemoryStore) -> list[dict[str, Any]]:
    raw = store.objects.get(fallback_key("m", SUBJECT), 1 << 20)
    assert raw is not None
    found: list[dict[str, Any]] = json.loads(raw)["manifests"]
    return found


def test_what_refers_is_listed_with_its_type_and_annotations() -> None:
    store = MemoryStore()
    evidence = manifest(artifactType="application/vnd.in-toto+json", annotations={"gate": "backtest"})
    plain = manifest(config={"mediaType": "application/vnd.example.config"})
    bare = manifest()
    for raw in (evidence, plain, bare, evidence):
        assert attach(store, "m", SUBJECT, raw) == Digest.of(raw)
        assert store.manifest("m", str(Digest.of(raw))) == raw
    types = {each["digest"]: each["artifactType"] for each in listed(store)}
    assert types == {
        str(Digest.of(evidence)): "application/vnd.in-toto+json",
        str(Digest.of(plain)): "application/vnd.example.config",
        str(Digest.of(bare)): MANIFEST_TYPE,
    }
    assert [each.get("annotations") for each in listed(store)].count({"gate": "backtest"}) == 1
    assert store.versions("m") == []


def test_sixteen_who_refer_at_once_are_all_listed() -> None:
    store = MemoryStore()
    raws = [manifest(artifactType=f"application/vnd.test.{number}") for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda raw: attach(store, "m", SUBJECT, raw), raws))
    assert {each["digest"] for each in listed(store)} == {str(Digest.of(raw)) for raw in raws}


def test_a_lost_index_is_written_again_by_the_next_who_refers() -> None:
    store = MemoryStore()
    attach(store, "m", SUBJECT, manifest(artifactType="a/one"))
    store.objects.replace(fallback_key("m", SUBJECT), b"{}", Kind())
    attach(store, "m", SUBJECT, manifest(artifactType="a/two"))
    assert {each["artifactType"] for each in listed(store)} == {"a/one", "a/two"}


def test_other_bytes_under_a_digest_are_refused() -> None:
    store = MemoryStore()
    raw = manifest(artifactType="a/one")
    store.create_manifest("m", str(Digest.of(raw)), b"other")
    with pytest.raises(IntegrityError, match="holds other bytes under sha256:"):
        attach(store, "m", SUBJECT, raw)


def test_a_referrer_that_was_changed_where_it_lies_is_found() -> None:
    store = MemoryStore()
    raw = manifest(artifactType="a/one")
    attach(store, "m", SUBJECT, raw)
    store.objects.replace(referrer_key("m", SUBJECT, Digest.of(raw)), b"{}", Kind())
    with pytest.raises(IntegrityError) as caught:
        referrers(store.objects, "m", SUBJECT)
    assert caught.value.code == "wrong-digest"


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"mediaType": 5}'])
def test_what_is_no_manifest_cannot_refer(raw: bytes) -> None:
    with pytest.raises(IntegrityError) as caught:
        attach(MemoryStore(), "m", SUBJECT, raw)
    assert caught.value.code == "bad-manifest"
