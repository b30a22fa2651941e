"""Where a program finds itself: what lading knows of it, and what a store said when it was tried.

Every field is a key of ``lading env --json``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from lading.core.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lading.core.errors import LadingError

VARIABLES: Final = ("LADING_STORE", "LADING_TIERS", "LADING_OFFLINE", "LADING_CACHE_DIR")
"""The variables that lading reads for itself."""
_LADING: Final = "LADING_"

Result = Literal["ok", "no", "skipped"]
Role = Literal["store", "tier"]
Supply = Literal["place", "cache", "tiers", "nowhere"]


@dataclass(frozen=True, slots=True)
class Setting:
    """A variable that is set.

    Attributes:
        value: what it is set to, without secrets; None for one that lading does not read, which may be a
            typing error or a key.
    """

    name: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Problem:
    """What an error said, without secrets."""

    code: str
    message: str
    hint: str

    @classmethod
    def of(cls, error: LadingError) -> Problem:
        """The same in words that may be shown."""
        return cls(error.code, redacted(error.message), redacted(error.hint))


@dataclass(frozen=True, slots=True)
class ProjectFolder:
    """The project's folder; ``declared`` tells whether it has a ``lading.toml``."""

    folder: Path
    declared: bool


@dataclass(frozen=True, slots=True)
class CacheFolder:
    """The cache's folder, which need not be there yet.

    Attributes:
        free: the bytes left on its disk.
        writable: whether it could be filled.
    """

    path: Path
    free: int
    writable: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried.

    Attributes:
        step: ``credentials``, ``list``, ``read``, ``write``, ``speed`` or ``delete``.
        result: ``skipped`` where it was not tried; ``message`` says why.
        code: of the error, or None.
        hint: what to do about it, or an empty string.
    """

    step: str
    result: Result
    message: str
    seconds: float
    code: str | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a store was read.

    Attributes:
        size: the bytes that were read.
        seconds: how long that took.
        first_byte_s: how long one byte takes, in seconds.
    """

    size: int
    seconds: float
    first_byte_s: float

    @property
    def rate(self) -> float:
        """Bytes a second."""
        return self.size / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Probe:
    """What a store said when it was tried.

    Attributes:
        readable: whether it could be read.
        strong: whether of two writers of one key the store makes one lose; None where that was not tried.
        speed: None where nothing could be measured.
    """

    readable: bool
    strong: bool | None
    speed: Speed | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class KnownStore:
    """The store, or a tier.

    Attributes:
        url: without secrets.
        role: ``store`` for the one that decides what names mean.
        writable: whether stores of its scheme can be written.
        credentials: the name of where they come from, or None where none are used.
        endpoint: the address of the service, where it is not the platform's own.
        problem: why it cannot be used from here, or None; nobody was asked.
        probe: None where it was not tried.
    """

    url: str
    role: Role
    scheme: str
    writable: bool
    credentials: str | None = None
    endpoint: str | None = None
    region: str | None = None
    problem: Problem | None = None
    probe: Probe | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a declared model would come from.

    Attributes:
        wanted: the version that is asked for, as a reference.
        decided_by: what says so: ``lock``, ``lading.toml``, or ``highest``; None where they contradict.
        path: where it belongs.
        source: ``place``: it lies there; ``cache``; ``tiers``: it must be fetched; ``nowhere``: it cannot be.
        why: the reason, in one sentence.
        tiers: the URLs that are asked for bytes, in order, where ``source`` is ``tiers``.
    """

    name: str
    wanted: str
    decided_by: str | None
    path: Path
    source: Supply
    why: str
    tiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All of it.

    Attributes:
        lading: the version of lading.
        python: the version of Python.
        variables: the variables whose names begin with ``LADING_``.
        stores: in the order in which bytes are taken from them.
    """

    lading: str
    python: str
    project: ProjectFolder
    variables: tuple[Setting, ...]
    cache: CacheFolder
    stores: tuple[KnownStore, ...]
    models: tuple[Origin, ...]

    @property
    def readable(self) -> bool:
        """Whether every store was tried and could be read."""
        return all(store.probe is not None and store.probe.readable for store in self.stores)


def settings(environ: Mapping[str, str]) -> tuple[Setting, ...]:
    """The variables of lading's that are set, by name."""
    return tuple(
        Setting(name, _shown(value) if name in VARIABLES else None)
        for name, value in sorted(environ.items())
        if name.startswith(_LADING)
    )


def _shown(value: str) -> str:
    # LADING_TIERS is a list, and each of its URLs may have a user.
    return ",".join(redacted(part) for part in value.split(","))
