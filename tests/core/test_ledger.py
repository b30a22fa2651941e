from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lading.core import canonical
from lading.core.digest import Digest
from lading.core.errors import IntegrityError, UsageError
from lading.core.event import Draft, Event
from lading.core.ledger import (
    Head,
    State,
    check_recorded,
    fold,
    head_or_none,
    missing_pushes,
    next_event,
)
from tests.cargo import ABC, EMPTY, digest
from tests.core import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NONE = State.empty("acme/m")
NOON = "2026-11-21T12:00:00.000Z"
ONE = "2026-11-21T13:00:00.000Z"
Said = list[tuple[Draft, str]]
SAID: st.SearchStrategy[Said] = st.lists(st.tuples(words.drafts, words.times), max_size=6)
LONGER: st.SearchStrategy[Said] = st.lists(st.tuples(words.drafts, words.times), min_size=2, max_size=6)


def push(version: str, content: str = "", number: int = 1) -> Draft:
    return Draft(id=f"{number:032x}", actor="ada", action="push", version=version, digest=digest(content))


def chain(said: Iterable[tuple[Draft, str]], start: State = NONE) -> list[Event]:
    """What writers who take turns write."""
    state, events = start, []
    for draft, now in said:
        events.append(next_event(state, draft, now))
        state = fold(events[-1:], state)
    return events


def read(stored: Iterable[bytes]) -> State:
    """What a reader makes of the bytes that lie in a store."""
    return fold((Event.parse(raw) for raw in stored), NONE)


def broken(events: Sequence[Event], start: State = NONE) -> str:
    with pytest.raises(IntegrityError) as caught:
        fold(events, start)
    assert caught.value.code == "broken-ledger"
    assert caught.value.hint.startswith("nothing that this ledger says can be trusted")
    return caught.value.message


def test_a_ledger_without_events_says_nothing() -> None:
    assert fold([], NONE) == NONE == State("acme/m", None, "", {})
    assert NONE.count == 0


def test_a_ledger_says_what_was_pushed_and_where_it_ends() -> None:
    events = chain([(push("1.0", "a"), NOON), (push("1.1", "b"), ONE)])
    state = fold(events, NONE)
    assert state == State(
        "acme/m", Head(2, Digest.of(events[1].raw)), ONE, {"1.0": digest("a"), "1.1": digest("b")}
    )
    assert state.count == 2


def test_of_two_pushes_of_a_version_the_first_stands() -> None:
    events = chain([(push("1.0", "a", 1), NOON), (push("1.0", "b", 2), NOON)])
    state = fold(events, NONE)
    assert (state.pushed, state.count) == ({"1.0": digest("a")}, 2)


def test_an_action_of_a_later_lading_is_kept_in_the_chain_and_skipped() -> None:
    later = Draft(id=f"{7:032x}", actor="ada", action="promote", version="1.0", stage="production")
    state = fold(chain([(later, NOON), (push("2.0"), NOON)]), NONE)
    assert (state.count, list(state.pushed)) == (2, ["2.0"])


def test_folding_changes_nothing_that_was_folded_before() -> None:
    events = chain([(push("1.0"), NOON), (push("1.1"), NOON)])
    before = fold(events[:1], NONE)
    fold(events[1:], before)
    assert list(before.pushed) == ["1.0"]


@given(SAID, st.data())
def test_folding_some_and_then_the_rest_is_folding_all(said: Said, data: st.DataObject) -> None:
    events = chain(said)
    cut = data.draw(st.integers(0, len(events)))
    assert fold(events[cut:], fold(events[:cut], NONE)) == fold(events, NONE)


@given(SAID)
def test_what_writers_write_is_read_again(said: Said) -> None:
    events = chain(said)
    assert read(event.raw for event in events) == fold(events, NONE)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert [event.time for event in events] == sorted(event.time for event in events)


@given(LONGER, words.drafts, st.data())
def test_any_event_replaced_is_found_where_one_follows(said: Said, other: Draft, data: st.DataObject) -> None:
    events = chain(said)
    place = data.draw(st.integers(0, len(events) - 2))
    old = events[place]
    events[place] = Event.write(other, old.model, old.seq, old.time, old.previous)
    assume(events[place].raw != old.raw)
    assert f"event {old.seq} or {old.seq + 1} was edited or replaced" in broken(events)


