"""Small things that tests carry: digests, files, bills."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

from lading.core.bill import Bill, BlobRef, FileEntry, Metadata
from lading.core.blocks import Block
from lading.core.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
"""The SHA-256 of ``abc`` (FIPS 180-4, example)."""


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that do not compress and are the same in every run."""
    return random.Random(seed).randbytes(size)


def digest(text: str) -> Digest:
    """The digest of a text."""
    return Digest.of(text.encode())


def entry(path: str, content: bytes = b"x") -> FileEntry:
    """What a bill says of a file."""
    return FileEntry(path, len(content), Digest.of(content))


def bill(*paths: str, metadata: Metadata | None = None) -> Bill:
    """A bill of one-byte files."""
    files = [entry(path) for path in paths or ("model.onnx",)]
    return Bill.write("acme/m", "1.0", files, BlobRef(digest("blocks"), 60), metadata or Metadata())


def blocks_of(content: bytes, length: int) -> tuple[Block, ...]:
    """``content`` in blocks of a fixed length."""
    pieces = [content[start : start + length] for start in range(0, len(content), length)]
    return tuple(Block(len(piece), hashlib.sha256(piece).digest()) for piece in pieces)


def fill(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a folder and return it."""
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder
