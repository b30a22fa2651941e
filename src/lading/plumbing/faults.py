"""What goes wrong on a connection, in lading's words."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from http.client import IncompleteRead
from typing import TYPE_CHECKING, Final

from lading.core.errors import LadingError, UnavailableError
from lading.plumbing.urls import origin, redacted

if TYPE_CHECKING:
    from lading.plumbing.proxies import Proxy

_CLOCK: Final = "compare this machine's clock (date -u) with the real time"
_AUTHORITY: Final = (
    "if it is your own authority's certificate, point SSL_CERT_FILE at that authority's PEM file"
)
_CERTIFICATES: Final = {
    9: ("its certificate is not valid yet", _CLOCK),
    10: ("its certificate has expired", f"renew it; or {_CLOCK}"),
    18: ("its certificate is self-signed", _AUTHORITY),
    19: ("its certificate comes from an unknown authority", _AUTHORITY),
    20: ("its certificate comes from an unknown authority", _AUTHORITY),
    21: ("its certificate comes from an unknown authority", _AUTHORITY),
    62: ("its certificate is for another name", "ask for it by the name that its certificate has"),
    64: ("its certificate is for another address", "ask for it by the name that its certificate has"),
}
"""OpenSSL's X509_V_ERR codes."""

_NOT_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"})


@dataclass(frozen=True, slots=True)
class Call:
    """The request that failed, as messages speak of it.

    Attributes:
        url: what was asked for.
        proxy: through whom, or None.
        connect_s: how long a connection may take to be made.
        read_s: how long the other side may be silent.
    """

    url: str
    proxy: Proxy | None
    connect_s: float
    read_s: float

    @property
    def host(self) -> str:
        """The host, and its port where it is not the usual one."""
        return str(origin(self.url))


def explain(error: Exception, call: Call) -> LadingError:
    """The error for a request that got no answer."""
    from urllib3 import exceptions

    root = _root(error)
    # What a proxy answers to CONNECT is known by these words alone.
    if isinstance(error, exceptions.ProxyError) or str(root).startswith("Tunnel connection failed"):
        return _proxy(root, call)
    if isinstance(error, exceptions.ConnectTimeoutError) and isinstance(root, TimeoutError):
        return UnavailableError(
            "timed-out",
            f"{call.host} could not be reached within {call.connect_s:g} s",
            hint=f"a firewall may drop the packets; try: curl -I {_root_of(call.url)}",
        )
    if isinstance(error, exceptions.TimeoutError) and isinstance(root, TimeoutError):
        return _silent(call)
    if isinstance(root, ssl.SSLError):
        return _tls(root, call)
    return _lost(root, call)


def broken(error: Exception, call: Call, got: int) -> LadingError:
    """The error for a body that stopped after ``got`` bytes."""
    root = _root(error)
    if isinstance(root, TimeoutError):
        return _silent(call)
    if isinstance(root, IncompleteRead) and isinstance(root.expected, int):
        cause = f"{root.expected} more were expected"
    else:
        cause = _words(root)
    return UnavailableError(
        "cut-short",
        f"{redacted(call.url)} was cut short after {got} bytes: {cause}",
        hint="try again; if it happens again at the same place, the server or a proxy on the way limits it",
    )


def _root(error: BaseException) -> BaseException:
    """What the operating system or TLS said, inside urllib3's wrappings."""
    while True:
        inner = next((arg for arg in error.args if isinstance(arg, Exception)), error.__cause__)
        if inner is None or isinstance(error, OSError) or type(error).__module__ == "http.client":
            return error
        error = inner


def _silent(call: Call) -> LadingError:
    return UnavailableError(
        "timed-out",
        f"{call.host} sent nothing for {call.read_s:g} s",
        hint=f"it may be overloaded; try again, or: curl -I {_root_of(call.url)}",
    )


def _proxy(root: BaseException, call: Call) -> LadingError:
    name = call.proxy.url if call.proxy else "the proxy"
    return UnavailableError(
        "proxy-failed",
        f"the proxy {name} did not lead to {call.host}: {_words(root)}",
        hint=f"check HTTPS_PROXY and HTTP_PROXY; NO_PROXY={origin(call.url).host} goes around the proxy",
    )


def _tls(root: BaseException, call: Call) -> LadingError:
    words, hint = _tls_words(root)
    return UnavailableError(
        "tls-failed",
        f"{call.host} cannot be trusted or understood over TLS: {words}",
        hint=hint or f"see what it answers: openssl s_client -connect {_connect(call.url)}",
    )


def _tls_words(root: BaseException) -> tuple[str, str]:
    if isinstance(root, ssl.SSLCertVerificationError) and hasattr(root, "verify_code"):
        known = _CERTIFICATES.get(root.verify_code)
        return known or (f"its certificate was refused ({root.verify_message})", "")
    if isinstance(root, ssl.SSLError) and root.reason in _NOT_TLS:
        return "it does not speak TLS", "if it is a plain HTTP server, its URL begins with http://"
    if isinstance(root, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "it hung up (it may want another version of TLS, or a certificate of ours)", ""
    return str(getattr(root, "reason", None) or root).lower().replace("_", " "), ""


def _lost(root: BaseException, call: Call) -> LadingError:
    if isinstance(root, socket.gaierror):
        return UnavailableError(
            "dns-failed",
            f"the name {origin(call.url).host} could not be resolved: {_words(root)}",
            hint=f"check its spelling and this machine's DNS: getent hosts {origin(call.url).host}",
        )
    if not isinstance(root, OSError):
        return UnavailableError(
            "not-http",
            f"{call.host} did not answer in HTTP ({type(root).__name__})",
            hint="check the port, and whether the URL should begin with https://",
        )
    return UnavailableError(
        "unreachable",
        f"{call.host} could not be reached: {_words(root)}",
        hint=f"check that it runs and that the network leads there: curl -I {_root_of(call.url)}",
    )


def _words(root: BaseException) -> str:
    """What an error says, in one line."""
    text = root.strerror if isinstance(root, OSError) and root.strerror else str(root)
    return " ".join(str(text).split()) or type(root).__name__


def _root_of(url: str) -> str:
    there = origin(url)
    return f"{there.scheme}://{there}/"


def _connect(url: str) -> str:
    there = origin(url)
    return f"{there.host}:{there.port}"
