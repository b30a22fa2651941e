"""Where the files of a version belong, and whether they lie there."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lading.core.bill import Bill
from lading.core.errors import IntegrityError, LadingError
from lading.core.paths import bill_path
from lading.plumbing.proof import hash_file

if TYPE_CHECKING:
    from pathlib import Path

    from lading.core.bill import FileEntry
    from lading.core.digest import Digest
    from lading.core.lock import Pin
    from lading.plumbing.stamps import Stamps

Kind = Literal["file", "folder", "globs"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model lies on this machine.

    Attributes:
        root: the folder that the bill's paths count from.
        target: what the model's user opens: the file of a one-file model, else ``root``.
        kind: a file in a folder, a folder of its own, or globs in a folder that it shares.
    """

    name: str
    root: Path
    target: Path
    kind: Kind

    @property
    def bill(self) -> Path:
        """Where the bill lies."""
        return self.root / bill_path(self.name, folder=self.kind == "folder")

    def read_bill(self) -> Bill | None:
        """The bill that lies there, or None where there is none that can be read."""
        with suppress(OSError, LadingError):
            return Bill.parse(self.bill.read_bytes())
        return None

    @classmethod
    def of_folder(cls, name: str, folder: Path) -> Place:
        """The place of a model that has ``folder`` for itself."""
        return cls(name, folder, folder, "folder")

    def fit(self, bill: Bill) -> Place:
        """This place for ``bill``: where nothing lies yet, the bill knows whether it is a folder.

        Raises:
            IntegrityError: ``other-files``, where the bill does not hold the file that is declared.
        """
        paths = [entry.path for entry in bill.files]
        if self.kind == "globs" or (self.kind == "file" and self.target.name in paths):
            return self
        if self.kind == "file" and not self.target.exists():
            return Place(self.name, self.target, self.target, "folder")
        if self.kind == "folder" and not self.target.exists() and paths == [self.target.name]:
            return Place(self.name, self.target.parent, self.target, "file")
        if self.kind == "folder":
            return self
        raise IntegrityError(
            "other-files",
            f"lading.toml declares {bill.name} at {self.target.name}; "
            f"{bill.name}:{bill.version} holds {', '.join(paths[:3])}",
            hint=f"set the path of [models.{bill.name}] to the file that the version holds",
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """A file that is not what a bill says.

    Attributes:
        problem: ``missing``, ``different``, ``truncated``, ``extra``, ``not-a-file`` or ``unreadable``.
    """

    path: str
    problem: str
    expected: str
    got: str


def differences(root: Path, files: tuple[FileEntry, ...], stamps: Stamps | None) -> tuple[Difference, ...]:
    """What differs from ``files`` below ``root``.

    Args:
        root: the folder that the paths count from.
        files: what must be there.
        stamps: what may spare hashing; None reads every byte.
    """
    found = []
    for entry in files:
        if stamps is not None and stamps.proven(entry.path, entry.digest):
            continue
        difference = _difference(root / entry.path, entry)
        if difference:
            found.append(difference)
    return tuple(found)


def shortfall(place: Place, pin: Pin | None, stamps: Stamps) -> str | None:
    """What keeps a model from being used where it lies, in one sentence, or None where nothing does."""
    bill = place.read_bill()
    if bill is None:
        return f"{place.name}: {place.bill} is not there"
    if pin is not None and pin.bill != bill.digest:
        return f"{place.name}: {bill.version} is there, {pin.version} is locked"
    found = differences(place.root, bill.files, stamps)
    return f"{place.name}: {found[0].path} is {found[0].problem}" if found else None


def _difference(path: Path, entry: FileEntry) -> Difference | None:
    try:
        if not path.is_file():
            problem = "not-a-file" if path.exists() else "missing"
            return Difference(entry.path, problem, str(entry.digest), "")
        size = path.stat().st_size
        if size != entry.size:
            problem = "truncated" if size < entry.size else "different"
            return Difference(entry.path, problem, f"{entry.size} bytes", f"{size} bytes")
        got = _hash(path)
    except OSError as error:
        return Difference(entry.path, "unreadable", str(entry.digest), str(error.strerror))
    return None if got == entry.digest else Difference(entry.path, "different", str(entry.digest), str(got))


def _hash(path: Path) -> Digest:
    with path.open("rb", buffering=0) as file:
        return hash_file(file)
