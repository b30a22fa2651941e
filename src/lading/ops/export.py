"""Export: a version's files, plain, with their bill beside them, for those who do not have lading."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lading.core.bill import MAX_BILL_BYTES, parse_or_none
from lading.core.errors import ConflictError, IntegrityError
from lading.core.objects import Kind
from lading.core.paths import BILL_FILE
from lading.core.prefix import few
from lading.ops.plain import Prover, survey
from lading.plumbing.oserror import explained
from lading.plumbing.place import COPY_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from lading.core.bill import Bill, FileEntry
    from lading.core.objects import WritableObjects
    from lading.core.ports import Progress
    from lading.core.prefix import Prefix
    from lading.ops.pull import Pulled

_FILE: Final = Kind(changes=True)
"""Another version may take the place of a plain file, so no cache may keep it unasked."""
_BILL: Final = Kind("application/json", changes=True)


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export did.

    Attributes:
        dest: where the files are: an absolute path, or the URL as it was given.
        uploaded: the bytes that were written there.
        reused: the bytes that were there already.
    """

    name: str
    version: str
    digest: str
    dest: str
    files: int
    size: int
    uploaded: int
    reused: int
    seconds: float


def export(
    pulled: Pulled, objects: WritableObjects, dest: str, progress: Progress, clock: Callable[[], float]
) -> Exported:
    """Put the files of a placed version among ``objects``, and its bill last: where a bill is, all is.

    What is there already and right is not sent again. Other files stay as they are, and are named.
    Only one export at a time may write to a place.

    Raises:
        ConflictError: ``export-taken``: another version is there, or a file of the same name.
        IntegrityError: ``bad-file``, where a placed file is not what its bill says any more.
    """
    began, bill = clock(), pulled.bill
    there = survey(objects)
    stands = _stands(bill, objects, dest)
    prover = Prover(objects, lambda _, entry: [pulled.root / entry.path])
    wrong = {
        entry.path: found
        for entry in bill.files
        if (found := prover.difference(entry.path, bill.name, entry, there.objects.get(entry.path)))
    }
    if not stands:
        _check_free([path for path, each in wrong.items() if each.problem != "missing"], bill, dest)
    _tell(there, bill, dest, progress)
    uploaded = sum(entry.size for entry in bill.files if entry.path in wrong)
    progress.start(f"{bill.name}:{bill.version}", uploaded)
    for entry in bill.files:
        if entry.path in wrong:
            chunks = _proven(pulled.root / entry.path, entry, progress)
            objects.put(entry.path, entry.size, chunks, _FILE)
    if not _stands(bill, objects, dest):
        objects.replace(BILL_FILE, bill.raw, _BILL)
    return Exported(
        name=bill.name,
        version=bill.version,
        digest=str(bill.digest),
        dest=dest,
        files=len(bill.files),
        size=bill.size,
        uploaded=uploaded,
        reused=bill.size - uploaded,
        seconds=pulled.seconds + clock() - began,
    )


def _stands(bill: Bill, objects: WritableObjects, dest: str) -> bool:
    """Whether this very bill lies there; False where none does."""
    if objects.head(BILL_FILE) is None:
        return False
    raw = objects.get(BILL_FILE, MAX_BILL_BYTES + 1) or b""
    if raw == bill.raw:
        return True
    theirs = parse_or_none(raw)
    what = f"{theirs.name}:{theirs.version} {theirs.digest.short}" if theirs else "a bill that cannot be read"
    raise ConflictError(
        "export-taken",
        f"{dest} holds {what}; {bill.name}:{bill.version} {bill.digest.short} would take its place",
        hint="export to a place of its own, or remove what is there first",
    )


def _check_free(paths: Sequence[str], bill: Bill, dest: str) -> None:
    if paths:
        raise ConflictError(
            "export-taken",
            f"{dest} holds no bill, and other content than {bill.name}:{bill.version} has in: {few(paths)}; "
            "nothing was written",
            hint="export to a place of its own, or remove what is there first",
        )


def _tell(there: Prefix, bill: Bill, dest: str, progress: Progress) -> None:
    extra = there.strays("", [entry.path for entry in bill.files])
    if extra:
        progress.note(f"{dest} also holds what is no part of {bill.name}: {few(extra)}; it stays there")


def _proven(path: Path, entry: FileEntry, progress: Progress) -> Iterator[bytes]:
    """The content of a file, and an error instead of its end where it is not ``entry``."""
    whole = hashlib.sha256()
    with explained("reading a placed file", path), path.open("rb", buffering=0) as file:
        while chunk := file.read(COPY_BYTES):
            whole.update(chunk)
            progress.advance(len(chunk))
            yield chunk
    if whole.hexdigest() != entry.digest.hex:
        raise IntegrityError(
            "bad-file",
            f"{path} changed since it was placed: expected {entry.digest}, got sha256:{whole.hexdigest()}",
            hint="lading cache --clear, then run the same command again",
        )
