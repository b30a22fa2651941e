from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.core.digest import Digest
from lading.core.errors import UsageError
from lading.core.lock import Lock, Pin
from tests.cargo import ABC, EMPTY
from tests.core import words

PIN = Pin("1.0", Digest(ABC), Digest(EMPTY), 42)
PINS = st.builds(Pin, words.versions, words.digests, words.digests, st.integers(0, 2**60))
LOCKS = st.builds(Lock, st.dictionaries(words.names, PINS, max_size=4))
TEXT = f"""\
# lading.lock: what this project runs. Written by lading; do not edit.
lock = 1

[models."acme/m"]
version = "1.0"
bill = "sha256:{ABC}"
manifest = "sha256:{EMPTY}"
size = 42
"""


@given(LOCKS)
def test_a_lock_reads_back_from_its_text(lock: Lock) -> None:
    assert Lock.parse(lock.encode()) == lock


def test_the_text_of_a_lock_is_this() -> None:
    assert Lock({"acme/m": PIN}).encode() == TEXT


@given(LOCKS)
def test_the_order_of_the_pins_does_not_show(lock: Lock) -> None:
    backwards = Lock(dict(list(lock.pins.items())[::-1]))
    assert backwards.encode() == lock.encode()


def test_an_empty_lock_pins_nothing() -> None:
    assert Lock.parse("lock = 1\n") == Lock({})


def test_new_pins_take_the_place_of_those_of_the_same_models() -> None:
    newer = Pin("2.0", Digest(EMPTY), Digest(ABC), 43)
    before = Lock({"a": PIN, "b": PIN})
    assert before.pinned({"b": newer, "c": newer}) == Lock({"a": PIN, "b": newer, "c": newer})
    assert before == Lock({"a": PIN, "b": PIN})


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("lock = 1", "lock = 2", "lading.lock: format 2 is unknown; this lading reads 1"),
        ("lock = 1", "", "lading.lock: format None is unknown; this lading reads 1"),
        ("lock = 1", 'lock = "1"', "lading.lock: 'lock' must be a whole number; got '1'"),
        ("lock = 1", "lock = 1\nstore = 1", "lading.lock: unknown key 'store'"),
        ("lock = 1", "lock = 1\nlock = 1", "lading.lock is not TOML: Cannot overwrite a value"),
        ("[models", "<<<<<<< HEAD\n[models", "lading.lock is not TOML: "),
        ("size = 42", "size = 42\nsize_mib = 1", "lading.lock models acme/m: unknown key 'size_mib'"),
        ("size = 42", "", "lading.lock models acme/m: 'size' is missing"),
        ("size = 42", "size = -1", "lading.lock models acme/m: 'size' must be a whole number, not negative"),
        ("sha256:", "", "lading.lock models acme/m: 'bill': '"),
        ('version = "1.0"', "", "lading.lock models acme/m: 'version' is missing"),
        ('[models."acme/m"]', "[models]", "lading.lock models: 'version' must be a table; got '1.0'"),
    ],
)
def test_a_broken_lock_is_told_what_is_wrong(before: str, after: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        Lock.parse(TEXT.replace(before, after, 1))
    assert caught.value.code == "bad-lock"
    assert caught.value.message.startswith(problem)


@pytest.mark.parametrize(
    ("before", "after", "code"), [("acme/m", "Acme", "bad-name"), ('"1.0"', '"prod"', "bad-version")]
)
def test_a_lock_holds_names_and_versions(before: str, after: str, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        Lock.parse(TEXT.replace(before, after))
    assert caught.value.code == code


def test_the_hint_for_a_merge_conflict_says_how_to_get_the_lock_back() -> None:
    with pytest.raises(UsageError) as caught:
        Lock.parse("<<<<<<< HEAD\n" + TEXT)
    assert caught.value.hint == "restore it from Git, or run: lading lock"
