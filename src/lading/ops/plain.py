"""Plain objects below a URL: what lies there, and whether it is what a bill says."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lading.core.bill import MAX_BILL_BYTES, Bill, FileEntry
from lading.core.digest import Digest
from lading.core.errors import IntegrityError, LadingError, NotFoundError
from lading.core.paths import BILL_FILE, BLOCKS_FILE
from lading.core.prefix import Prefix, few, never_packed
from lading.ops.place import Difference
from lading.ops.verify import Verified, anchor_of, together
from lading.plumbing.etag import has_tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from lading.core.lock import Pin
    from lading.core.objects import Found, Objects

    Copies = Callable[[str, FileEntry], Iterable[Path]]
    """Where this machine may have a copy of a model's file."""

_SHOWN: Final = 5


def survey(objects: Objects) -> Prefix:
    """List everything there.

    A place that cannot be listed, such as a web server, is asked for its bill and for what that bill lists.

    Raises:
        LadingError: ``cannot-list``, where there is no such bill; what reading it raises.
    """
    left_out: list[str] = []
    try:
        found = list(_walk(objects, "", left_out))
    except LadingError as error:
        if error.code != "cannot-list":
            raise
        bill = objects.head(BILL_FILE)
        if bill is None:
            raise
        listed = read_bill(objects, BILL_FILE).files
        heads = [objects.head(entry.path) for entry in listed]
        found = [bill, *(each for each in heads if each is not None)]
    return Prefix(objects.url, {each.key: each for each in found}, tuple(left_out))


def read_bill(objects: Objects, key: str) -> Bill:
    """The bill under a key.

    Raises:
        NotFoundError: ``no-object``.
        IntegrityError: it is no bill.
    """
    raw = objects.get(key, MAX_BILL_BYTES + 1)
    if raw is None:
        raise NotFoundError("no-object", f"{objects.url} has no {key}", hint=f"lading verify {objects.url}/")
    return Bill.parse(raw)


def lacking(path: str, entry: FileEntry, found: Found | None) -> Difference | None:
    """What the listing alone says against an object that should be ``entry``."""
    if found is None:
        return Difference(path, "missing", str(entry.digest), "")
    if found.size == entry.size:
        return None
    problem = "truncated" if found.size < entry.size else "different"
    return Difference(path, problem, f"{entry.size} bytes", f"{found.size} bytes")


@dataclass(slots=True)
class Prover:
    """Proves objects against a bill, without reading them where their ETag and a local copy suffice.

    Attributes:
        copies: where this machine may have a copy; what lies there is hashed before it says anything.
        read: the bytes of objects that had to be read so far.
    """

    objects: Objects
    copies: Copies
    read: int = 0

    def difference(self, key: str, name: str, entry: FileEntry, found: Found | None) -> Difference | None:
        """What is wrong with the object under ``key``, which should be ``entry`` of the model ``name``."""
        lacks = lacking(key, entry, found)
        if lacks or found is None:
            return lacks
        if any(has_tag(path, entry, found.etag) for path in self.copies(name, entry)):
            return None
        try:
            got = self._digest(key, entry.size)
        except NotFoundError:
            return lacking(key, entry, None)  # somebody removed it just now
        return None if got == entry.digest else Difference(key, "different", str(entry.digest), str(got))

    def _digest(self, key: str, size: int) -> Digest:
        whole = hashlib.sha256()
        for piece in self.objects.read(key, 0, size):
            whole.update(piece)
            self.read += len(piece)
        return Digest(whole.hexdigest())


def verify_prefix(objects: Objects, pins: Mapping[str, Pin], copies: Copies) -> Verified:
    """Check every bill at the prefix or below it against the objects around it.

    Raises:
        NotFoundError: ``no-bill``, saying what is there instead.
    """
    there = survey(objects)
    prover = Prover(objects, copies)
    parts = [_verify_bill(key, there, prover, pins) for key in there.bills()]
    if not parts:
        holds = few(sorted(there.objects), _SHOWN)
        raise NotFoundError(
            "no-bill",
            f"{objects.url} holds no bill ({BILL_FILE} or NAME.lading.json), so nothing says what should be "
            f"there; it holds {holds or 'nothing at all'}",
            hint=f"lading verify {objects.url}/ --as NAME:VERSION compares it with a version",
        )
    return replace(together(parts), read=prover.read)


def verify_as(objects: Objects, bills: Sequence[tuple[Bill, str]], copies: Copies) -> Verified:
    """Check the objects at the prefix against ``bills``, each with its anchor; what none lists is extra."""
    there = survey(objects)
    prover = Prover(objects, copies)
    parts = [
        Verified(anchor, len(bill.files), tuple(_wrong(bill.name, "", bill.files, there, prover)))
        for bill, anchor in bills
    ]
    verified = together(parts)
    extra = _extra("", (entry for bill, _ in bills for entry in bill.files), there)
    return replace(verified, problems=(*verified.problems, *extra), read=prover.read)


def _verify_bill(key: str, there: Prefix, prover: Prover, pins: Mapping[str, Pin]) -> Verified:
    try:
        bill = read_bill(prover.objects, key)
    except IntegrityError as error:
        return Verified("none", 0, (Difference(key, error.code, "a bill", error.message),))
    folder = key[: key.rfind("/") + 1]
    files = [*bill.files]
    if key == folder + BILL_FILE and folder + BLOCKS_FILE in there.objects:
        files.append(FileEntry(BLOCKS_FILE, bill.blocks.size, bill.blocks.digest))
    problems = _wrong(bill.name, folder, files, there, prover)
    if key == folder + BILL_FILE:
        problems += _extra(folder, bill.files, there)
    return Verified(anchor_of(bill, pins), len(bill.files), tuple(problems))


def _wrong(
    name: str, folder: str, files: Iterable[FileEntry], there: Prefix, prover: Prover
) -> list[Difference]:
    keys = ((folder + entry.path, entry) for entry in files)
    found = (prover.difference(key, name, entry, there.objects.get(key)) for key, entry in keys)
    return [each for each in found if each is not None]


def _extra(folder: str, files: Iterable[FileEntry], there: Prefix) -> list[Difference]:
    known = [folder + entry.path for entry in files]
    keys = there.strays(folder, known)
    return [Difference(key, "extra", "", "a file that the bill does not list") for key in keys]


def _walk(objects: Objects, folder: str, left_out: list[str]) -> Iterator[Found]:
    entries = objects.entries(folder)
    for found in entries.objects:
        if found.key in {"", folder.rstrip("/")} or found.key.endswith("/"):
            continue  # what consoles put there to show an empty folder
        if never_packed(found.key.rpartition("/")[2]):
            left_out.append(found.key)
        else:
            yield found
    for name in entries.folders:
        if never_packed(name):
            left_out.append(folder + name)
        elif name:  # a key with // in it has a part without a name
            yield from _walk(objects, f"{folder}{name}/", left_out)
