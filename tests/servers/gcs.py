"""Google Cloud Storage in memory: the XML API as obstore speaks it, and the JSON API that makes a bucket.

with GcsServer() as server:
    bucket = server.new_bucket(folder)
    store = bucket.client()
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tests.servers.access import GcsBucket
from tests.servers.buckets import Blob, RefusedError
from tests.servers.dialect import BucketServer
from tests.servers.wire import Reply, Request

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_CONDITION: Final = "x-goog-if-generation-match"
_JSON: Final = {"Content-Type": "application/json; charset=UTF-8"}
_WHO: Final = "tester@project.iam.gserviceaccount.com"
_PERMISSIONS: Final = {"GET": "get", "HEAD": "get", "PUT": "create", "POST": "create", "DELETE": "delete"}


class GcsServer(BucketServer):
    """Buckets with generations, and preconditions that hold for every writer."""

    def __init__(self) -> None:
        super().__init__()
        self._denied: set[str] = set()

    def account(self, folder: Path) -> Path:
        """Write the key file of a service account that needs no token and knows this server's URL."""
        path = folder / "service-account.json"
        told = {"type": "service_account", "project_id": "project", "client_email": _WHO}
        told |= {"private_key": "", "private_key_id": "", "gcs_base_url": self.url}
        path.write_text(json.dumps({**told, "disable_oauth": True}), "utf-8")
        return path

    def new_bucket(self, folder: Path, name: str = "models") -> GcsBucket:
        """A bucket, which may be there already, and its key file in ``folder``."""
        self.buckets.create(name)
        return GcsBucket(self.url, name, self.account(folder))

    def denies(self, bucket: str) -> None:
        """Take every permission on a bucket away."""
        self._denied.add(bucket)

    def answer(self, request: Request) -> Reply:
        if request.target.startswith("/storage/v1/b?"):
            return self._create_bucket(request)
        return super().answer(request)

    def refuse(self, request: Request, blob: Blob | None) -> None:
        expected = request.headers.get(_CONDITION)
        if expected is not None and int(expected) != (0 if blob is None else blob.generation):
            message = "At least one of the pre-conditions you specified did not hold."
            raise RefusedError(412, "PreconditionFailed", message, _CONDITION)

    def tags(self, blob: Blob) -> Mapping[str, str]:
        return {
            "ETag": f'"{blob.etag}"',
            "x-goog-generation": str(blob.generation),
            "x-goog-metageneration": "1",
            "x-goog-stored-content-length": str(len(blob.data)),
        }

    def on_bucket(self, request: Request, bucket: str) -> Reply:
        if bucket not in self.buckets.held:
            raise RefusedError(404, "NoSuchBucket", "The specified bucket does not exist.")
        if request.method not in {"GET", "HEAD"}:
            raise RefusedError(501, "NotImplemented", f"{request.method} {request.target} is not implemented")
        return Reply(200)

    def permits(self, request: Request, bucket: str, key: str) -> None:
        if bucket in self._denied:
            what = f"storage.objects.{_PERMISSIONS[request.method] if key else 'list'}"
            raise RefusedError(
                403,
                "AccessDenied",
                "Access denied.",
                f"{_WHO} does not have {what} access to the Google Cloud Storage object. "
                f"Permission '{what}' denied on resource (or it may not exist).",
            )

    def delete(self, request: Request, bucket: str, key: str) -> Reply:
        if not self.buckets.delete(bucket, key, partial(self.refuse, request)):
            raise RefusedError(
                404, "NoSuchKey", "The specified key does not exist.", f"No such object: {key}"
            )
        return Reply(204)

    def _create_bucket(self, request: Request) -> Reply:
        try:
            name = json.loads(request.body)["name"]
        except (ValueError, KeyError, TypeError):
            return _told(400, "Required", "required")
        if request.method != "POST" or not request.query.get("project"):
            return _told(400, "Required parameter: project", "required")
        if not self.buckets.create(name):
            message = "Your previous request to create the named bucket succeeded and you already own it."
            return _told(409, message, "conflict")
        told = {"kind": "storage#bucket", "id": name, "name": name, "location": "US"}
        return Reply(200, _JSON, json.dumps(told).encode())


def _told(status: int, message: str, reason: str) -> Reply:
    error: dict[str, Any] = {"message": message, "domain": "global", "reason": reason}
    return Reply(
        status, _JSON, json.dumps({"error": {"code": status, "message": message, "errors": [error]}}).encode()
    )
