"""Removing beside pushing: whoever comes when, no version ever lacks a blob."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lading.core.errors import UnavailableError
from lading.core.objects import Kind
from lading.ops.pack import Shape
from lading.ops.prune import Pruner
from lading.ops.sweep import DEAD_S, FRESH_S, posted, wait
from lading.ops.verify import verify_version
from lading.ops.version import open_version
from lading.stores.directory import DirectoryStore
from tests.children import run_and_kill
from tests.wharf import Busy, Shelf, Ticker, Wharf, blobs, dangling, directory, keys, litter, whole
from tests.yard import Notes, refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lading.core.objects import Found
    from lading.ops.push import Pushed

REPAIRED = 3
"""A push reads the config and the first layer to know the version; the third blob it reads to prove it."""
LATER = 4e9
"""Long after every blob of these tests."""


def sweeps(wharf: Wharf) -> set[str]:
    return keys(wharf.store.objects, "ledger/m/.sweeps/")


def remove_all(wharf: Wharf) -> None:
    """What ``lading gc --delete --older-than 0`` does."""
    Pruner(wharf.store, "m").remove(Ticker(), 0)


def test_a_push_beside_whom_everything_is_removed_at_every_step_still_publishes_a_whole_version(
    busy: tuple[Wharf, Busy],
) -> None:
    wharf, objects = busy
    wharf.push("1.0", b"a")
    steps = []

    def before(step: str, key: str) -> None:
        steps.append((step, key))
        objects.before = lambda *_: None
        remove_all(wharf)
        objects.before = before

    objects.before = before
    pushed = wharf.push("1.1", b"b", shape=Shape(modelpack=True))
    objects.before = lambda *_: None
    assert whole(wharf.store) == {"1.0", "1.1"}
    assert len(steps) > 20
    assert pushed.uploaded > 0
    assert sweeps(wharf) == set()


class Remover:
    """Posts, reads and judges at one step of a push; removes at a later one, or while the push waits."""

    def __init__(self, folder: Path, begin: int, end: int, *, watch: bool = False) -> None:
        self.shape = Shape(modelpack=watch)
        self.objects = Busy()
        self.wharf = Wharf(Shelf(self.objects), folder)
        self.wharf.push("1.0", b"a")
        litter(self.wharf.store, b"rubbish")
        self.begin, self.end, self.watch = begin, end, watch
        self.stack = ExitStack()
        self.doomed: list[Found] = []
        self.steps = 0

    def run(self) -> int:
        """Let the push of another version go its way; how many steps it had."""
        self.objects.before = self.before
        self.wharf.clock.asleep = self.remove
        self.wharf.push("1.1", b"b", shape=self.shape)
        self.objects.before = lambda *_: None
        self.remove()
        assert dangling(self.wharf.store) == set()
        assert whole(self.wharf.store) == {"1.0", "1.1"}, (self.begin, self.end)
        assert sweeps(self.wharf) == set()
        return self.steps

    def before(self, step: str, key: str) -> None:
        self.objects.before = lambda *_: None
        if self.watch:  # whoever pulls at this moment finds every version whole
            assert whole(self.wharf.store) >= {"1.0"}, (step, key)
        if self.steps == self.begin:
            self.stack.enter_context(posted(self.objects, "m", self.wharf.clock))
            self.doomed = Pruner(self.wharf.store, "m").find(LATER, 0)
        if self.steps == self.end:
            self.remove()
        self.steps += 1
        self.objects.before = self.before

    def remove(self) -> None:
        held, self.objects.before = self.objects.before, lambda *_: None
        for blob in self.doomed:
            self.objects.delete(blob.key)
        self.stack.close()
        self.doomed = []
        self.objects.before = held


def test_a_remover_that_works_from_any_step_of_a_push_to_any_other_harms_no_version(tmp_path: Path) -> None:
    steps = Remover(tmp_path, -1, -1).run()
    assert steps > 20
    for begin in range(steps):
        for end in range(begin, steps):
            Remover(tmp_path, begin, end).run()


def test_at_no_step_of_a_push_does_anybody_see_a_version_that_lacks_a_blob(tmp_path: Path) -> None:
    steps = Remover(tmp_path, -1, -1, watch=True).run()
    for begin in range(steps):
        Remover(tmp_path, begin, steps, watch=True).run()


def test_a_version_has_its_name_only_when_all_that_it_needs_is_there_to_stay(
    busy: tuple[Wharf, Busy],
) -> None:
    """So a push that is killed at any step leaves no version that lacks a blob."""
    wharf, objects = busy
    seen: list[bool] = []

    def look() -> None:
        remove_all(wharf)
        (label,) = (key.rpartition("/")[2] for key in keys(objects, "v2/m/manifests/"))
        seen.append(verify_version(open_version(wharf.store, "m", label), "none").ok)

    objects.once("create", "manifests/1.0", look)
    wharf.push("1.0")
    assert seen == [True]


def test_a_push_waits_for_a_remover_and_sends_again_what_it_removed(wharf: Wharf) -> None:
    notes = Notes()
    wharf.hear = notes
    doomed = litter(wharf.store, b"content")
    with ExitStack() as stack:
        notice = stack.enter_context(posted(wharf.store.objects, "m", wharf.clock))
        assert notice.fresh
        waits = 0

        def asleep() -> None:
            nonlocal waits
            waits += 1
            if waits == 3:
                for digest in blobs(wharf.store.objects) - doomed:
                    wharf.store.objects.delete(f"v2/m/blobs/{digest}")
                stack.close()

        wharf.clock.asleep = asleep
        pushed = wharf.push("1.0")
    assert waits == 3
    assert whole(wharf.store) == {"1.0"}
    sizes = sum(found.size for found in wharf.store.objects.entries("v2/m/blobs/").objects) - len(b"content")
    assert pushed.uploaded == 2 * sizes, "everything was sent twice"
    assert notes.said == [f"{wharf.store.url}: a lading gc of m is going on; waiting for it, at most 200 s"]


def test_a_notice_that_comes_while_a_push_waits_does_not_make_it_wait_longer(wharf: Wharf) -> None:
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(posted(wharf.store.objects, "m", wharf.clock))

        def asleep() -> None:
            wharf.clock.asleep = lambda: None
            second.enter_context(posted(wharf.store.objects, "m", wharf.clock))
            first.close()

        wharf.clock.asleep = asleep
        wharf.push("1.0")
        assert wharf.clock.seconds < 1
        assert len(sweeps(wharf)) == 1, "it is still there"


def test_a_dead_removers_notice_is_waited_for_once(wharf: Wharf) -> None:
    wharf.store.objects.create("ledger/m/.sweeps/0.json", b"{}", Kind())
    wharf.push("1.0", b"a")
    assert DEAD_S <= wharf.clock.seconds < DEAD_S + 1
    assert sweeps(wharf) == set()
    wharf.push("1.1", b"b")
    assert wharf.clock.seconds < DEAD_S + 1


@dataclass
class Stalling(Ticker):
    """Stops at one look at the time, for as long as others wait for a notice."""

    looks: int = 0
    stall: Callable[[], object] = lambda: None

    def now(self) -> float:
        self.looks += 1
        if self.looks == 4:  # posting, before the first removal, at it, and after it
            self.seconds += DEAD_S
            self.stall()
        return self.seconds


def test_a_remover_that_was_taken_for_dead_removes_no_more_under_its_old_notice(
    busy: tuple[Wharf, Busy],
) -> None:
    """It slept; meanwhile a push gave it up, and relies on what it had judged to be rubbish."""
    wharf, objects = busy
    wharf.push("1.0", b"a")
    pushed = wharf.push("1.1", b"b")
    for label in ("1.1", pushed.manifest):
        objects.delete(f"v2/m/manifests/{label}")  # as if that push had been killed
    litter(wharf.store, b"rubbish")
    again: list[Pushed] = []
    clock = Stalling(stall=lambda: again.append(wharf.push("1.1", b"b")))
    pruned = Pruner(wharf.store, "m").remove(clock, 0)
    assert wharf.clock.seconds >= DEAD_S, "the push waited and gave it up"
    assert again[0].reused > 0
    assert pruned.blobs < 1 + 3, "it had judged all of 1.1 to be rubbish"
    assert whole(wharf.store) == {"1.0", "1.1"}
    assert Pruner(wharf.store, "m").find(LATER, 0) == []


def test_a_notice_speaks_from_before_it_was_written(busy: tuple[Wharf, Busy]) -> None:
    """A store that is slow to answer may have shown it to others long before."""
    _, objects = busy
    clock = Ticker()

    def slow(step: str, _: str) -> None:
        clock.seconds += FRESH_S if step == "create" else 0

    objects.before = slow
    with posted(objects, "m", clock) as notice:
        assert not notice.fresh
    with posted(objects, "m", Ticker()) as notice:
        assert notice.fresh


def test_a_notice_that_somebody_took_away_lets_nobody_remove(busy: tuple[Wharf, Busy]) -> None:
    _, objects = busy

    def steal(step: str, key: str) -> None:
        if step == "head":
            objects.delete(key)

    objects.before = steal
    with posted(objects, "m", Ticker()) as notice:
        assert (notice.time_s, notice.fresh) == (0.0, False)


def test_a_removal_that_got_no_answer_keeps_its_notice_for_it_may_still_come(
    busy: tuple[Wharf, Busy],
) -> None:
    wharf, objects = busy
    litter(wharf.store, b"one", b"two")

    def fail() -> None:
        raise UnavailableError("timed-out", "no answer")

    objects.once("delete", "", fail)
    assert refusal(lambda: remove_all(wharf))[:2] == ("timed-out", 5)
    assert len(sweeps(wharf)) == 1
    wharf.push("1.0")
    assert wharf.clock.seconds >= DEAD_S
    assert sweeps(wharf) == set()


def test_there_is_nothing_to_wait_for_where_nobody_removes(wharf: Wharf) -> None:
    notes = Notes()
    wait(wharf.store.objects, "m", wharf.clock, notes.note)
    assert (wharf.clock.seconds, notes.said) == (0, [])


KILLED = """
import sys
from pathlib import Path
from lading.ops.prune import Pruner
from lading.plumbing.clock import RealClock
from lading.stores.directory import Folder
from lading.stores.layout import LaidOut

