"""Disks that are too small, and disks that fill up while lading writes."""

from __future__ import annotations

import hashlib
import re
import signal
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from lading.plumbing.oserror import free_bytes
from tests.cargo import fill, noise
from tests.components.disks import MIB, disk
from tests.components.program import project
from tests.components.tools import need

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.components.disks import Disk, Kind
    from tests.components.program import Program

pytestmark = pytest.mark.component

SMALL: Final = {"a.bin": noise(3 * MIB, 1), "b.bin": noise(5 * MIB, 2), "c.txt": b"small\n"}
MANY: Final = {f"{number}.bin": noise(12 * MIB, number) for number in range(8)}
MANY_BYTES: Final = sum(map(len, MANY.values()))
DRAFT: Final = ".lading-draft-"


@pytest.fixture(params=["tmpfs", "ext4"])
def small(request: pytest.FixtureRequest, public: Path) -> Iterator[Disk]:
    """A disk of 7 MiB."""
    kind: Kind = request.param
    with disk(kind, public / "disk", 7) as made:
        yield made


@pytest.fixture
def roomy(public: Path) -> Iterator[Disk]:
    """A disk that all of ``MANY`` fits on, once."""
    with disk("tmpfs", public / "disk", 130) as made:
        yield made


def test_a_push_that_does_not_fit_leaves_nothing_that_looks_complete(small: Disk, public: Path) -> None:
    program = declared(public, SMALL, store=f"file://{small.folder}/store")
    error = program.error("push", "m:1.0", status=8)
    assert error["code"] == "disk-full"
    assert str(small.folder) in error["message"]
    assert "bytes left" in error["message"]
    assert program("list", "m")["versions"] == []
    assert [path for path in files(small.folder) if "/manifests/" in path or DRAFT in path] == []
    assert [
        path for path in files(small.folder) if "/blobs/" in path and not is_whole(small.folder / path)
    ] == []

    small.grow(32)
    pushed = program("push", "m:1.0")
    assert pushed["uploaded"] > 0
    assert program("verify", "m:1.0")["ok"]
    assert [path for path in files(small.folder) if DRAFT in path] == []


@pytest.mark.parametrize(
    ("place", "cache", "needed"),
    [("disk", "elsewhere", 1), ("elsewhere", "disk", 1), ("disk", "disk", 2)],
    ids=["place", "cache", "both"],
)
def test_a_pull_that_cannot_fit_says_so_before_it_fetches(
    small: Disk, public: Path, place: str, cache: str, needed: int
) -> None:
    pushed(public, SMALL)
    program = project(public / "reader", public / cache / "cache", f"file://{public}/store")
    if needed == 2:
        small.grow(14)  # each alone would fit
    error = program.error("pull", "m:1.0", "--into", public / place / "into", status=8)
    assert error["code"] == "disk-full"
    need, free = map(int, re.findall(r"needs (\d+) bytes .*, (\d+) are free", error["message"])[0])
    assert need == needed * sum(map(len, SMALL.values()))
    assert free < need
    assert "nothing was fetched" in error["message"]
    assert files(small.folder) == []

    small.grow(40)
    done = program("pull", "m:1.0", "--into", public / place / "into")["models"][0]
    assert done["fetched"] == done["size"]
    assert program("verify", public / place / "into")["ok"]


def test_a_cache_that_fills_up_during_a_pull_keeps_what_was_fetched(roomy: Disk, public: Path) -> None:
    pushed(public, MANY)
    cache, into = roomy.folder / "cache", public / "into"
    program = project(public / "reader", cache, f"file://{public}/store")
    words = ["pull", "m:1.0", "--into", into]
    error = fill_during(program, words, roomy, lambda: sizes(cache / "partial") > 0)
    assert error["code"] == "disk-full"
    assert str(roomy.folder) in error["message"]
    assert [path for path in files(cache / "files") if not is_whole(cache / "files" / path)] == []
    assert files(into) == []

    roomy.unfill()
    done = program(*words)["models"][0]
    assert 0 < done["fetched"] < MANY_BYTES
    assert contents(into) == MANY
    assert files(cache / "partial") == []


