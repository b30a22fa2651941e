"""The ledger of a model in its store: read in order, appended to by create-only writes.

The rules are in ``lading.core.ledger``; this is the reading and writing around them. A push event is
informative: a version is there by its manifest. So a writer that ended between the two leaves nothing wrong,
and the next one says it for it.
"""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from lading.core.errors import IntegrityError, LadingError, UsageError
from lading.core.event import MAX_EVENT_BYTES, PUSH, Draft, Event, event_key, ledger_folder, seq_of
from lading.core.ledger import State, fold, missing_pushes, next_event
from lading.core.objects import Kind
from lading.ops.version import bill_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from lading.core.bill import Bill
    from lading.core.digest import Digest
    from lading.core.objects import Objects, WritableObjects
    from lading.core.ports import Clock, WritableStore

EVENT: Final = Kind("application/json")
MAX_MESSAGE_CHARS: Final = 4096
_FEW: Final = 4
_AT_ONCE: Final = 16
_BATCH: Final = 256
_GRACE_S: Final = 2.0
"""How long a writer that is alive has, to say with its own words what another would say for it."""


def check_message(text: str) -> str:
    """Return a message for the ledger unchanged if an event can hold it.

    Raises:
        UsageError: ``bad-message``.
    """
    if len(text) > MAX_MESSAGE_CHARS:
        raise UsageError(
            "bad-message",
            f"the message has {len(text)} characters; at most {MAX_MESSAGE_CHARS}",
            hint="say it shorter, with a link",
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError("bad-message", f"the message is no UTF-8: {error}") from error
    return text


@dataclass(frozen=True, slots=True)
class Author:
    """Who acts, and from where.

    Attributes:
        actor: for people, such as ``ada@laptop`` or a CI's user.
        context: such as the run and commit of a CI.
        message: why, in the person's own words.
        now: the seconds since 1970.
    """

    actor: str
    now: Callable[[], float]
    context: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""


def events(objects: Objects, model: str, after: int = 0) -> Iterator[Event]:
    """The events of a model's ledger after the one of number ``after``, in order, not yet proven.

    Raises:
        IntegrityError: ``bad-event``; ``broken-ledger``, where one is removed meanwhile.
    """
    start = event_key(model, after) if after else ""
    found = objects.entries(ledger_folder(model), start).objects
    numbers = sorted(seq for seq in (seq_of(each.key) for each in found) if seq is not None)
    keys = [event_key(model, seq) for seq in numbers]
    for key, raw in _read(objects, keys):
        if raw is None:
            raise IntegrityError("broken-ledger", f"{objects.url}: {key} was removed while it was read")
        yield Event.parse(raw, f"{objects.url}: {key}")


def _read(objects: Objects, keys: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
    """What lies under each key, in order; many are asked for at a time, for each is a request."""
    limit = MAX_EVENT_BYTES + 1
    if len(keys) < _FEW:
        yield from ((key, objects.get(key, limit)) for key in keys)
        return
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for start in range(0, len(keys), _BATCH):
            some = keys[start : start + _BATCH]
            yield from zip(some, pool.map(lambda key: objects.get(key, limit), some), strict=True)


def history(objects: Objects, model: str) -> list[Event]:
    """All events of a model's ledger, proven to follow each other.

    Raises:
        IntegrityError: ``bad-event``, ``broken-ledger``.
    """
    found = list(events(objects, model))
    fold(found, State.empty(model))
    return found


class Ledger:
    """A ledger that is being written to.

    Every method may raise ``IntegrityError``: ``bad-event``, ``broken-ledger``.

    Attributes:
        state: the fold of all events that were seen.
    """

    def __init__(self, objects: WritableObjects, model: str) -> None:
        self._objects = objects
        self._model = model
        self.state = State.empty(model)

    def catch_up(self) -> State:
        """Read the events that were appended since the last look."""
        self.state = fold(events(self._objects, self._model, self.state.count), self.state)
        return self.state

    def say_pushed(self, version: str, digest: Digest, author: Author, *, healed: bool) -> None:
        """Append the event of a push, unless some event speaks of that version already."""
        draft = Draft(
            id=secrets.token_hex(16),
            actor=author.actor,
            action=PUSH,
            version=version,
            digest=digest,
            message=author.message,
            context={**author.context, **({"healed": True} if healed else {})},
        )
        while version not in self.state.pushed and not self.append(draft, author.now()):
            self.catch_up()

    def append(self, draft: Draft, now_s: float) -> bool:
        """Append an event where nobody was faster.

        Returns:
            False where another writer's event took its number; look again, and decide again.
        """
        event = next_event(self.state, draft, _time(now_s))
        if not self._objects.create(event_key(self._model, event.seq), event.raw, EVENT):
            return False
        self.state = fold([event], self.state)
        return True


def record(store: WritableStore, bill: Bill, older: Collection[str], author: Author, clock: Clock) -> Ledger:
    """Say in the ledger that a version was pushed, then the same of ``older`` ones that it does not know.

    What was there before this push is marked as healed. Nothing is said twice.

    Args:
        store: where the ledger lies.
        bill: that of the version that was just pushed.
        older: the versions that were there before.
        author: who pushed.
        clock: by which others get time to say theirs.

    Raises:
        IntegrityError: ``bad-event``, ``broken-ledger``.
    """
    ledger = Ledger(store.objects, bill.name)
    ledger.catch_up()
    ledger.say_pushed(bill.version, bill.digest, author, healed=bill.version in older)
    missing = missing_pushes(ledger.state, older)
    healing = {version: digest for version in missing if (digest := _digest(store, bill.name, version))}
    if healing:
        clock.sleep(_GRACE_S)
        ledger.catch_up()
        silent = replace(author, message="")
        for version, digest in healing.items():
            ledger.say_pushed(version, digest, silent, healed=True)
    return ledger


def _digest(store: WritableStore, model: str, version: str) -> Digest | None:
    with suppress(LadingError):  # a damaged version does not keep a new one out of the ledger
        return bill_digest(store, model, version)
    return None


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
