"""Whose fault it is when a cloud store does not give what was asked (design, section 7; style, habit 5).

The doors: an HTTP answer that a client of our own has, or the exception of ``obstore``. What the
store said is judged in ``lading.stores.judge``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from lading.core.errors import UnavailableError
from lading.core.redaction import redacted
from lading.stores import outages, refusals
from lading.stores.asked import Asked, Place, Right, right_of
from lading.stores.judge import judge
from lading.stores.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lading.core.errors import LadingError

__all__ = ["Place", "answered", "from_obstore", "redacted"]

_DEBUG: Final = "\n\nDebug source:\n"
_REQUEST: Final = re.compile(r"Error performing ([A-Z]+) (\S+) in ")
_STATUS: Final = re.compile(
    r"Server returned (?:non-2xx status code: (\d{3})[^:\n]*: ?|error response: )(.*)", re.DOTALL
)
_DELETED: Final = re.compile(r"request failed for key .*: (.*) \(code: (\w+)\)")
# The last place where credentials are looked for: the cloud machine's own servers, or where they were moved.
_METADATA: Final = re.compile(
    r"http://(169\.254\.\d+\.\d+|metadata(\.google\.internal)?)/"
    r"|https?://[^/]+/(latest/(api/token|meta-data/)|computeMetadata/|metadata/identity/)"
)
_LIST: Final = re.compile(r"[?&](list-type=2|comp=list)\b")
_REMOVE: Final = re.compile(r"[?&](delete|comp=batch)\b")
_METHODS: Final = {
    "GET": Right.READ,
    "HEAD": Right.READ,
    "PUT": Right.WRITE,
    "POST": Right.WRITE,
    "DELETE": Right.DELETE,
}
_PREFIX: Final = re.compile(r"^(Generic \w+ error: )?(Error performing .*? - )?")
_MOST_CHARACTERS: Final = 240
# The first word that is found in the chain of causes decides.
_CHAINS: Final[tuple[tuple[str, Callable[[Asked, str], LadingError]], ...]] = (
    (r"BadScheme", outages.plain_http),
    (r"Missing(AccessKeyId|SecretAccessKey)", outages.no_credentials),
    (
        r"\b(Open|Decode)Credentials\b|\bInvalidAccessKey\b|\bReadPem\b|MissingKey\b",
        outages.broken_credentials,
    ),
    (r"\bProxyAuthRequired\b", outages.proxy_login),
    (r"\b(InvalidCertificate|InvalidMessage|AlertReceived)\b|tls handshake", outages.tls_failed),
    (r'"dns error"', outages.dns_failed),
    (r"\bTimedOut\b|kind: Timeout\b", outages.timed_out),
    (r"kind: Redirect\b", outages.redirected),
    (r"kind: (Connect|Interrupted|Request|Body)\b", outages.unreachable),
    (r"\bNotPartial\b", outages.range_ignored),
    (r"\bInvalid\w+Response\b|\bMissing(Etag|LastModified|ContentLength)\b", outages.no_store_there),
)


def answered(  # noqa: PLR0913, RUF100  # what an HTTP client has in hand
    place: Place, status: int, headers: Mapping[str, str], body: bytes, doing: str, key: str
) -> LadingError:
    """The error for an HTTP answer that a client of our own read.

    Args:
        place: the store.
        status: the answer's status; also 200, where a page came instead of the object.
        headers: the answer's, in any case.
        body: the answer's, or its beginning.
        doing: what was being done, such as ``reading a manifest``. Its first word says what right was
            needed: ``writing``, ``creating``, ``sending``, ``uploading``, ``copying``, ``publishing``,
            ``listing``, ``deleting``, ``removing``; every other reads.
        key: the object, or an empty string for the bucket.

    Returns:
        The error to raise. A missing object is ``no-object``, which callers mostly say in better words.
    """
    return _clean(judge(Asked(place, doing, key, right_of(doing)), Reply.parse(status, headers, body)))


def from_obstore(error: Exception, place: Place, doing: str, key: str) -> LadingError:
    """The error for what ``obstore`` raised, read from its text, since it has nothing else.

    The text is that of object_store 0.14: what failed, then after ``Debug source:`` the chain of causes
    (https://github.com/apache/arrow-rs-object-store/blob/main/src/client/retry.rs). It shows no headers.

    Args:
        error: as caught.
        place: the store.
        doing: what was being done; its first word counts only where the text names no request.
        key: the object, or an empty string for the bucket.

    Returns:
        The error to raise from ``error``; ``store-failed`` where nothing is recognised.
    """
    head, chain = _parts(str(error))
    request = _REQUEST.search(head)
    method, uri = request.groups() if request else ("", "")
    host = urlsplit(uri).netloc.rpartition("@")[2]
    right = Right.DELETE if _DELETED.search(head) else _right(method, uri)
    asked = Asked(place, doing, key, right or right_of(doing), host)
    if _METADATA.match(uri):
        return _clean(outages.no_credentials(asked, chain))
    reply = _reply(head)
    if reply is not None:
        return _clean(judge(asked, reply))
    for pattern, verdict in _CHAINS:
        if re.search(pattern, chain):
            return _clean(verdict(asked, chain))
    return _clean(_unknown(asked, error, head))


def _parts(text: str) -> tuple[str, str]:
    """What obstore says, and the chain of causes without the key and the URL, which users choose."""
    head, mark, chain = text.rpartition(_DEBUG)
    if not mark:
        return text, ""
    return head, re.sub(r'uri: Some\(\s*\S+\s*\)|path: "(?:\\.|[^"\\])*"', "", chain)


def _reply(head: str) -> Reply | None:
    if "Received redirect without LOCATION" in head:
        return Reply(301, message="a redirect that names no address")
    found = _STATUS.search(head)
    if found:
        return Reply.parse(int(found.group(1) or 200), {}, found.group(2).encode())
    deleted = _DELETED.search(head)
    return Reply(200, code=deleted.group(2), message=deleted.group(1)) if deleted else None


def _right(method: str, uri: str) -> Right | None:
    if _LIST.search(uri):
        return Right.LIST
    return Right.DELETE if _REMOVE.search(uri) else _METHODS.get(method)


def _unknown(asked: Asked, error: Exception, head: str) -> LadingError:
    if isinstance(error, FileNotFoundError):
        return refusals.no_object(asked, Reply(404, bare=True))
    first = _PREFIX.sub("", head.partition("\n")[0])[:_MOST_CHARACTERS] or type(error).__name__
    return UnavailableError(
        "store-failed",
        f"{asked.doing}: {asked.place.url}: {asked.thing}: {first}",
        hint="lading env --probe tries the store step by step",
    )


def _clean(error: LadingError) -> LadingError:
    return type(error)(error.code, redacted(error.message), hint=error.hint)
