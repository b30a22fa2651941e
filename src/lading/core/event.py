"""One event of a model's ledger: who did what, when, and the digest of the event before.

An event is created once under its number and never replaced (design, section 3.3). Its bytes are canonical
JSON, and the next event holds their SHA-256, so none can be changed without changing all that follow it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, Final, Self

from lading.core import canonical
from lading.core.digest import Digest
from lading.core.errors import IntegrityError, UsageError
from lading.core.names import check_name, check_stage, check_version
from lading.core.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT: Final = 1
MAX_EVENT_BYTES: Final = 64 * 1024
PUSH: Final = "push"
"""A version was published. Informative: the version's manifest decides whether it is there."""

_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {PUSH: ("version", "digest")}
_ID = re.compile(r"[0-9a-f]{32}")
_ACTION = re.compile(r"[a-z]+(?:-[a-z]+)*")
_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# RFC 8785 carries whole numbers of at most 16 digits; a name of eight digits keeps a listing in order.
_KEY = re.compile(r"ledger/.+/([0-9]{8,16})\.json")
_KEPT: Final = "events are never changed once they are written; restore this one from a copy of the store"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a writer has to say, before it has its place in a ledger.

    Attributes:
        id: 16 random bytes in hex, so that of two writers each knows its own event again.
        actor: who acted, for people.
        action: ``push``, or a word of a later lading.
        digest: the digest of the version's bill.
        context: where it was done from, such as the run and the commit of a CI.
    """

    id: str
    actor: str
    action: str
    version: str | None = None
    digest: Digest | None = None
    stage: str | None = None
    message: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The keys of the event that its place does not decide; what has nothing to say is left out."""
        said: dict[str, Any] = {"id": self.id, "actor": self.actor, "action": self.action}
        for key in ("version", "stage", "message", "context"):
            if value := getattr(self, key):
                said[key] = value
        if self.digest is not None:
            said["digest"] = str(self.digest)
        return said


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Draft):
    """An event, made by ``write`` or read by ``parse``; ``raw`` are its bytes.

    Attributes:
        model: the name of the model whose ledger it stands in.
        seq: its number, from 1 and without gaps.
        time: RFC 3339 in UTC with milliseconds; in this one form the order of texts is that of times.
        previous: the digest of the bytes of the event before; None for the first.
        extra: keys that this version of lading does not know; they are kept.
    """

    model: str
    seq: int
    time: str
    previous: Digest | None
    extra: Mapping[str, Any] = field(default_factory=dict)
    raw: bytes = field(repr=False)

    @classmethod
    def write(cls, draft: Draft, model: str, seq: int, time: str, previous: Digest | None) -> Self:
        """Make the event that ``draft`` is at this place of the ledger.

        Raises:
            UsageError: ``bad-event``, ``not-json``: words or values that an event cannot hold.
        """
        place = {"lading": FORMAT, "model": model, "seq": seq, "time": time}
        if previous is not None:
            place["previous"] = str(previous)
        what = f"event {seq} of {model}"
        raw = canonical.encode(draft.document() | place, what)
        try:
            return cls.parse(raw, what)
        except IntegrityError as error:
            # Parsing speaks of a broken document; here it is the caller's words that do not fit.
            raise UsageError(error.code, error.message) from error

    @classmethod
    def parse(cls, raw: bytes, what: str = "the event") -> Self:
        """Read an event from a store.

        Args:
            raw: its bytes as stored.
            what: how messages name it, such as its key.

        Raises:
            IntegrityError: ``bad-event``.
        """
        if len(raw) > MAX_EVENT_BYTES:
            raise IntegrityError("bad-event", f"{what} has {len(raw)} bytes; at most {MAX_EVENT_BYTES}")
        try:
            document = canonical.decode(raw, what)
        except IntegrityError as error:
            raise IntegrityError("bad-event", error.message, hint=_KEPT) from error
        if not isinstance(document, dict):
            raise IntegrityError("bad-event", f"{what} is not a JSON object", hint=_KEPT)
        try:
            return cls._read(Table(document, what, IntegrityError, "bad-event"), raw)
        except UsageError as error:
            # The rules of the grammar speak to a person; here it is a document that breaks them.
            raise IntegrityError("bad-event", f"{what}: {error.message}", hint=_KEPT) from error

    @classmethod
    def _read(cls, table: Table, raw: bytes) -> Self:
        if table.number("lading") != FORMAT:
            raise table.fail(
                f"it is written in format {table.anything('lading')!r}, this lading reads {FORMAT}",
                hint="pip install --upgrade lading",
            )
        version, stage, context = table.text("version"), table.text("stage"), table.table("context")
        event = cls(
            model=check_name(table.need("model", table.text("model"))),
            seq=table.need("seq", table.number("seq")),
            time=check_time(table.need("time", table.text("time"))),
            id=table.need("id", table.text("id")),
            actor=table.need("actor", table.text("actor")),
            action=table.need("action", table.text("action")),
            version=None if version is None else check_version(version),
            digest=table.digest("digest"),
            stage=None if stage is None else check_stage(stage),
            message=table.text("message") or "",
            context={} if context is None else context.data,
            previous=table.digest("previous"),
            extra=table.rest(),
            raw=raw,
        )
        event._check(table)
        return event

    def _check(self, table: Table) -> None:
        if not _ID.fullmatch(self.id):
            raise table.fail(f"'id' must be 32 lowercase hexadecimal digits; got {self.id!r}")
        if not _ACTION.fullmatch(self.action):
            raise table.fail(f"'action' must be lowercase words joined by -; got {self.action!r}")
        if not self.actor:
            raise table.fail("'actor' is empty")
        if self.seq < 1:
            raise table.fail("'seq' is 0; the first event is number 1")
        if (self.previous is None) != (self.seq == 1):
            wrong = "is missing" if self.previous is None else "stands in the first event, which follows none"
            raise table.fail(f"'previous' {wrong}")
        for key in _NEEDS.get(self.action, ()):
            table.need(key, getattr(self, key))

    @property
    def sha256(self) -> Digest:
        """The digest of the event's bytes as they are stored; ``digest`` is that of a bill."""
        return Digest.of(self.raw)


