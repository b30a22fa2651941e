"""The one place where bytes are proven: block by block, while they are iterated."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, BinaryIO, Final

from lading.core.digest import Digest
from lading.core.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lading.core.runs import Run

READ_BYTES: Final = 1024 * 1024


def proven(chunks: Iterable[bytes], runs: Sequence[Run], what: str) -> Iterator[tuple[Run, bytes]]:
    """Cut ``chunks`` into ``runs``, which follow each other, and pass on what is right.

    Args:
        chunks: bytes of any lengths that start where the first run starts.
        runs: what must be there.
        what: where the bytes come from, for the error message.

    Raises:
        IntegrityError: ``bad-block`` or ``truncated-blob``, after every right run before it was passed on.
    """
    source = iter(chunks)
    pending = bytearray()
    for run in runs:
        while len(pending) < run.length:
            chunk = next(source, None)
            if chunk is None:
                raise IntegrityError(
                    "truncated-blob",
                    f"{what} ends at byte {run.offset + len(pending)}, expected {run.offset + run.length}",
                    hint="the store's copy is cut short; push the version again with: lading push --repair",
                )
            pending += chunk
        data = bytes(memoryview(pending)[: run.length])
        del pending[: run.length]
        if hashlib.sha256(data).digest() != run.sha256:
            raise _bad(run, data, what)
        yield run, data


def hash_file(file: BinaryIO) -> Digest:
    """The digest of an open file from where it stands to its end."""
    whole = hashlib.sha256()
    while chunk := file.read(READ_BYTES):
        whole.update(chunk)
    return Digest(whole.hexdigest())


def _bad(run: Run, data: bytes, what: str) -> IntegrityError:
    kind = "a tar header" if run.file is None else "a block"
    return IntegrityError(
        "bad-block",
        f"{what}: {kind} of {run.length} bytes at byte {run.offset} is not what the bill says: "
        f"expected sha256:{run.sha256.hex()}, got {Digest.of(data)}",
        hint="the store's copy is damaged; push the version again with: lading push --repair",
    )
