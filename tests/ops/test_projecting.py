"""What registries' clients read follows the truth, whoever wrote what in which order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lading.core.errors import UnavailableError
from lading.core.objects import Kind
from lading.core.projections import MAX_TAGGED_VERSIONS, head_key, tags_key
from lading.ops.ledger import Ledger
from lading.ops.project import project, settle
from lading.stores.memory import Memory
from tests.wharf import Busy, Wharf, document, keys, settled
from tests.yard import Notes, refusal

if TYPE_CHECKING:
    from pathlib import Path

JSON = Kind("application/json")
TAGS, HEAD = tags_key("m"), head_key("m")


@pytest.mark.parametrize("key", [TAGS, HEAD])
@pytest.mark.parametrize("lies", [None, b"", b"damaged", b'{"name":"m","tags":["0.1"]}'])
def test_a_projection_that_is_stale_damaged_or_gone_is_healed_by_the_next_push(
    wharf: Wharf, key: str, lies: bytes | None
) -> None:
    wharf.push("1.0")
    wharf.push("1.1")
    settled(wharf.store)
    if lies is None:
        wharf.store.objects.delete(key)
    else:
        wharf.store.objects.replace(key, lies, JSON)
    wharf.push("1.1")
    settled(wharf.store)


def test_what_is_right_already_is_not_written_again(busy: tuple[Wharf, Busy]) -> None:
    wharf, objects = busy
    wharf.push("1.0")
    written: list[str] = []
    objects.before = lambda step, key: written.append(key) if step in {"create", "replace", "put"} else None
    wharf.push("1.0")
    assert written == []


def test_of_more_than_a_thousand_versions_the_newest_thousand_are_listed(wharf: Wharf) -> None:
    for number in range(MAX_TAGGED_VERSIONS):
        wharf.store.create_manifest("m", f"1.{number}", b"{}")
    wharf.push("2.0")
    tags = document(wharf.store.objects, TAGS)["tags"]
    assert len(tags) == MAX_TAGGED_VERSIONS
    assert set(wharf.store.versions("m")) - set(tags) == {"1.0"}


def test_a_ledger_without_events_has_no_head(wharf: Wharf) -> None:
    wharf.store.create_manifest("m", "1.0", b"{}")
    project(wharf.store, "m", Ledger(wharf.store.objects, "m"))
    assert keys(wharf.store.objects) - {"v2/index.html"} == {"v2/m/manifests/1.0", TAGS}


@pytest.mark.parametrize("ending", ["tags/list", "head.json"])
@pytest.mark.parametrize("step", ["get", "replace"])
def test_a_writer_who_came_in_between_is_shown_too(
    busy: tuple[Wharf, Busy], tmp_path: Path, step: str, ending: str
) -> None:
    wharf, objects = busy
    other = replace(wharf, folder=tmp_path / "other")
    objects.once(step, ending, lambda: other.push("2.0", b"b"))
    wharf.push("1.0", b"a")
    assert wharf.store.versions("m") == ["1.0", "2.0"]
    settled(wharf.store)


def test_a_slow_writer_who_puts_back_what_was_true_before_reads_again_and_mends_it(
    busy: tuple[Wharf, Busy], tmp_path: Path
) -> None:
    wharf, objects = busy
    other = replace(wharf, folder=tmp_path / "other")
    objects.once("replace", "tags/list", lambda: other.push("2.0", b"b"))
    wharf.push("1.0", b"a")
    # The list with both was there when the slow one wrote its own with 1.0 alone.
    assert document(objects, TAGS)["tags"] == ["1.0", "2.0"]


@pytest.mark.parametrize("ending", ["tags/list", "head.json"])
def test_a_projector_that_ends_in_between_is_healed_by_the_next_push(
    busy: tuple[Wharf, Busy], ending: str
) -> None:
    wharf, objects = busy
    wharf.push("1.0", b"a")

    def end() -> None:
        raise KeyboardInterrupt

    objects.once("replace", ending, end)
    with pytest.raises(KeyboardInterrupt):
        wharf.push("1.1", b"b")
    with pytest.raises(AssertionError):
        settled(wharf.store)
    wharf.push("1.2", b"c")
    settled(wharf.store)


def test_where_others_never_rest_it_is_told_that_the_version_is_there(busy: tuple[Wharf, Busy]) -> None:
    wharf, objects = busy
    made = iter(range(1_000_000))

    def before(step: str, key: str) -> None:
        if (step, key) == ("replace", TAGS):
            objects.create(f"v2/m/manifests/2.{next(made)}", b"{}", JSON)

    objects.before = before
    code, status, message, hint = refusal(lambda: wharf.push("1.0"))
    assert (code, status) == ("unsettled", 5)
    assert message == "memory://busy: v2/m/tags/list changed 100 times while it was written"
    assert "what was pushed is there" in hint
    objects.before = lambda *_: None
    wharf.push("1.0")
    assert "1.0" in wharf.store.versions("m")
    settled(wharf.store)


def test_a_weak_store_has_its_tags_listed_and_holds_no_ledger(busy: tuple[Wharf, Busy]) -> None:
    wharf, objects = busy
    objects.weak = True
    wharf.hear = notes = Notes()
    wharf.push("1.0")
    assert [note[:21] for note in notes.said] == ["memory://busy is weak"]
    assert document(objects, TAGS)["tags"] == ["1.0"]
    assert not any(key.startswith("ledger/") for key in keys(objects))


class Limited(Memory):
    """Objects of a service that says so many times that one of them is written too often."""

    def __init__(self, times: int, code: str = "rate-limited") -> None:
        super().__init__("memory://limited")
        self.left = times
        self.code = code

    def replace(self, key: str, raw: bytes, kind: Kind) -> None:
        if self.left:
            self.left -= 1
            raise UnavailableError(self.code, "slow down")
        super().replace(key, raw, kind)


def test_a_projection_that_was_written_too_often_is_written_later() -> None:
    objects = Limited(9)
    settle(objects, TAGS, lambda: b"truth", JSON)
    assert objects.get(TAGS, 100) == b"truth"


def test_one_that_another_has_written_meanwhile_is_left_as_it_is() -> None:
    objects = Limited(100)

    def truth() -> bytes:
        if objects.left < 100:
            objects.create(TAGS, b"truth", JSON)
        return b"truth"

    settle(objects, TAGS, truth, JSON)
    assert objects.left == 99


@pytest.mark.parametrize(("times", "code"), [(10, "rate-limited"), (1, "unreachable")])
def test_a_service_that_never_takes_it_is_told(times: int, code: str) -> None:
    objects = Limited(times, code)
    assert refusal(lambda: settle(objects, TAGS, lambda: b"truth", JSON))[:3] == (code, 5, "slow down")
