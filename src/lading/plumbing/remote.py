"""Reading objects over HTTP: what a web server and a bucket have in common."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from contextlib import ExitStack, suppress
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from lading.core.errors import NotFoundError, UnavailableError
from lading.core.objects import Found
from lading.plumbing.part import PARTIAL, etag, part_of
from lading.plumbing.patience import Passing, Patience

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lading.core.errors import LadingError
    from lading.plumbing.part import Part
    from lading.plumbing.response import Response

_WELCOME: Final = frozenset({200, PARTIAL})
_BEYOND: Final = 416
_NO_HEAD: Final = frozenset({405, 501})
_SLOW_DOWN: Final = 429
_NOT_IMPLEMENTED: Final = 501
_SERVER_ERROR: Final = 500
_REASON_BYTES: Final = 64 * 1024
_PROGRESS_BYTES: Final = 1024 * 1024
"""A connection that brought so much was a good one: patience begins anew."""

_FIRST: Final = re.compile(r"bytes 0-0/(\d+)")
_EMPTY: Final = re.compile(r"bytes \*/(\d+)")


class Remote(ABC):
    """Objects that are asked for with GET and HEAD; all that can pass is tried again.

    Args:
        url: how messages name the place.
        patience: how often something is tried.
    """

    def __init__(self, url: str, patience: Patience | None) -> None:
        self._url = url
        self._patience = patience or Patience()

    @abstractmethod
    def _ask(self, method: str, key: str, headers: Mapping[str, str]) -> Response:
        """One request for an object, answered with any status."""

    @abstractmethod
    def _is_absent(self, status: int, body: bytes) -> bool:
        """Whether an answer says that there is no such object, rather than no such place."""

    @abstractmethod
    def _refusal(self, response: Response, body: bytes, doing: str, key: str) -> LadingError:
        """The error for an answer that is neither the object nor its absence."""

    @abstractmethod
    def _look(self, response: Response, key: str, beginning: bytes) -> None:
        """Refuse what looks like no answer of this place's; ``beginning`` may be empty."""

    @property
    def url(self) -> str:
        """How messages name the place."""
        return self._url

    def head(self, key: str) -> Found | None:
        """What is known of an object, or None where there is none."""
        return self._patience.keep(partial(self._head, key))

    def get(self, key: str, limit: int) -> bytes | None:
        """The first ``limit`` bytes of a small object, or None where there is none."""
        return self._patience.keep(partial(self._get, key, limit))

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes ``start`` to ``end`` (exclusive), taken up again where a connection breaks."""
        place, failures, tag = start, 0, ""
        while place < end:
            part = self._patience.keep(partial(self._open, key, place, end))
            if part is None:
                return
            tag = tag or part.etag
            with part.response:
                begun = place
                try:
                    _same(f"{key} in {self._url}", tag, part.etag)
                    for piece in part.pieces(place):
                        if place == 0:
                            self._look(part.response, key, piece)
                        place += len(piece)
                        yield piece
                except UnavailableError as error:
                    failures = 1 if place - begun >= _PROGRESS_BYTES else failures + 1
                    self._patience.bear(error, failures)
                    continue
            if part.whole:
                return
            end = end if part.total is None else min(end, part.total)

    def _head(self, key: str) -> Found | None:
        with self._ask("HEAD", key, {}) as response:
            if response.status not in _NO_HEAD:
                if not self._there(response, "looking for", key):
                    return None
                self._look(response, key, b"")
                size = _number(response.headers.get("content-length"))
                if size is not None:
                    return _found(key, size, response)
        return self._probe(key)

    def _probe(self, key: str) -> Found | None:
        """``head`` for servers that do not do HEAD, or not well: the first byte says the size as well."""
        with self._ask("GET", key, {"Range": "bytes=0-0"}) as response:
            said = response.headers.get("content-range", "")
            if response.status == _BEYOND:
                match = _EMPTY.fullmatch(said)
            elif not self._there(response, "looking for", key):
                return None
            else:
                self._look(response, key, b"")
                match = _FIRST.fullmatch(said)
            whole = (
                response.headers.get("content-length") if response.status not in {PARTIAL, _BEYOND} else None
            )
            size = _number(match[1] if match else whole)
            if size is None:
                raise UnavailableError(
                    "no-size",
                    f"{self._url} does not say how large {key} is: no usable Content-Length or Content-Range",
                    hint="serve it as a plain file",
                )
            return _found(key, size, response)

    def _get(self, key: str, limit: int) -> bytes | None:
        with self._ask("GET", key, {}) as response:
            if not self._there(response, "reading", key):
                return None
            body = response.body(limit)
            self._look(response, key, body)
            return body

    def _open(self, key: str, start: int, end: int) -> Part | None:
        """The answer to a request for a range, its body not read yet; None where the object ends before."""
        with ExitStack() as stack:
            response = stack.enter_context(
                self._ask("GET", key, {"Range": f"bytes={start}-{end - 1}"}),
            )
            if response.status == _BEYOND:
                return None
            if not self._there(response, "reading", key):
                raise NotFoundError(
                    "no-object",
                    f"{self._url} has no {key}",
                    hint="check the name, and whether it was published",
                )
            self._look(response, key, b"")
            part = part_of(response, f"{key} in {self._url}", start, end)
            stack.pop_all()
            return part

    def _there(self, response: Response, doing: str, key: str) -> bool:
        """Whether an answer is of an object; False where there is none, else it raises."""
        if response.status in _WELCOME:
            return True
        body = response.body(_REASON_BYTES)
        if self._is_absent(response.status, body):
            return False
        error = self._refusal(response, body, doing, key)
        status = response.status
        if status == _SLOW_DOWN or (status >= _SERVER_ERROR and status != _NOT_IMPLEMENTED):
            raise Passing(error, float(_number(response.headers.get("retry-after")) or 0))
        raise error


def _same(name: str, before: str, now: str) -> None:
    if now and before != now:
        raise UnavailableError(
            "object-changed",
            f"{name} was replaced while it was read: its ETag was '{before}', now '{now}'",
            hint="read it again from its start",
        )


def _found(key: str, size: int, response: Response) -> Found:
    modified_s = 0.0
    with suppress(ValueError):  # it is not said, or not in the form of RFC 9110
        modified_s = parsedate_to_datetime(response.headers.get("last-modified", "")).timestamp()
    return Found(key, size, modified_s, etag(response))


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,18}", text.strip()) else None
