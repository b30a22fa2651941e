"""Making the bucket that a store is to lie in, which no other command ever does."""

from __future__ import annotations

import json
import warnings
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from lading.core.errors import ConflictError, UnavailableError, UsageError
from lading.plumbing.http import Http
from lading.plumbing.proxies import proxy_of
from lading.plumbing.sigv4 import sign
from lading.stores.blame import Place, answered
from lading.stores.clients import GOOGLE, check_endpoint, google_file, no_credentials, s3
from lading.stores.s3read import Bucket

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.core.location import Location

_ANSWER_BYTES: Final = 64 * 1024
_OURS: Final = (b"BucketAlreadyOwnedByYou", b"you already own it")
"""Amazon S3 API reference, "CreateBucket", Errors; Cloud Storage, "HTTP status and error codes", 409."""
_CONFLICT: Final = 409
_FIRST_REGIONS: Final = frozenset({"us-east-1", "auto"})
"""Regions that a request to create a bucket does not name: Amazon's first, and R2's only one."""
_TOKENS: Final = "https://oauth2.googleapis.com"
_SCOPE: Final = "https://www.googleapis.com/auth/devstorage.read_write"


def create_bucket(location: Location) -> bool:
    """Make the bucket of a store, where it is not there.

    Returns:
        Whether it was made now; False where it is there already and ours.

    Raises:
        UsageError: ``cannot-create-store``, for stores that make themselves, or that only others can make.
        UnavailableError: what the service says against it.
    """
    if location.scheme == "s3":
        return _create_s3(location)
    if location.scheme == "gs":
        return _create_gcs(location)
    hint = "push without --create-store"
    if location.scheme == "az":
        hint = f"az storage container create --name {location.bucket} --account-name ACCOUNT"
    raise UsageError("cannot-create-store", f"lading does not create the store {location.url}", hint=hint)


def _create_s3(location: Location) -> bool:
    found = s3(location)
    place = Place("s3", location.url, found.bucket, found.endpoint, found.region, found.source)
    if found.keys is None:
        raise UsageError(
            "cannot-create-store",
            f"creating {location.url} needs keys of its own, and there are none in the environment",
            hint=f"aws s3 mb s3://{found.bucket}, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    body = b""
    if found.region not in _FIRST_REGIONS:
        # Amazon S3 API reference, "CreateBucket".
        body = (
            b'<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>'
            + found.region.encode()
            + b"</LocationConstraint></CreateBucketConfiguration>"
        )
    url = Bucket(found.bucket, found.region, "", found.endpoint).root
    if found.endpoint is not None:
        url = url.rstrip("/")
    headers = sign("PUT", url, found.region, found.keys, datetime.now(UTC), body)
    return _send(location, place, ("PUT", url), headers, body)


def _create_gcs(location: Location) -> bool:
    """Cloud Storage JSON API, "Buckets: insert"."""
    environ = location.environ
    project = environ.get("GCP_PROJECT_ID")
    if not project:
        raise UsageError(
            "cannot-create-store",
            f"creating {location.url} needs to know the project, and GCP_PROJECT_ID is not set",
            hint="GCP_PROJECT_ID=my-project lading push --create-store",
        )
    name = f"{location.env or 'GOOGLE'}_APPLICATION_CREDENTIALS"
    path = environ.get(name)
    if location.env and not path:
        raise no_credentials(location, name)
    document = google_file(path, name) if path else {}
    base = location.endpoint or document.get("gcs_base_url") or GOOGLE
    check_endpoint(base, location)
    wanted: dict[str, Any] = {"name": location.bucket}
    if location.region:
        wanted["location"] = location.region
    headers = {"Content-Type": "application/json"}
    if not document.get("disable_oauth"):
        headers["Authorization"] = f"Bearer {_token(location, path)}"
    url = f"{base.rstrip('/')}/storage/v1/b?{urlencode({'project': project}, quote_via=quote)}"
    place = Place("gs", location.url, location.bucket, location.endpoint, location.region)
    return _send(location, place, ("POST", url), headers, json.dumps(wanted).encode())


def _token(location: Location, path: str | None) -> str:
    from lading.plumbing import wire

    try:
        auth: Any = import_module("google.auth")
        transport: Any = import_module("google.auth.transport.urllib3")
    except ImportError as error:
        raise UsageError(
            "missing-extra",
            f"creating a bucket of Google Cloud Storage needs google-auth: {error}",
            hint=f"pip install 'lading[gcs]', or: gcloud storage buckets create gs://{location.bucket}",
        ) from error
    try:
        if path:
            with warnings.catch_warnings():
                # It warns of files that strangers gave; this one is named by the user's own variable.
                warnings.simplefilter("ignore", DeprecationWarning)
                credentials, _ = auth.load_credentials_from_file(path, scopes=[_SCOPE])
        else:
            credentials, _ = auth.default(scopes=[_SCOPE])
        proxy, trusted = proxy_of(_TOKENS, location.environ), wire.trust(location.environ)
        manager = wire.through(proxy, trusted) if proxy else wire.direct(None, trusted)
        credentials.refresh(transport.Request(manager))
    except auth.exceptions.GoogleAuthError as error:
        raise UnavailableError(
            "no-credentials",
            f"{location.url}: Google gave no token: {type(error).__name__}",
            hint="gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS",
        ) from None  # its text has what the server of tokens answered
    return str(credentials.token)


def _send(
    location: Location, place: Place, request: tuple[str, str], headers: Mapping[str, str], body: bytes
) -> bool:
    http = Http(location.environ, allow_http=location.allow_http)
    try:
        with http.request(*request, headers, follow=False, body=body) as response:
            answer = response.body(_ANSWER_BYTES)
            if response.status in {200, 201}:
                return True
            if response.status == _CONFLICT and any(sign in answer for sign in _OURS):
                return False
            if response.status == _CONFLICT:
                raise ConflictError(
                    "bucket-taken",
                    f"the bucket '{location.bucket}' belongs to somebody else; their names are shared by all",
                    hint="choose another name",
                )
            raise answered(place, response.status, response.headers, answer, "creating the bucket", "")
    finally:
        http.close()
