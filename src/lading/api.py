"""Every promised verb. The command line and the server call these and decide nothing themselves."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lading.core.errors import NotFoundError, UsageError
from lading.core.names import check_name
from lading.core.ports import Silence
from lading.core.project import Model
from lading.core.reference import Reference
from lading.formats import by_suffix, detect, open_format
from lading.ops import inventory
from lading.ops import verify as verifying
from lading.ops.declare import add as declare
from lading.ops.declare import init as write_project
from lading.ops.load import load as load_model
from lading.ops.metadata import choose_version, describe
from lading.ops.pack import Shape
from lading.ops.pin import pin
from lading.ops.place import Place, shortfall
from lading.ops.push import Release
from lading.ops.push import push as publish
from lading.ops.save import Training
from lading.ops.save import save as save_model
from lading.plumbing.tree import check_content, collect
from lading.wiring import Pulling, Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lading.core.bill import Bill
    from lading.core.lock import Lock
    from lading.core.ports import Progress
    from lading.ops.declare import Added, Initialized
    from lading.ops.inventory import Listed
    from lading.ops.load import Loaded, Prediction
    from lading.ops.pull import Pulled
    from lading.ops.push import Pushed
    from lading.ops.verify import Verified
    from lading.plumbing.cache import Usage


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


def save(
    model: object,
    path: str | Path,
    *,
    example: object = None,
    metrics: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    plot: Any = None,  # noqa: ANN401 - a figure of any library, or a path
    format: str | None = None,  # noqa: A002 - the promised name
) -> Bill:
    """Write a model to ``path`` with a bill beside it; needs no project.

    Args:
        model: what was trained.
        path: the file to write; its suffix says the format.
        example: inputs that the model takes; with the outputs it gives now they become the golden
            example, which every later load must reproduce.
        metrics: numbers that speak for the model, such as ``{"accuracy": 0.93}``.
        params: what it was trained with.
        plot: a figure (anything with ``savefig``) or the path of a picture; it lies beside the model.
        format: a row of the format table, where the suffix does not say it.

    Raises:
        UsageError: ``unknown-format``, ``bad-model``, ``bad-input``, ``missing-extra``.
        PolicyError: ``unsafe-pickle``: what was written could not be loaded safely.
    """
    target = Path(path).absolute()
    chosen = format or by_suffix(target.name)
    if chosen is None:
        raise UsageError(
            "unknown-format",
            f"the suffix of {target.name} says no format that lading can write",
            hint="name the file .joblib, .onnx or .safetensors, or pass format=",
        )
    training = Training(example, metrics or {}, params or {}, plot)
    return save_model(model, target, Workspace.around(target).place_of(target), open_format(chosen), training)


def push(
    *references: str,
    to: str | None = None,
    platforms: Sequence[str] = (),
    modelpack: bool = False,
    repair: bool = False,
    project: Path | None = None,
    progress: Progress | None = None,
) -> list[Pushed]:
    """Pack declared models and publish them; the same again is a success that uploads nothing.

    Args:
        references: ``name`` or ``name:version``; none means every declared model.
        to: the store; by default the project's.
        platforms: those of the image, such as ``linux/amd64`` and ``linux/arm64``.
        modelpack: publish the same blobs a second time, as a CNCF ModelPack artifact.
        repair: prove the blobs that are there already, and replace those that are wrong.
        project: the project's folder.
        progress: hears how far it is.

    Raises:
        ConflictError: ``version-taken``.
        UsageError: ``no-such-version-yet``: no version was said, with the last one and a next one.
    """
    work = Workspace.open(project)
    work.need_project()
    store, hear = work.store(to), progress or Silence()
    done = []
    for reference in work.references(references):
        model = work.project.model(reference.name)
        place = work.place(model)
        version = choose_version(reference, model, store)
        tree = collect(place.target, model.files)
        metadata = describe(model, place, tree, detect, hear)
        check_content(tree, metadata.entry)
        release = Release(model.name, version, tree, metadata, Shape(tuple(platforms), modelpack), repair)
        done.append(publish(release, store, hear, time.monotonic))
    return done


def lock(*names: str, project: Path | None = None) -> Lock:
    """Pin what ``lading.toml`` asks for, or the highest versions; all declared models without names."""
    work = Workspace.open(project)
    work.need_project()
    pinned = work.lock.pinned(pin(work.models(names), work.store()))
    work.write_lock(pinned)
    return pinned


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
        store: the one store to ask and take from.
        frozen: take what the lock pins and nothing else.
        project: the project's folder.
        progress: hears how far it is.

    Raises:
        LadingError: NotFoundError, IntegrityError, UnavailableError, BudgetError: nothing is half-placed.
    """
    work = Workspace.open(project)
    asked = work.references(references)
    done = []
    for reference in asked:
        where = None
        if into is not None:
            folder = Path(into).absolute()
            where = Place.of_folder(reference.name, folder if len(asked) == 1 else folder / reference.name)
        done.append(work.pull(reference, Pulling(where, store, frozen=frozen), progress))
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


