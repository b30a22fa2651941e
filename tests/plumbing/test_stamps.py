from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from lading.core.digest import Digest
from lading.plumbing import atomic
from lading.plumbing.stamps import Stamps
from tests.cargo import ABC, EMPTY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DIGEST, OTHER = Digest(ABC), Digest(EMPTY)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "m").write_bytes(b"abc")
    (folder / "m").chmod(0o644)
    return folder


def _stamps(root: Path, name: str = "acme/m") -> Stamps:
    """The stamps as a new process sees them."""
    return Stamps(root.parent / "stamps", root, name)


def test_a_stamped_file_is_proven_in_later_runs_too(root: Path) -> None:
    stamps = _stamps(root)
    assert (stamps.proven("m", DIGEST), stamps.untouched("m")) == (False, False)
    stamps.record([("m", DIGEST)])
    assert (stamps.proven("m", DIGEST), stamps.untouched("m")) == (True, True)
    assert (_stamps(root).proven("m", DIGEST), _stamps(root).untouched("m")) == (True, True)


def test_another_digest_is_not_proven_though_the_file_is_untouched(root: Path) -> None:
    _stamps(root).record([("m", DIGEST)])
    assert _stamps(root).proven("m", OTHER) is False
    assert _stamps(root).untouched("m") is True


def _touch(path: Path) -> None:
    os.utime(path)


def _rewrite_keeping_the_times(path: Path) -> None:
    before = path.stat()
    path.write_bytes(b"abd")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace(path: Path) -> None:
    before = path.stat()
    atomic.write(path, b"abd")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _link(path: Path) -> None:
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")


@pytest.mark.parametrize(
    "meddle",
    [
        _touch,
        _rewrite_keeping_the_times,
        _replace,
        _link,
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b"longer"),
        lambda path: path.chmod(0o664),
        lambda path: path.chmod(0o646),
        lambda path: path.chmod(0o600),
    ],
)
def test_a_file_that_anything_happened_to_is_neither_proven_nor_untouched(
    root: Path, meddle: Callable[[Path], object]
) -> None:
    _stamps(root).record([("m", DIGEST)])
    meddle(root / "m")
    assert (_stamps(root).proven("m", DIGEST), _stamps(root).untouched("m")) == (False, False)


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666, 0o777])
def test_a_file_that_others_may_write_is_never_stamped(root: Path, mode: int) -> None:
    (root / "m").chmod(mode)
    _stamps(root).record([("m", DIGEST)])
    assert _stamps(root).proven("m", DIGEST) is False


@pytest.mark.component
def test_a_file_of_another_user_is_never_stamped(root: Path) -> None:
    os.chown(root / "m", 12345, -1)
    _stamps(root).record([("m", DIGEST)])
    assert _stamps(root).proven("m", DIGEST) is False


def test_a_folder_and_a_missing_file_are_never_stamped(root: Path) -> None:
    (root / "folder").mkdir()
    stamps = _stamps(root)
    stamps.record([("folder", DIGEST), ("missing", DIGEST), ("m", DIGEST)])
    assert [stamps.proven(path, DIGEST) for path in ("folder", "missing", "m")] == [False, False, True]


def test_stamps_belong_to_one_model_in_one_folder(root: Path) -> None:
    _stamps(root).record([("m", DIGEST)])
    assert _stamps(root, "other").proven("m", DIGEST) is False
    assert Stamps(root.parent / "stamps", root.parent, "acme/m").proven("root/m", DIGEST) is False


def test_recording_takes_the_place_of_what_was_recorded_before(root: Path) -> None:
    (root / "n").write_bytes(b"abc")
    _stamps(root).record([("m", DIGEST), ("n", DIGEST)])
    _stamps(root).record([("n", DIGEST)])
    assert [_stamps(root).proven(path, DIGEST) for path in ("m", "n")] == [False, True]


def test_recording_the_same_writes_nothing(root: Path) -> None:
    _stamps(root).record([("m", DIGEST)])
    (file,) = (root.parent / "stamps").iterdir()
    before = file.stat().st_ino
    _stamps(root).record([("m", DIGEST)])
    assert file.stat().st_ino == before


def test_a_file_is_older_than_a_clock_tick_when_it_is_stamped(root: Path) -> None:
    (root / "m").write_bytes(b"abc")
    _stamps(root).record([("m", DIGEST)])
    assert time.time_ns() - (root / "m").stat().st_ctime_ns >= 10_000_000


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"m": 5}', b'{"m": {}}', b'{"m": []}', b'{"m": null}', b"\xff"]
)
def test_stamps_that_cannot_be_read_prove_nothing_and_are_written_anew(root: Path, content: bytes) -> None:
    _stamps(root).record([("m", DIGEST)])
    (file,) = (root.parent / "stamps").iterdir()
    file.write_bytes(content)
    assert (_stamps(root).proven("m", DIGEST), _stamps(root).untouched("m")) == (False, False)
    _stamps(root).record([("m", DIGEST)])
    assert _stamps(root).proven("m", DIGEST) is True


def test_a_cache_that_cannot_be_written_costs_only_the_speed(root: Path) -> None:
    (root.parent / "stamps").write_bytes(b"a file")
    stamps = _stamps(root)
    stamps.record([("m", DIGEST)])
    assert stamps.proven("m", DIGEST) is True
    assert _stamps(root).proven("m", DIGEST) is False
