"""What a release says beside its bytes: from the bill that lies there, from lading.toml, from the files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lading.core.bill import Metadata
from lading.core.errors import UsageError
from lading.core.versions import highest, next_version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lading.core.bill import Bill, FileEntry
    from lading.core.ports import Store
    from lading.core.project import Model
    from lading.core.reference import Reference
    from lading.ops.place import Place
    from lading.plumbing.tree import Tree


@dataclass(frozen=True, slots=True)
class Description:
    """What a release says, before its files are read.

    Attributes:
        metadata: all of it.
        spoken_of: the entry that the bill beside the files spoke of; its metrics, its golden example and
            its lineage hold for that file alone. None where there was no such bill.
    """

    metadata: Metadata
    spoken_of: FileEntry | None = None

    def of(self, files: Sequence[FileEntry]) -> tuple[Metadata, str | None]:
        """The metadata that holds for ``files``, and in one sentence what had to be left out, or None."""
        spoken, entry = self.spoken_of, self.metadata.entry
        if spoken is None or (spoken in files and spoken.path == entry):
            return self.metadata, None
        if spoken in files:
            why = "is not the entry any more"
        elif spoken.path in {file.path for file in files}:
            why = "changed since its bill was written"
        else:
            why = "left the model since its bill was written"
        left = replace(self.metadata, golden=None, metrics={}, params={}, lineage={}, environment={})
        return (
            left,
            f"{spoken.path} {why}: the metrics, the golden example and the lineage in it are left out",
        )


def describe(
    model: Model, place: Place, tree: Tree, detect: Callable[[Sequence[str]], tuple[str | None, str | None]]
) -> Description:
    """What a release says: what lading.toml says goes before what the bill in the folder says.

    Raises:
        UsageError: ``no-entry``, where lading.toml names an entry that is not among the files.
    """
    paths = [path for path, _ in tree.files]
    found_format, found_entry = detect(paths)
    bill = _bill(place)
    said = bill.metadata if bill else Metadata()
    spoken_of = next((file for file in bill.files if file.path == said.entry), None) if bill else None
    if said.entry is not None and said.entry not in paths:
        said = replace(said, entry=None, format=None)
    entry = model.entry or said.entry or found_entry
    if entry is not None and entry not in paths:
        raise UsageError(
            "no-entry",
            f"[models.{model.name}] names the entry '{entry}', which is not among its files: "
            f"{', '.join(paths[:5])}",
            hint=f"set entry in [models.{model.name}] to one of them",
        )
    format_ = model.format or said.format or (detect([entry])[0] if entry else found_format)
    metadata = replace(
        said,
        entry=entry,
        format=format_,
        signature=model.signature or said.signature,
        license=model.license or said.license,
        description=model.description or said.description,
    )
    return Description(metadata, spoken_of)


def choose_version(reference: Reference, model: Model, store: Store) -> str:
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


def _bill(place: Place) -> Bill | None:
    bill = place.read_bill()
    return bill if bill is not None and bill.name == place.name else None
