"""Intake: plain files that lie somewhere become a model's place in the project, whole or not at all."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lading.core.bill import UNRELEASED, Bill, FileEntry
from lading.core.digest import Digest
from lading.core.errors import BudgetError, ConflictError, IntegrityError, NotFoundError
from lading.core.paths import check_paths
from lading.core.prefix import few, is_own
from lading.ops.place import differences
from lading.ops.plain import lacking, read_bill, survey
from lading.plumbing import atomic
from lading.plumbing.oserror import explained, free_bytes
from lading.plumbing.stage import stage
from lading.plumbing.tree import Tree, check_content

if TYPE_CHECKING:
    from lading.core.objects import Objects
    from lading.core.ports import Progress
    from lading.ops.declare import Added
    from lading.ops.place import Place


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Attributes:
        added: what was declared.
        source: where the files came from, as it was given.
        fetched: the bytes that were read from there.
        version: the version that the bill there names, or None where it names none.
    """

    added: Added
    source: str
    fetched: int
    version: str | None


@dataclass(frozen=True, slots=True)
class Goods:
    """What an import takes.

    Attributes:
        sizes: the paths of the files with their sizes in bytes, in order.
        bill: what the files must be, where a bill lies with them; it speaks of the model's new name.
        version: the version in that bill, or None.
        left_out: names that are never part of a model.
    """

    objects: Objects
    sizes: tuple[tuple[str, int], ...]
    bill: Bill | None = None
    version: str | None = None
    left_out: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The bytes of all files together."""
        return sum(size for _, size in self.sizes)


def find_goods(objects: Objects, name: str) -> Goods:
    """Look what there is to import as the model ``name``.

    Raises:
        NotFoundError: ``no-file``, where nothing is there; ``no-bill``.
        UsageError: ``bad-path``, ``path-collision``: names that no model can have.
        IntegrityError: ``plain-differs``; a bill that is none.
    """
    there = survey(objects)
    key = there.bill_of(name)
    if key is None:
        paths = there.plain()
        if not paths:
            raise NotFoundError(
                "no-file", f"{objects.url} holds no files", hint="name a folder or prefix that does"
            )
        check_paths(paths)
        sizes = tuple((path, there.objects[path].size) for path in paths)
        return Goods(objects, sizes, left_out=there.left_out)
    bill = read_bill(objects, key)
    for entry in bill.files:
        lacks = lacking(entry.path, entry, there.objects.get(entry.path))
        if lacks:
            raise _differs(objects.url, entry.path, lacks.expected, lacks.got)
    sizes = tuple((entry.path, entry.size) for entry in bill.files)
    version = None if bill.version == UNRELEASED else bill.version
    return Goods(objects, sizes, _renamed(bill, name), version, there.left_out)


def take(goods: Goods, place: Place, entry: str | None, progress: Progress) -> int:
    """Put the files in their place, each proven where a bill says what it must be.

    Args:
        goods: what to take.
        place: a folder; it must not be there, or be empty, or hold just this already.
        entry: the path of the file to load, which must not be empty.
        progress: hears of every piece.

    Returns:
        The bytes that were read.

    Raises:
        ConflictError: ``import-taken``, where the place holds something else.
        IntegrityError: ``plain-differs``, ``html-page``, ``lfs-pointer``, ``empty-file``.
        BudgetError: ``disk-full``, before the first byte is read.
    """
    held = _held(place.root)
    if held and {path: size for path, size in held.items() if not is_own(path)} != dict(goods.sizes):
        raise _taken(place)
    if held and goods.bill is not None:
        _settle(place, goods.bill.files, goods.bill)
        return 0
    _check_space(goods, place)
    with explained("importing", place.root), stage(place.root) as staged:
        progress.start(place.name, goods.size)
        files = tuple(_fetch(goods, number, staged.path, progress) for number in range(len(goods.sizes)))
        check_content(Tree(staged.path, goods.sizes), entry, goods.objects.url.rstrip("/"))
        if held:
            _settle(place, files, None)
            return goods.size
        if goods.bill is not None:
            atomic.write(staged.path / place.bill.name, goods.bill.raw, mode=0o644)
        if not staged.publish(place.root):
            raise _taken(place)
    return goods.size


def _renamed(bill: Bill, name: str) -> Bill:
    """A bill that says the same of the files under the model's new name, as one that was not pushed yet."""
    if bill.name == name:
        return bill
    return Bill.write(name, UNRELEASED, bill.files, bill.blocks, bill.metadata)


def _held(root: Path) -> dict[str, int]:
    """The files that lie at the place already, with their sizes."""
    if root.is_file():
        return {root.name: root.stat().st_size}
    paths = (Path(parent, name) for parent, _, names in os.walk(root) for name in names)
    return {path.relative_to(root).as_posix(): path.lstat().st_size for path in paths}


def _settle(place: Place, files: tuple[FileEntry, ...], bill: Bill | None) -> None:
    """Leave the place as it is, if it holds exactly ``files``; put the bill there where it has none."""
    if differences(place.root, files, None):
        raise _taken(place)
    if bill is None:
        return
    if not place.bill.exists():
        atomic.write(place.bill, bill.raw, mode=0o644)
    elif place.bill.read_bytes() != bill.raw:
        raise _taken(place)


def _fetch(goods: Goods, number: int, folder: Path, progress: Progress) -> FileEntry:
    path, size = goods.sizes[number]
    target = folder / path
    whole, got = hashlib.sha256(), 0
    atomic.make_folder(target.parent)
    with target.open("xb") as file:
        for piece in goods.objects.read(path, 0, size):
            whole.update(piece)
            got += len(piece)
            file.write(piece)
            progress.advance(len(piece))
        file.flush()
        os.fsync(file.fileno())
    if got != size:
        raise _differs(goods.objects.url, path, f"{size} bytes", f"{got} bytes")
    entry = FileEntry(path, size, Digest(whole.hexdigest()))
    if goods.bill is not None and goods.bill.files[number] != entry:
        expected = goods.bill.files[number].digest
        raise _differs(goods.objects.url, path, str(expected), str(entry.digest))
    return entry


def _check_space(goods: Goods, place: Place) -> None:
    free = free_bytes(place.root)
    if free < goods.size:
        raise BudgetError(
            "disk-full",
            f"{place.name} needs {goods.size} bytes at {place.root}, {free} are free; nothing was read",
            hint="free space there, or choose another disk with --into",
        )


def _differs(url: str, path: str, expected: str, got: str) -> IntegrityError:
    return IntegrityError(
        "plain-differs",
        f"{url}: {path} is not what it should be: expected {expected}, got {got or 'nothing'}; "
        "nothing was imported",
        hint=f"lading verify {url.rstrip('/')}/ tells all that differs",
    )


def _taken(place: Place) -> ConflictError:
    return ConflictError(
        "import-taken",
        f"{place.root} holds other files already: {few(sorted(_held(place.root))) or 'folders'}; "
        "they stay as they are",
        hint="name another place with --into, or move them away",
    )
