from __future__ import annotations

import os
import random
from contextlib import closing
from io import FileIO
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyfastcdc import FastCDC

from lading.core.digest import Digest
from lading.core.errors import IntegrityError
from lading.plumbing.scan import READ_BYTES, Scan, Scanner
from tests.cargo import EMPTY, noise
from tests.counts import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typing_extensions import Buffer

AVERAGE = 64 * 1024
MIB = 1024 * 1024
CONTENT = noise(3 * MIB)
ZEROS = bytes(2 * MIB + 5)


class ShortReads(FileIO):
    """A file that gives what it likes of each read, as network mounts do."""

    def __init__(self, path: Path, seed: int) -> None:
        super().__init__(path, "rb")
        self._random = random.Random(seed)

    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer)
        return super().readinto(view[: self._random.choice([1, 4095, 70_001, 300_000, len(view)])])


def _ignore(_: memoryview) -> None:
    """Take the bytes of no layer."""


def _scan(path: Path, also: Callable[[memoryview], None] = _ignore) -> Scan:
    with closing(Scanner(AVERAGE)) as scanner:
        return scanner.scan(path, path.stat().st_size, also)


def _cut_whole(content: bytes) -> list[tuple[int, bytes]]:
    cutter = FastCDC(AVERAGE, min_size=AVERAGE // 4, max_size=AVERAGE * 4, normalized_chunking=1)
    return [(piece.length, Digest.of(bytes(piece.data)).raw) for piece in cutter.cut_buf(content)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.bin"


@pytest.mark.parametrize(
    "content",
    [
        b"x",
        noise(AVERAGE // 4),
        noise(256 * 1024 + 1),
        CONTENT,
        ZEROS,
        CONTENT + ZEROS + CONTENT,
        bytes(READ_BYTES - 1),
        bytes(READ_BYTES),
        bytes(READ_BYTES + 1),
        noise(2 * READ_BYTES),
        noise(2 * READ_BYTES + 100),
    ],
    ids=len,
)
def test_one_read_tells_the_digest_the_blocks_and_every_byte(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    passed = bytearray()
    scan = _scan(path, passed.extend)
    assert scan.digest == Digest.of(content)
    assert passed == content
    assert list(scan.blocks) == _cut_whole(content)
    assert sum(block.length for block in scan.blocks) == len(content)


def test_an_empty_file_has_no_blocks(path: Path) -> None:
    path.write_bytes(b"")
    scan = _scan(path)
    assert (scan.digest.hex, scan.blocks) == (EMPTY, ())


@given(seed=st.integers(0, 2**32))
@settings(max_examples=min(EXAMPLES, 10))
def test_the_blocks_do_not_depend_on_how_the_file_is_read(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    content = CONTENT[: 2 * MIB] + ZEROS
    path = tmp_path_factory.mktemp("scan") / "model.bin"
    path.write_bytes(content)
    passed = bytearray()
    with closing(Scanner(AVERAGE)) as scanner, ShortReads(path, seed) as file:
        scan = scanner._read(file, len(content), passed.extend)
    assert scan.digest == Digest.of(content)
    assert passed == content
    assert list(scan.blocks) == _cut_whole(content)


def test_blocks_after_an_insertion_are_mostly_the_same(path: Path) -> None:
    path.write_bytes(CONTENT)
    before = set(_scan(path).blocks)
    path.write_bytes(CONTENT[:1000] + b"inserted" + CONTENT[1000:])
    after = set(_scan(path).blocks)
    assert len(after - before) <= 2
    assert len(before & after) > 20


def test_one_scanner_reads_many_files(tmp_path: Path) -> None:
    with closing(Scanner(AVERAGE)) as scanner:
        for number in range(20):
            file = tmp_path / str(number)
            file.write_bytes(noise(number * 30_000, number))
            scan = scanner.scan(file, number * 30_000, _ignore)
            assert scan.digest == Digest.of(noise(number * 30_000, number))


def _write(path: Path, mode: str) -> None:
    with path.open(mode) as file:
        file.write(b"x")


def _meddle(path: Path, how: Callable[[], object]) -> IntegrityError:
    """The error of a scan during which something happens to the file."""
    done: list[object] = []

    def also(_: memoryview) -> None:
        if not done:
            done.append(how())

    with pytest.raises(IntegrityError) as caught:
        _scan(path, also)
    return caught.value


@pytest.mark.parametrize(
    "meddle",
    [
        lambda path: os.truncate(path, 5 * MIB),
        lambda path: os.truncate(path, 0),
        lambda path: os.truncate(path, 20 * MIB),
        lambda path: _write(path, "r+b"),
        lambda path: _write(path, "ab"),
        lambda path: path.write_bytes(CONTENT),
        lambda path: os.utime(path, ns=(1, 1)),
    ],
    ids=[
        "shrinks",
        "is emptied",
        "grows",
        "is changed in place",
        "is appended to",
        "is rewritten",
        "is touched",
    ],
)
def test_a_file_that_changes_while_it_is_read_is_refused(
    path: Path, meddle: Callable[[Path], object]
) -> None:
    path.write_bytes(CONTENT * 3)
    error = _meddle(path, lambda: meddle(path))
    assert error.code == "changed-while-read"
    assert error.message == f"{path} changed while it was read; nothing was published"


@pytest.mark.parametrize("size", [0, 2, 4, 10**9])
def test_a_file_that_has_another_size_than_when_it_was_listed_is_refused(path: Path, size: int) -> None:
    path.write_bytes(b"abc")
    passed: list[object] = []
    with closing(Scanner(AVERAGE)) as scanner, pytest.raises(IntegrityError) as caught:
        scanner.scan(path, size, passed.append)
    assert caught.value.code == "changed-while-read"
    assert passed == []
