from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.core.digest import Digest
from lading.core.errors import IntegrityError
from lading.core.image import INDEX_TYPE, MANIFEST_TYPE, Descriptor, index_entries
from lading.core.ledger import Head
from lading.core.projections import (
    Referrer,
    fallback_key,
    head_json,
    head_key,
    referrer_key,
    referrers_folder,
    referrers_index,
    tags_key,
    tags_list,
)
from lading.core.projections import tags as read_tags
from lading.core.versions import version_key
from tests.cargo import ABC, EMPTY
from tests.core import words

if TYPE_CHECKING:
    import random

REFERRERS = st.builds(
    Referrer,
    st.builds(Descriptor, st.just(MANIFEST_TYPE), words.digests, st.integers(0, 2**22)),
    st.just("application/vnd.dev.lading.evidence.v1+json"),
    st.dictionaries(words.texts, words.texts, max_size=2),
)


def tags(raw: bytes) -> list[str]:
    listed: list[str] = json.loads(raw)["tags"]
    return listed


def test_the_bytes_of_a_list_of_tags_are_these() -> None:
    raw = tags_list("acme/m", ["1.10", "1.9"], ["production"])
    assert raw == b'{"name":"acme/m","tags":["1.10","1.9","production"]}'


def test_a_model_without_versions_has_an_empty_list() -> None:
    assert tags_list("m", [], []) == b'{"name":"m","tags":[]}'


def test_tags_are_in_lexical_order_without_regard_to_case() -> None:
    assert tags(tags_list("m", ["b1", "A1", "a0", "B2", "10", "9", "_1"], ["Zeta", "alpha"])) == [
        *["10", "9", "_1", "a0", "A1", "alpha", "b1", "B2", "Zeta"],
    ]


@given(st.lists(words.versions, max_size=6), st.lists(words.stages, max_size=3), st.randoms())
def test_the_order_in_which_versions_come_does_not_show(
    versions: list[str], stages: list[str], chance: random.Random
) -> None:
    raw = tags_list("m", versions, stages)
    assert set(tags(raw)) == {*versions, *stages}
    chance.shuffle(versions)
    assert tags_list("m", [*versions, *versions], stages[::-1]) == raw


def test_of_many_versions_the_newest_thousand_are_listed_and_all_stages() -> None:
    versions = [f"1.{number}" for number in range(1200)]
    listed = tags(tags_list("m", reversed(versions), ["production", "staging"]))
    assert len(listed) == 1002
    newest = sorted(set(listed) - {"production", "staging"}, key=version_key)
    assert newest == versions[200:]


def test_head_json_is_what_the_head_says() -> None:
    head = Head(3, Digest(ABC))
    assert Head.parse(head_json(head)) == head


def test_the_bytes_of_an_index_of_referrers_are_these() -> None:
    signature = Referrer(
        Descriptor(MANIFEST_TYPE, Digest(ABC), 42), "application/vnd.x", {"org.opencontainers.x": "y"}
    )
    evidence = Referrer(Descriptor(MANIFEST_TYPE, Digest("0" * 64), 7), "application/vnd.z")
    assert json.loads(referrers_index([signature, evidence])) == {
        "schemaVersion": 2,
        "mediaType": INDEX_TYPE,
        "manifests": [
            {
                "mediaType": MANIFEST_TYPE,
                "digest": f"sha256:{'0' * 64}",
                "size": 7,
                "artifactType": "application/vnd.z",
            },
            {
                "mediaType": MANIFEST_TYPE,
                "digest": f"sha256:{ABC}",
                "size": 42,
                "artifactType": "application/vnd.x",
                "annotations": {"org.opencontainers.x": "y"},
            },
        ],
    }


def test_a_manifest_that_nothing_refers_to_has_an_empty_index() -> None:
    assert index_entries(referrers_index([])) == ()


@given(st.lists(REFERRERS, max_size=5, unique_by=lambda referrer: referrer.descriptor.digest), st.randoms())
def test_the_order_in_which_referrers_come_does_not_show(
    referrers: list[Referrer], chance: random.Random
) -> None:
    raw = referrers_index(referrers)
    ordered = sorted((referrer.descriptor for referrer in referrers), key=lambda found: found.digest)
    assert index_entries(raw) == tuple(ordered)
    chance.shuffle(referrers)
    assert referrers_index([*referrers, *referrers]) == raw


def test_keys_are_where_the_layout_says() -> None:
    subject, digest = Digest(ABC), Digest(EMPTY)
    assert tags_key("acme/m") == "v2/acme/m/tags/list"
    assert head_key("acme/m") == "ledger/acme/m/head.json"
    assert referrers_folder("acme/m", subject) == f"v2/acme/m/referrers/{ABC}/"
    assert referrer_key("acme/m", subject, digest) == f"v2/acme/m/referrers/{ABC}/sha256:{EMPTY}.json"
    assert fallback_key("acme/m", subject) == f"v2/acme/m/manifests/sha256-{ABC}"


@given(st.lists(words.versions), st.lists(words.stages, max_size=2))
def test_a_list_of_tags_reads_back(versions: list[str], stages: list[str]) -> None:
    assert set(read_tags(tags_list("m", versions, stages), "it")) == {*versions, *stages}


def test_a_registry_may_say_null_for_no_tags() -> None:
    assert read_tags(b'{"name": "m", "tags": null}', "it") == []


@pytest.mark.parametrize("raw", [b"", b"<html>", b"[]", b"{}", b'{"tags": 1}', b'{"tags": [1]}'])
def test_what_is_no_list_of_tags_is_told(raw: bytes) -> None:
    with pytest.raises(IntegrityError) as caught:
        read_tags(raw, "http://x/v2/m/tags/list")
    assert (caught.value.code, caught.value.message) == (
        "bad-tags",
        "http://x/v2/m/tags/list is no list of tags",
    )
