"""What S3 and the XML API of Google Cloud Storage have in common, over buckets in memory."""

from __future__ import annotations

import re
from abc import abstractmethod
from datetime import UTC, datetime
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape, unescape

from tests.servers.buckets import Asked, Blob, Buckets, RefusedError
from tests.servers.wire import Reply, Request, WireServer, ranged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.servers.wire import When

KEPT: Final = re.compile(r"content-(type|encoding|language|disposition)|cache-control|x-(amz|goog)-meta-.*")
_PART: Final = re.compile(r"(?s)<Part>(.*?)</Part>")
_ENTITIES: Final = {"&quot;": '"', "&apos;": "'"}


def element(text: str, name: str) -> str:
    """The text of the first element of that name, or an empty string."""
    found = re.search(rf"(?s)<{name}>(.*?)</{name}>", text)
    return unescape(found[1], _ENTITIES) if found else ""


def document(name: str, body: str) -> bytes:
    """An XML document."""
    return f'<?xml version="1.0" encoding="UTF-8"?><{name}>{body}</{name}>'.encode()


def problem(status: int, code: str, message: str, **more: str) -> Reply:
    """An error as these services give it; ``more`` are further elements, such as ``Region``."""
    told = {"Code": code, "Message": message, **more}
    body = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in told.items() if text)
    return Reply(status, {"Content-Type": "application/xml"}, document("Error", body))


