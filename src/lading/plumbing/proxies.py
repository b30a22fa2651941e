"""Which proxy a URL goes through, as ``HTTPS_PROXY``, ``HTTP_PROXY`` and ``NO_PROXY`` say."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from lading.core.errors import UsageError
from lading.plumbing.addresses import is_loopback, literal
from lading.plumbing.urls import origin, redacted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.plumbing.urls import Origin


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy; its user and password are kept apart from its URL, which messages show."""

    url: str
    user: str | None = None

    def __repr__(self) -> str:
        return f"Proxy({self.url!r})"


def proxy_of(url: str, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy for ``url``, or None; this machine is never asked through one.

    Raises:
        UsageError: ``bad-proxy``.
    """
    there = origin(url)
    value = _value(environ, f"{there.scheme}_proxy") or _value(environ, "all_proxy")
    if not value or is_loopback(there.host):
        return None
    if any(_names(entry.strip(), there) for entry in _value(environ, "no_proxy").split(",")):
        return None
    return _parsed(value if "://" in value else f"http://{value}")


def _value(environ: Mapping[str, str], name: str) -> str:
    """A variable in either case; the lower case wins, as for curl and Python."""
    if name == "http_proxy" and "REQUEST_METHOD" in environ:
        return environ.get(name, "")  # in a CGI script HTTP_PROXY is a header of the client's ("httpoxy")
    return environ.get(name) or environ.get(name.upper(), "")


def _names(entry: str, there: Origin) -> bool:
    """Whether an entry of ``NO_PROXY`` means a host: ``*``, a domain, an address, a network."""
    if entry == "*":
        return True
    address = literal(there.host)
    if address is not None:
        with suppress(ValueError):
            return ip_address(address) in ip_network(entry.strip("[]"), strict=False)
    name, _, port = entry.lower().rpartition(":") if entry.count(":") == 1 else (entry.lower(), "", "")
    if not name.strip(".") or (port and port != str(there.port)):
        return False
    name = name.lstrip("*").lstrip(".")
    return f".{there.host.rstrip('.')}".endswith(f".{name}") if address is None else name == address


def _parsed(value: str) -> Proxy:
    try:
        there = origin(value)
    except UsageError:
        raise UsageError(
            "bad-proxy",
            f"the proxy '{redacted(value)}' cannot be used: expected http://host:port or https://host:port",
            hint="check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY; NO_PROXY names hosts to ask directly",
        ) from None
    user, at, _ = urlsplit(value).netloc.rpartition("@")
    return Proxy(f"{there.scheme}://{there}", unquote(user) if at else None)
