"""The ledger of a model: a chain of events, and the state that their fold is (design, section 3.3).

Nothing here reads or writes. Whoever has the events in order folds them; whoever wants to say something asks
for the next event and creates it. Where another writer was first, it folds what is new and asks again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from lading.core import canonical
from lading.core.errors import IntegrityError, LadingError
from lading.core.event import PUSH, Event, check_time, event_key
from lading.core.table import Table
from lading.core.versions import version_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lading.core.digest import Digest
    from lading.core.event import Draft

HEAD_FORMAT: Final = 1

_RESTORE: Final = "nothing that this ledger says can be trusted: restore its events from a copy of the store"


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a ledger, at some time: the number of its last event and the digest of that event's bytes.

    ``parse`` and ``encode`` read and write ``head.json``, which is a hint that saves a listing and proves
    nothing. A head that a lock recorded proves that the ledger then ended there.
    """

    seq: int
    digest: Digest

    @classmethod
    def of(cls, event: Event) -> Self:
        """The head of a ledger that ends with ``event``."""
        return cls(event.seq, event.sha256)

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read ``head.json``; unknown keys are no defect.

        Raises:
            IntegrityError: ``bad-ledger``.
        """
        try:
            document = canonical.decode(raw, "head.json")
        except IntegrityError as error:
            raise IntegrityError("bad-ledger", error.message) from error
        if not isinstance(document, dict):
            raise IntegrityError("bad-ledger", "head.json is not a JSON object")
        table = Table(document, "head.json", IntegrityError, "bad-ledger")
        if table.number("lading") != HEAD_FORMAT:
            raise table.fail(
                f"it is written in format {table.anything('lading')!r}, this lading reads {HEAD_FORMAT}",
                hint="pip install --upgrade lading",
            )
        seq = table.need("seq", table.number("seq"))
        if seq < 1:
            raise table.fail("'seq' is 0; the first event is number 1")
        return cls(seq, table.need("digest", table.digest("digest")))

    def encode(self) -> bytes:
        """The bytes of ``head.json``."""
        document = {"lading": HEAD_FORMAT, "seq": self.seq, "digest": str(self.digest)}
        return canonical.encode(document, "head.json")


def head_or_none(raw: bytes | None) -> Head | None:
    """What ``head.json`` says, or None where there is none or it cannot be read: it is only a hint."""
    try:
        return None if raw is None else Head.parse(raw)
    except LadingError:
        return None


@dataclass(frozen=True, slots=True)
class State:
    """What the events up to ``head`` say together.

    Attributes:
        head: the last event; None where there is none.
        time: the time of the last event; empty where there is none.
        pushed: the versions that a push event speaks of, with the digests of their bills.
    """

    model: str
    head: Head | None = None
    time: str = ""
    pushed: Mapping[str, Digest] = field(default_factory=dict)

    @classmethod
    def empty(cls, model: str) -> Self:
        """The state of a ledger without events."""
        return cls(model)

    @property
    def count(self) -> int:
        """How many events there are, which is the number of the last."""
        return 0 if self.head is None else self.head.seq


def fold(events: Iterable[Event], start: State) -> State:
    """The state after ``events``, which follow ``start`` in order.

    Folding some and then the rest gives the same as folding all. An action that this version of lading does
    not know is part of the chain and changes nothing else.

    Raises:
        IntegrityError: ``broken-ledger``, at the first event that does not follow the one before it.
    """
    head, time, pushed = start.head, start.time, dict(start.pushed)
    for event in events:
        _check_follows(event, State(start.model, head, time))
        head, time = Head.of(event), event.time
        if event.action == PUSH and event.version is not None and event.digest is not None:
            # Two writers may both have healed the ledger; what was said first stands.
            pushed.setdefault(event.version, event.digest)
    return State(start.model, head, time, pushed)


def next_event(state: State, draft: Draft, now: str) -> Event:
    """The event that ``draft`` is at the end of the ledger.

    Its time is ``now``, or that of the last event where this machine's clock is behind.

    Raises:
        UsageError: ``bad-time``, and what ``Event.write`` raises.
    """
    previous = None if state.head is None else state.head.digest
    time = max(check_time(now), state.time)
    return Event.write(draft, state.model, state.count + 1, time, previous)


def missing_pushes(state: State, versions: Iterable[str]) -> tuple[str, ...]:
    """Those of the store's ``versions`` that no push event speaks of, the lowest first.

    Their writers ended between the manifest and the event; whoever writes next says it for them.
    """
    return tuple(sorted(set(versions) - state.pushed.keys(), key=version_key))


def check_recorded(model: str, recorded: Head, event: Event | None) -> None:
    """Check that a ledger still holds the head that was recorded earlier.

    That its end was removed, or all of it written anew, shows in no chain; this shows it.

    Args:
        model: the name of the model.
        recorded: such as a lock has it.
        event: the ledger's event number ``recorded.seq``, from a fold; None where there is none.

    Raises:
        IntegrityError: ``broken-ledger``.
    """
    found = None if event is None else Head.of(event)
    if found != recorded:
        got = "there is none" if found is None else f"got event {found.seq} with {found.digest}"
        raise IntegrityError(
            "broken-ledger",
            f"the ledger of {model} had event {recorded.seq} with {recorded.digest} when it was recorded; "
            f"{got}: its end was removed, or it was written anew",
            hint=_RESTORE,
        )


def _check_follows(event: Event, state: State) -> None:
    following = state.count + 1
    if event.model != state.model:
        problem = f"expected an event of {state.model}, got one of {event.model}: it was copied here"
    elif event.seq > following:
        problem = f"expected event {following}, got {event.seq}: events are missing"
    elif event.seq < following:
        problem = f"expected event {following}, got {event.seq}: events were reordered or put in between"
    elif state.head is not None and event.previous != state.head.digest:
        problem = (
            f"expected it to follow {state.head.digest}, got {event.previous}: "
            f"event {state.head.seq} or {event.seq} was edited or replaced after it was written"
        )
    elif event.time < state.time:
        problem = f"expected a time from {state.time} on, got {event.time}: lading writes no such event"
    else:
        return
    raise IntegrityError("broken-ledger", f"{event_key(state.model, following)}: {problem}", hint=_RESTORE)
