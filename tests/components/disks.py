"""Small file systems that are really full, and really read-only."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from tests.components.tools import need_root, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB: Final = 1024 * 1024
Kind = Literal["tmpfs", "ext4"]
_FILLER: Final = "filler"


@dataclass(frozen=True, slots=True)
class Disk:
    """A mounted file system; ``image`` is the file behind an ext4."""

    kind: Kind
    folder: Path
    image: Path

    def grow(self, mib: int) -> None:
        """Make it larger; what lies on it stays."""
        if self.kind == "tmpfs":
            run("mount", "-o", f"remount,size={mib}m", self.folder)
            return
        run("umount", self.folder)  # to resize it in use takes a capability that containers lack
        os.truncate(self.image, mib * MIB)
        run("e2fsck", "-f", "-p", self.image)
        run("resize2fs", self.image)
        run("mount", "-o", "loop", self.image, self.folder)

    def close(self) -> None:
        """Make it read-only."""
        run("mount", "-o", "remount,ro", self.folder)

    def fill(self) -> None:
        """Write a file until nothing more fits, as a competing writer would."""
        with (self.folder / _FILLER).open("wb", buffering=0) as file:
            for size in (MIB, 4096, 1):
                with suppress(OSError):
                    while file.write(bytes(size)):
                        pass
        assert os.statvfs(self.folder).f_bavail == 0, f"{self.folder} is not full"

    def unfill(self) -> None:
        """Remove that file."""
        (self.folder / _FILLER).unlink()


@contextmanager
def disk(kind: Kind, folder: Path, mib: int) -> Iterator[Disk]:
    """A file system of ``mib`` MiB at ``folder``, which anyone may enter; unmounted when the block ends."""
    need_root()
    folder.mkdir()
    image = folder.with_suffix(".img")
    if kind == "tmpfs":
        run("mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=755", "tmpfs", folder)
    else:
        with image.open("wb") as file:
            file.truncate(mib * MIB)
        run("mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", image)
        run("mount", "-o", "loop", image, folder)
    try:
        yield Disk(kind, folder, image)
    finally:
        run("umount", folder)