def verify(
    *what: str,
    load: bool = False,
    require: str | None = None,
    store: str | None = None,
    project: Path | None = None,
) -> Verified:
    """Check bytes against their bills: folders on disk, or versions in a store.

    Args:
        what: folders and references; none means the declared models in their places.
        load: really load each model, and run its golden example.
        require: ``lock`` or ``signature``: the weakest anchor that will do.
        store: where references are looked up.
        project: the project's folder.

    Raises:
        PolicyError: ``weak-anchor``.
        NotFoundError: ``no-bill``, ``no-version``.
    """
    work = Workspace.open(project)
    parts = [_verify(each, work, store) for each in what] or [
        verifying.verify_place(work.place(model), work.folder, work.lock.pins) for model in work.models(())
    ]
    verified = verifying.together(parts)
    if require is not None and verified.ok:
        verifying.require(verified, require)
    if load and verified.ok:
        for root, bill in verified.bills:
            load_model(root, bill, open_format)
    return verified


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


def show(reference: str, *, store: str | None = None, project: Path | None = None) -> Bill:
    """The bill of a version, from the store."""
    return Workspace.open(project).find(Reference.parse(reference), store).bill


def path(reference: str, *, project: Path | None = None) -> Path:
    """Where the model lies, after it was ensured: its file, or its folder."""
    return ensure(reference, project=project)[0].path


def load(reference: str, *, project: Path | None = None) -> Any:  # noqa: ANN401 - a model of any library
    """The model in memory, ensured, proven, and its golden example reproduced."""
    return open_model(reference, project=project).model


def open_model(reference: str, *, project: Path | None = None) -> Loaded:
    """A model in memory that can be asked for predictions, with its format and bill."""
    pulled = ensure(reference, project=project)[0]
    return load_model(pulled.root, pulled.bill, open_format)


def predict(reference: str, request: Mapping[str, object], *, project: Path | None = None) -> Prediction:
    """What the model gives for one request; see ``Loaded.predict`` for its forms."""
    return open_model(reference, project=project).predict(request)


def cache(*, clear: bool = False, project: Path | None = None) -> tuple[Path, tuple[Usage, ...]]:
    """Where the cache is and what lies in it; ``clear`` empties it first."""
    kept = Workspace.open(project).cache
    if clear:
        kept.clear()
    return kept.folder, kept.usage()


def _verify(text: str, work: Workspace, store: str | None) -> Verified:
    folder = Path(text)
    if folder.is_dir() and not {":", "@"} & set(text):
        return verifying.verify_folder(folder.absolute(), work.lock.pins)
    if text.startswith((".", "/")):
        raise NotFoundError(
            "no-file", f"{text} is not a folder", hint="name a folder, or a model as NAME:VERSION"
        )
    reference = Reference.parse(text)
    version = work.find(reference, store)
    pin = work.lock.pins.get(reference.name)
    anchor = "lock" if pin is not None and pin.bill == version.bill.digest else "none"
    return verifying.verify_version(version, "digest" if reference.digest else anchor)
