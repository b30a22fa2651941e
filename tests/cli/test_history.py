"""The ledger of a model, as people and scripts read it."""

from __future__ import annotations

import getpass
import socket
from functools import partial
from typing import TYPE_CHECKING

import pytest

from lading import api
from lading.core.errors import UsageError
from lading.ops.ledger import Author
from lading.stores.directory import DirectoryStore
from tests.cargo import fill
from tests.wharf import MORNING, Wharf

if TYPE_CHECKING:
    from tests.yard import Yard

KEYS = {"seq", "time", "actor", "action", "version", "digest", "stage", "message", "context"}
DAY_S = 24 * 3600


@pytest.fixture
def told(yard: Yard) -> Yard:
    """A model that was pushed on three mornings, by writers of other days."""
    store = DirectoryStore(f"file://{yard.store}", yard.store)
    for day, (actor, message) in enumerate([("ada", "first"), ("bob", "better\nand why"), ("ada", "")]):
        author = Author(actor, partial(float, MORNING + day * DAY_S), {"run": str(day)}, message)
        Wharf(store, yard.folder / "model", author=author).push(f"1.{day}", str(day).encode())
    return yard


def versions(yard: Yard, *words: str) -> list[str]:
    return [each["version"] for each in yard.say("history", "m", "--json", *words).document["events"]]


def test_history_is_a_table_with_the_first_line_of_each_message(told: Yard) -> None:
    done = told.say("history", "m")
    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines() == [
        "SEQ  TIME                      ACTOR  ACTION  VERSION  MESSAGE",
        "1    2026-11-21T08:00:00.000Z  ada    push    1.0      first",
        "2    2026-11-22T08:00:00.000Z  bob    push    1.1      better",
        "3    2026-11-23T08:00:00.000Z  ada    push    1.2",
    ]


def test_history_for_scripts(told: Yard) -> None:
    done = told.say("history", "m", "--json")
    assert (done.status, set(done.document), done.err) == (0, {"events"}, "")
    events = done.document["events"]
    assert [set(each) for each in events] == [KEYS] * 3
    assert events[1] == {
        "seq": 2,
        "time": "2026-11-22T08:00:00.000Z",
        "actor": "bob",
        "action": "push",
        "version": "1.1",
        "digest": str(api.show("m:1.1", project=told.folder).digest),
        "stage": None,
        "message": "better\nand why",
        "context": {"run": "1"},
    }


@pytest.mark.parametrize(
    ("at", "seen"),
    [
        ("2026-11-20", []),
        ("2026-11-21", ["1.0"]),
        ("2026-11-22", ["1.0", "1.1"]),
        ("2026-11-22T07:59:59.999Z", ["1.0"]),
        ("2026-11-22T08:00:00Z", ["1.0", "1.1"]),
        ("2026-11-22T09:00:00+02:00", ["1.0"]),
        ("2026-11-23T08:00", ["1.0", "1.1", "1.2"]),
        ("9999-12-31", ["1.0", "1.1", "1.2"]),
    ],
)
def test_history_at_a_time_leaves_out_what_came_after_it(told: Yard, at: str, seen: list[str]) -> None:
    assert versions(told, "--at", at) == seen


def test_where_nothing_had_happened_yet_it_says_so(told: Yard) -> None:
    assert told.say("history", "m", "--at", "2020-01-01").out == "m has no events\n"


def test_a_time_that_is_none(told: Yard) -> None:
    done = told.say("history", "m", "--at", "noon\x1b[31m")
    assert (done.status, done.out) == (2, "")
    assert done.err == (
        "lading: 'noon\\x1b[31m' is neither a day nor an instant [bad-time]\n"
        "  hint: write 2026-11-21, or 2026-11-21T08:00:00Z\n"
    )


def test_a_model_that_the_store_does_not_have(told: Yard) -> None:
    done = told.say("history", "mm", "--json")
    assert (done.status, done.document["error"]["code"]) == (3, "no-model")
    assert "has no model 'mm'; it has m" in done.document["error"]["message"]


def test_a_store_from_before_there_were_ledgers_has_versions_and_no_events(told: Yard) -> None:
    for event in (told.store / "ledger" / "m").iterdir():
        event.unlink()
    assert told.say("history", "m").out == "m has no events\n"
    assert told.say("history", "m", "--json").document == {"events": []}


