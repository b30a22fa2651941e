from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.core import canonical
from lading.core.digest import Digest
from lading.core.errors import IntegrityError, UsageError
from lading.core.event import (
    MAX_EVENT_BYTES,
    Draft,
    Event,
    check_time,
    event_key,
    ledger_folder,
    seq_of,
    sweeps_folder,
    time_until,
)
from lading.core.names import check_name
from tests.cargo import ABC, EMPTY
from tests.core import words

ID = "00112233445566778899aabbccddeeff"
NOW = "2026-11-21T08:00:00.123Z"
PUSHED = Draft(
    id=ID,
    actor="ada",
    action="push",
    version="1.0",
    digest=Digest(ABC),
    message="first",
    context={"run": "17", "commit": "c0ffee"},
)


@given(words.drafts, words.names, st.integers(2, 2**53 - 1), words.times, words.digests)
def test_an_event_reads_back_from_its_bytes(
    draft: Draft, model: str, seq: int, time: str, previous: Digest
) -> None:
    event = Event.write(draft, model, seq, time, previous)
    assert Event.parse(event.raw) == event
    assert (event.model, event.seq, event.time, event.previous) == (model, seq, time, previous)
    assert Event.write(event, model, seq, time, previous).raw == event.raw
    assert Draft(**{key: getattr(event, key) for key in Draft.__dataclass_fields__}) == draft


@given(words.drafts, words.names, words.times)
def test_the_first_event_follows_none(draft: Draft, model: str, time: str) -> None:
    event = Event.write(draft, model, 1, time, None)
    assert Event.parse(event.raw) == event
    assert event.previous is None


def test_the_bytes_of_an_event_are_these() -> None:
    event = Event.write(PUSHED, "acme/m", 2, NOW, Digest(EMPTY))
    assert event.raw.decode() == (
        f'{{"action":"push","actor":"ada","context":{{"commit":"c0ffee","run":"17"}},"digest":"sha256:{ABC}",'
        f'"id":"{ID}","lading":1,"message":"first","model":"acme/m","previous":"sha256:{EMPTY}","seq":2,'
        f'"time":"{NOW}","version":"1.0"}}'
    )
    assert event.sha256 == Digest.of(event.raw)


def test_what_has_nothing_to_say_is_left_out() -> None:
    event = Event.write(Draft(id=ID, actor="ada", action="note"), "m", 1, NOW, None)
    assert json.loads(event.raw).keys() == {"lading", "id", "actor", "action", "model", "seq", "time"}


def test_the_actions_of_later_ladings_have_their_place() -> None:
    draft = Draft(id=ID, actor="ada", action="verify-failed-again", stage="production")
    assert Event.write(draft, "m", 1, NOW, None).stage == "production"


def document() -> dict[str, Any]:
    """A small event as a JSON document, for tests to break."""
    read: dict[str, Any] = json.loads(Event.write(PUSHED, "acme/m", 2, NOW, Digest(EMPTY)).raw)
    return read


def broken(raw: bytes) -> IntegrityError:
    with pytest.raises(IntegrityError) as caught:
        Event.parse(raw, "00000002.json")
    assert caught.value.code == "bad-event"
    return caught.value


