"""Where files are cut is part of a version's identity: these vectors hold it still (decision 0001)."""

from __future__ import annotations

import hashlib
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from lading.core.blocks import average_for
from lading.plumbing.scan import Scanner

if TYPE_CHECKING:
    from pathlib import Path

COUNTED = b"".join(hashlib.sha256(i.to_bytes(8, "little")).digest() for i in range(32768))
COUNTED_CUTS = [
    *(49058, 48133, 53985, 41413, 46140, 41395, 68385, 54457, 32803, 27005, 47164, 19024, 31943, 21218),
    *(36557, 21441, 24079, 17073, 34725, 32925, 34824, 58091, 37638, 41208, 31982, 33338, 62572),
]


@pytest.mark.parametrize(
    ("content", "cuts"),
    [(COUNTED, COUNTED_CUTS), (bytes(300_000), [131072, 131072, 37856]), (b"x", [1]), (b"", [])],
    ids=["random-like", "zeros", "one byte", "empty"],
)
def test_a_file_is_cut_where_it_was_always_cut(tmp_path: Path, content: bytes, cuts: list[int]) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with closing(Scanner(average_for(len(content)))) as scanner:
        blocks = scanner.scan(path, len(content), lambda _: None).blocks
    assert [block.length for block in blocks] == cuts
