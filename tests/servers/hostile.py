"""An S3-shaped server in memory: a correct and strong one until it is told what to do wrong.

Path style; signatures are not checked; every object is read and written at once by everyone.

    with HostileS3() as server:
        bucket = server.new_bucket()
        server.commits_then_503(times=1)
        store = bucket.client()
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from tests.servers.access import S3Bucket, secret
from tests.servers.buckets import Blob, RefusedError
from tests.servers.dialect import BucketServer, document, element, problem
from tests.servers.wire import Reply, Request, reads, writes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.servers.wire import Answer, When

_OBJECT: Final = re.compile(r"(?s)<Object>(.*?)</Object>")
_CONDITIONS: Final = frozenset({"if-none-match", "if-match"})
_XML: Final = {"Content-Type": "application/xml"}


def creates(request: Request) -> bool:
    """Requests that may only create an object."""
    return request.method in {"PUT", "POST"} and request.headers.get("if-none-match") == "*"


def commits(request: Request) -> bool:
    """Requests after which an object is there."""
    return writes(request) or (request.method == "POST" and "uploadId" in request.query)


class HostileS3(BucketServer):
    """S3 with atomic ``If-None-Match: *`` and ``If-Match``; see also the misbehaviours of ``WireServer``."""

    def new_bucket(self, name: str = "models") -> S3Bucket:
        """A bucket; it may be there already."""
        self.buckets.create(name)
        return S3Bucket(self.url, name, "AKIDHOSTILE", secret("hostile"))

    def ignores_conditions(self, when: When = commits) -> None:
        """Store without looking at ``If-None-Match`` and ``If-Match``, and say nothing of it."""

        def act(request: Request, honest: Answer) -> Reply:
            kept = {name: text for name, text in request.headers.items() if name not in _CONDITIONS}
            return honest(replace(request, headers=kept))

        self.acts(act, when)

    def commits_then_503(self, times: int | None = None, when: When = commits) -> None:
        """Store, then answer 503 as if nothing had been stored."""

        def act(request: Request, honest: Answer) -> Reply:
            reply = honest(request)
            slow = problem(503, "SlowDown", "Please reduce your request rate.")
            return slow if reply.status == 200 else reply

        self.acts(act, when, times)

    def commits_then_cuts(self, times: int | None = None, when: When = commits) -> None:
        """Store, then close the connection without an answer."""
        self.acts(lambda request, honest: replace(honest(request), cut=-1), when, times)

    def conflict_409(self, times: int | None = 1, when: When = creates) -> None:
        """Answer that another conditional request is under way, and store nothing."""
        message = (
            "The conditional request cannot succeed due to a conflicting operation against this resource."
        )
        self.fails(409, "ConditionalRequestConflict", message, times=times, when=when)

    def hides_missing(self) -> None:
        """Answer 403 where an object is missing, as S3 does to those who may not list the bucket."""

        def act(request: Request, honest: Answer) -> Reply:
            reply = honest(request)
            return problem(403, "AccessDenied", "Access Denied") if reply.status == 404 else reply

        self.acts(act, lambda request: reads(request) and "list-type" not in request.query)

    def lies_in_another_region(self, region: str, times: int | None = None) -> None:
        """Answer 301 as S3 does for a bucket of another region."""
        message = "The bucket you are attempting to access must be addressed using the specified endpoint."
        self.fails(
            301, "PermanentRedirect", message, times=times, headers={"x-amz-bucket-region": region},
        )  # fmt: skip

    def expects_region(self, region: str, times: int | None = None) -> None:
        """Answer 400 to a signature for the wrong region."""
        message = f"The authorization header is malformed; the region is wrong; expecting '{region}'"
        self.fails(400, "AuthorizationHeaderMalformed", message, times=times, Region=region)

    def refuses_checksums(self, times: int | None = None) -> None:
        """Answer 501 to an upload with a checksum header, as R2 does."""
        message = "Header 'x-amz-checksum-algorithm' with value 'SHA256' not implemented"

        def when(request: Request) -> bool:
            return commits(request) and any(name.startswith("x-amz-checksum") for name in request.headers)

        self.fails(501, "NotImplemented", message, times=times, when=when)

    def refuse(self, request: Request, blob: Blob | None) -> None:
        if request.headers.get("if-none-match") == "*" and blob is not None:
            raise _failed("If-None-Match")
        expected = request.headers.get("if-match")
        if expected is None:
            return
        if blob is None:
            raise RefusedError(404, "NoSuchKey", "The specified key does not exist.")
        if expected.strip('"') not in {blob.etag, "*"}:
            raise _failed("If-Match")

    def tags(self, blob: Blob) -> Mapping[str, str]:
        return {"ETag": f'"{blob.etag}"'}

    def on_bucket(self, request: Request, bucket: str) -> Reply:
        if request.method == "POST" and "delete" in request.query:
            return self._delete_many(request, bucket)
        if request.method == "PUT" and not self.buckets.create(bucket):
            raise RefusedError(409, "BucketAlreadyOwnedByYou", "Your previous request succeeded.")
        if request.method in {"HEAD", "GET"} and bucket not in self.buckets.held:
            raise RefusedError(404, "NoSuchBucket", "The specified bucket does not exist.")
        return Reply(200, {"Location": f"/{bucket}", "x-amz-bucket-region": "us-east-1"})

    def _delete_many(self, request: Request, bucket: str) -> Reply:
        keys = [element(each, "Key") for each in _OBJECT.findall(request.body.decode())]
        for key in keys:
            self.buckets.delete(bucket, key, lambda _: None)
        told = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
        return Reply(200, _XML, document("DeleteResult", told))


def _failed(condition: str) -> RefusedError:
    message = "At least one of the pre-conditions you specified did not hold"
    return RefusedError(412, "PreconditionFailed", message, condition)
