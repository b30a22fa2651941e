from __future__ import annotations

import fcntl
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from lading.core.errors import UnavailableError
from lading.plumbing import atomic
from tests.children import child, run_and_kill
from tests.counts import KILLS

if TYPE_CHECKING:
    from pathlib import Path

WRITER = """
import sys
from pathlib import Path
from lading.plumbing import atomic

target, step = Path(sys.argv[1]), sys.argv[2]
with atomic.draft(target.parent) as made:
    made.file.write(b"new" * 100_000)
    if step == "flushed":
        made.flush()
    if step == "created":
        made.create(target)
    if step == "replaced":
        made.replace(target)
    print("ready", flush=True)
    sys.stdin.readline()
"""
LOOP = """
import sys
from pathlib import Path
from lading.plumbing import atomic

print("ready", flush=True)
number = 0
while True:
    number += 1
    atomic.write(Path(sys.argv[1]), bytes([number % 256]) * 300_000)
"""


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_draft_gets_its_name_only_when_it_is_told(tmp_path: Path) -> None:
    target = tmp_path / "a/b/target"
    with atomic.draft(tmp_path / "drafts") as made:
        made.file.write(b"content")
        assert not target.exists()
        assert made.create(target) is True
        assert target.read_bytes() == b"content"
    assert _names(tmp_path / "drafts") == []
    assert target.stat().st_nlink == 1


def test_create_leaves_what_has_the_name(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")
    with atomic.draft(tmp_path) as made:
        made.file.write(b"new")
        assert made.create(target) is False
    assert target.read_bytes() == b"old"
    assert _names(tmp_path) == ["target"]


def test_create_leaves_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.symlink_to("nowhere")
    with atomic.draft(tmp_path) as made:
        assert made.create(target) is False
    assert target.is_symlink()


def test_replace_takes_the_place_of_what_has_the_name(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")
    with target.open("rb") as reader:
        with atomic.draft(tmp_path) as made:
            made.file.write(b"new")
            made.replace(target)
        assert reader.read() == b"old"
    assert target.read_bytes() == b"new"
    assert _names(tmp_path) == ["target"]


def test_replace_does_not_write_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"old")
    target = tmp_path / "target"
    target.symlink_to("elsewhere")
    atomic.write(target, b"new")
    assert (tmp_path / "elsewhere").read_bytes() == b"old"
    assert (target.is_symlink(), target.read_bytes()) == (False, b"new")


def test_many_drafts_get_their_names_together(tmp_path: Path) -> None:
    targets = [tmp_path / "x" / str(number) / "f" for number in range(5)]
    with atomic.draft(tmp_path) as one, atomic.draft(tmp_path) as two:
        one.file.write(b"1")
        two.file.write(b"2")
        atomic.replace_all([(one, targets[0]), (two, targets[1])])
        assert [target.exists() for target in targets[:3]] == [True, True, False]
    assert [target.read_bytes() for target in targets[:2]] == [b"1", b"2"]


def test_a_draft_is_gone_when_its_block_ends_whatever_happened(tmp_path: Path) -> None:
    with atomic.draft(tmp_path) as made:
        assert _names(tmp_path) == [made.path.name]
    assert _names(tmp_path) == []
    with pytest.raises(ZeroDivisionError), atomic.draft(tmp_path):
        _ = 1 / 0
    assert _names(tmp_path) == []


@pytest.mark.parametrize(("mode", "expected"), [(0o666, 0o640), (0o600, 0o600), (0o644, 0o640)])
def test_the_umask_is_honoured(tmp_path: Path, mode: int, expected: int) -> None:
    before = os.umask(0o027)
    try:
        atomic.write(tmp_path / "sub/target", b"x", mode=mode)
    finally:
        os.umask(before)
    assert (tmp_path / "sub/target").stat().st_mode & 0o777 == expected
    assert (tmp_path / "sub").stat().st_mode & 0o777 == 0o750


def test_writing_below_a_file_is_told_as_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UnavailableError) as caught:
        atomic.write(tmp_path / "file/target", b"x")
    assert caught.value.message.startswith(f"writing: {tmp_path}/file/target: ")


@pytest.mark.parametrize("step", ["written", "flushed"])
def test_a_writer_killed_before_the_end_leaves_the_target_and_a_draft_to_sweep(
    tmp_path: Path, step: str
) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")
    run_and_kill(WRITER, target, step)
    assert target.read_bytes() == b"old"
    assert len(_names(tmp_path)) == 2
    atomic.sweep(tmp_path)
    assert _names(tmp_path) == ["target"]


@pytest.mark.parametrize(("step", "there"), [("created", b"old"), ("replaced", b"new" * 100_000)])
def test_a_writer_killed_after_the_end_leaves_what_it_did(tmp_path: Path, step: str, there: bytes) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")
    run_and_kill(WRITER, target, step)
    atomic.sweep(tmp_path)
    assert target.read_bytes() == there
    assert _names(tmp_path) == ["target"]


@pytest.mark.parametrize("kill", range(KILLS))
def test_a_target_is_whole_whenever_its_writer_is_killed(tmp_path: Path, kill: int) -> None:
    target = tmp_path / "target"
    target.write_bytes(bytes(300_000))
    with child(LOOP, target) as writer:
        time.sleep(0.01 + 0.003 * kill)
        writer.kill()
        writer.wait(10)
    atomic.sweep(tmp_path)
    assert _names(tmp_path) == ["target"]
    content = target.read_bytes()
    assert content == content[:1] * 300_000


def test_a_sweep_leaves_the_draft_of_a_live_writer(tmp_path: Path) -> None:
    target = tmp_path / "target"
    with child(WRITER, target, "written"):
        before = _names(tmp_path)
        atomic.sweep(tmp_path)
        assert _names(tmp_path) == before
        assert len(before) == 1


def test_a_sweep_removes_nothing_but_drafts(tmp_path: Path) -> None:
    for name in ("file", ".hidden", "x.lading-draft-1", ".lading-draft-1"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / ".lading-draft-folder").mkdir()
    atomic.sweep(tmp_path)
    assert _names(tmp_path) == [".hidden", ".lading-draft-folder", "file", "x.lading-draft-1"]


def test_a_sweep_of_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    atomic.sweep(tmp_path / "missing")
    assert _names(tmp_path) == []


def test_drafts_survive_the_sweeps_of_other_writers(tmp_path: Path) -> None:
    def write(number: int) -> bool:
        atomic.sweep(tmp_path)
        with atomic.draft(tmp_path) as made:
            atomic.sweep(tmp_path)
            return made.create(tmp_path / "out" / str(number))

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(write, range(800))) == [True] * 800
    assert _names(tmp_path) == ["out"]


def test_a_draft_in_the_making_is_begun_anew_when_a_sweep_got_hold_of_it(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "draft", os.O_RDWR | os.O_CREAT)
    sweeper = os.open(tmp_path / "draft", os.O_RDWR)
    fcntl.flock(sweeper, fcntl.LOCK_EX)
    assert atomic.hold(descriptor) is False
    os.close(sweeper)
    assert atomic.hold(descriptor) is True
    os.close(descriptor)


def test_folders_are_made_with_their_parents_and_made_again_is_a_success(tmp_path: Path) -> None:
    atomic.make_folder(tmp_path / "a/b/c")
    atomic.make_folder(tmp_path / "a/b/c")
    assert (tmp_path / "a/b/c").is_dir()


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileExistsError):
        atomic.make_folder(tmp_path / "file/below")
