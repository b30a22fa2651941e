from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lading.plumbing.stage import PREFIX, stage, sweep
from tests.cargo import fill

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "model"
    with stage(target) as staged:
        fill(staged.path, {"a.bin": b"a", "sub/b.bin": b"b"})
        assert not target.exists()
        assert staged.publish(target)
    assert (target / "sub/b.bin").read_bytes() == b"b"
    assert [path.name for path in target.parent.iterdir()] == ["model"]


def test_a_folder_that_holds_something_is_left_as_it_is(tmp_path: Path) -> None:
    target = fill(tmp_path / "model", {"mine": b"x"})
    with stage(target) as staged:
        fill(staged.path, {"a.bin": b"a"})
        assert not staged.publish(target)
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "mine"]


def test_a_target_that_cannot_have_the_name_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), stage(tmp_path / "model") as staged:
        staged.publish(tmp_path / "missing" / "model")
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_nothing_behind(tmp_path: Path) -> None:
    def breaking() -> None:
        with stage(tmp_path / "model") as staged:
            fill(staged.path, {"a.bin": b"a"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        breaking()
    assert list(tmp_path.iterdir()) == []


def test_the_stage_of_a_living_writer_is_left_to_it_and_an_abandoned_one_is_not(tmp_path: Path) -> None:
    fill(tmp_path / f"{PREFIX}abandoned", {"a.bin": b"a"})
    with stage(tmp_path / "model") as staged:
        fill(staged.path, {"a.bin": b"a"})
        sweep(tmp_path)
        assert list(tmp_path.iterdir()) == [staged.path]
        assert staged.publish(tmp_path / "model")
