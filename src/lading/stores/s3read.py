"""Reading a bucket with requests that lading signs itself, over its own connections."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from lading.core.errors import UnavailableError
from lading.core.objects import Entries
from lading.plumbing.remote import Remote
from lading.plumbing.s3list import parse
from lading.plumbing.sigv4 import sign
from lading.plumbing.urls import base, encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lading.core.errors import LadingError
    from lading.core.objects import Found
    from lading.plumbing.http import Http
    from lading.plumbing.patience import Patience
    from lading.plumbing.response import Response
    from lading.plumbing.s3list import Page
    from lading.plumbing.sigv4 import Keys

    Explain = Callable[[int, Mapping[str, str], bytes, str, str], LadingError]
    """The error for an answer: its status, headers and body, what was being done, and to which key."""

_LISTING_BYTES: Final = 16 * 1024 * 1024
"""A page has at most 1,000 keys of 1,024 bytes, each of which may be written as three."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where objects lie in S3, or in what speaks like it.

    Attributes:
        name: the bucket.
        region: as signatures name it.
        prefix: the common beginning of all keys, empty or ending with ``/``.
        endpoint: the URL of the service, or None for Amazon's own.
    """

    name: str
    region: str
    prefix: str = ""
    endpoint: str | None = None

    @property
    def root(self) -> str:
        """The URL that keys are appended to: path style for an endpoint, virtual hosts at Amazon."""
        if self.endpoint is not None:
            return f"{base(self.endpoint)}{self.name}/"
        host = f"s3.{self.region}.amazonaws.com" + (".cn" if self.region.startswith("cn-") else "")
        if "." in self.name:  # Amazon's certificate is for one label before its own name
            return f"https://{host}/{self.name}/"
        return f"https://{self.name}.{host}/"

    def url(self, key: str, query: Mapping[str, str | int] | None = None) -> str:
        """The URL of an object, with a query that says what is asked of it."""
        return f"{self.root}{encoded(self.prefix + key)}{_query(query or {})}"

    def listing(self, query: Mapping[str, str | int]) -> str:
        """The URL of the bucket itself, with a query that says what to list."""
        return f"{self.root}{_query(query)}"

    def __str__(self) -> str:
        return f"s3://{self.name}/{self.prefix}"


@dataclass(frozen=True, slots=True)
class Signer:
    """Who asks, and when.

    Attributes:
        keys: the credentials at this moment, or None to ask as nobody.
        clock: the seconds since 1970.
    """

    keys: Callable[[], Keys | None]
    clock: Callable[[], float] = time.time

    def headers(self, method: str, url: str, region: str, body: bytes = b"") -> dict[str, str]:
        """What to send along; empty where nobody asks."""
        keys = self.keys()
        if keys is None:
            return {}
        return sign(method, url, region, keys, datetime.fromtimestamp(self.clock(), UTC), body)


@dataclass(frozen=True, slots=True)
class Signed:
    """A bucket with somebody who asks it.

    Attributes:
        http: the client.
        bucket: where.
        signer: who asks.
    """

    http: Http
    bucket: Bucket
    signer: Signer

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Response:
        """The answer to one signed request, whatever its status.

        A signature holds for one host, so a redirect is an answer like others.
        """
        signed = self.signer.headers(method, url, self.bucket.region, body)
        return self.http.request(method, url, {**headers, **signed}, follow=False, body=body)


class S3Reader(Remote):
    """The objects below a prefix of a bucket, which can be read and listed.

    Args:
        signed: the bucket.
        explain: the error for an answer that is neither the object nor its absence.
        patience: how often something is tried.
    """

    def __init__(self, signed: Signed, *, explain: Explain, patience: Patience | None = None) -> None:
        super().__init__(str(signed.bucket), patience)
        self._signed = signed
        self._explain = explain

    def entries(self, folder: str, after: str = "") -> Entries:
        """What lies directly in ``folder``, page by page as the bucket gives it.

        Raises:
            UnavailableError: ``bad-listing``, besides what ``explain`` says.
        """
        folders: set[str] = set()
        objects: dict[str, Found] = {}
        tokens = [""]
        while True:
            page = self._patience.keep(partial(self._page, folder, after, tokens[-1]))
            folders.update(page.folders)
            objects.update((found.key, found) for found in page.objects)
            if not page.token:
                break
            if page.token in tokens:
                raise UnavailableError(
                    "bad-listing", f"{self._url} gives the same page of {folder or 'its listing'} for ever"
                )
            tokens.append(page.token)
        order = sorted(objects, key=str.encode)
        return Entries(tuple(sorted(folders, key=str.encode)), tuple(objects[key] for key in order))

    def _page(self, folder: str, after: str, token: str) -> Page:
        bucket, prefix = self._signed.bucket, self._signed.bucket.prefix
        asked = {
            "list-type": "2",
            "delimiter": "/",
            "encoding-type": "url",
            "prefix": prefix + folder,
            "start-after": prefix + after if after else "",
            "continuation-token": token,
        }
        url = bucket.listing({name: value for name, value in asked.items() if value})
        with self._signed.send("GET", url, {}) as response:
            if not self._there(response, "listing", folder):
                raise self._refusal(response, b"", "listing", folder)
            body = response.body(_LISTING_BYTES + 1)
            if _is_page(response):
                raise self._explain(200, response.headers, body, "listing", folder)
        if len(body) > _LISTING_BYTES:
            raise UnavailableError(
                "bad-listing", f"{self._url} answered a listing of {folder or 'it'} with more than 16 MiB"
            )
        return parse(body, self._url, prefix, folder)

    def _ask(self, method: str, key: str, headers: Mapping[str, str]) -> Response:
        return self._signed.send(method, self._signed.bucket.url(key), headers)

    def _is_absent(self, status: int, body: bytes) -> bool:
        return status == 404 and b"<Code>NoSuchBucket<" not in body  # noqa: PLR2004 - Not Found

    def _refusal(self, response: Response, body: bytes, doing: str, key: str) -> LadingError:
        return self._explain(response.status, response.headers, body, doing, key)

    def _look(self, response: Response, key: str, beginning: bytes) -> None:
        """Refuse a web page: no model is one, and a proxy's login page is."""
        if _is_page(response) and not key.endswith((".html", ".htm")):
            raise self._explain(200, response.headers, beginning, "reading", key)


def _is_page(response: Response) -> bool:
    return response.headers.get("content-type", "").startswith("text/html")


def _query(query: Mapping[str, str | int]) -> str:
    return f"?{urlencode(query, quote_via=quote, safe='')}" if query else ""
