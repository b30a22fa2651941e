"""The verb that tells where the program finds itself: env."""

from __future__ import annotations

import platform
import time
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from lading import __version__
from lading.core.errors import LadingError
from lading.core.redaction import redacted
from lading.core.reference import Reference
from lading.core.surroundings import (
    CacheFolder,
    KnownStore,
    Origin,
    Problem,
    ProjectFolder,
    Surroundings,
    settings,
)
from lading.ops.origin import origin
from lading.ops.probe import Subject, probe, unopened
from lading.plumbing import cache as caches
from lading.plumbing.oserror import free_bytes
from lading.stores.access import access
from lading.stores.schemes import READ_ONLY
from lading.wiring import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lading.core.ports import Store, WritableStore
    from lading.core.project import Model
    from lading.ops.probe import Held


def env(*, probe: bool = False, project: Path | None = None) -> Surroundings:
    """Where the program finds itself, and where each declared model would come from.

    Asks no store and writes nothing, unless it is told to probe.

    Args:
        probe: try each store: credentials, list, read, create-only write, speed. This leaves a small object,
            ``.lading-probe``, in those that can be written.
        project: the project's folder.

    Raises:
        UsageError: ``bad-setting``, ``bad-lock``.
        NotFoundError: ``no-project``, where ``project`` is not there.
    """
    work = Workspace.open(project)
    stores = tuple(
        _store(work, text, probing=probe) for text in dict.fromkeys([*work.project.tiers, work.project.store])
    )
    cache = work.cache.folder
    return Surroundings(
        lading=__version__,
        python=platform.python_version(),
        project=ProjectFolder(work.folder, work.declared),
        variables=settings(work.environ),
        cache=CacheFolder(cache, free_bytes(cache), caches.writable(cache)),
        stores=stores,
        models=tuple(_origin(work, model, stores) for model in work.project.models.values()),
    )


def _store(work: Workspace, text: str, *, probing: bool) -> KnownStore:
    known = KnownStore(
        url=redacted(text),
        role="store" if text == work.project.store else "tier",
        scheme=text.partition("://")[0],
        writable=False,
    )
    try:
        location = work.project.location(text, work.environ)
        writable = location.scheme not in READ_ONLY
        known = replace(known, url=redacted(location.url), scheme=location.scheme, writable=writable)
        found = access(location)
        known = replace(known, credentials=found.credentials, endpoint=found.endpoint, region=found.region)
        opened = work.store(text)
    except LadingError as error:
        return replace(known, problem=Problem.of(error), probe=unopened(error) if probing else None)
    return replace(known, probe=probe(_subject(work, opened, known), time.monotonic)) if probing else known


def _subject(work: Workspace, opened: Store, known: KnownStore) -> Subject:
    # Every store there is holds objects; the type checker holds each to that where it is made.
    objects = cast("WritableStore", opened).objects if known.writable else None
    pins = work.lock.pins
    models = [
        (model.name, pins[model.name].version if model.name in pins else model.version)
        for model in work.project.models.values()
    ]
    return Subject(cast("Held", opened), objects, known.credentials, models)


def _origin(work: Workspace, model: Model, stores: Sequence[KnownStore]) -> Origin:
    place = work.place(model)
    try:
        found = origin(
            work.wanted(Reference(model.name)), place, work.cache, tuple(store.url for store in stores)
        )
    except LadingError as error:  # the lock and lading.toml contradict each other
        why = Problem.of(error).message
        return Origin(model.name, model.name, None, place.target.absolute(), "nowhere", why)
    # What is pinned may come from any of them; anything else, the store must say what it is.
    needed = stores if model.name in work.lock.pins else [each for each in stores if each.role == "store"]
    problems = [f"{each.url} cannot be used: {each.problem.code}" for each in needed if each.problem]
    if found.source == "tiers" and len(problems) == len(needed):
        return replace(found, source="nowhere", why="; ".join([found.why, *problems]), tiers=())
    return found