def check_time(text: str) -> str:
    """Return a time unchanged if it has the form ``2026-11-21T08:00:00.123Z``.

    Raises:
        UsageError: ``bad-time``.
    """
    found = _TIME.fullmatch(text)
    try:
        if found and date.fromisoformat(found[1]):
            return text
    except ValueError:
        pass
    raise UsageError("bad-time", f"'{text}' is not a time in UTC such as 2026-11-21T08:00:00.123Z")


def time_until(text: str) -> str:
    """The last time that is not after ``text``, which is a day or an instant; both are in UTC unless said.

    Raises:
        UsageError: ``bad-time``.
    """
    try:
        found = _instant(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            "bad-time",
            f"{text!r} is neither a day nor an instant",
            hint="write 2026-11-21, or 2026-11-21T08:00:00Z",
        ) from error
    return found.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def ledger_folder(model: str) -> str:
    """The common beginning of the keys of a model's ledger."""
    return f"ledger/{model}/"


def sweeps_folder(model: str) -> str:
    """Where the notices lie that blobs of a model are being removed; no model's name has such a part."""
    return f"{ledger_folder(model)}.sweeps/"


def event_key(model: str, seq: int) -> str:
    """Where an event of a model lies."""
    return f"{ledger_folder(model)}{seq:08d}.json"


def seq_of(key: str) -> int | None:
    """The number of the event that lies under ``key``, or None where no event can lie there."""
    found = _KEY.fullmatch(key)
    # More than eight digits have no zeros before them, so that each event has one key only.
    if found is None or int(found[1]) < 1 or f"{int(found[1]):08d}" != found[1]:
        return None
    return int(found[1])


def _instant(text: str) -> datetime:
    if _DAY.fullmatch(text):
        return datetime.combine(date.fromisoformat(text), time.max, UTC)
    given = datetime.fromisoformat(text)
    return given if given.tzinfo else given.replace(tzinfo=UTC)
