"""Where the cache goes: where the environment says, or a temporary folder that is ours alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lading import api
from lading.wiring import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.yard import Yard

ME = os.geteuid()


def chosen(folder: Path, **environ: str) -> Path:
    """The cache's folder in that environment and no other."""
    return Workspace.open(folder, environ).cache.folder


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A temporary folder as users share one."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


def test_what_the_environment_names_goes_before_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    given, base, home = str(tmp_path / "given"), str(tmp_path / "base"), str(tmp_path / "home")
    assert chosen(tmp_path, LADING_CACHE_DIR=given, XDG_CACHE_HOME=base, HOME=home) == tmp_path / "given"
    assert chosen(tmp_path, XDG_CACHE_HOME=base, HOME=home) == tmp_path / "base" / "lading"
    found = chosen(tmp_path, HOME=home)
    assert found.is_relative_to(tmp_path / "home")
    assert found.name == "lading"


def test_a_relative_cache_folder_counts_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert chosen(tmp_path, LADING_CACHE_DIR="kept") == tmp_path / "kept"


@pytest.mark.parametrize("home", [{}, {"HOME": ""}, {"HOME": "/"}], ids=["none", "empty", "root"])
def test_without_a_home_the_cache_is_temporary_even_for_root(
    tmp_path: Path, shared: Path, home: dict[str, str]
) -> None:
    assert chosen(tmp_path, TMPDIR=str(shared), **home) == shared / f"lading-{ME}"


def test_a_home_that_cannot_be_written_leaves_the_temporary_folder(tmp_path: Path, shared: Path) -> None:
    (tmp_path / "file").write_bytes(b"no folder")
    base = str(tmp_path / "file" / "below")
    assert chosen(tmp_path, XDG_CACHE_HOME=base, TMPDIR=str(shared)) == shared / f"lading-{ME}"


def test_without_tmpdir_the_temporary_folder_is_tmp(tmp_path: Path) -> None:
    found = chosen(tmp_path)
    assert found.parent == Path("/tmp")
    assert found.name.startswith(f"lading-{ME}")


def linked(folder: Path) -> None:
    elsewhere = folder.with_name("elsewhere")
    elsewhere.mkdir()
    folder.symlink_to(elsewhere)


def given_away(folder: Path) -> None:
    folder.mkdir()
    if ME:
        pytest.skip("only root can give a folder away")
    os.chown(folder, 12345, -1)


def open_to_all(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


def a_file(folder: Path) -> None:
    folder.write_bytes(b"")


@pytest.mark.parametrize("prepare", [linked, given_away, open_to_all, a_file])
def test_a_temporary_folder_that_somebody_else_may_have_made_is_not_used(
    tmp_path: Path, shared: Path, prepare: Callable[[Path], None]
) -> None:
    guessed = shared / f"lading-{ME}"
    prepare(guessed)
    first, second = (chosen(tmp_path, TMPDIR=str(shared)) for _ in range(2))
    assert first.parent == second.parent == shared
    assert len({guessed, first, second}) == 3, "a name that nobody can guess, another each time"


def test_a_temporary_folder_of_our_own_is_used_again(tmp_path: Path, shared: Path) -> None:
    (shared / f"lading-{ME}").mkdir(mode=0o700)
    assert chosen(tmp_path, TMPDIR=str(shared)) == shared / f"lading-{ME}"


def test_a_pull_without_a_home_fills_the_temporary_folder(
    yard: Yard, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    yard.stock({"a.bin": b"x"})
    for name in ("LADING_CACHE_DIR", "HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("TMPDIR", str(shared))
    yard.pull("m:1.0")
    assert api.cache(project=yard.folder)[0] == shared / f"lading-{ME}"
    assert (shared / f"lading-{ME}" / "files").is_dir()
    assert not (shared / f"lading-{ME}").stat().st_mode & 0o022
