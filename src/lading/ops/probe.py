"""Probe: try a store step by step, each with the rights that it needs, and time it."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

from lading.core import layout
from lading.core.errors import LadingError
from lading.core.image import MAX_MANIFEST_BYTES, Manifest, index_entries
from lading.core.objects import PROBE, PROBE_KEY, Kind
from lading.core.ports import Store
from lading.core.surroundings import Probe, Problem, Speed, Step
from lading.core.versions import highest
from lading.ops.prune import models as models_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lading.core.image import Descriptor
    from lading.core.objects import Objects, WritableObjects
    from lading.core.surroundings import Result

    Answer = tuple[Result, str]
    Read = Callable[[int, int], Iterator[bytes]]

STEPS: Final = ("credentials", "list", "read", "write", "speed", "delete")
SPEED_KEY: Final = ".lading-probe-speed"
"""What the speed is measured with where there is no blob; it is removed again."""
_UNREACHED: Final = frozenset(
    {"no-store", "unreachable", "dns-failed", "timed-out", "tls-failed", "proxy-failed"}
)
"""Failures of the way there: the other steps would fail likewise, and each may wait for long."""
_LACKS_A_RIGHT: Final = frozenset({"access-denied", "denied-or-missing"})
_CANNOT: Final = "cannot-list"
_MOST_MODELS: Final = 20
_READ_BYTES: Final = 16 * 1024 * 1024
_WRITTEN_BYTES: Final = 4 * 1024 * 1024
_MIB: Final = 1024 * 1024


class Held(Store, Protocol):
    """A store whose bytes are objects under keys."""

    @property
    def objects(self) -> Objects:
        """What holds them."""
        ...


@dataclass(frozen=True, slots=True)
class Subject:
    """What is tried.

    Attributes:
        writable: what holds its bytes, to write to; None where it can only be read.
        credentials: where they come from, or None where none are used.
        models: the models that are likely there, each with a version that is, where one is known.
    """

    store: Held
    writable: WritableObjects | None
    credentials: str | None
    models: Sequence[tuple[str, str | None]]


def probe(subject: Subject, clock: Callable[[], float]) -> Probe:
    """Try a store; a step that fails does not stop the others, unless the store cannot be reached at all.

    Into a store that can be written goes a small object, ``.lading-probe``, which stays there; one of 4 MiB
    is written and removed again where there is no blob to measure the speed with.

    Args:
        subject: the store.
        clock: seconds from any start.
    """
    return _Probing(subject, clock).run()


def unopened(error: LadingError) -> Probe:
    """The same for a store that could not even be opened."""
    first = _failed(STEPS[0], error, 0.0)
    return Probe(False, None, None, (first, *(_left(name) for name in STEPS[1:])))


@dataclass(slots=True)
class _Probing:
    subject: Subject
    clock: Callable[[], float]
    steps: list[Step] = field(default_factory=list)
    strong: bool | None = None
    speed: Speed | None = None
    blob: tuple[str, Descriptor] | None = None
    written: bool = False

    def run(self) -> Probe:
        acts = (self._credentials, self._list, self._read, self._write, self._speed, self._delete)
        for name, act in zip(STEPS, acts, strict=True):
            unreached = any(step.code in _UNREACHED for step in self.steps)
            self.steps.append(_left(name) if unreached else self._try(name, act))
        return Probe(self._was("read"), self.strong, self.speed, tuple(self.steps))

    def _try(self, name: str, act: Callable[[], Answer]) -> Step:
        began = self.clock()
        try:
            result, message = act()
        except LadingError as error:
            return _failed(name, error, self.clock() - began)
        return Step(name, result, message, self.clock() - began)

    def _was(self, name: str) -> bool:
        return any(step.step == name and step.result == "ok" for step in self.steps)

    def _credentials(self) -> Answer:
        if self.subject.credentials is None:
            return "skipped", "none are used"
        try:
            self.subject.store.objects.get(PROBE_KEY, len(PROBE))
        except LadingError as error:
            if error.code not in _LACKS_A_RIGHT:
                raise
            # The store knows who asks; what they lack is told by the other steps.
        return "ok", self.subject.credentials

    def _list(self) -> Answer:
        try:
            found = self.subject.store.objects.entries(layout.ROOT).folders
        except LadingError as error:
            if error.code != _CANNOT:
                raise
            return "skipped", "web servers have no way to list"
        return "ok", f"names below {layout.ROOT}: {len(found)}"

    def _read(self) -> Answer:
        said = ""
        for name, version, raw in self._manifests():
            said = said or f"the manifest of {name}:{version}, {len(raw)} bytes"
            with suppress(LadingError):  # it can be read, whatever is wrong with it
                self._note(name, raw)
        if not said:
            self.subject.store.objects.get(PROBE_KEY, len(PROBE))
            said = "it answers; none of the models is there"
        return "ok", said

    def _manifests(self) -> Iterator[tuple[str, str, bytes]]:
        """What is there of the models; if nothing, of any other model."""
        models = self.subject.models[:_MOST_MODELS]
        found = False
        for name, known in models:
            version = known or self._highest(name)
            if version and (raw := self._manifest(name, version)) is not None:
                found = True
                yield name, version, raw
        if not found:
            with suppress(LadingError):  # whether it can be listed is another step's business
                for name in islice(models_in(self.subject.store.objects), 1):
                    version = self._highest(name)
                    raw = self._manifest(name, version) if version else None
                    if version and raw is not None:
                        yield name, version, raw

    def _manifest(self, name: str, version: str) -> bytes | None:
        return self.subject.store.objects.get(layout.manifest_key(name, version), MAX_MANIFEST_BYTES)

    def _highest(self, name: str) -> str | None:
        with suppress(LadingError):
            return highest(self.subject.store.versions(name))
        return None

    def _note(self, name: str, raw: bytes) -> None:
        """Remember the largest blob of all."""
        entries = index_entries(raw)
        if entries:  # every platform's image has the same layers
            raw = self._manifest(name, str(entries[0].digest)) or b""
        for layer in Manifest.parse(raw).layers:
            if self.blob is None or layer.size > self.blob[1].size:
                self.blob = (name, layer)

    def _write(self) -> Answer:
        objects = self.subject.writable
        if objects is None:
            return "skipped", "it can only be read"
        self.strong = objects.strong()
        objects.create(PROBE_KEY, PROBE, Kind("text/plain"))
        if self.strong:
            return "ok", f"strong: of two writers of one key one loses; {PROBE_KEY} stays there"
        return (
            "ok",
            f"weak: it lets two writers write one key, so it keeps no ledger; {PROBE_KEY} stays there",
        )

    def _speed(self) -> Answer:
        if self.blob is not None:
            name, layer = self.blob
            self._measure(
                lambda start, end: self.subject.store.read(name, layer.digest, start, end), layer.size
            )
        elif self.subject.writable is not None and self._was("write"):
            objects = self.subject.writable
            self.written = True
            objects.put(SPEED_KEY, _WRITTEN_BYTES, [secrets.token_bytes(_WRITTEN_BYTES)], Kind(changes=True))
            self._measure(lambda start, end: objects.read(SPEED_KEY, start, end), _WRITTEN_BYTES)
        if self.speed is None:
            return "skipped", "there is nothing to read"
        rate, first_ms = self.speed.rate / _MIB, self.speed.first_byte_s * 1000
        return "ok", f"{rate:.1f} MiB/s over {self.speed.size} bytes, first byte after {first_ms:.0f} ms"

    def _measure(self, read: Read, size: int) -> None:
        began = self.clock()
        sum(map(len, read(0, min(1, size))))
        first = self.clock()
        got = sum(map(len, read(0, min(size, _READ_BYTES))))
        self.speed = Speed(got, self.clock() - first, first - began)

    def _delete(self) -> Answer:
        if self.subject.writable is None or not self.written:
            return "skipped", "only lading gc --delete needs it"
        self.subject.writable.delete(SPEED_KEY)
        return "ok", f"removed {SPEED_KEY}, with which the speed was measured"


def _failed(name: str, error: LadingError, seconds: float) -> Step:
    problem = Problem.of(error)
    return Step(name, "no", problem.message, seconds, problem.code, problem.hint)


def _left(name: str) -> Step:
    return Step(name, "skipped", "not tried after that", 0.0)
