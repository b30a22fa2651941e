"""Stores, projects and whole machines that cannot be written, and users who own nothing."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.cargo import fill, noise
from tests.components.disks import disk
from tests.components.program import Program, project
from tests.components.servers import static_server
from tests.components.tools import NOBODY, need, need_root, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.components.disks import Disk

pytestmark = pytest.mark.component

FILES: Final = {"model.bin": noise(1024 * 1024 + 5), "sub/config.json": b"{}\n"}
_LOCK_DOWN: Final = """
for place in / /tmp /var/tmp; do
    if mountpoint -q $place; then mount -o remount,bind,ro $place || exit 99; fi
done
exec "$@"
"""


@pytest.fixture
def small(public: Path) -> Iterator[Disk]:
    with disk("tmpfs", public / "disk", 32) as made:
        yield made


def test_a_push_to_a_read_only_store_names_it(small: Disk, public: Path) -> None:
    program = declared(public / "project", public, f"file://{small.folder}/store")
    program("push", "m:1.0")
    before = listing(small.folder)
    small.close()
    error = program.error("push", "m:1.1", status=5)
    assert error["code"] == "read-only"
    assert f"{small.folder}/store" in error["message"]
    assert "Read-only file system" in error["message"]
    assert listing(small.folder) == before


def test_a_read_only_store_that_never_was_one_is_named_too(small: Disk, public: Path) -> None:
    program = declared(public / "project", public, f"file://{small.folder}/store")
    small.close()
    error = program.error("push", "m:1.0", status=5)
    assert error["code"] == "read-only"
    assert f"{small.folder}/store" in error["message"]


def test_the_same_push_to_a_read_only_store_succeeds(small: Disk, public: Path) -> None:
    program = declared(public / "project", public, f"file://{small.folder}/store")
    first = program("push", "m:1.0")
    small.close()
    again = program("push", "m:1.0")
    assert (again["uploaded"], again["digest"]) == (0, first["digest"])


def test_a_pull_from_a_read_only_store_works(small: Disk, public: Path) -> None:
    program = declared(public / "project", public, f"file://{small.folder}/store")
    program("push", "m:1.0")
    small.close()
    program("pull", "m:1.0", "--into", public / "into")
    assert program("verify", public / "into")["ok"]
    assert program("verify", "m:1.0")["ok"]


def test_a_pull_to_a_read_only_place_names_it(small: Disk, public: Path) -> None:
    program = declared(public / "project", public, f"file://{public}/store")
    program("push", "m:1.0")
    small.close()
    error = program.error("pull", "m:1.0", "--into", small.folder / "into", status=5)
    assert error["code"] == "read-only"
    assert f"{small.folder}/into" in error["message"]


def test_ensure_in_a_read_only_project_writes_nothing(small: Disk, public: Path) -> None:
    program = placed(small.folder / "project", public)
    small.close()
    before = listing(public)
    done = program("ensure")["models"][0]
    assert (done["tier"], done["fetched"], done["version"]) == ("local", 0, "1.0")
    assert program("ensure", "--check")["ok"]
    assert program("verify")["ok"]
    assert listing(public) == before


@pytest.mark.parametrize("user", [0, NOBODY], ids=["root", "nobody"])
def test_a_machine_without_one_writable_folder_runs_what_is_in_place(user: int, public: Path) -> None:
    program = shut(placed(public / "project", public), user)
    done = program("ensure")["models"][0]
    assert (done["tier"], done["fetched"]) == ("local", 0)
    assert program("ensure", "--check")["ok"]
    assert program("verify")["ok"]
    assert program("ensure", "--", sys.executable, "-c", "print('{}')") == {}


@pytest.mark.parametrize("user", [0, NOBODY], ids=["root", "nobody"])
def test_a_machine_without_one_writable_folder_says_where_it_would_write(user: int, public: Path) -> None:
    program = placed(public / "project", public)
    (public / "project" / "m" / "model.bin").unlink()
    error = shut(program, user).error("ensure", status=5)
    assert error["code"] == "read-only"
    assert "Read-only file system" in error["message"] or "Permission denied" in error["message"]
    assert shut(program, user)("ensure", "--check", status=1)["problems"] == ["m: model.bin is missing"]


def test_another_user_without_a_home_uses_what_is_in_place(public: Path) -> None:
    program = placed(public / "project", public)
    before = listing(public)
    someone = replace(program, environ={"TMPDIR": str(open_to_all(public / "tmp"))}, through=as_user(NOBODY))
    done = someone("ensure")["models"][0]
    assert (done["tier"], done["fetched"]) == ("local", 0)
    assert [path for path in listing(public) if not path.startswith("tmp")] == list(before)


def test_another_user_without_a_home_pulls_through_the_temporary_folder(public: Path) -> None:
    program = placed(public / "project", public)
    scratch = open_to_all(public / "tmp")
    someone = replace(program, environ={"TMPDIR": str(scratch)}, through=as_user(NOBODY))
    done = someone("pull", "m:1.0", "--into", scratch / "into")["models"][0]
    assert done["fetched"] == sum(map(len, FILES.values()))
    assert (scratch / f"lading-{NOBODY}" / "files").is_dir()
    assert someone("verify", scratch / "into")["ok"]


def test_a_temporary_cache_that_someone_else_made_is_left_alone(public: Path) -> None:
    program = placed(public / "project", public)
    scratch = open_to_all(public / "tmp")
    trap = open_to_all(scratch / f"lading-{NOBODY}")
    someone = replace(program, environ={"TMPDIR": str(scratch)}, through=as_user(NOBODY))
    someone("pull", "m:1.0", "--into", scratch / "into")
    assert list(trap.iterdir()) == []
    assert someone("verify", scratch / "into")["ok"]


def test_another_user_who_may_not_write_is_told_where(public: Path) -> None:
    program = placed(public / "project", public)
    (public / "project" / "m" / "model.bin").unlink()
    someone = replace(program, environ={"TMPDIR": str(open_to_all(public / "tmp"))}, through=as_user(NOBODY))
    error = someone.error("ensure", status=5)
    assert error["code"] == "read-only"
    assert f"{public}/project/m" in error["message"]


@pytest.mark.parametrize(("umask", "file", "folder"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700)])
def test_the_files_of_a_store_honour_the_umask(public: Path, umask: int, file: int, folder: int) -> None:
    program = declared(public / "project", public, f"file://{public}/store")
    replace(program, umask=umask)("push", "m:1.0")
    below = list((public / "store" / "v2").rglob("*"))
    assert {path.stat().st_mode & 0o777 for path in below if path.is_file()} == {file}
    assert {path.stat().st_mode & 0o777 for path in below if path.is_dir()} == {folder}


@pytest.mark.parametrize(("umask", "status"), [(0o022, 200), (0o077, 403)])
def test_a_web_server_of_another_user_reads_what_the_umask_lets_it(
    public: Path, umask: int, status: int
) -> None:
    program = declared(public / "project", public, f"file://{public}/store")
    replace(program, umask=umask)("push", "m:1.0")
    with static_server(public / "store", public / "nginx") as address:
        assert answer(f"http://{address}/v2/") == status
        assert answer(f"http://{address}/v2/m/manifests/1.0") == status


def declared(folder: Path, public: Path, store: str) -> Program:
    """A project that declares the model ``m``."""
    program = project(folder, public / "cache", store)
    fill(folder / "m", FILES)
    program("add", "m", "--name", "m")
    return program


def placed(folder: Path, public: Path) -> Program:
    """A project with ``m:1.0`` locked and in its place, and its store beside it."""
    program = declared(folder, public, f"file://{public}/store")
    program("push", "m:1.0")
    program("lock")
    program("pull")
    return program


def shut(program: Program, user: int) -> Program:
    """The same on a machine whose file systems are all read-only, as that user, with an empty environment."""
    need_root()
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _LOCK_DOWN, "sh"]
    return replace(program, environ={}, through=(*words, *as_user(user)))


def as_user(user: int) -> tuple[str, ...]:
    """The words that run a command as that user, who owns nothing and may write nowhere, but read all.

    To read all is a capability, not a mode: the interpreter of the tests may lie in the home of root.
    """
    need_root()
    if user == 0:
        return ()
    read_all = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    words = (need("setpriv"), f"--reuid={user}", f"--regid={user}", "--clear-groups", *read_all)
    run(*words, sys.executable, "-c", "import os, sys, lading.api; os.stat(sys.executable)")
    return words


def open_to_all(folder: Path) -> Path:
    """A folder that is open to all, as ``/tmp`` is."""
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """When and how large everything below a folder was written."""
    found = {path.relative_to(folder).as_posix(): path.lstat() for path in sorted(folder.rglob("*"))}
    return {path: (seen.st_mtime_ns, seen.st_size) for path, seen in found.items()}


def answer(url: str) -> int:
    """The status of an answer over HTTP."""
    try:
        with urlopen(url, timeout=10) as response:
            status: int = response.status
            return status
    except HTTPError as error:
        with error:
            return error.code