class BucketServer(WireServer):
    """Objects at ``/<bucket>/<key>``; a class for each service adds its conditions and its own requests.

    Attributes:
        buckets: what it holds.
        page_keys: how many keys a page of a listing has at most.
        part_bytes: how small a part may be, unless it is the last.
    """

    def __init__(self) -> None:
        super().__init__()
        self.buckets = Buckets()
        self.page_keys = 1000
        self.part_bytes = 5 << 20

    @abstractmethod
    def refuse(self, request: Request, blob: Blob | None) -> None:
        """Raise ``RefusedError`` where a condition of a request that writes does not hold."""

    @abstractmethod
    def tags(self, blob: Blob) -> Mapping[str, str]:
        """The headers that identify an object's content."""

    @abstractmethod
    def on_bucket(self, request: Request, bucket: str) -> Reply:
        """Answer what is asked of a bucket, other than a listing."""

    def permits(self, request: Request, bucket: str, key: str) -> None:
        """Raise ``RefusedError`` where the caller may not do that; everyone may do everything here."""

    def delete(self, request: Request, bucket: str, key: str) -> Reply:
        """Remove an object; that there is none is a success."""
        self.buckets.delete(bucket, key, partial(self.refuse, request))
        return Reply(204)

    def fails(
        self,
        status: int,
        code: str,
        message: str = "",
        *,
        times: int | None = None,
        when: When = lambda _: True,
        headers: Mapping[str, str] | None = None,
        **more: str,
    ) -> None:
        """Answer with an error and do nothing; ``more`` are further elements of it, such as ``Region``."""
        told = problem(status, code, message or code, **more)
        reply = Reply(status, {**told.headers, **(headers or {})}, told.body)
        self.acts(lambda *_: reply, when, times)

    def answer(self, request: Request) -> Reply:
        bucket, _, key = map(unquote, request.target.partition("?")[0][1:].partition("/"))
        try:
            self.permits(request, bucket, key)
            if key:
                return self._on_object(request, bucket, key)
            if "list-type" in request.query and request.method == "GET":
                return self._list(request, bucket)
            return self.on_bucket(request, bucket)
        except RefusedError as error:
            return problem(error.status, error.code, error.message, Details=error.details)

    def _on_object(self, request: Request, bucket: str, key: str) -> Reply:
        does: dict[str, Callable[[Request, str, str], Reply]] = {
            "PUT": self._put, "GET": self._get, "HEAD": self._get, "DELETE": self.delete, "POST": self._begin,
        }  # fmt: skip
        if "uploadId" in request.query:
            does = {"PUT": self._part, "POST": self._complete, "DELETE": self._abort}
        if request.method not in does or any(name.endswith("-copy-source") for name in request.headers):
            raise RefusedError(501, "NotImplemented", f"{request.method} {request.target} is not implemented")
        return does[request.method](request, bucket, key)

    def _put(self, request: Request, bucket: str, key: str) -> Reply:
        blob = self.buckets.put((bucket, key), request.body, _kept(request), partial(self.refuse, request))
        return Reply(200, self.tags(blob))

    def _get(self, request: Request, bucket: str, key: str) -> Reply:
        blob = self.buckets.get(bucket, key)
        tag = f'"{blob.etag}"'
        if request.headers.get("if-match", tag) not in {tag, "*"}:
            raise RefusedError(412, "PreconditionFailed", "At least one of the preconditions did not hold.")
        headers = {
            "Last-Modified": formatdate(blob.modified_s, usegmt=True),
            **blob.headers,
            **self.tags(blob),
        }
        if request.headers.get("if-none-match") in {tag, "*"}:
            return Reply(304, headers)
        data = memoryview(blob.data)
        reply = ranged(request, len(data), lambda start, end: data[start:end], headers)
        if reply.status == 416:
            raise RefusedError(416, "InvalidRange", "The requested range is not satisfiable")
        return reply

    def _begin(self, request: Request, bucket: str, key: str) -> Reply:
        if "uploads" not in request.query:
            raise RefusedError(405, "MethodNotAllowed", "The specified method is not allowed.")
        upload = self.buckets.begin((bucket, key), _kept(request))
        told = f"<Bucket>{bucket}</Bucket><Key>{escape(key)}</Key><UploadId>{upload}</UploadId>"
        return Reply(200, {}, document("InitiateMultipartUploadResult", told))

    def _part(self, request: Request, _bucket: str, _key: str) -> Reply:
        query = request.query
        tag = self.buckets.part(query["uploadId"], int(query.get("partNumber", 0)), request.body)
        return Reply(200, {"ETag": f'"{tag}"'})

    def _complete(self, request: Request, _bucket: str, _key: str) -> Reply:
        listed = _PART.findall(request.body.decode())
        tags = {int(element(each, "PartNumber")): element(each, "ETag").strip('"') for each in listed}
        upload, refuse = request.query["uploadId"], partial(self.refuse, request)
        (bucket, key), blob = self.buckets.complete(upload, tags, self.part_bytes, refuse)
        told = f'<Bucket>{bucket}</Bucket><Key>{escape(key)}</Key><ETag>"{blob.etag}"</ETag>'
        return Reply(200, self.tags(blob), document("CompleteMultipartUploadResult", told))

    def _abort(self, request: Request, _bucket: str, _key: str) -> Reply:
        self.buckets.abort(request.query["uploadId"])
        return Reply(204)

    def _list(self, request: Request, bucket: str) -> Reply:
        query = request.query
        most = min(self.page_keys, int(query.get("max-keys", "1000")))
        asked = Asked(
            query.get("prefix", ""),
            query.get("delimiter", ""),
            query.get("start-after", ""),
            unquote(query.get("continuation-token", "")),
            most,
        )
        page = self.buckets.listing(bucket, asked)
        encode = quote if query.get("encoding-type") == "url" else escape
        told = ["<EncodingType>url</EncodingType>"] if encode is quote else []
        told += [f"<Name>{bucket}</Name><Prefix>{encode(asked.prefix)}</Prefix><MaxKeys>{most}</MaxKeys>"]
        told.append(f"<KeyCount>{len(page.blobs) + len(page.folders)}</KeyCount>")
        told.append(f"<IsTruncated>{'true' if page.token else 'false'}</IsTruncated>")
        if page.token:
            told.append(f"<NextContinuationToken>{quote(page.token, safe='')}</NextContinuationToken>")
        told.extend(_contents(encode(key), blob) for key, blob in page.blobs)
        told.extend(
            f"<CommonPrefixes><Prefix>{encode(each)}</Prefix></CommonPrefixes>" for each in page.folders
        )
        return Reply(200, {"Content-Type": "application/xml"}, document("ListBucketResult", "".join(told)))


def _kept(request: Request) -> dict[str, str]:
    return {name: text for name, text in request.headers.items() if KEPT.fullmatch(name)}


def _contents(key: str, blob: Blob) -> str:
    when = datetime.fromtimestamp(blob.modified_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    told = f"<Key>{key}</Key><LastModified>{when}Z</LastModified><ETag>&quot;{blob.etag}&quot;</ETag>"
    return f"<Contents>{told}<Size>{len(blob.data)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
