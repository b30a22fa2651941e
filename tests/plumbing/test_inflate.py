from __future__ import annotations

import gzip
import itertools
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.core.errors import IntegrityError
from lading.plumbing.inflate import inflate
from tests.cargo import noise

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT = b"abc" * 40 + noise(60)
PACKED = gzip.compress(CONTENT, mtime=0)
MIB = 1024 * 1024


@pytest.mark.parametrize("place", range(len(PACKED) + 1))
def test_a_stream_split_anywhere_is_read(place: int) -> None:
    assert b"".join(inflate([PACKED[:place], PACKED[place:]], "it")) == CONTENT


def test_a_stream_is_read_byte_by_byte() -> None:
    assert b"".join(inflate((bytes([byte]) for byte in PACKED), "it")) == CONTENT


@given(st.binary(max_size=5000), st.integers(0, 9), st.integers(1, 700))
def test_what_was_compressed_reads_back(content: bytes, level: int, length: int) -> None:
    packed = gzip.compress(content, level, mtime=0)
    chunks = [packed[start : start + length] for start in range(0, len(packed), length)]
    assert b"".join(inflate(chunks, "it")) == content


@pytest.mark.parametrize("length", range(len(PACKED)))
def test_a_stream_cut_short_is_refused(length: int) -> None:
    with pytest.raises(IntegrityError) as caught:
        list(inflate([PACKED[:length]], "the layer"))
    assert caught.value.code == "bad-layer"
    assert caught.value.message == "the layer ends in the middle of its gzip stream"


@pytest.mark.parametrize(
    "raw", [b"\0" * 20, b"plain text, not gzip", zlib.compress(CONTENT), b"\x1f\x8b\x07" + b"\0" * 9]
)
def test_what_is_not_gzip_is_refused(raw: bytes) -> None:
    with pytest.raises(IntegrityError) as caught:
        list(inflate([raw], "the layer"))
    assert caught.value.code == "bad-layer"
    assert caught.value.message.startswith("the layer is not a gzip stream: ")


@pytest.mark.parametrize("place", range(len(PACKED) - 8, len(PACKED)))
def test_a_wrong_checksum_or_length_at_the_end_is_refused(place: int) -> None:
    broken = bytearray(PACKED)
    broken[place] ^= 1
    with pytest.raises(IntegrityError):
        list(inflate([bytes(broken)], "the layer"))


def test_a_bomb_is_passed_on_in_pieces_of_at_most_a_mib() -> None:
    packed = gzip.compress(bytes(256 * MIB), 9)
    tracemalloc.start()
    sizes = [len(piece) for piece in itertools.islice(inflate([packed], "it"), 20)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sizes == [MIB] * 20
    assert peak < 4 * MIB


def test_a_bomb_is_read_to_its_end() -> None:
    packed = gzip.compress(bytes(9 * MIB + 1), 9)
    pieces = [len(piece) for piece in inflate([packed[:100], packed[100:]], "it")]
    assert sum(pieces) == 9 * MIB + 1
    assert max(pieces) == MIB


def test_an_error_of_the_source_is_its_own() -> None:
    def broken() -> Iterator[bytes]:
        yield PACKED[:20]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(inflate(broken(), "it"))
