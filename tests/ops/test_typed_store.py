"""A store that was typed with the command speaks for itself: neither the project nor its lock does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lading import api
from tests.cargo import fill
from tests.yard import refusal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.yard import Yard

OTHER = "file://elsewhere"


@pytest.fixture
def known(yard: Yard) -> Yard:
    """A project that has 1.0 locked, and 1.0 and 2.0 in another store."""
    yard.model({"a.bin": b"one"})
    yard.push("m:1.0")
    yard.push("m:1.0", to=OTHER)
    api.lock(project=yard.folder)
    fill(yard.folder / "model", {"a.bin": b"two"})
    yard.push("m:2.0", to=OTHER)
    yard.forget("model")
    return yard


def lies_in_the_cache(yard: Yard, path: Path) -> bool:
    return path.is_relative_to(yard.cache) and not (yard.folder / "model").exists()


def test_an_option_and_one_string_mean_the_same(known: Yard) -> None:
    (by_option,) = known.pull("m", store=OTHER)
    (by_string,) = known.pull(f"{OTHER}//m")
    assert (by_option.version, by_string.version) == ("2.0", "2.0")
    assert by_option.path == by_string.path
    assert lies_in_the_cache(known, by_option.path)
    assert api.show("m", store=OTHER, project=known.folder).version == "2.0"
    assert api.verify("m", store=OTHER, project=known.folder).checked == 1


def test_frozen_takes_what_is_locked_from_there(known: Yard) -> None:
    (pulled,) = known.pull("m", store=OTHER, frozen=True)
    assert (pulled.version, pulled.tier) == ("1.0", OTHER)
    assert (pulled.path / "a.bin").read_bytes() == b"one"


def test_a_name_without_store_is_the_projects_own(known: Yard) -> None:
    (pulled,) = known.pull("m")
    assert (pulled.version, pulled.path) == ("1.0", known.folder / "model")


def test_two_stores_for_one_reference(known: Yard) -> None:
    code, status, message, hint = refusal(lambda: known.pull(f"{OTHER}//m", store="file://third"))
    assert (code, status, hint) == ("bad-reference", 2, "name it once")
    assert message == f"'{OTHER}//m' names a store, and --store another one: file://third"


def test_a_store_without_a_model(known: Yard) -> None:
    code, status, message, hint = refusal(lambda: known.pull(store=OTHER))
    assert (code, status) == ("bad-reference", 2)
    assert message == f"the store {OTHER} was named, but no model in it"
    assert hint == "name models; LADING_STORE=URL takes the project's own from there"


def test_no_such_kind_of_store_though_nothing_would_have_to_be_asked(known: Yard) -> None:
    known.pull("m")
    code, status, message, _ = refusal(lambda: known.pull("m", store="ftp://there", frozen=True))
    assert (code, status) == ("unknown-scheme", 2)
    assert message.startswith("'ftp://there' is not a store that lading knows")


def test_nothing_is_published_where_one_of_several_cannot_be(known: Yard) -> None:
    fill(known.folder / "model", {"a.bin": b"three"})
    known.declare("n", "missing")
    assert refusal(lambda: known.push("m:3.0", "n:1.0"))[0] == "no-file"
    assert api.list_versions("m", project=known.folder) == ("1.0",)
