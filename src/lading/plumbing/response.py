"""An answer to a request, and its body piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from lading.plumbing.faults import broken
from lading.plumbing.urls import redacted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from urllib3 import BaseHTTPResponse

    from lading.plumbing.faults import Call

_PIECE_BYTES: Final = 1024 * 1024
_DRAIN_BYTES: Final = 64 * 1024
"""So little is read to its end, to keep the connection; closing is cheaper where more is left."""


class Response:
    """An answer; its body is read once. Whoever asked closes it, best with ``with``.

    Attributes:
        status: the HTTP status, of any kind.
        headers: by name in any case.
        name: what answered, after redirects, as messages name it.
    """

    def __init__(self, raw: BaseHTTPResponse, call: Call) -> None:
        self._raw = raw
        self._call = call
        self.status: int = raw.status
        self.headers: Mapping[str, str] = raw.headers
        self.name = redacted(call.url)

    @property
    def origin(self) -> str:
        """The host that answered, and its port where it is not the usual one."""
        return self._call.host

    def chunks(self, limit: int | None = None) -> Iterator[bytes]:
        """The body as it was sent, never decompressed, in pieces of at most 1 MiB.

        Args:
            limit: stop after so many bytes, or at the end.

        Raises:
            UnavailableError: ``cut-short``, also where it ends before its Content-Length; ``timed-out``.
        """
        from urllib3.exceptions import HTTPError

        got = 0
        while limit is None or got < limit:
            most = _PIECE_BYTES if limit is None else min(_PIECE_BYTES, limit - got)
            try:
                piece = self._raw.read(most)
            except (HTTPError, OSError) as error:
                raise broken(error, self._call, got) from error
            if not piece:
                return
            got += len(piece)
            yield piece

    def body(self, limit: int) -> bytes:
        """The first ``limit`` bytes of the body; raises what ``chunks`` raises."""
        return b"".join(self.chunks(limit))

    def close(self) -> None:
        """End it; its connection is kept where that costs little."""
        left = getattr(self._raw, "length_remaining", None)
        if left is not None and left <= _DRAIN_BYTES:
            self._raw.drain_conn()
        self._raw.close()
        self._raw.release_conn()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
