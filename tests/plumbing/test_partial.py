from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import pytest

from lading.core.errors import BudgetError, NotFoundError
from lading.plumbing.partial import Partial, boot_id
from tests.cargo import blocks_of, noise
from tests.children import child, run_and_kill

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CONTENT = noise(1000)
BLOCKS = blocks_of(CONTENT, 300)
PLACES = [0, *accumulate(block.length for block in BLOCKS)]
CHILD = """
import sys
from pathlib import Path
from lading.plumbing.partial import Partial
from tests.plumbing.test_partial import BLOCKS, put

folder, whose = Path(sys.argv[1]), sys.argv[2]
with Partial(folder / "digest", folder / "files/digest", BLOCKS) as partial:
    put(partial, map(int, whose))
    print("ready", flush=True)
    sys.stdin.readline()
    put(partial, [0, 1, 2, 3])
    partial.finish()
"""


def put(partial: Partial, numbers: Iterable[int]) -> None:
    for number in numbers:
        place = PLACES[number]
        partial.write(place, CONTENT[place : place + BLOCKS[number].length])


def _begin(folder: Path) -> Partial:
    return Partial(folder / "digest", folder / "files/digest", BLOCKS)


def _file(folder: Path) -> Path:
    return folder / f"digest.{boot_id()}"


def _there(partial: Partial) -> list[bool]:
    """For each block in order, whether it is present."""
    present = partial.present()
    assert present <= set(PLACES)
    return [place in present for place in PLACES[:4]]


def test_the_boot_id_is_that_of_the_kernel() -> None:
    assert len(boot_id()) == 36
    assert boot_id() == boot_id()


def test_blocks_written_in_any_order_make_the_file(tmp_path: Path) -> None:
    with _begin(tmp_path) as partial:
        assert _there(partial) == [False] * 4
        put(partial, [3, 1])
        assert _there(partial) == [False, True, False, True]
        assert partial.read(PLACES[1], 300) == CONTENT[300:600]
        put(partial, [0, 2])
        assert _there(partial) == [True] * 4
        partial.finish()
    assert (tmp_path / "files/digest").read_bytes() == CONTENT
    assert not _file(tmp_path).exists()


def test_what_is_begun_is_taken_up_again(tmp_path: Path) -> None:
    with _begin(tmp_path) as partial:
        put(partial, [0, 2])
    with _begin(tmp_path) as partial:
        assert _there(partial) == [True, False, True, False]


def test_what_a_killed_process_wrote_is_taken_up(tmp_path: Path) -> None:
    run_and_kill(CHILD, tmp_path, "01")
    with _begin(tmp_path) as partial:
        assert _there(partial) == [True, True, False, False]


@pytest.mark.parametrize("place", [0, 299, 300, 599, 600, 899, 900, 999])
def test_a_wrong_block_is_not_present(tmp_path: Path, place: int) -> None:
    with _begin(tmp_path) as partial:
        put(partial, range(4))
    broken = bytearray(CONTENT)
    broken[place] ^= 1
    _file(tmp_path).write_bytes(broken)
    with _begin(tmp_path) as partial:
        assert _there(partial) == [number != place // 300 for number in range(4)]
        put(partial, [place // 300])
        assert _there(partial) == [True] * 4


@pytest.mark.parametrize(
    ("size", "whole"), [(0, 0), (299, 0), (300, 1), (899, 2), (999, 3), (1000, 4), (1001, 4)]
)
def test_a_file_that_was_cut_has_the_blocks_before_the_cut(tmp_path: Path, size: int, whole: int) -> None:
    _file(tmp_path).write_bytes((CONTENT + b"more")[:size])
    with _begin(tmp_path) as partial:
        assert _there(partial) == [True] * whole + [False] * (4 - whole)


def test_a_partial_file_of_another_boot_is_taken_up_and_proven(tmp_path: Path) -> None:
    older = tmp_path / "digest.00000000-0000-0000-0000-000000000000"
    older.write_bytes(CONTENT[:600] + b"\0" * 400)
    with _begin(tmp_path) as partial:
        assert _there(partial) == [True, True, False, False]
    assert [path.name for path in tmp_path.iterdir()] == [f"digest.{boot_id()}"]


def test_a_partial_file_of_this_boot_goes_before_one_of_another(tmp_path: Path) -> None:
    (tmp_path / "digest.other-boot").write_bytes(CONTENT)
    _file(tmp_path).write_bytes(b"")
    with _begin(tmp_path) as partial:
        assert _there(partial) == [False] * 4


def test_a_partial_file_of_another_digest_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "digest2.other-boot").write_bytes(CONTENT)
    with _begin(tmp_path) as partial:
        assert _there(partial) == [False] * 4
    assert (tmp_path / "digest2.other-boot").exists()


def test_two_processes_write_one_file(tmp_path: Path) -> None:
    with child(CHILD, tmp_path, "01") as other, _begin(tmp_path) as ours:
        assert _there(ours) == [True, True, False, False]
        put(ours, [2, 3])
        ours.finish()
        assert (tmp_path / "files/digest").read_bytes() == CONTENT
        other.communicate("go on\n", timeout=20)
        assert other.returncode == 0
    assert (tmp_path / "files/digest").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["files"]


def test_the_second_to_finish_leaves_the_file_of_the_first(tmp_path: Path) -> None:
    with _begin(tmp_path) as one:
        put(one, range(4))
        one.finish()
    first = (tmp_path / "files/digest").stat().st_ino
    with _begin(tmp_path) as two:
        put(two, range(4))
        two.finish()
    assert (tmp_path / "files/digest").stat().st_ino == first
    assert not _file(tmp_path).exists()


def test_a_name_that_was_taken_away_before_the_end_is_an_error(tmp_path: Path) -> None:
    with _begin(tmp_path) as partial:
        put(partial, range(4))
        _file(tmp_path).unlink()
        with pytest.raises(NotFoundError, match="finishing a file in the cache"):
            partial.finish()


def test_a_discarded_file_is_gone_and_discarding_again_is_nothing(tmp_path: Path) -> None:
    with _begin(tmp_path) as partial:
        put(partial, range(4))
        partial.discard()
        partial.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_no_bytes_has_no_blocks_and_is_finished_at_once(tmp_path: Path) -> None:
    with Partial(tmp_path / "digest", tmp_path / "files/digest", ()) as partial:
        assert partial.present() == set()
        partial.finish()
    assert (tmp_path / "files/digest").read_bytes() == b""


def test_a_full_disk_is_told_with_what_to_do(tmp_path: Path) -> None:
    _file(tmp_path).symlink_to("/dev/full")
    with _begin(tmp_path) as partial, pytest.raises(BudgetError) as caught:
        put(partial, [0])
    assert caught.value.code == "disk-full"
    assert "point LADING_CACHE_DIR or the store at another disk" in caught.value.hint
