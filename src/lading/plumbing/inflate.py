"""Reading a layer that a registry or a copying tool compressed with gzip (RFC 1952)."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from lading.core.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PIECE_BYTES: Final = 1024 * 1024


def inflate(chunks: Iterable[bytes], what: str) -> Iterator[bytes]:
    """The uncompressed bytes, in pieces of at most 1 MiB however well they were compressed.

    A stream may have several members, one after the other (RFC 1952, section 2.2): seekable layers do.

    Raises:
        IntegrityError: ``bad-layer``, for bytes that are not gzip or end too soon.
    """
    stream = zlib.decompressobj(wbits=31)
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                if stream.eof:
                    stream = zlib.decompressobj(wbits=31)
                yield stream.decompress(rest, _PIECE_BYTES)
                rest = stream.unused_data if stream.eof else stream.unconsumed_tail
    except zlib.error as error:
        raise IntegrityError("bad-layer", f"{what} is not a gzip stream: {error}") from error
    if not stream.eof:
        raise IntegrityError("bad-layer", f"{what} ends in the middle of its gzip stream")
