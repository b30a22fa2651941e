from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.core.blocks import MAX_LIST_BYTES, Block, BlockList, average_for, usable_average
from lading.core.errors import IntegrityError

KIB = 1024
GIB = 1024**3

BLOCKS = st.builds(Block, st.integers(1, 2**32 - 1), st.binary(min_size=32, max_size=32))
LISTS = st.builds(
    BlockList,
    st.lists(st.lists(BLOCKS, max_size=3).map(tuple), max_size=4).map(tuple),
    st.integers(1, 2**32 - 1),
)
TWO = BlockList(((Block(3, b"a" * 32), Block(4, b"b" * 32)), (), (Block(5, b"c" * 32),)), 65536)


def _refusal(raw: bytes) -> str:
    with pytest.raises(IntegrityError) as caught:
        BlockList.parse(raw)
    assert caught.value.code == "bad-blocks"
    return caught.value.message


@given(LISTS)
def test_a_block_list_reads_back_from_its_bytes(blocks: BlockList) -> None:
    assert BlockList.parse(blocks.encode()) == blocks


def test_the_bytes_of_a_block_list_are_these() -> None:
    assert BlockList(((Block(258, b"d" * 32),), ()), 65536).encode() == (
        b"LADBLKS1" b"\x02\x00\x00\x00" b"\x00\x00\x01\x00"
        b"\x01\x00\x00\x00" b"\x02\x01\x00\x00" + b"d" * 32 + b"\x00\x00\x00\x00"
    )  # fmt: skip


@pytest.mark.parametrize("length", range(len(TWO.encode())))
def test_a_list_cut_short_anywhere_is_refused(length: int) -> None:
    assert "cut short" in _refusal(TWO.encode()[:length])


@given(st.binary(min_size=1, max_size=40))
def test_bytes_after_the_list_are_refused(more: bytes) -> None:
    assert _refusal(TWO.encode() + more) == f"the block list has {len(more)} bytes too many"


@pytest.mark.parametrize(
    ("place", "lie", "message"),
    [
        (8, 2, "the block list has 40 bytes too many"),
        (8, 4, "the block list is cut short"),
        (8, 2**32 - 1, "the block list is cut short"),
        (16, 1, "cut short: 4 blocks announced, 2 there"),
        (16, 3, "holds a block of no length"),
        (16, 2**32 - 1, "cut short: 4294967295 blocks announced, 3 there"),
    ],
)
def test_a_count_that_lies_is_refused(place: int, lie: int, message: str) -> None:
    raw = bytearray(TWO.encode())
    struct.pack_into("<I", raw, place, lie)
    assert message in _refusal(bytes(raw))


def test_a_block_of_no_length_is_refused() -> None:
    raw = BlockList(((Block(0, b"a" * 32),),)).encode()
    assert _refusal(raw) == "the block list holds a block of no length"


def test_another_magic_is_refused() -> None:
    assert _refusal(b"LADBLKS2" + TWO.encode()[8:]) == (
        "not a block list: expected b'LADBLKS1', got b'LADBLKS2'"
    )


def test_a_list_over_64_mib_is_refused_before_it_is_read() -> None:
    assert _refusal(bytes(MAX_LIST_BYTES + 1)) == "the block list has 67108865 bytes; at most 67108864"


def test_blocks_that_sum_to_the_sizes_are_accepted() -> None:
    TWO.check_sizes(["a", "b", "c"], [7, 0, 5])
    with pytest.raises(IntegrityError):
        TWO.check_sizes(["a", "b", "c"], [7, 5, 0])


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([7, 0], "the bill has 2 files, its block list speaks of 3"),
        ([7, 0, 5, 0], "the bill has 4 files, its block list speaks of 3"),
        ([8, 0, 5], "'f0' has 8 bytes in the bill, its blocks sum to 7"),
        ([7, 1, 5], "'f1' has 1 bytes in the bill, its blocks sum to 0"),
        ([7, 0, 4], "'f2' has 4 bytes in the bill, its blocks sum to 5"),
    ],
)
def test_a_list_that_speaks_of_other_files_is_refused_naming_the_file(sizes: list[int], message: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        TWO.check_sizes([f"f{number}" for number in range(len(sizes))], sizes)
    assert (caught.value.code, caught.value.message) == ("bad-blocks", message)


@pytest.mark.parametrize(
    ("total", "average"),
    [(0, 32 * KIB), (1, 32 * KIB), (32 * GIB, 32 * KIB), (32 * GIB + 1, 64 * KIB), (1024 * GIB, 1024 * KIB)],
)
def test_the_average_grows_so_that_the_list_stays_under_half_its_limit(total: int, average: int) -> None:
    assert average_for(total) == average


@given(st.integers(0, 2**42))
def test_the_list_of_any_model_stays_under_its_limit(total: int) -> None:
    assert total // average_for(total) * 36 <= 36 * 2**20


@pytest.mark.parametrize(
    ("average", "usable"), [(0, False), (1, False), (32 * KIB, True), (33 * KIB, False), (2**31, False)]
)
def test_an_average_that_no_writer_chose_is_not_kept(average: int, usable: bool) -> None:
    assert usable_average(average) is usable


def test_the_average_ends_where_the_library_that_cuts_does() -> None:
    assert average_for(2**60) == 4096 * KIB