def test_a_pull_that_was_cut_short_needs_space_for_the_rest_alone(roomy: Disk, public: Path) -> None:
    large = {"large.bin": noise(112 * MIB)}
    pushed(public, large)
    cache, into = roomy.folder / "cache", public / "into"
    program = project(public / "reader", cache, f"file://{public}/store")
    words = ["pull", "m:1.0", "--into", into]
    fill_during(program, words, roomy, lambda: sizes(cache / "partial") > 20 * MIB)
    roomy.unfill()
    assert free_bytes(roomy.folder) < 112 * MIB
    done = program(*words)["models"][0]
    assert 0 < done["fetched"] < 92 * MIB
    assert contents(into) == large


def test_a_place_that_fills_up_during_a_pull_holds_no_half_file(roomy: Disk, public: Path) -> None:
    pushed(public, MANY)
    into = roomy.folder / "into"
    program = project(public / "reader", public / "cache", f"file://{public}/store")
    words = ["pull", "m:1.0", "--into", into]
    error = fill_during(program, words, roomy, lambda: any(DRAFT in path for path in files(into)))
    assert error["code"] == "disk-full"
    assert str(roomy.folder) in error["message"]
    assert contents(into).items() <= MANY.items()
    assert "lading.json" not in files(into)
    assert [path for path in files(into) if DRAFT in path] == []

    roomy.unfill()
    done = program(*words)["models"][0]
    assert done["fetched"] == 0
    assert contents(into) == MANY


def test_a_store_that_fills_up_during_a_push_is_completed_by_the_next(roomy: Disk, public: Path) -> None:
    program = declared(public, MANY, store=f"file://{roomy.folder}/store")
    drafts = roomy.folder / "store" / ".drafts"
    error = fill_during(program, ["push", "m:1.0"], roomy, lambda: sizes(drafts) > 0)
    assert error["code"] == "disk-full"
    assert program("list", "m")["versions"] == []
    assert files(drafts) == []

    roomy.unfill()
    program("push", "m:1.0")
    assert program("verify", "m:1.0")["ok"]


def declared(public: Path, content: Mapping[str, bytes], store: str | None = None) -> Program:
    """A project that declares the model ``m``."""
    program = project(public / "project", public / "writer-cache", store or f"file://{public}/store")
    fill(public / "project" / "m", content)
    program("add", "m", "--name", "m")
    return program


def pushed(public: Path, content: Mapping[str, bytes]) -> None:
    """Put ``m:1.0`` in the store that lies in ``public``."""
    declared(public, content)("push", "m:1.0")


def fill_during(
    program: Program, words: list[object], full: Disk, begun: Callable[[], bool]
) -> dict[str, str]:
    """The error of a command whose disk another writer fills as soon as it has ``begun`` to write there."""
    # Nice, so that on a busy machine the watcher is not the later of the two.
    with replace(program, through=(need("nice"), "-n", "5")).begin(*words) as process:
        try:
            _wait(process, begun)
            process.send_signal(signal.SIGSTOP)  # or it might be done before the disk is full
            full.fill()
        finally:
            process.send_signal(signal.SIGCONT)
        out, err = process.communicate(timeout=60)
    error: dict[str, str] = program.said(process.returncode, out, err, 8)["error"]
    return error


def _wait(process: subprocess.Popen[bytes], begun: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not begun():
        assert process.poll() is None, "it ended before the disk could be filled"
        assert time.monotonic() < until, "it did not begin to write"
        time.sleep(0.001)


def files(folder: Path) -> list[str]:
    """The paths of the files below a folder."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "filler" and "stamps" not in path.parts
    )


def sizes(folder: Path) -> int:
    """The bytes of the files in a folder; files may come and go meanwhile."""
    try:
        return sum(path.stat().st_size for path in folder.iterdir())
    except FileNotFoundError:
        return 0


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a model below a folder."""
    return {path: (folder / path).read_bytes() for path in files(folder) if path != "lading.json"}


def is_whole(path: Path) -> bool:
    """Whether the content of a file is what its name says."""
    return hashlib.sha256(path.read_bytes()).hexdigest() == path.name.removeprefix("sha256:")
