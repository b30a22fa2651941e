"""URLs as HTTP uses them: where they lead, and how messages name them."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from lading.core.errors import UsageError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_PORTS: Final = {"http": 80, "https": 443}
_UNCLEAN: Final = re.compile(r"[\x00-\x20\x7f]")
_NETLOC: Final = re.compile(r"(?:[^@\\]*@)?(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
"""What every parser of URLs reads alike: where two differ, one may check a host and the other ask another."""

_WRITTEN: Final = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True, slots=True)
class Origin:
    """Whom a request reaches; credentials meant for one origin are no other's business."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def origin(url: str) -> Origin:
    """The origin of an ``http`` or ``https`` URL.

    Raises:
        UsageError: ``bad-url``.
    """
    try:
        parts = urlsplit(url)
        clean = _NETLOC.fullmatch(parts.netloc) and not _UNCLEAN.search(url)
        if parts.scheme not in _PORTS or not parts.hostname or not clean:
            raise ValueError  # noqa: TRY301 - urlsplit says the same of other URLs
        return Origin(parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme])
    except ValueError as error:
        raise UsageError(
            "bad-url",
            f"'{redacted(url)}' is no URL that can be asked: expected http:// or https:// "
            "and a host, in ASCII",
        ) from error


def redacted(url: str) -> str:
    """A URL without what may be secret: user, password, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.partition("://")[0] + "://..."
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def base(url: str) -> str:
    """The URL of a place, ready for keys: it ends with ``/``.

    Raises:
        UsageError: ``bad-url``: it is no URL, or has a user, a query or a fragment.
    """
    origin(url)
    parts = urlsplit(url)
    if has_extras(parts):
        raise UsageError(
            "bad-url",
            f"the URL of a place may have no user, password, query or fragment: {redacted(url)}",
            hint="name the place by its plain URL, and give credentials in their own variables",
        )
    return url if url.endswith("/") else url + "/"


def has_extras(parts: SplitResult) -> bool:
    """Whether a URL says more than where something is."""
    return bool("@" in parts.netloc or parts.query or parts.fragment)


def encoded(key: str, safe: str = "") -> str:
    """A key as the path of a URL, percent-encoded except for unreserved letters, ``/`` and ``safe`` ones."""
    return quote(key, safe="/" + safe)


def joined(url: str, location: str) -> str:
    """Where a redirect from ``url`` leads, given the ``Location`` header as ``http.client`` reads it."""
    with suppress(UnicodeError):
        location = location.encode("latin-1").decode("utf-8")
    return urljoin(url, quote(location.strip(), safe=_WRITTEN))
