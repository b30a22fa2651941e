from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.core.digest import Digest
from lading.core.errors import IntegrityError
from lading.core.objects import Found
from lading.core.rubbish import KEPT_S, named_digests, rubbish
from tests.cargo import ABC, EMPTY
from tests.core import words

A, B = Digest(ABC), Digest(EMPTY)
TAG = "v2/m/manifests/1.0"
NOW = 1_000_000_000.0


def blob(digest: Digest | str, age_s: float, size: int = 5) -> Found:
    return Found(f"v2/m/blobs/{digest}", size, NOW - age_s)


@given(st.recursive(words.digests.map(str) | words.texts | st.none() | st.integers(0, 9), st.lists))
def test_every_digest_counts_wherever_it_stands(value: Any) -> None:  # noqa: ANN401 - JSON's own values
    raw = json.dumps({"annotations": {"x": [value, str(A)]}, str(B): 1}).encode()
    found = named_digests(raw, TAG, "memory://")
    assert {A, B} <= found
    assert {str(digest) for digest in found} == {*_texts(value), str(A), str(B)}


def _texts(value: Any) -> set[str]:  # noqa: ANN401
    if isinstance(value, list):
        return set().union(*map(_texts, value))
    return {value} if isinstance(value, str) and value.startswith("sha256:") else set()


@pytest.mark.parametrize("label", ["sha256:{}", "sha256:{}.json"])
def test_a_manifest_under_its_digest_must_have_it(label: str) -> None:
    raw = json.dumps({"config": {"digest": str(A)}}).encode()
    key = f"v2/m/manifests/{label}"
    assert named_digests(raw, key.format(Digest.of(raw).hex), "memory://") == {A}
    with pytest.raises(IntegrityError) as caught:
        named_digests(raw, key.format(B.hex), "memory://")
    assert caught.value.code == "bad-manifest"
    assert caught.value.message == (
        f"memory://: {key.format(B.hex)} has the digest {Digest.of(raw)}, "
        "so nobody knows which blobs it needs"
    )


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "is no JSON"),
        (b"\xff", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b"null", "is no JSON object"),
        (b'["sha256:x"]', "is no JSON object"),
    ],
    ids=["empty", "no text", "too deep", "null", "a list"],
)
def test_a_manifest_that_cannot_say_what_it_needs_is_told_with_its_key(raw: bytes, why: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        named_digests(raw, TAG, "memory://")
    assert (caught.value.code, caught.value.exit_status) == ("bad-manifest", 4)
    assert caught.value.message == f"memory://: {TAG} {why}, so nobody knows which blobs it needs"
    assert "restore it" in caught.value.hint


def test_old_blobs_that_nothing_names_are_rubbish() -> None:
    old, young = blob(A, KEPT_S + 1), blob(B, KEPT_S)
    assert rubbish([old, young], frozenset(), NOW, KEPT_S) == [old]
    assert rubbish([old, young], frozenset(), NOW, 0) == [old, young]
    assert rubbish([old, young], frozenset([A]), NOW, 0) == [young]


def test_what_is_no_blob_by_its_name_stays() -> None:
    assert rubbish([blob("notes.txt", 1e9), blob(f"sha256:{ABC}.part", 1e9)], frozenset(), NOW, 0) == []
