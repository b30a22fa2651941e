"""Verbs that fetch models: pull, ensure, and whether all is in place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lading.core.reference import Reference
from lading.ops.place import Place, shortfall
from lading.wiring import Pulling, Workspace

if TYPE_CHECKING:
    from lading.core.ports import Progress
    from lading.ops.pull import Pulled


def pull(
    *references: str,
    into: str | Path | None = None,
    store: str | None = None,
    frozen: bool = False,
    project: Path | None = None,
    progress: Progress | None = None,
) -> list[Pulled]:
    """Fetch versions, prove every block, and put the files in their places.

    Args:
        references: which; none means every declared model.
        into: a folder to put them in; each in a folder of its own where there are several.
        store: the one store to ask and take from, as if each reference named it.
        frozen: take what the lock pins and nothing else.
        project: the project's folder.
        progress: hears how far it is.

    Raises:
        LadingError: NotFoundError, IntegrityError, UnavailableError, BudgetError: nothing is half-placed.
    """
    work = Workspace.open(project)
    asked = work.references(references, store)
    done = []
    for reference in asked:
        where = None
        if into is not None:
            folder = Path(into).absolute()
            where = Place.of_folder(reference.name, folder if len(asked) == 1 else folder / reference.name)
        done.append(work.pull(reference, Pulling(where, frozen=frozen), progress))
    return done


def ensure(
    *names: str, frozen: bool = False, project: Path | None = None, progress: Progress | None = None
) -> list[Pulled]:
    """Fetch what is missing or wrong, and prove all of it; where all is in place nothing is asked or written.

    Args:
        names: references; none means every declared model that is required.
        frozen: take what the lock pins and nothing else.
        project: the project's folder.
        progress: hears how far it is.
    """
    work = Workspace.open(project)
    how = Pulling(frozen=frozen, ask=False)
    return [work.pull(each, how, progress) for each in work.references(names, required=True)]


def in_place(*names: str, project: Path | None = None) -> list[str]:
    """What is wrong with the declared models in their places, in one sentence each; empty if nothing is.

    Neither asks a store nor writes anything.
    """
    work = Workspace.open(project)
    models = [model for model in work.models(names) if names or model.required]
    found = []
    for model in models:
        place = work.place(model)
        stamps = work.cache.stamps(place.root, model.name)
        found.append(shortfall(place, work.lock.pins.get(model.name), stamps))
    return [sentence for sentence in found if sentence]


def path(reference: str, *, project: Path | None = None) -> Path:
    """Where the model lies, after it was ensured: its file, or its folder.

    A version that the project does not ask for lies in the cache's own folder.
    """
    return Workspace.open(project).pull(Reference.parse(reference), Pulling(ask=False, aside="others")).path