@given(LONGER, st.data())
def test_any_byte_changed_is_found_where_an_event_follows(said: Said, data: st.DataObject) -> None:
    stored = [bytearray(event.raw) for event in chain(said)]
    changed = stored[data.draw(st.integers(0, len(stored) - 2))]
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(IntegrityError):
        read(bytes(raw) for raw in stored)


@given(LONGER, st.data())
def test_any_event_removed_is_found_where_one_follows(said: Said, data: st.DataObject) -> None:
    events = chain(said)
    gone = events.pop(data.draw(st.integers(0, len(events) - 2)))
    assert f"expected event {gone.seq}, got {gone.seq + 1}: events are missing" in broken(events)


@given(LONGER, st.data())
def test_any_other_order_is_found(said: Said, data: st.DataObject) -> None:
    events = chain(said)
    order = data.draw(st.permutations(events))
    assume(order != events)
    assert "events" in broken(order)


@given(SAID, words.drafts, st.data())
def test_an_event_put_in_is_found_where_one_follows(said: Said, other: Draft, data: st.DataObject) -> None:
    events = chain([*said, (other, NOON)])
    place = data.draw(st.integers(0, len(events) - 1))
    put = next_event(fold(events[:place], NONE), replace(other, id="f" * 32), NOON)
    events.insert(place, put)
    assert f"expected event {put.seq + 1}, got {put.seq}: events were reordered or put in" in broken(events)


@given(LONGER, st.data())
def test_an_end_removed_is_found_against_a_recorded_head_alone(said: Said, data: st.DataObject) -> None:
    events = chain(said)
    recorded = Head.of(events[-1])
    left = events[: data.draw(st.integers(0, len(events) - 1))]
    assert fold(left, NONE).count == len(left)
    with pytest.raises(IntegrityError, match="there is none: its end was removed, or it was written anew"):
        check_recorded("acme/m", recorded, None)


@given(LONGER, words.drafts, st.data())
def test_a_rewriting_is_found_against_a_recorded_head_alone(
    said: Said, other: Draft, data: st.DataObject
) -> None:
    events = chain(said)
    recorded = Head.of(data.draw(st.sampled_from(events)))
    anew = chain([(other, said[0][1]), *said[1:]])
    assume(anew[0].raw != events[0].raw)
    assert fold(anew, NONE).count == len(events)
    with pytest.raises(IntegrityError) as caught:
        check_recorded("acme/m", recorded, anew[recorded.seq - 1])
    assert caught.value.code == "broken-ledger"


@given(LONGER, st.data())
def test_a_ledger_that_grew_holds_every_head_that_it_had(said: Said, data: st.DataObject) -> None:
    events = chain(said)
    recorded = fold(events[: data.draw(st.integers(1, len(events)))], NONE).head
    assert recorded is not None
    check_recorded("acme/m", recorded, events[recorded.seq - 1])


def test_the_message_of_a_lost_head_has_both_digests() -> None:
    (event,) = chain([(push("1.0"), NOON)])
    with pytest.raises(IntegrityError) as caught:
        check_recorded("acme/m", Head(1, Digest(ABC)), event)
    assert caught.value.message == (
        f"the ledger of acme/m had event 1 with sha256:{ABC} when it was recorded; "
        f"got event 1 with {event.sha256}: its end was removed, or it was written anew"
    )


def test_an_event_of_another_model_is_found() -> None:
    copied = chain([(push("1.0"), NOON)], State.empty("acme/other"))
    assert broken(copied) == (
        "ledger/acme/m/00000001.json: expected an event of acme/m, got one of acme/other: it was copied here"
    )


def test_the_message_of_an_edited_event_has_both_digests() -> None:
    first, second = chain([(push("1.0"), NOON), (push("1.1"), NOON)])
    edited = Event.write(replace(push("1.0"), actor="eve"), "acme/m", 1, NOON, None)
    assert broken([edited, second]) == (
        f"ledger/acme/m/00000002.json: expected it to follow {edited.sha256}, got {first.sha256}: "
        "event 1 or 2 was edited or replaced after it was written"
    )


