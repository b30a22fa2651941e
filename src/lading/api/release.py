"""Verbs that release models: declare, publish, pin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lading.core.names import check_name
from lading.core.ports import Silence
from lading.core.project import Model
from lading.formats import detect
from lading.ops.declare import add as declare
from lading.ops.declare import init as write_project
from lading.ops.metadata import choose_version, describe
from lading.ops.pack import Shape
from lading.ops.pin import pin
from lading.ops.push import Release
from lading.ops.push import push as publish
from lading.plumbing.clock import RealClock
from lading.plumbing.tree import check_content, collect
from lading.stores.creation import create_bucket
from lading.wiring import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.core.lock import Lock
    from lading.core.ports import Progress
    from lading.ops.declare import Added, Initialized
    from lading.ops.push import Pushed


def init(*, store: str | None = None, project: Path | None = None) -> Initialized:
    """Write ``lading.toml`` in ``project`` (default: the working folder); one that is there stays."""
    return write_project((project or Path.cwd()).absolute(), store)


def add(
    path: str | Path,
    name: str,
    *,
    files: Sequence[str] = (),
    follow: bool = False,
    project: Path | None = None,
) -> Added:
    """Declare a model; again with the same path is a success.

    Args:
        path: the model's file or folder.
        name: the model's name.
        files: globs below ``path``, where it is a folder that holds other things too.
        follow: put copies in place of links that lead out of the model.
        project: the project's folder.

    Raises:
        UsageError: the name or a path is not allowed, or is taken.
        IntegrityError: a file is a Git LFS pointer, a web page or empty.
    """
    work = Workspace.open(project)
    work.need_project()
    model = Model(check_name(name), work.relative(Path(path)), tuple(files))
    return declare(work.folder, work.project.models, model, detect, follow=follow)


def push(
    *references: str,
    to: str | None = None,
    platforms: Sequence[str] = (),
    modelpack: bool = False,
    repair: bool = False,
    create_store: bool = False,
    message: str = "",
    project: Path | None = None,
    progress: Progress | None = None,
) -> list[Pushed]:
    """Pack declared models and publish them; the same again is a success that uploads nothing.

    All of them are looked at before the first is published.

    Args:
        references: ``name`` or ``name:version``; none means every declared model.
        to: the store; by default the project's.
        platforms: those of the image, such as ``linux/amd64`` and ``linux/arm64``.
        modelpack: publish the same blobs a second time, as a CNCF ModelPack artifact.
        repair: prove the blobs that are there already, and replace those that are wrong.
        create_store: make the bucket first, where it is not there.
        message: why, for the ledger; at most 4,096 characters.
        project: the project's folder.
        progress: hears how far it is.

    Raises:
        ConflictError: ``version-taken``.
        UsageError: ``no-such-version-yet``: no version was said, with the last one and a next one.
    """
    work = Workspace.open(project)
    work.need_project()
    author = work.author(message)
    store, hear = work.target(to), progress or Silence()
    if create_store:
        create_bucket(work.location(to))
    releases = []
    for reference in work.references(references):
        model = work.project.model(reference.name)
        place = work.place(model)
        version = choose_version(reference, model, store)
        tree = collect(place.target, model.files)
        description = describe(model, place, tree, detect)
        check_content(tree, description.metadata.entry)
        shape = Shape(tuple(platforms), modelpack)
        releases.append(Release(model.name, version, tree, description, shape, repair))
    return [publish(release, store, hear, RealClock(), author) for release in releases]


def lock(*names: str, project: Path | None = None) -> Lock:
    """Pin what ``lading.toml`` asks for, or the highest versions; all declared models without names."""
    work = Workspace.open(project)
    work.need_project()
    pinned = work.lock.pinned(pin(work.models(names), work.store()))
    work.write_lock(pinned)
    return pinned
