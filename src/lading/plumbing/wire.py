"""The connections of ``lading.plumbing.http``: all that is urllib3's, imported when first used."""

from __future__ import annotations

import logging
import ssl
from base64 import b64encode
from contextvars import ContextVar
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from lading.core.errors import UsageError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from urllib3 import BaseHTTPResponse

    from lading.plumbing.proxies import Proxy

    Guard = Callable[[str], bool]

_CONNECTIONS: Final = 16
"""How many idle connections to one host are kept."""

_sending: ContextVar[bool] = ContextVar("_sending", default=False)


class _Quiet(logging.Filter):
    """urllib3 logs whole request targets, and query strings may hold signatures: none of ours are logged."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002 - what it says does not matter
        return not _sending.get()


for _name in ("urllib3.connection", "urllib3.connectionpool", "urllib3.response"):
    logging.getLogger(_name).addFilter(_Quiet())


class RefusedPeerError(Exception):
    """A connection was made to an address that the guard refuses; nothing was sent over it."""

    def __init__(self, peer: str) -> None:
        super().__init__(peer)
        self.peer = peer


def _anyone(peer: str) -> bool:  # noqa: ARG001 - a guard that refuses nobody
    return False


class _Peer:
    """Looks at who answered before anything is sent: what a name resolved to earlier proves nothing."""

    guard: Guard = staticmethod(_anyone)
    peer: str = ""

    def met(self, found: socket.socket, connection: HTTPConnection) -> socket.socket:
        try:
            self.peer = found.getpeername()[0].partition("%")[0]
        except OSError as error:
            found.close()
            raise NewConnectionError(connection, f"the connection was lost: {error}") from error
        if self.guard(self.peer):
            found.close()
            raise RefusedPeerError(self.peer)
        return found


class _PlainConnection(_Peer, HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return self.met(super()._new_conn(), self)


class _SecureConnection(_Peer, HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return self.met(super()._new_conn(), self)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection
    guard: Guard = staticmethod(_anyone)

    def _new_conn(self) -> Any:  # noqa: ANN401 - urllib3's own protocol of connections is private
        connection = super()._new_conn()
        if isinstance(connection, _Peer):
            connection.guard = self.guard
        return connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection
    guard: Guard = staticmethod(_anyone)

    def _new_conn(self) -> Any:  # noqa: ANN401 - as above
        connection = super()._new_conn()
        if isinstance(connection, _Peer):
            connection.guard = self.guard
        return connection


class _Direct(PoolManager):
    def __init__(self, guard: Guard | None, context: ssl.SSLContext | None) -> None:
        super().__init__(maxsize=_CONNECTIONS, ssl_context=context)
        self._guard = guard
        self.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}

    def _new_pool(
        self, scheme: str, host: str, port: int, request_context: dict[str, Any] | None = None
    ) -> HTTPConnectionPool:
        pool = super()._new_pool(scheme, host, port, request_context)
        if self._guard is not None and isinstance(pool, _PlainPool | _SecurePool):
            pool.guard = self._guard
        return pool


def direct(guard: Guard | None, context: ssl.SSLContext | None) -> PoolManager:
    """Connections straight to each host; kept-alive ones have passed the guard as new ones do."""
    return _Direct(guard, context)


def through(proxy: Proxy, context: ssl.SSLContext | None) -> ProxyManager:
    """Connections through a proxy: a tunnel for https, plain forwarding for http."""
    headers = {}
    if proxy.user is not None:
        headers["Proxy-Authorization"] = "Basic " + b64encode(proxy.user.encode()).decode()
    return ProxyManager(
        proxy.url,
        proxy_headers=headers,
        proxy_ssl_context=context,
        ssl_context=context,
        maxsize=_CONNECTIONS,
    )


def trust(environ: Mapping[str, str]) -> ssl.SSLContext:
    """TLS as Python does it: the system's authorities, and those that ``SSL_CERT_FILE`` or its folder add.

    Raises:
        UsageError: ``bad-certificates``.
    """
    context = ssl.create_default_context()
    file, folder = environ.get("SSL_CERT_FILE"), environ.get("SSL_CERT_DIR")
    try:
        if file or folder:
            context.load_verify_locations(file or None, folder or None)
    except OSError as error:  # also ssl.SSLError
        raise UsageError(
            "bad-certificates",
            f"the certificates that SSL_CERT_FILE or SSL_CERT_DIR names ({file or folder}) cannot be read: "
            f"{error.strerror or error}",
            hint="point SSL_CERT_FILE at a file of PEM certificates that this user may read, or unset it",
        ) from error
    return context


def send(
    manager: PoolManager, request: tuple[str, str, bytes], headers: Mapping[str, str], timeout: Timeout
) -> BaseHTTPResponse:
    """One request, by method, URL and body, never repeated nor redirected; the answer is not read yet."""
    token = _sending.set(True)
    method, url, body = request
    length = {"Content-Length": str(len(body))} if body else {}
    try:
        return manager.urlopen(
            method,
            url,
            # As a file it goes out piece by piece, each with the timeout that is else for the whole.
            body=BytesIO(body) if body else None,
            redirect=False,
            headers={**headers, **length},
            retries=False,
            preload_content=False,
            decode_content=False,
            timeout=timeout,
        )
    finally:
        _sending.reset(token)


def peer_of(response: BaseHTTPResponse) -> str:
    """The address of who answered, directly; only of a response whose body was not read yet."""
    connection = response.connection
    return connection.peer if isinstance(connection, _Peer) else ""
