from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from lading.core.errors import UnavailableError, UsageError
from lading.core.location import Location
from lading.stores.closed import Closed
from lading.stores.directory import DirectoryStore
from lading.stores.schemes import open_writable
from tests.cargo import digest
from tests.stores.contract import put

if TYPE_CHECKING:
    from pathlib import Path

    from lading.core.ports import Store


def test_a_relative_path_counts_from_the_base(tmp_path: Path) -> None:
    store = open_writable(Location("file://.lading/store"), tmp_path)
    put(store, "m", b"x")
    assert (tmp_path / ".lading/store/v2/m/blobs").is_dir()
    assert store.url == "file://.lading/store"


def test_an_absolute_path_is_taken_as_it_is(tmp_path: Path) -> None:
    store = open_writable(Location(f"file://{tmp_path}/s"), tmp_path / "elsewhere")
    put(store, "m", b"x")
    assert (tmp_path / "s/v2/m/blobs").is_dir()
    assert not (tmp_path / "elsewhere").exists()


def test_a_memory_store_is_the_same_one_each_time(tmp_path: Path) -> None:
    url = f"memory://{tmp_path.name}"
    assert open_writable(Location(url), tmp_path).create_manifest("m", "1", b"x")
    assert open_writable(Location(url), tmp_path).manifest("m", "1") == b"x"
    assert open_writable(Location(url + "-other"), tmp_path).versions("m") == []


@pytest.mark.parametrize("url", ["ftp://x", "store", "", "file:/x", "://x", "FILE://x", "/srv/store"])
def test_an_unknown_scheme_is_refused_listing_the_known_ones(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        open_writable(Location(url), tmp_path)
    assert caught.value.code == "unknown-scheme"
    known = "file://, s3://, gs://, az://, https://, http://, memory://"
    assert caught.value.message == f"'{url}' is not a store that lading knows; known: {known}"


def test_opening_a_store_touches_nothing(tmp_path: Path) -> None:
    store = open_writable(Location("file://s"), tmp_path)
    assert isinstance(store, DirectoryStore)
    assert list(tmp_path.iterdir()) == []
    assert "lading.stores.directory" in sys.modules


def test_a_store_that_cannot_be_opened_says_why_to_whoever_asks() -> None:
    store: Store = Closed("s3://models", UnavailableError("offline", "there is no network"))
    assert store.url == "s3://models"
    for ask in (
        lambda: store.manifest("m", "1.0"),
        lambda: store.read("m", digest("x"), 0, 1),
        lambda: store.versions("m"),
        store.names,
    ):
        with pytest.raises(UnavailableError, match="there is no network"):
            ask()
