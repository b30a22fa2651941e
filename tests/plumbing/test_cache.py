from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lading.core.bill import Bill, BlobRef, Metadata
from lading.core.blocks import BlockList
from lading.core.digest import Digest
from lading.core.errors import UnavailableError
from lading.plumbing.cache import Cache, Usage, writable
from tests.cargo import ABC, blocks_of, entry, fill
from tests.children import run_and_kill

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = Digest(ABC)
BLOCKS = BlockList((blocks_of(b"x", 1),)).encode()
BILL = Bill.write("m", "1", [entry("m")], BlobRef(Digest.of(BLOCKS), len(BLOCKS)), Metadata())
WRITER = """
import sys
from pathlib import Path
from lading.plumbing import atomic

with atomic.draft(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def _finish(cache: Cache) -> None:
    with cache.partial(DIGEST, blocks_of(b"abc", 2)) as partial:
        partial.write(0, b"abc")
        partial.finish()


def test_a_file_lies_under_its_digest(cache: Cache) -> None:
    assert cache.has(DIGEST, 3) is False
    _finish(cache)
    assert cache.file(DIGEST) == cache.folder / "files" / "ba" / ABC
    assert cache.file(DIGEST).read_bytes() == b"abc"
    assert cache.has(DIGEST, 3) is True


def test_a_file_of_another_size_is_not_there(cache: Cache) -> None:
    _finish(cache)
    assert cache.has(DIGEST, 4) is False


def test_a_damaged_file_is_forgotten_and_forgetting_again_is_nothing(cache: Cache) -> None:
    _finish(cache)
    cache.drop(DIGEST)
    cache.drop(DIGEST)
    assert cache.has(DIGEST, 3) is False


def test_a_fetch_is_begun_until_it_is_finished(cache: Cache) -> None:
    assert cache.begun(DIGEST) is False
    with cache.partial(DIGEST, blocks_of(b"abc", 2)) as partial:
        assert cache.begun(DIGEST) is True
        partial.write(0, b"abc")
        partial.finish()
    assert cache.begun(DIGEST) is False


def test_a_cache_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UnavailableError, match="opening a partial file"):
        Cache(tmp_path / "file").partial(DIGEST, ())


def test_a_bill_is_kept_with_its_block_list(cache: Cache) -> None:
    assert cache.bill(BILL.digest) is None
    cache.keep_bill(BILL.raw, BLOCKS)
    cache.keep_bill(BILL.raw, BLOCKS)
    assert cache.bill(BILL.digest) == (BILL.raw, BLOCKS)
    assert cache.bill(DIGEST) is None


@pytest.mark.parametrize("suffix", ["json", "blocks"])
@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_damaged_bill_or_block_list_is_not_there_and_is_kept_anew(
    cache: Cache, suffix: str, damage: str
) -> None:
    cache.keep_bill(BILL.raw, BLOCKS)
    path = cache.folder / "bills" / f"{BILL.digest.hex}.{suffix}"
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert cache.bill(BILL.digest) is None
    cache.keep_bill(BILL.raw, BLOCKS)
    assert cache.bill(BILL.digest) == (BILL.raw, BLOCKS)


def test_each_version_has_a_checkout_of_its_own(cache: Cache) -> None:
    assert cache.checkout("acme/m", "1.0", DIGEST) == (
        cache.folder / "checkouts" / "acme" / "m" / "1.0-ba7816bf8f01"
    )


def test_the_stamps_of_a_folder_are_in_the_cache(cache: Cache, tmp_path: Path) -> None:
    fill(tmp_path, {"root/m": b"abc"})
    cache.stamps(tmp_path / "root", "m").record([("m", DIGEST)])
    assert cache.stamps(tmp_path / "root", "m").proven("m", DIGEST) is True
    assert len(list((cache.folder / "stamps").iterdir())) == 1


def test_the_usage_counts_each_kind(cache: Cache) -> None:
    _finish(cache)
    fill(
        cache.folder,
        {"replaced/a": b"12345", "checkouts/m/1/a": b"1", "checkouts/m/1/b": b"22", "other": b"1"},
    )
    (cache.folder / "checkouts/m/dangling").symlink_to("nowhere")
    assert cache.usage() == (
        Usage("files", 1, 3),
        Usage("partial", 0, 0),
        Usage("bills", 0, 0),
        Usage("stamps", 0, 0),
        Usage("checkouts", 2, 3),
        Usage("replaced", 1, 5),
    )


def test_a_cache_that_is_not_there_takes_nothing(cache: Cache) -> None:
    assert sum(usage.size + usage.files for usage in cache.usage()) == 0
    cache.clear()
    assert not cache.folder.exists()


def test_clearing_keeps_what_a_person_may_want_back(cache: Cache) -> None:
    _finish(cache)
    cache.keep_bill(BILL.raw, BLOCKS)
    fill(cache.folder, {"replaced/a": b"12345", "checkouts/m/1/a": b"1"})
    cache.clear()
    assert [usage for usage in cache.usage() if usage.files] == [Usage("replaced", 1, 5)]
    _finish(cache)
    assert cache.has(DIGEST, 3) is True


def test_a_sweep_removes_drafts_and_keeps_partial_files(cache: Cache) -> None:
    with cache.partial(DIGEST, blocks_of(b"abc", 2)):
        pass
    for kind in ("bills", "stamps", "replaced"):
        run_and_kill(WRITER, cache.folder / kind)
    assert [usage.files for usage in cache.usage()] == [0, 1, 1, 1, 0, 1]
    cache.sweep()
    assert [usage.files for usage in cache.usage()] == [0, 1, 0, 0, 0, 0]


def test_a_cache_is_writable_where_its_nearest_folder_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert writable(tmp_path) is True
    assert writable(tmp_path / "not/yet/there") is True
    assert writable(tmp_path / "file") is False
    assert writable(tmp_path / "file/below") is False
