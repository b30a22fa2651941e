"""The one HTTP client of lading, with the rules of design section 3.7.

It says what it trusts: TLS is verified, plain HTTP is spoken to this machine alone, redirects are followed by
its own rules, headers that the caller gave never reach another origin, and no message holds a query string.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lading import __version__
from lading.core.errors import UnavailableError, UsageError
from lading.plumbing import addresses
from lading.plumbing.addresses import is_loopback, literal
from lading.plumbing.faults import Call, explain
from lading.plumbing.proxies import proxy_of
from lading.plumbing.response import Response
from lading.plumbing.urls import joined, origin, redacted

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from urllib3 import PoolManager

    from lading.core.errors import LadingError
    from lading.plumbing.proxies import Proxy

_REDIRECTS: Final = 5
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
_HARMLESS: Final = frozenset({"range", "accept", "accept-encoding", "user-agent"})
"""The headers that may follow a redirect to another origin."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait for a connection, and for each further sign of life, in seconds."""

    connect_s: float = 10.0
    read_s: float = 60.0


@dataclass(frozen=True, slots=True)
class _Hop:
    """One request on the way to the answer.

    Attributes:
        guarded: whether a public address led here, so that this may not be a private one.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    guarded: bool = False
    body: bytes = b""


class Http:
    """Makes requests, for many threads at once, over connections that are kept.

    Args:
        environ: the environment, for ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY``, ``NO_PROXY``,
            ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``.
        allow_http: whether plain HTTP may leave this machine.
        timeouts: how long to wait.
        private: whether an IP address is private; a public one may not redirect there.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        allow_http: bool = False,
        timeouts: Timeouts | None = None,
        private: Callable[[str], bool] = addresses.private,
    ) -> None:
        self._environ = environ
        self._allow_http = allow_http
        self._timeouts = timeouts or Timeouts()
        self._private = private
        self._managers: dict[tuple[str, Proxy | None, bool], PoolManager] = {}
        self._context: ssl.SSLContext | None = None
        self._lock = threading.Lock()

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        follow: bool = True,
        body: bytes = b"",
    ) -> Response:
        """The answer to one request, whatever its status; nothing is tried twice.

        Args:
            method: GET and HEAD are redirected; for others a redirect is an error.
            url: an ``http`` or ``https`` URL, percent-encoded.
            headers: sent to the origin of ``url``; of them only Range, Accept, Accept-Encoding and User-Agent
                follow a redirect to another origin.
            follow: False to be given redirects as answers, as signed requests need.
            body: sent to the origin of ``url``.

        Raises:
            UnavailableError: ``dns-failed``, ``unreachable``, ``timed-out``, ``tls-failed``, ``not-http``,
                ``proxy-failed``, ``bad-redirect``, ``too-many-redirects``.
            UsageError: ``plain-http``, ``bad-url``, ``bad-proxy``, ``bad-certificates``.
        """
        hop = _Hop(method, url, _with_defaults(headers or {}), body=body)
        for _ in range(_REDIRECTS + 1):
            response, public = self._send(hop)
            location = response.headers.get("location") if response.status in _MOVED else None
            if location is None or not follow:
                return response
            response.close()
            hop = _next(hop, location, guarded=public)
        raise UnavailableError(
            "too-many-redirects",
            f"{redacted(url)} redirects more than {_REDIRECTS} times, last to {redacted(hop.url)}",
            hint=f"see where it leads: curl -sIL {redacted(url)}",
        )

    def close(self) -> None:
        """Close the connections that are idle; further requests make new ones."""
        with self._lock:
            managers, self._managers = self._managers, {}
        for manager in managers.values():
            manager.clear()

    def _send(self, hop: _Hop) -> tuple[Response, bool]:
        """The answer to one hop, and whether it is from a public address."""
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError

        from lading.plumbing import wire

        self._check_plain(hop.url)
        there, proxy = origin(hop.url), proxy_of(hop.url, self._environ)
        address = literal(there.host)
        # Behind a proxy nobody but the proxy knows what a name resolves to.
        private = proxy is not None and address is not None and self._private(address)
        if private and hop.guarded:
            raise _inward(hop.url, address or "")
        call = Call(hop.url, proxy, self._timeouts.connect_s, self._timeouts.read_s)
        timeout = Timeout(connect=self._timeouts.connect_s, read=self._timeouts.read_s)
        manager = self._manager(there.scheme, proxy, guarded=hop.guarded and proxy is None)
        try:
            raw = wire.send(manager, (hop.method, hop.url, hop.body), hop.headers, timeout)
        except wire.RefusedPeerError as error:
            raise _inward(hop.url, error.peer) from error
        except (HTTPError, OSError) as error:
            raise explain(error, call) from error
        public = not private if proxy else not self._private(wire.peer_of(raw))
        return Response(raw, call), public

    def _check_plain(self, url: str) -> None:
        there = origin(url)
        if there.scheme == "http" and not self._allow_http and not is_loopback(there.host):
            raise UsageError(
                "plain-http",
                f"{redacted(url)} is plain HTTP, which anybody on the way can read and change; "
                "only this machine may be asked so",
                hint="use https://, or set allow_http = true in the store's table [stores.X] of lading.toml",
            )

    def _manager(self, scheme: str, proxy: Proxy | None, *, guarded: bool) -> PoolManager:
        """The connections for URLs of one scheme; those that need no TLS do not load its certificates."""
        from lading.plumbing import wire

        with self._lock:
            manager = self._managers.get((scheme, proxy, guarded))
            if manager is None:
                secure = scheme == "https" or (proxy is not None and proxy.url.startswith("https:"))
                if secure and self._context is None:
                    self._context = wire.trust(self._environ)
                context = self._context if secure else None
                guard = self._private if guarded else None
                manager = wire.through(proxy, context) if proxy else wire.direct(guard, context)
                self._managers[scheme, proxy, guarded] = manager
            return manager


def _with_defaults(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The caller's headers, and ours where it has none: bodies are wanted as they are stored."""
    given = {name.lower() for name in headers}
    ours = {"Accept-Encoding": "identity", "User-Agent": f"lading/{__version__}"}
    return {**{name: value for name, value in ours.items() if name.lower() not in given}, **headers}


def _next(hop: _Hop, location: str, *, guarded: bool) -> _Hop:
    """The request that a redirect asks for, within the rules."""
    url = joined(hop.url, location)
    if hop.method not in {"GET", "HEAD"}:
        raise _misled(hop.url, url, f"and a {hop.method} request is not sent on")
    try:
        here, there = origin(hop.url), origin(url)
    except UsageError as error:
        raise _misled(hop.url, url, "which is no http or https URL") from error
    if here.scheme == "https" and there.scheme == "http":
        raise _misled(hop.url, url, "from https to plain http, where anybody could change what is sent")
    if here == there:
        return replace(hop, url=url, guarded=guarded)
    kept = {name: value for name, value in hop.headers.items() if name.lower() in _HARMLESS}
    return replace(hop, url=url, headers=kept, guarded=guarded)


def _misled(here: str, there: str, why: str) -> LadingError:
    return UnavailableError(
        "bad-redirect",
        f"{redacted(here)} redirects to {redacted(there)}, {why}",
        hint="if that is meant, name the place it leads to by its own URL",
    )


def _inward(url: str, address: str) -> LadingError:
    return UnavailableError(
        "bad-redirect",
        f"a public address redirects to {redacted(url)}, which is the private address {address}; "
        "nothing was sent there",
        hint="if that is meant, name the private place by its own URL",
    )
