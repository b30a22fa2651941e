from __future__ import annotations

import hashlib
import io
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.core.digest import Digest
from lading.core.errors import IntegrityError
from lading.core.runs import Run
from lading.plumbing.proof import hash_file, proven
from tests.cargo import ABC, noise

CONTENT = noise(60)
LENGTHS = [1, 7, 0, 20, 32]


def _runs(lengths: list[int] = LENGTHS, *, start: int = 1000) -> list[Run]:
    places = [0, *accumulate(lengths)]
    return [
        Run(start + place, length, hashlib.sha256(CONTENT[place : place + length]).digest(), 3, place)
        for place, length in zip(places, lengths, strict=False)
    ]


def _pieces(content: bytes, cuts: list[int]) -> list[bytes]:
    ends = [*sorted(cut % (len(content) + 1) for cut in cuts), len(content)]
    return [content[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@given(st.lists(st.integers(0, 60), max_size=8))
def test_right_runs_are_passed_on_however_the_bytes_come(cuts: list[int]) -> None:
    runs = _runs()
    got = list(proven(_pieces(CONTENT, cuts), runs, "the layer"))
    assert [run for run, _ in got] == runs
    assert [len(data) for _, data in got] == LENGTHS
    assert b"".join(data for _, data in got) == CONTENT


@pytest.mark.parametrize("place", range(60))
def test_every_flipped_byte_is_found_and_only_the_runs_before_it_are_passed_on(place: int) -> None:
    broken = bytearray(CONTENT)
    broken[place] ^= 0x80
    got: list[bytes] = []
    with pytest.raises(IntegrityError) as caught:
        got.extend(data for _, data in proven([bytes(broken)], _runs(), "the layer"))
    assert caught.value.code == "bad-block"
    passed = b"".join(got)
    assert passed == CONTENT[: len(passed)]
    assert len(passed) == max(end for end in (0, 1, 8, 28) if end <= place)


def test_a_bad_block_says_where_it_lies_and_what_was_expected() -> None:
    with pytest.raises(IntegrityError) as caught:
        list(proven([bytes(60)], _runs([60]), "s3://b: the layer"))
    assert caught.value.message == (
        "s3://b: the layer: a block of 60 bytes at byte 1000 is not what the bill says: "
        f"expected {Digest.of(CONTENT)}, got {Digest.of(bytes(60))}"
    )


def test_a_bad_header_is_told_apart_from_a_bad_block() -> None:
    header = Run(0, 3, bytes.fromhex(ABC), None, 0)
    with pytest.raises(IntegrityError, match=r"the layer: a tar header of 3 bytes at byte 0 "):
        list(proven([b"abd"], [header], "the layer"))
    assert list(proven([b"abc"], [header], "the layer")) == [(header, b"abc")]


@pytest.mark.parametrize("length", range(60))
def test_bytes_that_end_too_soon_are_refused_after_the_runs_that_were_whole(length: int) -> None:
    got: list[bytes] = []
    with pytest.raises(IntegrityError) as caught:
        got.extend(data for _, data in proven([CONTENT[:length]], _runs(), "the layer"))
    assert caught.value.code == "truncated-blob"
    assert caught.value.message.startswith(f"the layer ends at byte {1000 + length}, expected ")
    assert len(b"".join(got)) == max(end for end in (0, 1, 8, 28) if end <= length)


def test_bytes_after_the_last_run_are_left_alone() -> None:
    assert len(list(proven([CONTENT + b"more"], _runs(), "the layer"))) == 5


def test_nothing_expected_reads_nothing() -> None:
    source = iter([b"x"])
    assert list(proven(source, [], "the layer")) == []
    assert next(source) == b"x"


def test_no_more_is_read_than_the_next_run_needs() -> None:
    source = iter([CONTENT[:1], CONTENT[1:8], CONTENT[8:]])
    runs = proven(source, _runs(), "the layer")
    next(runs)
    assert next(source) == CONTENT[1:8]


def test_a_file_is_hashed_from_where_it_stands() -> None:
    file = io.BytesIO(b"xabc")
    file.seek(1)
    assert hash_file(file).hex == ABC