class Slow(Folder):
    def delete(self, key):
        super().delete(key)
        print("ready", flush=True)
        sys.stdin.read()

url, root = sys.argv[1:]
Pruner(LaidOut(Slow(url, Path(root), Path(root, ".drafts"))), "m").remove(RealClock(), 0)
"""


def test_a_remover_that_is_killed_is_got_over_by_the_next_push_and_the_next_remover(tmp_path: Path) -> None:
    wharf = directory(tmp_path)
    assert isinstance(wharf.store, DirectoryStore)
    wharf.push("1.0", b"a")
    litter(wharf.store, b"one", b"two", b"three")
    run_and_kill(KILLED, wharf.store.url, tmp_path / "store")
    assert len(blobs(wharf.store.objects)) == 3 + 2
    assert len(sweeps(wharf)) == 1

    assert Pruner(wharf.store, "m").remove(Ticker(), 0).blobs == 2, "a remover needs not wait"
    assert len(sweeps(wharf)) == 1
    wharf.push("1.1", b"b")
    assert wharf.clock.seconds >= DEAD_S
    assert sweeps(wharf) == set()
    assert whole(wharf.store) == {"1.0", "1.1"}


def test_a_blob_that_is_removed_while_a_repair_reads_it_is_sent_again(busy: tuple[Wharf, Busy]) -> None:
    wharf, objects = busy
    wharf.push("1.0")
    reads = 0

    def before(step: str, key: str) -> None:
        nonlocal reads
        reads += step == "read"
        if step == "read" and reads == REPAIRED:
            objects.delete(key)

    objects.before = before
    again = wharf.push("1.0", repair=True)
    objects.before = lambda *_: None
    assert again.uploaded > 0
    assert whole(wharf.store) == {"1.0"}
