"""What a server sends when a range of an object is asked for (RFC 9110, section 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lading.core.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.plumbing.response import Response

PARTIAL: Final = 206
_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_SKIP_BYTES: Final = 1024 * 1024
"""So much is read and thrown away where a server sends an object from its start."""


@dataclass(frozen=True, slots=True)
class Part:
    """A body that holds the bytes ``start`` to ``end`` of an object.

    Attributes:
        total: the object's size in bytes, where it was said.
        etag: as ``etag`` gives it.
        whole: the body begins at the object's start and ends where the object does, or at ``end``.
    """

    response: Response
    start: int
    end: int
    total: int | None
    etag: str
    whole: bool

    def pieces(self, wanted: int) -> Iterator[bytes]:
        """The bytes from ``wanted`` on, which is not before ``start``.

        Raises:
            UnavailableError: ``cut-short``, ``timed-out``.
        """
        at = self.start
        for piece in self.response.chunks(self.end - self.start):
            kept = piece[max(0, wanted - at) :] if at < wanted else piece
            at += len(piece)
            if kept:
                yield kept
        if at < self.end and not self.whole:
            raise UnavailableError(
                "cut-short",
                f"{self.response.name} was cut short after {at - self.start} bytes of a range: "
                f"{self.end - at} more were announced",
                hint="try again",
            )


def part_of(response: Response, name: str, start: int, end: int) -> Part:
    """The part that an answer with status 200 or 206 holds.

    Args:
        response: its body not read yet.
        name: how messages name the object.
        start: the first byte that was asked for.
        end: the byte after the last that was asked for.

    Raises:
        UnavailableError: ``range-ignored``, ``bad-range``.
    """
    if response.status != PARTIAL:
        if start > _SKIP_BYTES:
            raise UnavailableError(
                "range-ignored",
                f"{response.origin} sent {name} from its start, "
                f"although the bytes from {start} on were asked for",
                hint="put it on a server that answers Range requests (nginx, Caddy, any bucket)",
            )
        return Part(response, 0, end, None, etag(response), whole=True)
    said = response.headers.get("content-range", "")
    match = _RANGE.fullmatch(said)
    first, last, total = match.groups() if match else ("", "", "")
    if match is None or int(first) != start or not start <= int(last) < end:
        raise UnavailableError(
            "bad-range",
            f"{response.origin} sent other bytes of {name} than were asked for: "
            f"expected bytes {start}-{end - 1}, got '{said}'",
            hint="a cache or proxy on the way may be broken; ask the server directly",
        )
    return Part(
        response, start, int(last) + 1, None if total == "*" else int(total), etag(response), whole=False
    )


def etag(response: Response) -> str:
    """The server's own tag of the content, unquoted, or an empty string."""
    return response.headers.get("etag", "").removeprefix("W/").strip('"')
