from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.core.names import check_version
from lading.core.versions import highest, next_version, version_key
from tests.core import words


@pytest.mark.parametrize(
    "ordered",
    [
        ["1.0.0", "1.0.1", "1.0.10", "1.1.0", "2.0.0", "10.0.0"],
        # Semantic Versioning 2, rule 11.4
        [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
        ],
        ["1.0-rc1", "1.0-rc2", "1.0-rc10", "1.0"],
        ["v1", "v2", "v10"],
        ["v9", "10", "v11"],
        ["2025-12-31", "2026-01-01", "2026-01-10"],
        ["1", "1.0", "1.0.0"],
        ["1.0.a1", "1.0.b1"],
    ],
)
def test_versions_are_ordered_as_people_expect(ordered: list[str]) -> None:
    shuffled = random.Random(1).sample(ordered, len(ordered))
    assert sorted(shuffled, key=version_key) == ordered


@given(st.lists(words.versions, unique=True, max_size=8))
def test_the_order_does_not_depend_on_where_one_starts(versions: list[str]) -> None:
    ordered = sorted(versions, key=version_key)
    backwards = versions[::-1]
    backwards.sort(key=version_key)
    assert backwards == ordered
    assert highest(versions) == (ordered[-1] if ordered else None)


@given(words.versions, words.versions)
def test_only_equal_versions_have_equal_keys(one: str, two: str) -> None:
    assert (version_key(one) == version_key(two)) == (one == two)


def test_no_versions_have_no_highest() -> None:
    assert highest([]) is None


@pytest.mark.parametrize(
    ("version", "following"),
    [
        ("1", "2"),
        ("1.0.9", "1.0.10"),
        ("v9", "v10"),
        ("1.0-rc1", "1.0-rc2"),
        ("1a", "2a"),
        ("2026-01", "2026-02"),
    ],
)
def test_the_next_version_has_its_last_number_one_higher(version: str, following: str) -> None:
    assert next_version(version) == following


@given(words.versions)
def test_the_next_version_is_a_version_and_higher(version: str) -> None:
    following = next_version(version)
    assert check_version(following) == following
    assert version_key(following) > version_key(version)
