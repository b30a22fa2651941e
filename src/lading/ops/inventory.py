"""What is declared and whether it is there; what a store has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lading.core.errors import LadingError, NotFoundError
from lading.core.versions import version_key
from lading.ops.ledger import history
from lading.ops.place import differences
from lading.ops.version import bill_digest, no_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lading.core.digest import Digest
    from lading.core.event import Event
    from lading.core.lock import Pin
    from lading.core.ports import Store, WritableStore
    from lading.core.project import Model
    from lading.ops.place import Place
    from lading.plumbing.stamps import Stamps


Holds = Literal["yes", "no", "other", "unknown"]


@dataclass(frozen=True, slots=True)
class Holding:
    """A version, and which tiers hold it.

    Attributes:
        tiers: their URLs with ``yes``, ``no``, ``other`` for other content under that version, or
            ``unknown`` where the tier cannot tell.
    """

    version: str
    tiers: tuple[tuple[str, Holds], ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """One declared model.

    Attributes:
        present: whether its file or folder is there.
        version: the version whose bill lies beside it, or None.
        changed: whether its files differ from that bill; None where there is no bill to compare with.
        pushed: the versions in the store, newest first; None where the store could not be asked.
        pinned: the version in the lock, or None.
    """

    name: str
    path: Path
    present: bool
    version: str | None
    changed: bool | None
    pushed: tuple[str, ...] | None
    pinned: str | None


def listed(model: Model, place: Place, stamps: Stamps, pin: Pin | None, store: Store) -> Listed:
    """Look at one declared model; a store that cannot be asked is no error here."""
    bill = place.read_bill()
    return Listed(
        name=model.name,
        path=place.target.absolute(),
        present=place.target.exists(),
        version=bill.version if bill else None,
        changed=bool(differences(place.root, bill.files, stamps)) if bill else None,
        pushed=_pushed(model.name, store),
        pinned=pin.version if pin else None,
    )


def versions(name: str, store: Store) -> tuple[str, ...]:
    """The versions of a model in a store, the highest first."""
    return tuple(sorted(store.versions(name), key=version_key, reverse=True))


def holdings(name: str, store: Store, tiers: Sequence[Store]) -> list[Holding]:
    """The versions of a model in a store, the highest first, and which tiers hold them.

    Each tier is asked for the manifest and the config of every version, and for nothing else.
    """
    found = []
    for version in versions(name, store):
        _, ours = _held(store, name, version)
        told = [(tier.url, *_held(tier, name, version)) for tier in tiers]
        seen = tuple(
            (url, "other" if digest and ours and digest != ours else held) for url, held, digest in told
        )
        found.append(Holding(version, seen))
    return found


def events(name: str, store: WritableStore) -> list[Event]:
    """The events of a model's ledger.

    Raises:
        NotFoundError: ``no-model``, where the store has neither events nor versions of it.
        IntegrityError: ``broken-ledger``, ``bad-event``.
    """
    found = history(store.objects, name)
    if not found and not store.versions(name):
        raise no_model(store, name)
    return found


def _pushed(name: str, store: Store) -> tuple[str, ...] | None:
    try:
        return versions(name, store)
    except LadingError:
        return None


def _held(store: Store, name: str, version: str) -> tuple[Holds, Digest | None]:
    try:
        return "yes", bill_digest(store, name, version)
    except NotFoundError:
        return "no", None
    except LadingError:
        return "unknown", None
