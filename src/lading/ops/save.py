"""Save: a model in memory to a file, with a bill beside it that says all that only the trainer knows."""

from __future__ import annotations

import platform
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from lading.core.bill import UNRELEASED, Bill, Metadata
from lading.core.blocks import average_for
from lading.core.errors import UsageError
from lading.core.ports import Silence
from lading.core.signature import Golden
from lading.ops.pack import read_contents
from lading.plumbing import atomic
from lading.plumbing.oserror import explained
from lading.plumbing.tree import Tree, collect

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lading.core.ports import Format
    from lading.ops.place import Place


@runtime_checkable
class Figure(Protocol):
    """What can draw itself into a file, as matplotlib's figures do."""

    def savefig(self, path: str) -> object:
        """Write the picture."""
        ...


@dataclass(frozen=True, slots=True)
class Training:
    """What is known about how a model came about.

    Attributes:
        example: inputs for the golden example, in any form that the format's ``tensors`` takes.
        plot: a figure, or the path of a picture, that becomes a file of the version.
    """

    example: object = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    plot: Figure | Path | str | None = None


def save(model: object, path: Path, place: Place, form: Format, training: Training) -> Bill:
    """Write ``model`` to ``path``, load it again, run the example, and write the bill.

    The file appears whole or not at all, and only if what was written can be loaded: a pickle that holds
    code outside the allow-list is refused here, not on the day of the deploy.

    Returns:
        The bill, whose version is that of a model that has not been pushed.

    Raises:
        UsageError: the format cannot hold the model, or the example does not fit it.
        PolicyError: ``unsafe-pickle``.
    """
    with explained("saving a model", path), atomic.draft(path.parent) as draft:
        form.save(model, draft.path)
        metadata = _metadata(draft.path, path.relative_to(place.root).as_posix(), form, training)
        draft.replace(path)
    files = [path, *_plot(training.plot, path)]
    tree = collect(place.root) if place.kind == "folder" else _tree(place.root, files)
    contents = read_contents(tree, average_for(sum(size for _, size in tree.files)), Silence())
    bill = contents.bill(place.name, UNRELEASED, metadata)
    atomic.write(place.bill, bill.raw)
    return bill


def _metadata(written: Path, entry: str, form: Format, training: Training) -> Metadata:
    with written.open("rb") as file:
        loaded = form.load(file, written)
    golden = None
    if training.example is not None:
        inputs = form.tensors(loaded, training.example)
        golden = Golden(inputs, form.predict(loaded, inputs))
    given = (golden.inputs, golden.outputs) if golden else ((), ())
    signature = form.signature(loaded, *given)
    return Metadata(
        format=form.name,
        entry=entry,
        signature=signature if signature.inputs or signature.outputs else None,
        golden=golden,
        environment=environment(form.packages),
        metrics=dict(training.metrics),
        params=dict(training.params),
        lineage=_lineage(written.parent),
    )


def environment(packages: Iterable[str]) -> dict[str, Any]:
    """The Python and the versions of ``packages`` that are here, as a bill records them."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {"python": platform.python_version(), "packages": found}


def _lineage(folder: Path) -> dict[str, Any]:
    commit = _git(folder, "rev-parse", "HEAD")
    # Arguments may hold a token, so only the script's name is kept.
    lineage: dict[str, Any] = {"command": Path(sys.argv[0]).name} if sys.argv[0] else {}
    if commit:
        lineage |= {"git_commit": commit, "git_dirty": bool(_git(folder, "status", "--porcelain"))}
    return lineage


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, no shell
            ["git", "-C", str(folder), *words],  # noqa: S607 - whichever git the user runs
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _plot(plot: Figure | Path | str | None, path: Path) -> list[Path]:
    if plot is None:
        return []
    target = path.with_suffix(".png")
    if isinstance(plot, Figure):
        with explained("saving a plot", target):
            plot.savefig(str(target))
        return [target]
    picture = Path(plot)
    if not picture.is_file():
        raise UsageError("bad-plot", f"the plot {picture} is neither a figure nor the path of a picture")
    target = path.with_suffix(picture.suffix)
    if picture.resolve() != target.resolve():
        atomic.write(target, picture.read_bytes())
    return [target]


def _tree(root: Path, files: list[Path]) -> Tree:
    return Tree(
        root, tuple((file.relative_to(root).as_posix(), file.stat().st_size) for file in sorted(files))
    )
