"""Verbs for plain files in a folder or under a prefix of a bucket: export, import."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from lading.core.errors import NotFoundError
from lading.core.names import check_name
from lading.core.ports import Silence
from lading.core.project import Model
from lading.core.reference import Reference
from lading.formats import detect
from lading.ops import plain
from lading.ops.declare import add, check_free
from lading.ops.export import Exported
from lading.ops.export import export as send
from lading.ops.intake import Imported, find_goods, take
from lading.ops.place import Place
from lading.ops.verify import anchor_of
from lading.stores.schemes import open_plain, open_writable_plain
from lading.wiring import Pulling, Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lading.core.bill import FileEntry
    from lading.core.ports import Progress
    from lading.ops.verify import Verified


def export(
    reference: str,
    dest: str | Path,
    *,
    store: str | None = None,
    project: Path | None = None,
    progress: Progress | None = None,
) -> Exported:
    """Put a version's files plainly into a folder or under a prefix, with their bill beside them.

    The bill is written last: where it is, all is. The same again sends nothing that is there already.

    Args:
        reference: which version.
        dest: a folder, or a URL such as ``s3://bucket/models/sentiment``.
        store: where the version is looked up.
        project: the project's folder.
        progress: hears how far it is.

    Raises:
        ConflictError: ``export-taken``: another version, or a file of the same name, is there.
        UsageError: ``read-only-store``.
        LadingError: as ``pull``.
    """
    work, hear = Workspace.open(project), progress or Silence()
    objects = open_writable_plain(work.location(_url(dest)), work.folder)
    pulled = work.pull(Reference.parse(reference).at(store), Pulling(aside="all"), hear)
    shown = str(dest) if "://" in str(dest) else str(Path(dest).absolute())
    return send(pulled, objects, shown, hear, time.monotonic)


def import_(
    source: str | Path,
    name: str,
    *,
    into: str | Path | None = None,
    project: Path | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Take plain files into the project and declare them as a model; the same again is a success.

    Where a bill lies with them, each file is proven by it, and it comes along with what it says.

    Args:
        source: a folder, or a URL such as ``s3://bucket/models/sentiment``.
        name: the model's name.
        into: the folder to put them in; by default ``models/`` and the last part of the name.
        project: the project's folder.
        progress: hears how far it is.

    Raises:
        ConflictError: ``import-taken``: the folder holds other files.
        IntegrityError: ``plain-differs``: a file is not what the bill says; it is a web page or the like.
        NotFoundError: ``no-file``, ``no-bill``.
        UsageError: the name or a path is not allowed, or is taken.
    """
    work = Workspace.open(project)
    work.need_project()
    last = check_name(name).rpartition("/")[2]
    path = work.relative(Path(into) if into is not None else work.folder / "models" / last)
    model = Model(name, path)
    check_free(work.project.models, model)
    goods = find_goods(open_plain(work.location(_url(source)), work.folder), name)
    said = goods.bill.metadata.entry if goods.bill else detect([each for each, _ in goods.sizes])[1]
    fetched = take(goods, Place.of_folder(name, work.folder / path), said, progress or Silence())
    added = add(work.folder, work.project.models, model, detect)
    return Imported(replace(added, left_out=goods.left_out), str(source), fetched, goods.version)


def verify_prefix(text: str, asked: Sequence[Reference], work: Workspace) -> Verified:
    """Check plain objects: against the bills among them, or against the bills of the versions ``asked``.

    Raises:
        NotFoundError: ``no-bill``, ``no-version``; ``no-file``, for a folder that is not there.
    """
    if "://" not in text and not Path(text).is_dir():
        raise NotFoundError(
            "no-file", f"{text} is not a folder", hint="name a folder, or a prefix by its URL"
        )
    objects = open_plain(work.location(_url(text)), work.folder)

    def copies(name: str, entry: FileEntry) -> Iterator[Path]:
        yield work.cache.file(entry.digest)
        if name in work.project.models:
            yield work.place(work.project.models[name]).root / entry.path

    if not asked:
        return plain.verify_prefix(objects, work.lock.pins, copies)
    bills = []
    for reference in asked:
        bill = work.find(reference).bill
        bills.append((bill, "digest" if reference.digest else anchor_of(bill, work.lock.pins)))
    return plain.verify_as(objects, bills, copies)


def _url(text: str | Path) -> str:
    """The URL of a folder or prefix; without the slash at its end, which is no part of any key."""
    if "://" not in str(text):
        return f"file://{quote(str(Path(text).absolute()))}"
    scheme, _, rest = str(text).partition("://")
    return f"{scheme}://{rest.rstrip('/') or rest[:1]}"
