"""Writing a bucket with requests that lading signs itself: nothing of the environment gets into them unasked.

Amazon S3 API reference: "PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload",
"AbortMultipartUpload", "DeleteObject".
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from lading.core.errors import LadingError
from lading.plumbing.patience import Passing, Patience
from lading.stores.writer import AT_ONCE, Setback, Why, described, part_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from concurrent.futures import Future

    from lading.core.objects import Kind
    from lading.stores.s3read import Explain, Signed

_ANSWER_BYTES: Final = 64 * 1024
_STORED: Final = frozenset({200, 201})
_GONE: Final = frozenset({200, 204})
_OK: Final = 200
_MISSING: Final = 404
_SLOW_DOWN: Final = 429
_SERVER_ERROR: Final = 500
_NOT_IMPLEMENTED: Final = 501
# OpenStack Swift gives no tag to a writer of a key that a later one has overtaken.
_WHY: Final = {
    412: Why.TAKEN,
    409: Why.TAKEN,
    _NOT_IMPLEMENTED: Why.UNKNOWN,
    **dict.fromkeys(_STORED, Why.BUSY),
}
_UPLOAD: Final = re.compile(rb"<UploadId>([^<]+)</UploadId>")
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Ask:
    method: str
    key: str
    query: Mapping[str, str | int]
    headers: Mapping[str, str]
    body: bytes = b""


class S3Writer:
    """The objects below a prefix of a bucket, to be written.

    Args:
        signed: the bucket.
        explain: the error for an answer that is no success.
        patience: how often something is tried.
    """

    def __init__(self, signed: Signed, *, explain: Explain, patience: Patience | None = None) -> None:
        self._signed = signed
        self._explain = explain
        self._patience = patience or Patience(tries=_TRIES)

    def put(self, key: str, raw: bytes, kind: Kind, *, new: bool) -> Setback | None:
        """Store a small object in one request."""
        headers = {**described(kind), **({"If-None-Match": "*"} if new else {})}
        try:
            answer = self._send(_Ask("PUT", key, {}, headers, raw))
        except LadingError as error:
            return Setback(Why.FAILED, error)
        if answer.status in _STORED and "etag" in answer.headers:
            return None
        return Setback(_WHY.get(answer.status, Why.FAILED), self._refusal(answer, "writing", key))

    def put_parts(self, key: str, size: int, chunks: Iterable[bytes], kind: Kind) -> None:
        """Store a large object in parts."""
        upload = self._begin(key, kind)
        try:
            tags = self._send_parts(key, upload, _cut(chunks, part_bytes(size)))
            self._complete(key, upload, tags)
        except BaseException:
            with suppress(LadingError):
                self._send(_Ask("DELETE", key, {"uploadId": upload}, {}))
            raise

    def delete(self, key: str) -> None:
        """Remove an object."""
        answer = self._send(_Ask("DELETE", key, {}, {}))
        absent = answer.status == _MISSING and b"<Code>NoSuchBucket<" not in answer.body
        if answer.status not in _GONE and not absent:
            raise self._refusal(answer, "deleting", key)

    def _begin(self, key: str, kind: Kind) -> str:
        answer = self._send(_Ask("POST", key, {"uploads": ""}, described(kind)))
        found = _UPLOAD.search(answer.body)
        if answer.status != _OK or found is None:
            raise self._refusal(answer, "writing", key)
        return found[1].decode()

    def _send_parts(self, key: str, upload: str, parts: Iterable[bytes]) -> list[str]:
        tags: list[str] = []
        with ThreadPoolExecutor(AT_ONCE) as pool:
            running: deque[Future[str]] = deque()
            for number, part in enumerate(parts, 1):
                if len(running) == AT_ONCE:
                    tags.append(running.popleft().result())
                query: dict[str, str | int] = {"partNumber": number, "uploadId": upload}
                running.append(pool.submit(self._part, _Ask("PUT", key, query, {}, part)))
            tags += [each.result() for each in running]
        return tags

    def _part(self, ask: _Ask) -> str:
        answer = self._send(ask)
        tag = answer.headers.get("etag")
        if answer.status not in _STORED or not tag:
            raise self._refusal(answer, "writing", ask.key)
        return tag

    def _complete(self, key: str, upload: str, tags: list[str]) -> None:
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(tag)}</ETag></Part>"
            for number, tag in enumerate(tags, 1)
        )
        said = f'<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{parts}'
        body = f"{said}</CompleteMultipartUpload>".encode()
        ask = _Ask("POST", key, {"uploadId": upload}, {}, body)
        try:
            self._patience.keep(partial(self._completed, ask))
        except LadingError:
            # The answer may have been lost, and then the upload is gone when it is asked for again.
            if not self._stands(key, tags):
                raise

    def _completed(self, ask: _Ask) -> None:
        answer = self._once(ask)
        if answer.status == _OK and b"CompleteMultipartUploadResult" in answer.body:
            return
        error = self._refusal(answer, "writing", ask.key)
        # It says 200 before it is done, and may find out later that it cannot.
        raise Passing(error) if answer.status == _OK else error

    def _stands(self, key: str, tags: list[str]) -> bool:
        """Whether the object is the one of these parts, told by its tag, where that is of their MD5s."""
        with suppress(LadingError, ValueError):
            told = b"".join(bytes.fromhex(tag.strip('"')) for tag in tags)
            expected = f'"{hashlib.md5(told, usedforsecurity=False).hexdigest()}-{len(tags)}"'
            return self._send(_Ask("HEAD", key, {}, {})).headers.get("etag") == expected
        return False

    def _send(self, ask: _Ask) -> _Answer:
        return self._patience.keep(partial(self._once, ask))

    def _once(self, ask: _Ask) -> _Answer:
        url = self._signed.bucket.url(ask.key, ask.query)
        with self._signed.send(ask.method, url, ask.headers, ask.body) as response:
            answer = _Answer(response.status, response.headers, response.body(_ANSWER_BYTES))
        passes = answer.status >= _SERVER_ERROR and answer.status != _NOT_IMPLEMENTED
        if passes or answer.status == _SLOW_DOWN:
            after = answer.headers.get("retry-after", "")
            raise Passing(
                self._refusal(answer, "writing", ask.key), float(after) if after.isdecimal() else 0.0
            )
        return answer

    def _refusal(self, answer: _Answer, doing: str, key: str) -> LadingError:
        return self._explain(answer.status, answer.headers, answer.body, doing, key)


def _cut(chunks: Iterable[bytes], length: int) -> Iterator[bytes]:
    """``chunks`` in pieces of one length, except for the last: R2 wants them so."""
    pending = bytearray()
    for chunk in chunks:
        pending += chunk
        while len(pending) >= length:
            yield bytes(memoryview(pending)[:length])
            del pending[:length]
    if pending:
        yield bytes(pending)