def test_a_time_that_goes_back_is_found() -> None:
    events = chain([(push("1.0"), ONE)])
    events.append(Event.write(push("1.1"), "acme/m", 2, NOON, events[0].sha256))
    assert broken(events) == (
        f"ledger/acme/m/00000002.json: expected a time from {ONE} on, got {NOON}: lading writes no such event"
    )


def test_a_writer_whose_clock_is_behind_takes_the_time_of_the_last_event() -> None:
    events = chain([(push("1.0"), ONE), (push("1.1"), NOON), (push("1.2"), ONE)])
    assert [event.time for event in events] == [ONE, ONE, ONE]


@pytest.mark.parametrize("now", ["", "now", "2026-11-21T12:00:00Z"])
def test_the_time_of_a_writer_is_checked_even_where_it_is_not_taken(now: str) -> None:
    state = fold(chain([(push("1.0"), ONE)]), NONE)
    with pytest.raises(UsageError) as caught:
        next_event(state, push("1.1"), now)
    assert caught.value.code == "bad-time"


def test_a_version_whose_writer_ended_before_the_event_is_missing() -> None:
    state = fold(chain([(push("1.9"), NOON)]), NONE)
    stored = {"1.10": digest("c"), "1.9": digest("a"), "1.2": digest("b")}
    assert missing_pushes(state, stored) == ("1.2", "1.10")
    assert missing_pushes(state, ["1.9"]) == ()
    assert missing_pushes(state, []) == ()


@given(SAID, st.lists(words.versions, unique=True, max_size=4))
def test_a_ledger_that_was_healed_misses_nothing(said: Said, versions: list[str]) -> None:
    state = fold(chain(said), NONE)
    missing = missing_pushes(state, versions)
    assert sorted(missing) == sorted(set(versions) - set(state.pushed))
    healed = fold(chain([(push(version), NOON) for version in missing], state), state)
    assert missing_pushes(healed, versions) == ()
    assert healed.count == state.count + len(missing)


@given(st.builds(Head, st.integers(1, 2**53 - 1), words.digests))
def test_a_head_reads_back_from_its_bytes(head: Head) -> None:
    assert Head.parse(head.encode()) == head == head_or_none(head.encode())


def test_the_bytes_of_a_head_are_these() -> None:
    assert Head(7, Digest(EMPTY)).encode() == b'{"digest":"sha256:%s","lading":1,"seq":7}' % EMPTY.encode()


def test_a_later_lading_may_say_more_in_a_head() -> None:
    document = {"digest": f"sha256:{ABC}", "lading": 1, "seq": 7, "time": NOON}
    assert Head.parse(canonical.encode(document, "head.json")) == Head(7, Digest(ABC))


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "head.json is not canonical JSON"),
        (b'{"seq": 1}', "head.json is not canonical JSON"),
        (b"[]", "head.json is not a JSON object"),
        (b"{}", "head.json: it is written in format None, this lading reads 1"),
        (b'{"lading":2}', "head.json: it is written in format 2, this lading reads 1"),
        (b'{"lading":1}', "head.json: 'seq' is missing"),
        (b'{"lading":1,"seq":0}', "head.json: 'seq' is 0; the first event is number 1"),
        (b'{"lading":1,"seq":1}', "head.json: 'digest' is missing"),
        (b'{"digest":"x","lading":1,"seq":1}', "head.json: 'digest': 'x' is not a digest"),
    ],
)
def test_a_broken_hint_is_named_and_may_be_passed_over(raw: bytes, problem: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        Head.parse(raw)
    assert caught.value.code == "bad-ledger"
    assert caught.value.message.startswith(problem)
    assert head_or_none(raw) is None


def test_a_store_without_the_hint_has_none() -> None:
    assert head_or_none(None) is None


def test_the_key_that_is_named_is_that_of_the_event_that_was_expected() -> None:
    events = chain([(push("1.0"), NOON), (push("1.1"), NOON), (push("1.2"), NOON)])
    state = fold(events[:1], NONE)
    assert broken(events[2:], state).startswith("ledger/acme/m/00000002.json: expected event 2, got 3")
    assert json.loads(events[2].raw)["seq"] == 3
