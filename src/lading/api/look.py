"""Verbs that look: what is declared, what is there, whether it is right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lading.api.plain import verify_prefix
from lading.core.difference import compare
from lading.core.errors import IntegrityError, NotFoundError, UsageError
from lading.core.event import time_until
from lading.core.names import check_name
from lading.core.reference import Reference
from lading.formats import open_format
from lading.ops import inventory
from lading.ops import verify as verifying
from lading.ops.load import verify_loads
from lading.wiring import Pulling, Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.core.bill import Bill
    from lading.core.difference import Difference
    from lading.core.event import Event
    from lading.ops.inventory import Holding, Listed
    from lading.ops.verify import Verified
    from lading.plumbing.cache import Usage


def verify(
    *what: str,
    load: bool = False,
    require: str | None = None,
    store: str | None = None,
    as_: Sequence[str] = (),
    project: Path | None = None,
) -> Verified:
    """Check bytes against their bills: folders on disk, versions in a store, plain objects in a bucket.

    Args:
        what: folders, references, and URLs that end with ``/``, under which plain objects lie; none means
            the declared models in their places.
        load: really load each model, and run its golden example.
        require: ``lock`` or ``signature``: the weakest anchor that will do.
        store: where references are looked up.
        as_: the versions that should lie in each folder or under each URL of ``what``, which then needs no
            bill: their files are looked for by name.
        project: the project's folder.

    Raises:
        PolicyError: ``weak-anchor``.
        NotFoundError: ``no-bill``, ``no-version``.
        UsageError: ``bad-anchor``; ``usage``, for words that do not go together.
    """
    if require is not None:
        verifying.check_anchor(require)
    _check_words(what, as_, load=load)
    work = Workspace.open(project)
    asked = [Reference.parse(each).at(store) for each in as_]
    parts = [
        verify_prefix(each, asked, work)
        if asked or _is_prefix(each)
        else _verify(each, work, store, load=load)
        for each in what
    ] or [verifying.verify_place(work.place(model), work.folder, work.lock.pins) for model in work.models(())]
    verified = verifying.together(parts)
    if require is not None and verified.ok:
        verifying.require(verified, require)
    return verify_loads(verified, open_format) if load and verified.ok else verified


def list_models(*, project: Path | None = None) -> list[Listed]:
    """The declared models: present, changed, pushed, pinned."""
    work = Workspace.open(project)
    pins, store = work.lock.pins, work.store()
    return [
        inventory.listed(model, place, work.cache.stamps(place.root, model.name), pins.get(model.name), store)
        for model, place in ((model, work.place(model)) for model in work.models(()))
    ]


def list_versions(name: str, *, store: str | None = None, project: Path | None = None) -> tuple[str, ...]:
    """The versions of a model in the store, the highest first."""
    return inventory.versions(check_name(name), Workspace.open(project).store(store))


def list_tiers(name: str, *, store: str | None = None, project: Path | None = None) -> list[Holding]:
    """The versions of a model in the store, the highest first, and which tiers hold them."""
    work = Workspace.open(project)
    return inventory.holdings(check_name(name), work.store(store), work.tiers())


def show(reference: str, *, store: str | None = None, project: Path | None = None) -> Bill:
    """The bill of a version, from the store."""
    return Workspace.open(project).find(Reference.parse(reference).at(store)).bill


def diff(a: str, b: str, *, store: str | None = None, project: Path | None = None) -> Difference:
    """How the version ``b`` differs from the version ``a``; each may be typed with a store of its own.

    No file is read: the bills and the block lists say it.

    Args:
        a: the reference of the old version.
        b: the reference of the new version.
        store: where both are looked up.
        project: the project's folder.

    Raises:
        NotFoundError: ``no-model``, ``no-version``.
        IntegrityError: a bill or a block list is not what the store says it is.
    """
    work = Workspace.open(project)
    old, new = (work.find(Reference.parse(each).at(store)) for each in (a, b))
    return compare(old.bill, old.blocks, new.bill, new.blocks)


def history(
    name: str, *, at: str | None = None, store: str | None = None, project: Path | None = None
) -> list[Event]:
    """The events of a model's ledger, oldest first, proven to follow each other.

    Args:
        name: the model.
        at: leave out what came after that day or instant, such as ``2026-11-21`` or ``2026-11-21T08:00:00Z``;
            in UTC unless it says another zone.
        store: the one store to ask.
        project: the project's folder.

    Raises:
        UsageError: ``bad-time``.
        NotFoundError: ``no-model``, where the store has neither versions nor events of it.
        IntegrityError: ``broken-ledger``, ``bad-event``.
    """
    until = None if at is None else time_until(at)
    found = inventory.events(check_name(name), Workspace.open(project).target(store))
    return [event for event in found if until is None or event.time <= until]


def cache(*, clear: bool = False, project: Path | None = None) -> tuple[Path, tuple[Usage, ...]]:
    """Where the cache is and what lies in it; ``clear`` empties it first."""
    kept = Workspace.open(project).cache
    if clear:
        kept.clear()
    return kept.folder, kept.usage()


def _is_prefix(text: str) -> bool:
    # No reference ends with a slash, and so a URL that does needs no guessing.
    return "://" in text and text.endswith("/")


def _check_words(what: Sequence[str], as_: Sequence[str], *, load: bool) -> None:
    if as_ and not what:
        raise UsageError(
            "usage",
            f"nothing was named that should hold {', '.join(as_)}",
            hint=f"lading verify s3://BUCKET/PREFIX/ --as {as_[0]}",
        )
    plain = [each for each in what if as_ or _is_prefix(each)]
    if load and plain:
        raise UsageError(
            "usage",
            f"{plain[0]} is looked at where it is, and a model is loaded only from this machine",
            hint="lading import SRC --name N, then lading verify --load",
        )


def _verify(text: str, work: Workspace, store: str | None, *, load: bool) -> Verified:
    folder = Path(text)
    if folder.is_dir() and not {":", "@"} & set(text):
        return verifying.verify_folder(folder.absolute(), work.lock.pins)
    if text.startswith((".", "/")):
        raise NotFoundError(
            "no-file", f"{text} is not a folder", hint="name a folder, or a model as NAME:VERSION"
        )
    reference = Reference.parse(text).at(store)
    try:
        version = work.find(reference)
    except IntegrityError as error:
        return verifying.unreadable(text, error)
    anchor = "digest" if reference.digest else verifying.anchor_of(version.bill, work.lock.pins)
    verified = verifying.verify_version(version, anchor)
    if not load or not verified.ok:
        return verified
    pulled = work.pull(reference, Pulling(aside="all"))
    return replace(verified, bills=((pulled.root, pulled.bill),))
