from __future__ import annotations

from pathlib import Path

import pytest

from lading.core.digest import Digest
from lading.core.errors import IntegrityError, PolicyError
from lading.plumbing import atomic
from lading.plumbing.place import check_inside, copy, keep_replaced
from tests.cargo import ABC, noise

CONTENT = noise(3 * 1024 * 1024 + 5)


def _copied(source: Path, target: Path, digest: Digest) -> None:
    with atomic.draft(target.parent) as draft:
        copy(source, draft, digest)
        draft.replace(target)


@pytest.mark.parametrize("content", [b"", b"abc", CONTENT], ids=len)
def test_a_copy_is_a_writable_file_of_its_own(tmp_path: Path, content: bytes) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(content)
    _copied(source, target, Digest.of(content))
    assert target.read_bytes() == content
    assert target.stat().st_nlink == 1
    target.write_bytes(b"changed")
    assert source.read_bytes() == content


def test_a_copy_between_file_systems_falls_back_to_reading(tmp_path: Path) -> None:
    with Path("/dev/shm", f"lading-{tmp_path.name}").open("w+b") as source:
        Path(source.name).unlink()
        source.write(CONTENT)
        source.flush()
        _copied(Path(f"/proc/self/fd/{source.fileno()}"), tmp_path / "target", Digest.of(CONTENT))
    assert (tmp_path / "target").read_bytes() == CONTENT


@pytest.mark.parametrize("damaged", [b"abd", b"ab", b"abcd", b""])
def test_a_copy_that_is_not_what_it_should_be_is_refused(tmp_path: Path, damaged: bytes) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(damaged)
    with pytest.raises(IntegrityError) as caught:
        _copied(source, target, Digest(ABC))
    assert caught.value.code == "bad-file"
    assert f"expected sha256:{ABC}, got {Digest.of(damaged)}" in caught.value.message
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


@pytest.mark.parametrize("path", ["f", "a/f", "new/deep/f", "inner/f"])
def test_a_target_below_its_root_is_accepted(tmp_path: Path, path: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "inner").symlink_to("a")
    check_inside(tmp_path / path, tmp_path)
    assert not (tmp_path / "new").exists()


def test_a_root_that_is_itself_a_link_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "root").symlink_to("real")
    check_inside(tmp_path / "root/a/f", tmp_path / "root")
    with pytest.raises(PolicyError):
        check_inside(tmp_path / "root/../f", tmp_path / "root")


@pytest.mark.parametrize("leads", ["/etc", "..", "../elsewhere", "up"])
def test_a_target_behind_a_link_that_leads_out_is_refused(tmp_path: Path, leads: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "up").symlink_to("..")
    (root / "link").symlink_to(leads)
    with pytest.raises(PolicyError) as caught:
        check_inside(root / "link/f", root)
    assert caught.value.code == "link-out"
    assert caught.value.hint == f"remove the link below {root}"


def test_a_link_that_leads_to_itself_is_no_crash(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("link")
    with pytest.raises(PolicyError) as caught:
        check_inside(tmp_path / "link/f", tmp_path)
    assert caught.value.code == "link-out"


def test_what_is_replaced_is_kept_under_the_digest_of_its_content(tmp_path: Path) -> None:
    target = tmp_path / "model.bin"
    target.write_bytes(b"abc")
    kept = keep_replaced(target, tmp_path / "replaced")
    assert kept == tmp_path / "replaced" / "ba7816bf8f01cfea-model.bin"
    assert kept.read_bytes() == b"abc"
    assert target.read_bytes() == b"abc"


def test_the_same_content_is_kept_once_and_other_content_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "model.bin"
    for content in (b"abc", b"abc", b"def"):
        target.write_bytes(content)
        keep_replaced(target, tmp_path / "replaced")
    assert sorted(path.read_bytes() for path in (tmp_path / "replaced").iterdir()) == [b"abc", b"def"]


def test_nothing_is_kept_where_there_was_nothing(tmp_path: Path) -> None:
    assert keep_replaced(tmp_path / "missing", tmp_path / "replaced") is None
    assert keep_replaced(tmp_path, tmp_path / "replaced") is None
    assert not (tmp_path / "replaced").exists()
