"""Pull: find a version, bring what is missing into the cache, put it in its place."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lading.core.bill import Bill
from lading.core.errors import BudgetError, IntegrityError, LadingError
from lading.ops.fetch import TIER_FAILED, Tiers, failed, fetch
from lading.ops.place import Place, differences
from lading.ops.version import find
from lading.plumbing import atomic
from lading.plumbing.oserror import explained, free_bytes
from lading.plumbing.place import check_inside, copy, keep_replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from lading.core.bill import FileEntry
    from lading.core.ports import Progress, Store
    from lading.core.resolution import Wanted
    from lading.ops.version import Version
    from lading.plumbing.cache import Cache
    from lading.plumbing.stamps import Stamps

LOCAL: Final = "local"
"""The tier that a result names where all was in its place."""

CACHE: Final = "cache"
"""The tier that a result names where the cache had what was missing."""

_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull did.

    Attributes:
        path: an absolute path: the model's file, or its folder.
        tier: the URL of the store that gave the first byte; ``cache`` or ``local`` where none was needed.
        size: the bytes of all files.
        fetched: the bytes that came from tiers.
        reused: the bytes that did not have to.
        stale: whether a stage could not be asked and the last version seen stands in for it.
        root: the folder that the bill's paths count from.
        bill: the bill itself.
    """

    name: str
    version: str
    digest: str
    path: Path
    tier: str
    size: int
    fetched: int
    reused: int
    seconds: float
    stale: bool
    root: Path
    bill: Bill


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a pull takes from.

    Attributes:
        store: opens the store that decides what names mean; called only if it must be asked.
        tiers: opens the stores that bytes may come from, in order.
    """

    store: Callable[[], Store]
    tiers: Callable[[], Sequence[Store]]
    cache: Cache
    progress: Progress
    clock: Callable[[], float]


def pull(wanted: Wanted, where: Place | None, sources: Sources, *, ask: bool = True) -> Pulled:
    """Put the version that ``wanted`` means in its place, proven.

    Args:
        wanted: which version.
        where: its place; None for the cache's own checkout folder.
        sources: where it may come from. No store is opened where all is in place.
        ask: whether to ask the store what a version is though its bill lies in the place already; a
            bill digest, as the lock has it, makes asking needless.

    Raises:
        LadingError: as ``find`` and ``fetch``; ``disk-full`` before the first byte is fetched.
    """
    began = sources.clock()
    job = _prepare(wanted, where, sources, ask=ask)
    fetched, used = _bring(job, sources)
    try:
        _put(job, sources)
    except IntegrityError as error:
        if error.code != "bad-file":
            raise
        # A copy in the cache was damaged and is dropped by now: fetch it anew, once.
        sources.progress.note(f"{error.message}; fetching it again")
        fetched, used = _bring(job, sources)
        _put(job, sources)
    job.stamps.record((entry.path, entry.digest) for entry in job.bill.files)
    return Pulled(
        name=job.bill.name,
        version=job.bill.version,
        digest=str(job.bill.digest),
        path=job.where.target.absolute(),
        tier=used,
        size=job.bill.size,
        fetched=fetched,
        reused=max(0, job.bill.size - fetched),
        seconds=sources.clock() - began,
        stale=False,
        root=job.where.root,
        bill=job.bill,
    )


@dataclass(slots=True)
class _Job:
    wanted: Wanted
    bill: Bill
    version: Version | None
    where: Place
    stamps: Stamps
    missing: tuple[FileEntry, ...]


def _prepare(wanted: Wanted, where: Place | None, sources: Sources, *, ask: bool) -> _Job:
    bill = known_bill(wanted, where, sources.cache, ask=ask)
    version = None
    if bill is None:
        version = _find(wanted, sources)
        bill = version.bill
    if where is None:
        folder = sources.cache.checkout(bill.name, bill.version, bill.digest)
        where = Place.of_folder(bill.name, folder)
    where = where.fit(bill)
    stamps = sources.cache.stamps(where.root, bill.name)
    wrong = {item.path for item in differences(where.root, bill.files, stamps)}
    missing = tuple(entry for entry in bill.files if entry.path in wrong)
    return _Job(wanted, bill, version, where, stamps, missing)


def _find(wanted: Wanted, sources: Sources) -> Version:
    """Open what is wanted: in the store that decides, or, where a digest has decided, wherever it is."""
    if wanted.bill is None:
        return find(wanted, sources.store())
    failures: list[tuple[Store, LadingError]] = []
    for store in sources.tiers():
        try:
            return find(wanted, store)
        except TIER_FAILED as error:
            failures.append((store, error))
    raise failed(failures)


def known_bill(wanted: Wanted, where: Place | None, cache: Cache, *, ask: bool) -> Bill | None:
    """The bill that is wanted, where it can be known without a store: from the place, or from the cache."""
    placed = where.read_bill() if where else None
    if wanted.bill is not None:
        if placed is not None and placed.digest == wanted.bill:
            return placed
        kept = cache.bill(wanted.bill)
        return Bill.parse(kept[0]) if kept else None
    right = placed is not None and (placed.name, placed.version) == (wanted.name, wanted.version)
    return placed if right and not ask else None


def _bring(job: _Job, sources: Sources) -> tuple[int, str]:
    """Bring what is missing into the cache; return the bytes fetched and the first tier used."""
    cache = sources.cache
    entries = {entry.digest: entry for entry in job.missing if not cache.has(entry.digest, entry.size)}
    if not job.missing:
        return 0, LOCAL
    cache.sweep()
    _check_space(job, sum(e.size - cache.taken(e.digest, e.size) for e in entries.values()), cache)
    if not entries:
        return 0, CACHE
    version = job.version or _find(job.wanted, sources)
    cache.keep_bill(version.bill.raw, version.blocks_raw)
    places = {entry.path: number for number, entry in enumerate(version.bill.files)}
    tiers = Tiers(version, sources.tiers())
    sources.progress.start(f"{job.bill.name}:{job.bill.version}", sum(e.size for e in entries.values()))
    fetched = fetch(tiers, [places[entry.path] for entry in entries.values()], cache, sources.progress)
    return fetched, tiers.used[0] if tiers.used else CACHE


def _check_space(job: _Job, fetching: int, cache: Cache) -> None:
    placing = sum(entry.size for entry in job.missing)
    needs = [(cache.folder, fetching), (job.where.root, placing)]
    if _device(cache.folder) == _device(job.where.root):
        needs = [(job.where.root, fetching + placing)]
    for folder, need in needs:
        free = free_bytes(folder)
        if free < need:
            raise BudgetError(
                "disk-full",
                f"{job.bill.name}:{job.bill.version} needs {need} bytes below {folder}, {free} are free; "
                "nothing was fetched",
                hint="free space there, or point LADING_CACHE_DIR at another disk",
            )


def _device(folder: Path) -> int:
    return next(place.stat().st_dev for place in (folder, *folder.parents) if place.exists())


def _put(job: _Job, sources: Sources) -> None:
    """Put the missing files in their places, then the bill beside them."""
    where = job.where
    bill_stands = where.bill.is_file() and where.bill.read_bytes() == job.bill.raw
    if job.missing or not bill_stands:
        for folder in {where.bill.parent, *((where.root / entry.path).parent for entry in job.missing)}:
            atomic.sweep(folder)
    for some in _batches(job.missing):
        with explained("placing files", where.root), ExitStack() as stack:
            ready = []
            for entry in some:
                target = where.root / entry.path
                _make_room(target, entry, job, sources)
                draft = stack.enter_context(atomic.draft(target.parent, mode=0o644))
                _copy(entry, draft, sources.cache)
                ready.append((draft, target))
            atomic.replace_all(ready)
    if not bill_stands:
        atomic.write(where.bill, job.bill.raw, mode=0o644)


def _copy(entry: FileEntry, draft: atomic.Draft, cache: Cache) -> None:
    try:
        copy(cache.file(entry.digest), draft, entry.digest)
    except IntegrityError:
        cache.drop(entry.digest)
        raise


def _make_room(target: Path, entry: FileEntry, job: _Job, sources: Sources) -> None:
    check_inside(target, job.where.root)
    if target.is_dir():
        raise IntegrityError("not-a-file", f"{target} is a folder, where {job.bill.name} has a file")
    if target.exists() and not job.stamps.untouched(entry.path):
        if not differences(job.where.root, (entry,), None):
            return  # another process put it there meanwhile
        kept = keep_replaced(target, sources.cache.replaced)
        sources.progress.note(f"{target} was not what lading put there; the old content is kept at {kept}")


def _batches(entries: Sequence[FileEntry]) -> Iterator[Sequence[FileEntry]]:
    # Each file of a batch is open until all of it are renamed; file descriptors are few.
    for start in range(0, len(entries), _BATCH):
        yield entries[start : start + _BATCH]
