"""The one reader of configuration and environment; it picks the classes that the verbs work with."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lading.core.errors import NotFoundError, UnavailableError, UsageError
from lading.core.location import check_url
from lading.core.lock import LOCK_FILE, Lock
from lading.core.names import suggest_name
from lading.core.ports import Silence
from lading.core.project import PROJECT_FILE, Project
from lading.core.reference import Reference
from lading.core.resolution import Wanted, resolve
from lading.ops.ledger import Author, check_message
from lading.ops.place import Place
from lading.ops.pull import Pulled, Sources, pull
from lading.ops.version import Version, find
from lading.plumbing import atomic, person
from lading.plumbing.cache import Cache
from lading.plumbing.home import cache_folder, read_settings
from lading.stores.closed import Closed
from lading.stores.schemes import NEAR, open_store, writable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lading.core.location import Location
    from lading.core.ports import Progress, Store, WritableStore
    from lading.core.project import Model


@dataclass(frozen=True, slots=True)
class Pulling:
    """How to pull.

    Attributes:
        where: the place to put the files in, instead of the declared one.
        frozen: take what the lock pins and nothing else.
        ask: ask the store what a version is though its bill lies in the place already.
        aside: which versions go to the cache's own folder instead of the declared place: none, those that
            the project does not ask for, or all.
    """

    where: Place | None = None
    frozen: bool = False
    ask: bool = True
    aside: Literal["none", "others", "all"] = "none"


@dataclass(frozen=True)
class Workspace:
    """A project's folder with what it declares and what is locked; the folder need not be a project.

    Attributes:
        folder: the folder that holds ``lading.toml``, or the working folder where there is none.
        declared: whether there is a ``lading.toml``.
    """

    folder: Path
    project: Project
    lock: Lock
    declared: bool
    environ: Mapping[str, str]
    _opened: dict[Location, Store] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def open(cls, folder: Path | None = None, environ: Mapping[str, str] | None = None) -> Workspace:
        """Read the project of ``folder``: that folder's, or the nearest one above the working folder.

        Raises:
            UsageError: ``bad-setting``, ``bad-lock``.
            NotFoundError: ``no-project``, where ``folder`` was given and is not there.
        """
        environ = os.environ if environ is None else environ
        if folder is not None and not folder.is_dir():
            raise NotFoundError("no-project", f"{folder} is not a folder", hint="check --project")
        return cls._read(folder.absolute() if folder else _find(Path.cwd()), environ)

    @classmethod
    def around(cls, path: Path) -> Workspace:
        """The project of the nearest existing folder around ``path``."""
        return cls._read(_find(next(folder for folder in path.parents if folder.is_dir())), os.environ)

    @classmethod
    def _read(cls, home: Path, environ: Mapping[str, str]) -> Workspace:
        text = read_settings(home / PROJECT_FILE)
        project = Project() if text is None else Project.parse(text, environ)
        if store := environ.get("LADING_STORE"):
            project = replace(project, store=store)
        if tiers := environ.get("LADING_TIERS"):
            project = replace(project, tiers=tuple(part.strip() for part in tiers.split(",") if part.strip()))
        lock = read_settings(home / LOCK_FILE)
        return cls(home, project, Lock({}) if lock is None else Lock.parse(lock), text is not None, environ)

    def need_project(self) -> None:
        """Refuse to go on without a ``lading.toml``.

        Raises:
            NotFoundError: ``no-project``.
        """
        if not self.declared:
            raise NotFoundError(
                "no-project",
                f"there is no {PROJECT_FILE} in {self.folder} or above it",
                hint="lading init writes one",
            )

    def store(self, url: str | None = None) -> Store:
        """The store at ``url``, or the project's own."""
        location = self.location(url)
        if location not in self._opened:
            self._opened[location] = open_store(location, self.folder)
        return self._opened[location]

    def target(self, url: str | None = None) -> WritableStore:
        """The store at ``url``, or the project's own, to write to.

        Raises:
            UsageError: ``read-only-store``.
        """
        return writable(self.store(url))

    def location(self, url: str | None = None) -> Location:
        """Where the store at ``url`` is, or the project's own, and how to get in.

        Raises:
            UnavailableError: ``offline``, for a store of the network where ``LADING_OFFLINE`` forbids it.
        """
        location = self.project.location(url or self.project.store, self.environ)
        if self.environ.get("LADING_OFFLINE", "0") not in {"", "0"} and location.scheme not in NEAR:
            raise UnavailableError(
                "offline",
                f"{location.url} needs the network, which LADING_OFFLINE forbids",
                hint="unset LADING_OFFLINE, or use a store that is here: file://...",
            )
        return location

    def tiers(self) -> list[Store]:
        """The stores that bytes may come from, in order: the tiers, then the store itself.

        One that cannot be opened now, for want of a network or of credentials, fails when it is read.
        """
        opened: dict[Store, None] = {}  # a table's name and its URL are one store
        for url in (*self.project.tiers, self.project.store):
            try:
                opened[self.store(url)] = None
            except UnavailableError as error:
                opened[Closed(url, error)] = None
        return list(opened)

    def author(self, message: str = "") -> Author:
        """Who acts, for the ledger.

        Raises:
            UsageError: ``bad-message``.
        """
        said = check_message(message)
        return Author(person.actor(self.environ), time.time, person.context(self.environ), said)

    @cached_property
    def cache(self) -> Cache:
        """The cache; in the temporary folder where its own place cannot be written."""
        return Cache(_cache_folder(self.environ))

    def sources(self, url: str | None = None, progress: Progress | None = None) -> Sources:
        """What a pull takes from: the store at ``url`` alone, else the project's store and tiers."""
        only = None if url is None else self.store(url)
        return Sources(
            store=lambda: only or self.store(),
            tiers=lambda: [only] if only else self.tiers(),
            cache=self.cache,
            progress=progress or Silence(),
            clock=time.monotonic,
        )

    def place(self, model: Model) -> Place:
        """Where a declared model lies."""
        target = self.folder if model.path == "." else self.folder / model.path
        if model.files:
            return Place(model.name, target, target, "globs")
        if target.is_dir() or not (target.is_file() or target.suffix):
            return Place.of_folder(model.name, target)
        return Place(model.name, target.parent, target, "file")

    def place_of(self, path: Path) -> Place:
        """The place of the declared model that ``path`` belongs to, else one for this file alone.

        Raises:
            UsageError: ``bad-name``, where the file's name suggests no model name.
        """
        for model in self.project.models.values():
            place = self.place(model)
            if place.target == path or (place.kind != "file" and path.is_relative_to(place.root)):
                return place
        name = suggest_name(path.stem)
        if name is None:
            raise UsageError(
                "bad-name", f"no model name can be made of '{path.name}'", hint="rename the file"
            )
        return Place(name, path.parent, path, "file")

    def relative(self, path: Path) -> str:
        """``path`` below the project's folder. Links stay: a model's own name counts, not where it leads.

        Raises:
            UsageError: ``bad-path``, for a path outside of the project.
        """
        absolute = Path(os.path.normpath(path.absolute()))
        if not absolute.is_relative_to(self.folder):
            raise UsageError(
                "bad-path",
                f"{path} is outside of the project {self.folder}",
                hint="move it into the project, or run lading init where it lies",
            )
        return absolute.relative_to(self.folder).as_posix()

    def references(
        self, texts: Sequence[str], store: str | None = None, *, required: bool = False
    ) -> list[Reference]:
        """The references of ``texts`` in ``store``; without any, the declared models, or those ``required``.

        Raises:
            UsageError: a text that is no reference; ``bad-reference``, for a store without any; ``bad-url``.
        """
        check_url(store or "")
        if store is not None and not texts:
            raise UsageError(
                "bad-reference",
                f"the store {store} was named, but no model in it",
                hint="name models; LADING_STORE=URL takes the project's own from there",
            )
        declared = () if texts else self.models(())
        named = [Reference(model.name) for model in declared if model.required or not required]
        return [Reference.parse(text).at(store) for text in texts] or named

    def wanted(self, reference: Reference, *, frozen: bool = False) -> Wanted:
        """What a reference means to this project."""
        model = self.project.models.get(reference.name)
        return resolve(reference, model, self.lock.pins.get(reference.name), frozen=frozen)

    def find(self, reference: Reference) -> Version:
        """Open the version that ``reference`` means."""
        return find(self.wanted(reference), self.store(reference.store))

    def pull(self, reference: Reference, how: Pulling, progress: Progress | None = None) -> Pulled:
        """Put the version that ``reference`` means in its place."""
        wanted = self.wanted(reference, frozen=how.frozen)
        where = how.where
        model = None if reference.store else self.project.models.get(reference.name)
        if where is None and model is not None and how.aside != "all":
            ours = wanted.decided_by != "reference" or reference.version == model.version
            where = self.place(model) if ours or how.aside == "none" else None
        hear = progress or Silence()
        if wanted.decided_by == "highest":
            hear.note(f"'{reference.name}' names no version and none is locked: taking the highest")
        return pull(wanted, where, self.sources(reference.store, hear), ask=how.ask)

    def models(self, names: tuple[str, ...]) -> list[Model]:
        """The declared models of these names; all that are required where no name is given.

        Raises:
            UsageError: ``undeclared``; ``nothing-declared``.
        """
        if names:
            return [self.project.model(name) for name in names]
        self.need_project()
        if not self.project.models:
            raise UsageError(
                "nothing-declared",
                f"{self.folder / PROJECT_FILE} declares no models",
                hint="lading add PATH --name NAME",
            )
        return list(self.project.models.values())

    def write_lock(self, lock: Lock) -> None:
        """Put a lock in place of the project's."""
        atomic.write(self.folder / LOCK_FILE, lock.encode().encode())


def _find(start: Path) -> Path:
    for folder in (start, *start.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder
    return start


def _cache_folder(environ: Mapping[str, str]) -> Path:
    given = environ.get("LADING_CACHE_DIR")
    return Path(given).absolute() if given else cache_folder(environ)
