"""``https://``: plain objects on any web server, to be read."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from lading.core.errors import UnavailableError, UsageError
from lading.core.names import check_name, is_version
from lading.core.projections import tags, tags_key
from lading.plumbing.http import Http
from lading.plumbing.remote import Remote
from lading.plumbing.urls import base, encoded
from lading.stores.layout import Shelves

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lading.core.errors import LadingError
    from lading.core.location import Location
    from lading.core.objects import Entries
    from lading.plumbing.patience import Patience
    from lading.plumbing.response import Response

_ABSENT: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_DENIED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_TAGS_BYTES: Final = 1024 * 1024
_PAGES: Final = (".html", ".htm", ".xhtml")
_PAGE_STARTS: Final = (b"<!doctype html", b"<html")


class Web(Remote):
    """The objects below a URL, which can be read and not listed.

    Args:
        http: the client.
        url: ``http(s)://host/path``, without user or query.
        headers: sent with each request, such as ``Authorization``; they never reach another origin.
        patience: how often something is tried.

    Raises:
        UsageError: ``bad-url``.
    """

    def __init__(
        self,
        http: Http,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        patience: Patience | None = None,
    ) -> None:
        super().__init__(url, patience)
        self._http = http
        self._base = base(url)
        self._headers = dict(headers or {})

    def entries(self, folder: str, after: str = "") -> Entries:
        """Nothing: web servers have no common way to list.

        Raises:
            UsageError: ``cannot-list``, always.
        """
        raise UsageError(
            "cannot-list",
            f"{self._url} cannot be listed: HTTP has no way to ask what lies under {folder or 'it'}"
            + (f" after {after}" if after else ""),
            hint="name the version that you want, or list the store where it was published",
        )

    def _ask(self, method: str, key: str, headers: Mapping[str, str]) -> Response:
        return self._http.request(method, self._base + encoded(key, ":"), {**self._headers, **headers})

    def _is_absent(self, status: int, body: bytes) -> bool:  # noqa: ARG002 - the status says it all
        return status in _ABSENT

    def _refusal(self, response: Response, body: bytes, doing: str, key: str) -> LadingError:  # noqa: ARG002
        said = f"{doing} {key} in {self._url}: {response.origin} answered {_phrase(response.status)}"
        if response.status in _DENIED:
            return UnavailableError(
                "access-denied",
                said,
                hint="check the credentials, and whether they may read there; some servers also answer so "
                "where there is nothing",
            )
        if response.status == HTTPStatus.TOO_MANY_REQUESTS:
            after = response.headers.get("retry-after")
            return UnavailableError(
                "rate-limited",
                said + (f", and to come back after {after} (Retry-After)" if after else ""),
                hint="wait, then run the same command: it takes up where it stopped",
            )
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return UnavailableError("server-error", said, hint="try again later; its own log says why")
        return UnavailableError("unexpected-status", said, hint=f"see what it says: curl -i {response.name}")

    def _look(self, response: Response, key: str, beginning: bytes) -> None:
        if key.lower().endswith(_PAGES):
            return
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        start = beginning[:512].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
        if kind == "text/html" or start.startswith(_PAGE_STARTS):
            raise UnavailableError(
                "html-body",
                f"a web page came instead of {key} from {self._url} (a login or proxy page?); "
                f"{response.origin} sent it",
                hint=f"see where it leads: curl -sIL {self._base}{encoded(key, ':')}",
            )


class WebStore(Shelves[Web]):
    """A store behind any web server, to be read: what a folder or a bucket shows to the world."""

    def versions(self, name: str) -> list[str]:
        """The versions in the list of tags, which is all that a web server can tell; the newest 1,000.

        Raises:
            IntegrityError: ``bad-tags``.
        """
        key = tags_key(check_name(name))
        raw = self.objects.get(key, _TAGS_BYTES)
        return [] if raw is None else [tag for tag in tags(raw, f"{self.url}: {key}") if is_version(tag)]


def open_store(location: Location, base: Path) -> WebStore:  # noqa: ARG001 - every door looks like this
    """The store at an ``https://`` URL, or at an ``http://`` one on this machine.

    Raises:
        UsageError: ``bad-url``.
    """
    return WebStore(Web(Http(location.environ, allow_http=location.allow_http), location.url))


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
