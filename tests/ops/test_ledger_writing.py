"""What pushes say in the ledger, also for those who ended before they could."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lading.core.digest import Digest
from lading.core.errors import UnavailableError, UsageError
from lading.core.event import event_key
from lading.core.objects import Kind
from lading.ops.ledger import MAX_MESSAGE_CHARS, Author, Ledger, check_message, history
from lading.ops.version import open_version
from lading.stores.directory import DirectoryStore
from tests.cargo import digest
from tests.wharf import MORNING, Busy, Ticker, Wharf, document, said, settled, whole
from tests.yard import refusal

if TYPE_CHECKING:
    from lading.core.objects import WritableObjects

FIXTURE = Path(__file__).parents[1] / "fixtures" / "format-1" / "store"
JSON = Kind("application/json")
WRITERS = 20


def edit(objects: WritableObjects, key: str, old: bytes, new: bytes) -> None:
    raw = objects.get(key, 1 << 16)
    assert raw is not None
    assert old in raw
    objects.replace(key, raw.replace(old, new), JSON)


def test_every_push_is_an_event_that_says_who_why_when_and_what(wharf: Wharf) -> None:
    wharf.author = Author("ada", lambda: MORNING, {"ci": "github", "run": "17"}, "first\nof many")
    pushed = wharf.push("1.0", b"a")
    wharf.author = Author("bob", lambda: MORNING + 60.5)
    wharf.push("1.1", b"b")
    wharf.push("1.0", b"c", name="m/other")
    first, second = history(wharf.store.objects, "m")
    assert (first.seq, first.time, first.actor, first.action, first.version) == (
        1,
        "2026-11-21T08:00:00.000Z",
        "ada",
        "push",
        "1.0",
    )
    assert (str(first.digest), first.message) == (pushed.digest, "first\nof many")
    assert first.context == {"ci": "github", "run": "17"}
    assert (second.seq, second.time, second.actor, second.message) == (
        2,
        "2026-11-21T08:01:00.500Z",
        "bob",
        "",
    )
    assert said(wharf.store, "m/other") == [(1, "bob", "1.0", False)]
    for name in ("m", "m/other"):
        settled(wharf.store, name)


def test_pushing_the_same_again_writes_no_event_twice(wharf: Wharf) -> None:
    wharf.push("1.0")
    (before,) = history(wharf.store.objects, "m")
    wharf.author = Author("bob", lambda: MORNING + 1, message="again")
    wharf.push("1.0")
    assert history(wharf.store.objects, "m") == [before]


def test_a_clock_that_is_behind_takes_the_time_of_the_event_before(wharf: Wharf) -> None:
    wharf.push("1.0", b"a")
    wharf.author = Author("bob", lambda: MORNING - 3600)
    wharf.push("1.1", b"b")
    assert [each.time for each in history(wharf.store.objects, "m")] == ["2026-11-21T08:00:00.000Z"] * 2


def test_a_version_whose_writer_ended_before_its_event_gets_it_by_the_next_push(wharf: Wharf) -> None:
    wharf.push("1.0", b"a")
    wharf.push("1.1", b"b")
    wharf.store.objects.delete(event_key("m", 2))
    wharf.author = Author("bob", lambda: MORNING, {"run": "17"}, "my own")
    wharf.push("0.9", b"c")
    assert said(wharf.store) == [(1, "ada", "1.0", False), (2, "bob", "0.9", False), (3, "bob", "1.1", True)]
    _, own, healed = history(wharf.store.objects, "m")
    assert (healed.message, own.message) == ("", "my own")
    assert healed.context == {"run": "17", "healed": True}
    settled(wharf.store)


def test_whoever_pushes_a_version_again_says_its_missing_event_with_a_reason(wharf: Wharf) -> None:
    wharf.push("1.0")
    wharf.store.objects.delete(event_key("m", 1))
    wharf.author = Author("bob", lambda: MORNING, message="second try")
    wharf.push("1.0")
    (event,) = history(wharf.store.objects, "m")
    assert (event.actor, event.message, event.context) == ("bob", "second try", {"healed": True})


def test_a_store_from_before_there_were_ledgers_gets_one_by_the_next_push(tmp_path: Path) -> None:
    root = tmp_path / "store"
    shutil.copytree(FIXTURE, root)
    made = Wharf(DirectoryStore(f"file://{root}", root), tmp_path / "model")
    made.push("1.0.2", name="coast/gull")
    events = history(made.store.objects, "coast/gull")
    assert [(each.version, each.context) for each in events] == [
        ("1.0.2", {}),
        ("1.0.0", {"healed": True}),
        ("1.0.1", {"healed": True}),
    ]
    assert len({each.digest for each in events}) == 3
    assert whole(made.store, "coast/gull") == {"1.0.0", "1.0.1", "1.0.2"}
    settled(made.store, "coast/gull")


def test_a_damaged_older_version_stops_no_new_one_and_stays_out_of_the_ledger(wharf: Wharf) -> None:
    wharf.push("1.0", b"a")
    wharf.push("1.1", b"b")
    for seq in (1, 2):
        wharf.store.objects.delete(event_key("m", seq))
    wharf.store.objects.replace("v2/m/manifests/1.0", b"damaged", JSON)
    wharf.push("1.2", b"c")
    assert said(wharf.store) == [(1, "ada", "1.2", False), (2, "ada", "1.1", True)]


def test_a_push_into_a_broken_ledger_publishes_and_then_says_that_the_ledger_is_broken(wharf: Wharf) -> None:
    for version in ("1.0", "1.1"):
        wharf.push(version, version.encode())
    edit(wharf.store.objects, event_key("m", 1), b'"ada"', b'"eve"')
    before = {key: wharf.store.objects.get(event_key("m", key), 1 << 16) for key in (1, 2, 3)}
    code, status, message, hint = refusal(lambda: wharf.push("1.2", b"c"))
    assert (code, status) == ("broken-ledger", 4)
    assert message.startswith("m:1.2 is published with the bill sha256:")
    assert "but the ledger cannot say so: ledger/m/00000002.json: expected it to follow sha256:" in message
    assert "restore" in hint
    assert whole(wharf.store) == {"1.0", "1.1", "1.2"}
    assert document(wharf.store.objects, "v2/m/tags/list")["tags"] == ["1.0", "1.1", "1.2"]
    assert {key: wharf.store.objects.get(event_key("m", key), 1 << 16) for key in (1, 2, 3)} == before

    edit(wharf.store.objects, event_key("m", 1), b'"eve"', b'"ada"')
    wharf.push("1.2", b"c")
    assert said(wharf.store)[2:] == [(3, "ada", "1.2", True)]
    settled(wharf.store)


def test_an_event_that_is_no_event_is_named(wharf: Wharf) -> None:
    wharf.push("1.0", b"a")
    wharf.store.objects.replace(event_key("m", 1), b"{}", JSON)
    code, status, message, _ = refusal(lambda: wharf.push("1.1", b"b"))
    assert (code, status) == ("bad-event", 4)
    assert f"{wharf.store.url}: ledger/m/00000001.json" in message


def test_what_lies_beside_the_events_and_is_none_does_not_matter(wharf: Wharf) -> None:
    for name in ("notes.txt", "0001.json", "00000000.json"):
        wharf.store.objects.create(f"ledger/m/{name}", b"?", JSON)
    wharf.push("1.0")
    assert said(wharf.store) == [(1, "ada", "1.0", False)]


def test_an_event_that_is_removed_while_it_is_read_is_told(busy: tuple[Wharf, Busy]) -> None:
    wharf, objects = busy
    wharf.push("1.0")
    objects.once("get", "00000001.json", lambda: objects.delete(event_key("m", 1)))
    code, status, message, _ = refusal(lambda: history(objects, "m"))
    assert (code, status) == ("broken-ledger", 4)
    assert message == "memory://busy: ledger/m/00000001.json was removed while it was read"


def test_a_writer_that_stays_away_has_its_version_said_by_another_and_does_not_say_it_again(
    busy: tuple[Wharf, Busy], tmp_path: Path
) -> None:
    wharf, objects = busy
    other = replace(wharf, folder=tmp_path / "other", author=Author("bob", lambda: MORNING))
    objects.once("create", "00000001.json", lambda: other.push("2.0", b"b"))
    wharf.push("1.0", b"a")
    # Bob's push found 1.0 without an event, and waited in vain for ours.
    assert said(wharf.store) == [(1, "bob", "2.0", False), (2, "bob", "1.0", True)]
    settled(wharf.store)


def test_a_writer_that_is_alive_says_its_own_words_while_another_waits_to_heal_it(
    busy: tuple[Wharf, Busy], tmp_path: Path
) -> None:
    wharf, objects = busy
    other = replace(wharf, folder=tmp_path / "other", author=Author("bob", lambda: MORNING), clock=Ticker())

    def wake() -> None:
        """Bob has seen 1.0 without an event, and waits; what ada was about to write is written now."""
        ledger = Ledger(objects, "m")
        ledger.catch_up()
        bill = open_version(wharf.store, "m", "1.0").bill
        ledger.say_pushed("1.0", bill.digest, wharf.author, healed=False)

    other.clock.asleep = wake
    objects.once("create", "00000001.json", lambda: other.push("2.0", b"b"))
    wharf.push("1.0", b"a")
    assert said(wharf.store) == [(1, "bob", "2.0", False), (2, "ada", "1.0", False)]


def test_a_writer_that_was_overtaken_takes_the_next_number(busy: tuple[Wharf, Busy]) -> None:
    wharf, objects = busy

    def overtake() -> None:
        other = Ledger(objects, "m")
        other.catch_up()
        other.say_pushed("2.0", digest("b"), Author("bob", lambda: MORNING), healed=False)

    objects.once("create", "00000001.json", overtake)
    wharf.push("1.0", b"a")
    assert said(wharf.store) == [(1, "bob", "2.0", False), (2, "ada", "1.0", False)]
    settled(wharf.store)


def test_a_ledger_that_cannot_be_reached_is_told_with_what_was_published(busy: tuple[Wharf, Busy]) -> None:
    wharf, objects = busy

    def before(step: str, key: str) -> None:
        if step == "entries" and key == "ledger/m/":
            raise UnavailableError("no-network", "the wire was cut", hint="plug it in")

    objects.before = before
    code, status, message, hint = refusal(lambda: wharf.push("1.0"))
    assert (code, status, hint) == ("no-network", 5, "plug it in")
    assert message.startswith("m:1.0 is published with the bill sha256:")
    assert message.endswith("but the ledger cannot say so: the wire was cut")
    objects.before = lambda *_: None
    assert whole(wharf.store) == {"1.0"}


@pytest.mark.parametrize(
    "text", ["", "why", "x" * MAX_MESSAGE_CHARS, "\x00" * MAX_MESSAGE_CHARS, "ä\n\u2028"]
)
def test_any_text_of_that_length_is_a_message(wharf: Wharf, text: str) -> None:
    wharf.author = Author("ada", lambda: MORNING, message=check_message(text))
    wharf.push("1.0")
    assert [each.message for each in history(wharf.store.objects, "m")] == [text]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x" * (MAX_MESSAGE_CHARS + 1), "the message has 4097 characters; at most 4096"),
        ("caf\udce9", "the message is no UTF-8: "),
    ],
    ids=["too long", "no text"],
)
def test_what_no_event_can_hold_is_refused_before_anything_is_published(text: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_message(text)
    assert caught.value.code == "bad-message"
    assert caught.value.message.startswith(why)


def at_once(wharf: Wharf, *pushes: tuple[str, bytes]) -> list[str]:
    """Push all from threads that begin together; the outcome of each."""
    outcomes = ["?"] * len(pushes)
    begin = threading.Barrier(len(pushes))

    def work(number: int) -> None:
        version, content = pushes[number]
        own = replace(
            wharf,
            folder=wharf.folder / str(number),
            author=Author(f"writer-{number}", lambda: MORNING),
        )
        begin.wait()
        try:
            outcomes[number] = own.push(version, content).digest
        except Exception as error:  # noqa: BLE001 - the test looks at it
            outcomes[number] = str(getattr(error, "code", error))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(pushes))]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    return outcomes


def test_twenty_threads_push_twenty_versions(wharf: Wharf) -> None:
    versions = [f"1.{number}" for number in range(WRITERS)]
    outcomes = at_once(wharf, *((version, version.encode()) for version in versions))
    assert len({str(Digest.parse(each)) for each in outcomes}) == WRITERS
    assert sorted(str(version) for _, _, version, _ in said(wharf.store)) == sorted(versions)
    assert whole(wharf.store) == set(versions)
    settled(wharf.store)


def test_twenty_threads_push_the_same_version(wharf: Wharf) -> None:
    outcomes = at_once(wharf, *[("1.0", b"a")] * WRITERS)
    assert len(set(outcomes)) == 1
    assert [version for _, _, version, _ in said(wharf.store)] == ["1.0"]
    assert whole(wharf.store) == {"1.0"}
    settled(wharf.store)


def test_of_twenty_threads_that_push_other_content_one_wins(wharf: Wharf) -> None:
    outcomes = at_once(wharf, *(("1.0", str(number).encode()) for number in range(WRITERS)))
    assert sorted(outcomes)[1:] == ["version-taken"] * (WRITERS - 1)
    (event,) = history(wharf.store.objects, "m")
    assert [str(event.digest)] == [each for each in outcomes if each != "version-taken"]
    assert whole(wharf.store) == {"1.0"}
    settled(wharf.store)
