"""What a release says beside its bytes: from the bill that lies there, from lading.toml, from the files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lading.core.bill import Metadata
from lading.core.errors import UsageError
from lading.core.versions import highest, next_version
from lading.plumbing.oserror import explained
from lading.plumbing.proof import hash_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lading.core.bill import Bill
    from lading.core.ports import Progress, WritableStore
    from lading.core.project import Model
    from lading.core.reference import Reference
    from lading.ops.place import Place
    from lading.plumbing.tree import Tree


def describe(
    model: Model,
    place: Place,
    tree: Tree,
    detect: Callable[[Sequence[str]], tuple[str | None, str | None]],
    progress: Progress,
) -> Metadata:
    """The metadata of a release: what lading.toml says goes before what the bill in the folder says.

    Raises:
        UsageError: ``no-entry``, where lading.toml names an entry that is not among the files.
    """
    paths = [path for path, _ in tree.files]
    found_format, found_entry = detect(paths)
    said = _said(place, paths, progress)
    entry = model.entry or said.entry or found_entry
    if entry is not None and entry not in paths:
        raise UsageError(
            "no-entry",
            f"[models.{model.name}] names the entry '{entry}', which is not among its files: "
            f"{', '.join(paths[:5])}",
            hint=f"set entry in [models.{model.name}] to one of them",
        )
    format_ = model.format or said.format or (detect([entry])[0] if entry else found_format)
    return replace(
        said,
        entry=entry,
        format=format_,
        signature=model.signature or said.signature,
        license=model.license or said.license,
        description=model.description or said.description,
    )


def choose_version(reference: Reference, model: Model, store: WritableStore) -> str:
    """The version to push under: the reference's, else the one that lading.toml declares.

    Raises:
        UsageError: ``which-version``, naming the last version and a next one.
    """
    if reference.stage is not None or reference.digest is not None or reference.store is not None:
        raise UsageError(
            "which-version",
            f"'{reference}' does not name a version to publish",
            hint=f"lading push {reference.name}:VERSION, with --to STORE for another store",
        )
    version = reference.version or model.version
    if version is not None:
        return version
    last = highest(store.versions(model.name))
    next_one = next_version(last) if last else "1.0.0"
    raise UsageError(
        "which-version",
        f"no version was said for '{model.name}'; "
        + (f"the last one is {last}" if last else "it has none yet"),
        hint=f"lading push {model.name}:{next_one}",
    )


def _said(place: Place, paths: list[str], progress: Progress) -> Metadata:
    bill = place.read_bill()
    if bill is None or bill.name != place.name:
        return Metadata()
    about = bill.metadata
    gone = about.entry is not None and about.entry not in paths
    if about.entry is None or (not gone and _unchanged(place, bill, about.entry)):
        return about
    progress.note(
        f"{place.root / about.entry} {'left the model' if gone else 'changed'} since its bill was written: "
        "the metrics, the golden example and the lineage in it are left out"
    )
    if gone:
        about = replace(about, entry=None, format=None)
    return replace(about, golden=None, metrics={}, params={}, lineage={}, environment={})


def _unchanged(place: Place, bill: Bill, entry: str) -> bool:
    path = place.root / entry
    with explained("reading a model's file", path), path.open("rb") as file:
        return hash_file(file) == next(each.digest for each in bill.files if each.path == entry)