def test_unknown_keys_are_kept() -> None:
    raw = canonical.encode(document() | {"x-approved": {"by": ["eve"]}}, "an event")
    event = Event.parse(raw)
    assert event.extra == {"x-approved": {"by": ["eve"]}}
    assert event.raw == raw


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"lading": 2}, "00000002.json: it is written in format 2, this lading reads 1"),
        ({"lading": None}, "00000002.json: it is written in format None, this lading reads 1"),
        ({"seq": None}, "00000002.json: 'seq' is missing"),
        ({"seq": 0}, "00000002.json: 'seq' is 0; the first event is number 1"),
        ({"seq": -1}, "00000002.json: 'seq' must be a whole number, not negative; got -1"),
        ({"seq": "2"}, "00000002.json: 'seq' must be a whole number; got '2'"),
        ({"seq": 1}, "00000002.json: 'previous' stands in the first event, which follows none"),
        ({"previous": None}, "00000002.json: 'previous' is missing"),
        ({"previous": EMPTY}, f"00000002.json: 'previous': '{EMPTY}' is not a digest"),
        ({"id": None}, "00000002.json: 'id' is missing"),
        ({"id": ID[1:]}, f"00000002.json: 'id' must be 32 lowercase hexadecimal digits; got '{ID[1:]}'"),
        ({"id": ID.upper()}, "00000002.json: 'id' must be 32 lowercase hexadecimal digits"),
        ({"id": ID + "\n"}, "00000002.json: 'id' must be 32 lowercase hexadecimal digits"),
        ({"time": None}, "00000002.json: 'time' is missing"),
        ({"time": "2026-11-21"}, "00000002.json: '2026-11-21' is not a time in UTC such as 2026-11-21T08:"),
        ({"actor": None}, "00000002.json: 'actor' is missing"),
        ({"actor": ""}, "00000002.json: 'actor' is empty"),
        ({"action": None}, "00000002.json: 'action' is missing"),
        ({"action": "Push"}, "00000002.json: 'action' must be lowercase words joined by -; got 'Push'"),
        ({"action": ""}, "00000002.json: 'action' must be lowercase words joined by -; got ''"),
        ({"model": None}, "00000002.json: 'model' is missing"),
        ({"model": "M"}, "00000002.json: 'M' is not a model name"),
        ({"version": None}, "00000002.json: 'version' is missing"),
        ({"version": "production"}, "00000002.json: 'production' is not a version"),
        ({"digest": None}, "00000002.json: 'digest' is missing"),
        ({"digest": "sha256:abc"}, "00000002.json: 'digest': 'abc' is not a SHA-256 digest"),
        ({"stage": "stage-1"}, "00000002.json: 'stage-1' is not a stage"),
        ({"message": 1}, "00000002.json: 'message' must be text; got 1"),
        ({"context": "ci"}, "00000002.json: 'context' must be a table; got 'ci'"),
    ],
)
def test_a_key_of_the_wrong_kind_is_named(change: dict[str, object], problem: str) -> None:
    assert broken(canonical.encode(document() | change, "an event")).message.startswith(problem)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'{"a":1,"a":2}', b"[" * 2000, b"[]", b"null"])
def test_what_is_no_object_is_no_event(raw: bytes) -> None:
    assert broken(raw).message.startswith("00000002.json is not ")


def test_an_event_that_an_editor_touched_is_refused_though_it_says_the_same() -> None:
    error = broken(json.dumps(document(), indent=1).encode())
    assert "RFC 8785" in error.message
    assert error.hint == (
        "events are never changed once they are written; restore this one from a copy of the store"
    )


def test_an_event_of_a_later_format_says_to_upgrade() -> None:
    assert broken(canonical.encode({"lading": 2}, "an event")).hint == "pip install --upgrade lading"


def test_an_event_over_64_kib_is_neither_written_nor_read() -> None:
    size = len(Event.write(replace(PUSHED, message="x"), "acme/m", 2, NOW, Digest(EMPTY)).raw)
    longest = replace(PUSHED, message="x" * (MAX_EVENT_BYTES - size + 1))
    event = Event.write(longest, "acme/m", 2, NOW, Digest(EMPTY))
    assert len(event.raw) == MAX_EVENT_BYTES == 65536
    longer = replace(longest, message=longest.message + "x")
    with pytest.raises(UsageError, match="event 2 of acme/m has 65537 bytes; at most 65536") as caught:
        Event.write(longer, "acme/m", 2, NOW, Digest(EMPTY))
    assert caught.value.code == "bad-event"
    assert broken(event.raw + b" ").message == "00000002.json has 65537 bytes; at most 65536"