def test_a_push_says_who_and_why(yard: Yard) -> None:
    yard.model({"a.bin": b"a"})
    assert yard.say("push", "m:1.0", "-m", "it is better").status == 0
    fill(yard.folder / "model", {"a.bin": b"b"})
    assert yard.say("push", "m:1.1").status == 0
    first, second = yard.say("history", "m", "--json").document["events"]
    assert (first["message"], first["context"], second["message"]) == ("it is better", {}, "")
    assert first["actor"] == f"{getpass.getuser()}@{socket.gethostname()}"


def test_a_push_in_a_ci_says_whose_and_which_run(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    yard.model({"a.bin": b"a"})
    for name, value in {
        "GITHUB_ACTOR": "octocat",
        "GITHUB_REPOSITORY": "acme/models",
        "GITHUB_RUN_ID": "17",
        "GITHUB_SHA": "c0ffee",
    }.items():
        monkeypatch.setenv(name, value)
    yard.push("m:1.0")
    (event,) = yard.say("history", "m", "--json").document["events"]
    assert event["actor"] == "octocat"
    assert event["context"] == {
        "ci": "github",
        "run": "https://github.com/acme/models/actions/runs/17",
        "commit": "c0ffee",
    }


def test_a_message_that_no_event_can_hold_publishes_nothing(yard: Yard) -> None:
    yard.model({"a.bin": b"a"})
    for text in ("x" * 4097, "caf\udce9"):
        done = yard.say("push", "m:1.0", "-m", text)
        assert (done.status, "[bad-message]" in done.err) == (2, True)
    assert not yard.store.exists()


def test_control_characters_do_not_reach_the_terminal(yard: Yard) -> None:
    store = DirectoryStore(f"file://{yard.store}", yard.store)
    author = Author("eve\x1b[2J", lambda: MORNING, message="\x1b]0;owned\x07\nsecond")
    Wharf(store, yard.folder / "model", author=author).push("1.0")
    done = yard.say("history", "m")
    assert "\\u001b[2J" in done.out
    assert "\\u001b]0;owned\\u0007" in done.out
    assert all(c.isprintable() or c == "\n" for c in done.out)
    (event,) = yard.say("history", "m", "--json").document["events"]
    assert (event["actor"], event["message"]) == ("eve\x1b[2J", "\x1b]0;owned\x07\nsecond")


@pytest.mark.parametrize(
    ("old", "new", "code", "told_as"),
    [
        (b'"bob"', b'"eve"', "broken-ledger", "ledger/m/00000003.json: expected it to follow sha256:"),
        (b'"seq":2', b'"seq":4', "broken-ledger", "ledger/m/00000002.json: expected event 2, got 4"),
        (
            b'"version":"1.1"',
            b'"version":"\\u001b[31m"',
            "bad-event",
            "ledger/m/00000002.json: '\\x1b[31m' is not",
        ),
        (b"{", b"[", "bad-event", "ledger/m/00000002.json"),
    ],
    ids=["who", "the number", "to a control character", "to no JSON"],
)
def test_an_event_that_was_tampered_with_is_told_with_its_key(
    told: Yard, old: bytes, new: bytes, code: str, told_as: str
) -> None:
    event = told.store / "ledger" / "m" / "00000002.json"
    raw = event.read_bytes()
    assert old in raw
    event.write_bytes(raw.replace(old, new, 1))
    done = told.say("history", "m")
    assert (done.status, done.out) == (4, "")
    assert told_as in done.err
    assert f"[{code}]" in done.err
    assert all(c.isprintable() or c == "\n" for c in done.err)


def test_an_event_that_is_gone_is_missed(told: Yard) -> None:
    (told.store / "ledger" / "m" / "00000002.json").unlink()
    done = told.say("history", "m")
    assert done.status == 4
    assert "ledger/m/00000002.json: expected event 2, got 3: events are missing [broken-ledger]" in done.err


def test_history_of_a_store_elsewhere(told: Yard, yard: Yard) -> None:
    done = yard.say("history", "m", "--store", f"file://{told.store}", "--json")
    assert len(done.document["events"]) == 3
    with pytest.raises(UsageError):
        api.history("M", project=yard.folder)
