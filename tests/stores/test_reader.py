"""Reading through obstore, as Google's buckets and those of a machine's role are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from lading.core.digest import Digest
from lading.core.errors import LadingError, NotFoundError, UnavailableError
from lading.core.location import Location
from lading.core.objects import Kind
from lading.stores.bucket import BucketStore, open_store
from lading.stores.reader import Reader
from tests.cargo import noise
from tests.servers.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lading.core.objects import Objects
    from tests.servers.gcs import GcsServer
    from tests.servers.wire import Answer, Request

CONTENT: Final = noise(3_000_000)
PAGE: Final = b"<html><title>Sign in</title></html>"


@pytest.fixture
def store(gcs: GcsServer, tmp_path: Path) -> BucketStore:
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": str(gcs.new_bucket(tmp_path).service_account)}
    made = open_store(Location("gs://models/p", environ=environ), tmp_path)
    for key in ("a/1", "a/2", "a/10", "a/b/c", "a/d/e", "page.html"):
        made.objects.replace(key, CONTENT[:100], Kind("text/html" if "html" in key else "text/plain"))
    made.objects.replace("big", CONTENT, Kind())
    gcs.behaves()
    return made


@pytest.fixture
def reader(store: BucketStore) -> Objects:
    found = store.objects.reader  # type: ignore[attr-defined]
    assert isinstance(found, Reader)
    return found


def error(act: Callable[[], object]) -> LadingError:
    with pytest.raises(LadingError) as caught:
        act()
    return caught.value


def test_a_folder_lists_its_own_and_folders_by_name(reader: Objects) -> None:
    found = reader.entries("a/")
    assert (found.folders, [each.key for each in found.objects]) == (("b", "d"), ["a/1", "a/10", "a/2"])
    assert [each.size for each in found.objects] == [100] * 3
    assert [each.key for each in reader.entries("a/", "a/10").objects] == ["a/2"]
    assert reader.entries("a/", "a/10").folders == ()
    assert reader.entries("").folders == ("a",)


def test_what_is_known_of_an_object(reader: Objects) -> None:
    found = reader.head("big")
    assert found is not None
    assert (found.key, found.size, bool(found.etag)) == ("big", len(CONTENT), True)
    assert reader.head("nobody") is None
    assert reader.get("nobody", 10) is None
    assert reader.url == "gs://models/p"


@pytest.mark.parametrize("limit", [0, 1, 100, 1_000_001, 3_000_000, 4_000_000])
def test_the_beginning_of_an_object(reader: Objects, limit: int) -> None:
    assert reader.get("big", limit) == CONTENT[:limit]


@pytest.mark.parametrize(("start", "end"), [(0, 0), (5, 5), (9, 5), (0, 3_000_000), (2_999_999, 5_000_000)])
def test_any_range_of_an_object(reader: Objects, start: int, end: int) -> None:
    assert b"".join(reader.read("big", start, end)) == CONTENT[start:end]


def test_a_range_beyond_the_end_is_empty_and_one_of_nothing_is_an_error(reader: Objects) -> None:
    assert list(reader.read("big", 3_000_000, 3_000_001)) == []
    assert list(reader.read("big", 4_000_000, 4_000_001)) == []
    assert error(lambda: list(reader.read("nobody", 0, 1))).code == "no-object"


def pages(server: GcsServer, body: bytes) -> None:
    """Let a page come in place of each object, with what else is said of that."""

    def act(request: Request, honest: Answer) -> Reply:
        kept = {
            name: text for name, text in honest(request).headers.items() if "content-" not in name.lower()
        }
        return Reply(200, {**kept, "Content-Type": "text/html"}, body)

    server.acts(act, lambda asked: "list-type" not in asked.query)


def test_a_page_is_no_object_unless_it_is_one(reader: Objects, gcs: GcsServer) -> None:
    assert reader.get("page.html", 10) == CONTENT[:10]
    pages(gcs, PAGE)
    assert error(lambda: reader.get("a/1", 10)).code == "login-page"
    assert error(lambda: reader.head("a/1")).code == "html-body"


@pytest.mark.parametrize("page", [PAGE, b"<html/>", b"<!DOCTYPE html><html><p>", b"", b"{}"])
@pytest.mark.parametrize("after", ["", "v2/a"])
def test_a_page_is_no_empty_listing(store: BucketStore, gcs: GcsServer, page: bytes, after: str) -> None:
    gcs.html(page, when=lambda _: True)
    assert error(lambda: store.objects.entries("v2/", after)).code == "html-body"
    assert error(lambda: store.versions("m")).code == "html-body"


def test_an_empty_listing_costs_one_more_look(reader: Objects, gcs: GcsServer) -> None:
    assert reader.entries("nobody/").objects == ()
    assert [asked.method for asked in gcs.requests] == ["GET", "HEAD"]


def test_a_page_too_long_to_be_read_is_still_one(reader: Objects, gcs: GcsServer) -> None:
    pages(gcs, PAGE.ljust(2_000_000))
    assert error(lambda: reader.get("a/1", 10)).code == "html-body"


def test_a_connection_that_breaks_in_the_midst_is_told_as_such(reader: Objects, gcs: GcsServer) -> None:
    gcs.cuts_after(1000)
    told = error(lambda: list(reader.read("big", 0, 3_000_000)))
    assert isinstance(told, UnavailableError)
    assert told.code == "unreachable"
    assert told.__cause__ is None


def test_a_bucket_that_goes_away_is_missed(store: BucketStore, gcs: GcsServer) -> None:
    del gcs.buckets.held["models"]
    digest = Digest.of(b"x")
    for act in (
        lambda: store.manifest("m", "1.0"),
        lambda: list(store.read("m", digest, 0, 1)),
        lambda: store.versions("m"),
    ):
        told = error(act)
        assert (type(told), told.code) == (NotFoundError, "no-store")


def test_a_range_that_is_ignored_is_an_error(reader: Objects, gcs: GcsServer) -> None:
    gcs.acts(lambda request, honest: Reply(200, honest(request).headers, CONTENT))
    assert error(lambda: list(reader.read("big", 10, 20))).code == "range-ignored"