@pytest.mark.parametrize(
    ("draft", "code"),
    [
        (replace(PUSHED, version=None), "bad-event"),
        (replace(PUSHED, digest=None), "bad-event"),
        (replace(PUSHED, version="production"), "bad-event"),
        (replace(PUSHED, actor=""), "bad-event"),
        (replace(PUSHED, id="1"), "bad-event"),
        (replace(PUSHED, message="\udcff"), "not-json"),
        (replace(PUSHED, context={"run": object()}), "not-json"),
        (replace(PUSHED, context={"loss": float("nan")}), "not-json"),
    ],
)
def test_what_an_event_cannot_hold_is_a_usage_error(draft: Draft, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        Event.write(draft, "acme/m", 1, NOW, None)
    assert caught.value.code == code


@pytest.mark.parametrize("text", [NOW, "0001-01-01T00:00:00.000Z", "2024-02-29T23:59:59.999Z"])
def test_a_time_has_one_form(text: str) -> None:
    assert check_time(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-21T08:00:00Z",
        "2026-11-21T08:00:00.123456Z",
        "2026-11-21T08:00:00.123+00:00",
        "2026-11-21t08:00:00.123z",
        "2026-11-21 08:00:00.123Z",
        "2026-11-21T24:00:00.000Z",
        "2026-11-21T08:60:00.000Z",
        "2026-11-21T08:00:60.000Z",
        "2026-02-29T08:00:00.123Z",
        "0000-01-01T08:00:00.123Z",
        "\uff12026-11-21T08:00:00.123Z",
        f"{NOW}\n",
    ],
)
def test_another_form_of_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_time(text)
    assert caught.value.code == "bad-time"


@given(words.names, st.integers(1, 10**16 - 1))
def test_the_key_of_an_event_says_its_number(model: str, seq: int) -> None:
    assert seq_of(event_key(model, seq)) == seq
    assert event_key(model, seq).startswith(ledger_folder(model))


def test_keys_have_eight_digits_and_then_as_many_as_it_takes() -> None:
    assert event_key("acme/m", 1) == "ledger/acme/m/00000001.json"
    assert event_key("acme/m", 123456789) == "ledger/acme/m/123456789.json"


@pytest.mark.parametrize(
    "key",
    [
        "ledger/m/head.json",
        "ledger/m/00000256.state.json",
        "ledger/m/00000000.json",
        "ledger/m/000000001.json",
        "ledger/m/0000001.json",
        "ledger/m/00000001.json/x",
        "ledger/m/00000001.json\n",
        "ledger/m/-0000001.json",
        "ledger/m/\uff10\uff10\uff10\uff10\uff10\uff10\uff10\uff11.json",
        f"ledger/m/{'9' * 5000}.json",
        "ledger/00000001.json",
        "v2/m/00000001.json",
    ],
)
def test_other_keys_are_no_events(key: str) -> None:
    assert seq_of(key) is None


@pytest.mark.parametrize(
    ("given", "last"),
    [
        ("2026-11-21", "2026-11-21T23:59:59.999Z"),
        ("9999-12-31", "9999-12-31T23:59:59.999Z"),
        ("0999-01-01", "0999-01-01T23:59:59.999Z"),
        ("2026-11-21T08:00:00Z", "2026-11-21T08:00:00.000Z"),
        ("2026-11-21T08:00:00.123999Z", "2026-11-21T08:00:00.123Z"),
        ("2026-11-21T08:00:00", "2026-11-21T08:00:00.000Z"),
        ("2026-11-21 08:00", "2026-11-21T08:00:00.000Z"),
        ("2026-11-21T08:00:00+02:00", "2026-11-21T06:00:00.000Z"),
    ],
)
def test_a_day_counts_to_its_end_and_an_instant_to_its_millisecond(given: str, last: str) -> None:
    assert time_until(given) == last
    assert check_time(last) == last


@given(words.times)
def test_an_events_own_time_is_the_last_that_is_not_after_it(time: str) -> None:
    assert time_until(time) == time


@pytest.mark.parametrize(
    "given", ["yesterday", "", "2026-11-31", "2026-11-21T25:00", "0001-01-01T00:00:00+02:00", "\x1b[31m"]
)
def test_a_time_that_is_none_is_refused_with_an_example(given: str) -> None:
    with pytest.raises(UsageError) as caught:
        time_until(given)
    assert (caught.value.code, caught.value.exit_status) == ("bad-time", 2)
    assert caught.value.message == f"{given!r} is neither a day nor an instant"
    assert caught.value.hint == "write 2026-11-21, or 2026-11-21T08:00:00Z"


def test_notices_lie_where_no_model_has_its_ledger() -> None:
    assert sweeps_folder("acme/m") == "ledger/acme/m/.sweeps/"
    with pytest.raises(UsageError):
        check_name("acme/m/.sweeps")
