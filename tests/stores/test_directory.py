from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from lading.core.digest import Digest
from lading.core.errors import IntegrityError, NotFoundError, UnavailableError
from lading.core.location import Location
from lading.core.objects import Entries, Kind
from lading.stores.directory import DirectoryStore, open_plain, open_store
from tests.cargo import ABC
from tests.children import child, run_and_kill
from tests.stores.contract import get, put

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ABC_DIGEST = Digest(ABC)
SLOW_WRITER = """
import sys
from pathlib import Path
from lading.core.digest import Digest
from lading.core.location import Location
from lading.stores.directory import DirectoryStore

def chunks():
    yield b"a"
    print("ready", flush=True)
    sys.stdin.readline()
    yield b"bc"

DirectoryStore("file://s", Path(sys.argv[1])).put_blob("m", Digest.of(b"abc"), 3, chunks())
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> DirectoryStore:
    return DirectoryStore("file://store", root)


def _drafts(root: Path) -> list[str]:
    return [path.name for path in (root / ".drafts").iterdir()]


def test_the_layout_is_that_of_a_static_registry(store: DirectoryStore, root: Path) -> None:
    put(store, "acme/m", b"abc")
    store.create_manifest("acme/m", "1.0", b"manifest")
    store.create_manifest("acme/m", f"sha256:{ABC}", b"manifest")
    files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert files == {
        "v2/index.html",
        "v2/acme/m/manifests/1.0",
        f"v2/acme/m/manifests/sha256:{ABC}",
        f"v2/acme/m/blobs/sha256:{ABC}",
    }
    assert (root / f"v2/acme/m/blobs/sha256:{ABC}").read_bytes() == b"abc"
    assert (root / "v2/acme/m/manifests/1.0").read_bytes() == b"manifest"


def test_the_front_page_answers_for_v2_and_is_left_as_a_person_changed_it(
    store: DirectoryStore, root: Path
) -> None:
    put(store, "m", b"abc")
    front = root / "v2/index.html"
    assert front.read_text().startswith("<!doctype html>")
    front.write_text("ours")
    put(store, "m", b"def")
    assert front.read_text() == "ours"


@pytest.mark.parametrize(
    ("umask", "file_mode", "folder_mode"), [(0o022, 0o644, 0o755), (0o027, 0o640, 0o750)]
)
def test_files_and_folders_honour_the_umask(
    store: DirectoryStore, root: Path, umask: int, file_mode: int, folder_mode: int
) -> None:
    before = os.umask(umask)
    try:
        put(store, "m", b"abc")
        store.create_manifest("m", "1", b"x")
    finally:
        os.umask(before)
    paths = list(root.rglob("*"))
    assert {path.stat().st_mode & 0o777 for path in paths if path.is_file()} == {file_mode}
    assert {path.stat().st_mode & 0o777 for path in paths if path.is_dir()} == {folder_mode}


def test_no_draft_remains_after_a_success_or_a_failure(store: DirectoryStore, root: Path) -> None:
    put(store, "m", b"abc")
    store.create_manifest("m", "1", b"x")
    store.create_manifest("m", "1", b"y")
    assert _drafts(root) == []
    with pytest.raises(IntegrityError):
        store.put_blob("m", ABC_DIGEST, 4, [b"abc"])
    assert _drafts(root) == []


def test_the_draft_of_a_killed_writer_is_swept_by_the_next(store: DirectoryStore, root: Path) -> None:
    run_and_kill(SLOW_WRITER, root)
    assert len(_drafts(root)) == 1
    assert store.blob_size("m", ABC_DIGEST) is None
    put(store, "m", b"other")
    assert _drafts(root) == []


def test_the_draft_of_a_live_writer_is_left_to_it(store: DirectoryStore, root: Path) -> None:
    with child(SLOW_WRITER, root) as writer:
        draft = _drafts(root)
        assert len(draft) == 1
        put(store, "m", b"other")
        assert _drafts(root) == draft
        writer.communicate("go on\n", timeout=20)
        assert writer.returncode == 0
    assert get(store, "m", ABC_DIGEST, 0, 3) == b"abc"
    assert _drafts(root) == []


def test_a_damaged_blob_is_replaced_by_putting_it_again(store: DirectoryStore, root: Path) -> None:
    put(store, "m", b"abc")
    (root / f"v2/m/blobs/sha256:{ABC}").write_bytes(b"abX")
    put(store, "m", b"abc")
    assert get(store, "m", ABC_DIGEST, 0, 3) == b"abc"


def test_a_blob_cut_short_on_disk_is_told_with_the_byte_where_it_ends(
    store: DirectoryStore, root: Path
) -> None:
    put(store, "m", b"abc")
    os.truncate(root / f"v2/m/blobs/sha256:{ABC}", 1)
    with pytest.raises(IntegrityError, match=r"ends at byte 1, expected at least 3$"):
        get(store, "m", ABC_DIGEST, 0, 3)


def test_a_reader_keeps_what_it_began_to_read(store: DirectoryStore) -> None:
    content = bytes(2 * 1024 * 1024)
    blob = put(store, "m", content)
    pieces = store.read("m", blob, 0, len(content))
    first = next(pieces)
    put(store, "m", content)
    assert first + b"".join(pieces) == content


def test_a_store_that_is_not_there_is_told_apart_from_a_missing_version(
    store: DirectoryStore, root: Path
) -> None:
    with pytest.raises(NotFoundError) as caught:
        store.manifest("m", "1")
    assert caught.value.code == "no-store"
    assert caught.value.message == f"there is no store at file://store ({root})"
    assert caught.value.hint == "push a model there first"


def test_files_that_are_no_versions_are_not_listed(store: DirectoryStore, root: Path) -> None:
    store.create_manifest("m", "1", b"x")
    for name in (".lading-draft-1", "1~", "x y1", "production", ".DS_Store1"):
        (root / "v2/m/manifests" / name).write_bytes(b"")
    assert store.versions("m") == ["1"]


def test_folders_that_are_no_models_are_not_listed(store: DirectoryStore, root: Path) -> None:
    store.create_manifest("m", "1", b"x")
    for name in ("M", "lost+found", "a b"):
        (root / "v2" / name / "manifests").mkdir(parents=True)
        (root / "v2" / name / "manifests/1").write_bytes(b"")
    assert store.names() == ["m"]


def test_a_file_where_a_model_should_be_has_nothing(store: DirectoryStore, root: Path) -> None:
    put(store, "m", b"abc")
    (root / "v2/file").write_bytes(b"")
    assert store.versions("file") == []
    assert store.blob_size("file", ABC_DIGEST) is None
    with pytest.raises(NotFoundError, match="it has no model 'file'"):
        store.manifest("file", "1")
    with pytest.raises(NotFoundError, match="lacks the blob"):
        get(store, "file", ABC_DIGEST, 0, 1)


def test_what_the_disk_refuses_is_told_as_unavailable(store: DirectoryStore, root: Path) -> None:
    put(store, "m", b"abc")
    (root / "v2/m/manifests/1").mkdir(parents=True)
    blob = root / f"v2/m/blobs/sha256:{ABC}"
    blob.unlink()
    blob.mkdir()
    with pytest.raises(UnavailableError, match="reading from the store") as manifest:
        store.manifest("m", "1")
    with pytest.raises(UnavailableError, match="reading from the store") as read:
        get(store, "m", ABC_DIGEST, 0, 1)
    assert (manifest.value.code, read.value.code) == ("io-error", "io-error")


def test_a_model_that_is_a_link_to_itself_is_told_as_unavailable(store: DirectoryStore, root: Path) -> None:
    (root / "v2").mkdir(parents=True)
    (root / "v2/m").symlink_to("m")
    with pytest.raises(UnavailableError, match="listing the store: "):
        store.versions("m")
    with pytest.raises(UnavailableError, match="looking into the store: "):
        store.blob_size("m", ABC_DIGEST)


def test_a_store_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = DirectoryStore("file://file/store", tmp_path / "file/store")
    with pytest.raises(UnavailableError, match="writing to the store"):
        put(store, "m", b"abc")


@pytest.fixture
def sealed(store: DirectoryStore, root: Path) -> Iterator[DirectoryStore]:
    """The store with one version, on a file system that is mounted read-only."""
    put(store, "m", b"abc")
    store.create_manifest("m", "1", b"x")
    subprocess.run(["mount", "--bind", root, root], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", root, root], check=True)
    try:
        yield store
    finally:
        subprocess.run(["umount", root], check=True)


@pytest.mark.component
def test_a_read_only_store_can_be_read_and_says_that_it_cannot_be_written(sealed: DirectoryStore) -> None:
    assert sealed.manifest("m", "1") == b"x"
    assert get(sealed, "m", ABC_DIGEST, 0, 3) == b"abc"
    with pytest.raises(UnavailableError, match="Read-only file system") as blob:
        put(sealed, "m", b"def")
    with pytest.raises(UnavailableError, match="Read-only file system") as manifest:
        sealed.create_manifest("m", "2", b"x")
    assert (blob.value.code, manifest.value.code) == ("read-only", "read-only")


@pytest.mark.parametrize("url", ["file:///srv/my%20store", "file://localhost/srv/my%20store"])
def test_a_file_url_is_read_as_its_standard_says(tmp_path: Path, url: str) -> None:
    store = open_store(Location(url.replace("/srv", str(tmp_path))), tmp_path / "elsewhere")
    store.create_manifest("m", "1", b"{}")
    assert (tmp_path / "my store" / "v2" / "m" / "manifests" / "1").read_bytes() == b"{}"


def test_plain_files_have_nothing_of_a_stores_beside_them(tmp_path: Path) -> None:
    plain = open_plain(Location("file://plain"), tmp_path)
    plain.put("sub/a.bin", 3, [b"abc"], Kind())
    assert plain.create("b.bin", b"one", Kind())
    assert not plain.create("b.bin", b"two", Kind())
    plain.replace("c.bin", b"c", Kind())
    plain.delete("c.bin")
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")} == {
        "plain", "plain/sub", "plain/sub/a.bin", "plain/b.bin",
    }  # fmt: skip


def test_a_listing_ends_though_links_lead_up_or_nowhere(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.bin").write_bytes(b"abc")
    for name, target in {
        "self": ".",
        "sub/up": "..",
        "gone": "nowhere",
        "b.bin": "a.bin",
        "side": "sub",
    }.items():
        (tmp_path / name).symlink_to(target)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / ".lading-draft-0").touch()
    plain = open_plain(Location(f"file://{tmp_path}"), tmp_path)
    listed = plain.entries("")
    assert listed.folders == ("side", "sub")
    assert [(each.key, each.size) for each in listed.objects] == [("a.bin", 3), ("b.bin", 3)]
    assert plain.entries("sub/") == Entries((), ())
