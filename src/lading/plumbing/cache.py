"""The cache: files by digest, partial files, bills, stamps and checkouts (design, section 3.6)."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lading.core.bill import Bill
from lading.core.digest import Digest
from lading.plumbing import atomic
from lading.plumbing.oserror import explained
from lading.plumbing.partial import Partial
from lading.plumbing.stamps import Stamps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lading.core.blocks import Block

_STAT_BLOCK_BYTES: Final = 512
"""The unit of ``st_blocks``, whatever the file system's own (stat(2))."""

_FOLDERS: Final = ("files", "partial", "bills", "stamps", "checkouts", "replaced")


@dataclass(frozen=True, slots=True)
class Usage:
    """How much one kind of thing in the cache takes: ``files`` of them, ``size`` bytes together."""

    kind: str
    files: int
    size: int


class Cache:
    """The cache in one folder; it may be deleted at any time and is then filled again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.drafts = folder / "partial"
        self.replaced = folder / "replaced"

    def file(self, digest: Digest) -> Path:
        """Where the file of that digest lies, if it is there."""
        return self.folder / "files" / digest.hex[:2] / digest.hex

    def has(self, digest: Digest, size: int) -> bool:
        """Whether a file of that digest and size is there."""
        try:
            return self.file(digest).stat().st_size == size
        except OSError:
            return False

    def drop(self, digest: Digest) -> None:
        """Forget a file that turned out to be damaged."""
        self.file(digest).unlink(missing_ok=True)

    def partial(self, digest: Digest, blocks: Sequence[Block]) -> Partial:
        """The partial file of that digest, begun or taken up again."""
        with explained("opening a partial file", self.folder):
            atomic.make_folder(self.drafts)
            return Partial(self.drafts / digest.hex, self.file(digest), blocks)

    def begun(self, digest: Digest) -> bool:
        """Whether some process has begun to fetch the file of that digest."""
        return any(self.drafts.glob(f"{digest.hex}.*"))

    def taken(self, digest: Digest, size: int) -> int:
        """The bytes of disk that what was fetched of a file of that digest and size takes already."""
        taken = 0
        for path in self.drafts.glob(f"{digest.hex}.*"):
            with suppress(OSError):  # another process may just have finished it
                taken = max(taken, path.stat().st_blocks * _STAT_BLOCK_BYTES)
        return min(taken, size)

    def bill(self, digest: Digest) -> tuple[bytes, bytes] | None:
        """The bytes of a bill and of its block list, proven, or None."""
        folder = self.folder / "bills"
        try:
            raw = (folder / f"{digest.hex}.json").read_bytes()
            blocks = (folder / f"{digest.hex}.blocks").read_bytes()
        except OSError:
            return None
        proven = Digest.of(raw) == digest and Digest.of(blocks) == Bill.parse(raw).blocks.digest
        return (raw, blocks) if proven else None

    def keep_bill(self, raw: bytes, blocks: bytes) -> None:
        """Keep a bill and its block list; the bill last, so that it never stands there alone."""
        digest = Digest.of(raw)
        place = self.folder / "bills" / f"{digest.hex}.json"
        if self.bill(digest) is None:
            atomic.write(place.with_suffix(".blocks"), blocks)
            atomic.write(place, raw)

    def checkout(self, name: str, version: str, digest: Digest) -> Path:
        """The folder for a version that no project has a place for."""
        return self.folder / "checkouts" / name / f"{version}-{digest.short}"

    def stamps(self, root: Path, name: str) -> Stamps:
        """The stamps of the model ``name`` below ``root``."""
        return Stamps(self.folder / "stamps", root, name)

    def usage(self) -> tuple[Usage, ...]:
        """What lies in the cache, kind by kind."""
        found = []
        for kind in _FOLDERS:
            sizes = [path.stat().st_size for path in _files(self.folder / kind)]
            found.append(Usage(kind, len(sizes), sum(sizes)))
        return tuple(found)

    def clear(self) -> None:
        """Remove everything but ``replaced``: what a person may still want back."""
        for kind in _FOLDERS:
            if kind != "replaced" and (self.folder / kind).exists():
                with explained("clearing the cache", self.folder):
                    shutil.rmtree(self.folder / kind)

    def sweep(self) -> None:
        """Remove what killed processes left behind, except partial files that can be taken up again."""
        for kind in ("bills", "stamps", "replaced"):
            atomic.sweep(self.folder / kind)
        for path in self.drafts.glob("*.*"):
            final = self.folder / "files" / path.name[:2] / path.name.partition(".")[0]
            # Its writer was killed between the two names. Another host's boot may have left an older one.
            if final.exists():
                path.unlink(missing_ok=True)


def writable(folder: Path) -> bool:
    """Whether the cache could be filled there."""
    for place in (folder, *folder.parents):
        if place.exists():
            return place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    return False


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                path = Path(parent, name)
                if path.is_file():
                    yield path
