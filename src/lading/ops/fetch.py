"""Bringing files of a version into the cache, each block proven, from whichever tier has it."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Final

from lading.core.digest import Digest
from lading.core.errors import IntegrityError, LadingError, NotFoundError, UnavailableError
from lading.core.runs import Run, runs
from lading.ops.version import open_version
from lading.plumbing.inflate import inflate
from lading.plumbing.proof import proven

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lading.core.layers import Layer
    from lading.core.ports import Progress, Store
    from lading.ops.version import Version
    from lading.plumbing.cache import Cache
    from lading.plumbing.partial import Partial

TIER_FAILED: Final = (IntegrityError, NotFoundError, UnavailableError)
"""What makes a pull go on with the next tier."""


@dataclass(slots=True)
class Tiers:
    """The stores that the bytes of a version may come from, in order.

    Attributes:
        used: the URLs of the stores that gave bytes, in the order of their first byte.
    """

    version: Version
    stores: Sequence[Store]
    used: list[str] = field(default_factory=list)
    _opened: dict[str, Version] = field(default_factory=dict)

    def read(self, layer: int, needed: Sequence[Run]) -> Iterator[tuple[Run, bytes]]:
        """The proven bytes of ``needed``, which follow each other in the layer of that number.

        A tier that fails is left for the next, from the first run that it did not deliver.

        Raises:
            UnavailableError: ``tiers-failed``, with each tier's cause; where there is but one tier, or
                all failed alike, an error of their own class.
        """
        failures: list[tuple[Store, LadingError]] = []
        done = 0
        for store in self.stores:
            try:
                for run, data in _read(self._open(store), layer, needed[done:]):
                    done += 1
                    if store.url not in self.used:
                        self.used.append(store.url)
                    yield run, data
            except TIER_FAILED as error:
                failures.append((store, error))
            else:
                return
        raise failed(failures)

    def _open(self, store: Store) -> Version:
        bill = self.version.bill
        if store.url == self.version.store.url:
            return self.version
        if store.url not in self._opened:
            opened = open_version(store, bill.name, bill.version)
            if opened.bill.digest != bill.digest:
                raise IntegrityError(
                    "wrong-bill",
                    f"{store.url} holds another {bill.name}:{bill.version}: expected the bill {bill.digest}, "
                    f"got {opened.bill.digest}",
                )
            self._opened[store.url] = opened
        return self._opened[store.url]


def fetch(tiers: Tiers, files: Iterable[int], cache: Cache, progress: Progress) -> int:
    """Bring files of a version into the cache.

    Args:
        tiers: where the bytes are.
        files: the indices of the files in the bill; no two of the same digest.
        cache: where they go; blocks that an interrupted fetch left there are used.
        progress: hears of every block.

    Returns:
        The bytes of blocks that came from the tiers.

    Raises:
        LadingError: as ``Tiers.read``; ``bad-file``, where every block is right and the whole is not.
    """
    needed = set(files)
    fetched = 0
    for number, layer in enumerate(tiers.version.layers):
        wanted = [index for index in layer.files if index in needed]
        if wanted:
            fetched += _Layer(tiers, number, layer, cache, progress).fetch(wanted)
    return fetched


@dataclass(slots=True)
class _Layer:
    tiers: Tiers
    number: int
    layer: Layer
    cache: Cache
    progress: Progress
    _landing: _Landing | None = None
    _begun: dict[int, Partial] = field(default_factory=dict)

    def fetch(self, wanted: Sequence[int]) -> int:
        fetched = 0
        with ExitStack() as stack:
            stack.callback(self._close)
            for there, group in _grouped(self._runs(wanted, stack)):
                source = self._local(group) if there else self.tiers.read(self.number, group)
                for run, data in source:
                    fetched += 0 if there or run.file is None else len(data)
                    self._land(run, data)
            for index in wanted:
                if not self.tiers.version.bill.files[index].size:
                    self._land(Run(0, 0, b"", index, 0), b"")
        return fetched

    def _runs(self, wanted: Sequence[int], stack: ExitStack) -> Iterator[tuple[bool, Run]]:
        """The runs to read in order, and for each whether a partial file has it already."""
        version = self.tiers.version
        present: dict[int, set[int]] = {}
        for index in wanted:
            entry, blocks = version.bill.files[index], version.blocks.files[index]
            if self.cache.begun(entry.digest):
                # It stays open: the process that began it may finish it and take its name away meanwhile.
                self._begun[index] = stack.enter_context(self.cache.partial(entry.digest, blocks))
                present[index] = self._begun[index].present()
        for run in runs(self.layer, version.blocks, wanted):
            yield run.file is not None and run.place in present.get(run.file, ()), run

    def _local(self, present: Sequence[Run]) -> Iterator[tuple[Run, bytes]]:
        for run in present:
            index = run.file or 0
            what = f"a partial of {self.tiers.version.bill.files[index].path}"
            yield from proven([self._begun[index].read(run.place, run.length)], [run], what)

    def _land(self, run: Run, data: bytes) -> None:
        if run.file is None:
            return
        if self._landing is None:
            self._landing = self._open(run.file)
        self._landing.take(run, data)
        self.progress.advance(len(data))
        if self._landing.complete:
            self._landing.close()
            self._landing = None

    def _close(self) -> None:
        if self._landing:
            self._landing.close()

    def _open(self, index: int) -> _Landing:
        entry = self.tiers.version.bill.files[index]
        partial = self.cache.partial(entry.digest, self.tiers.version.blocks.files[index])
        return _Landing(partial, entry.path, entry.size, entry.digest)


class _Landing:
    """One file on its way into the cache; its blocks come in order, so the end knows its digest."""

    def __init__(self, partial: Partial, path: str, size: int, digest: Digest) -> None:
        self._partial = partial
        self._path = path
        self._left = size
        self._digest = digest
        self._whole = hashlib.sha256()
        self.complete = False

    def take(self, run: Run, data: bytes) -> None:
        """Take a proven block; with the last one, prove the whole and give the file its name."""
        self._partial.write(run.place, data)
        self._whole.update(data)
        self._left -= len(data)
        if not self._left:
            got = Digest(self._whole.hexdigest())
            if got != self._digest:
                self._partial.discard()
                raise IntegrityError(
                    "bad-file",
                    f"'{self._path}': the blocks agree with the block list, the whole not with the bill: "
                    f"expected {self._digest}, got {got}",
                    hint="bill and block list contradict each other; push the model as a new version",
                )
            self._partial.finish()
            self.complete = True

    def close(self) -> None:
        """Close the partial file; what is not complete stays there for the next run."""
        self._partial.__exit__()


def _grouped(marked: Iterable[tuple[bool, Run]]) -> Iterator[tuple[bool, list[Run]]]:
    """Runs that follow each other in the layer, and are all there or all missing, as one read."""
    for there, group in groupby(marked, key=lambda item: item[0]):
        adjacent: list[Run] = []
        for _, run in group:
            if adjacent and adjacent[-1].offset + adjacent[-1].length != run.offset:
                yield there, adjacent
                adjacent = []
            adjacent.append(run)
        yield there, adjacent


def _read(version: Version, layer: int, needed: Sequence[Run]) -> Iterator[tuple[Run, bytes]]:
    descriptor = version.descriptors[layer]
    start, end = needed[0].offset, needed[-1].offset + needed[-1].length
    what = f"{version.store.url}: the layer {descriptor.digest}"
    name = version.bill.name
    if descriptor.gzipped:
        whole = inflate(version.store.read(name, descriptor.digest, 0, descriptor.size), what)
        return proven(_skip(whole, start), needed, what)
    return proven(version.store.read(name, descriptor.digest, start, end), needed, what)


def _skip(chunks: Iterable[bytes], count: int) -> Iterator[bytes]:
    for chunk in chunks:
        if count < len(chunk):
            yield chunk[count:] if count else chunk
        count = max(0, count - len(chunk))


def failed(failures: Sequence[tuple[Store, LadingError]]) -> LadingError:
    """The error of several tiers that failed: the only one's own, or one that lists each cause."""
    first = failures[0][1]
    if len(failures) == 1:
        return first
    causes = "; ".join(f"{store.url}: {error.message}" for store, error in failures)
    kinds = {type(error) for _, error in failures}
    kind = type(first) if len(kinds) == 1 else UnavailableError
    return kind(
        "tiers-failed", f"every tier failed: {causes}", hint="lading show REF --store URL asks one store"
    )
