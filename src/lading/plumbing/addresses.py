"""Which network addresses are private, and which hosts are this machine."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Final

_NUMBERS: Final = re.compile(r"[0-9a-fx.]+")
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def private(address: str) -> bool:
    """Whether an IP address is not one of the public internet.

    That is loopback, RFC 1918, link-local (where clouds keep their metadata service), carrier-grade NAT,
    unique local, unspecified and every other range that IANA lists as not global. An IPv6 address that
    carries an IPv4 address is as private as that one. What is no IP address counts as private.
    """
    try:
        found = _plain(ipaddress.ip_address(address))
    except ValueError:
        return True
    return not found.is_global or found.is_multicast or getattr(found, "is_site_local", False)


def literal(host: str) -> str | None:
    """The IP address that the host of a URL is, or None where it is a name.

    Also the spellings that resolvers take: ``127.1``, ``0x7f000001``, ``2130706433``.
    """
    text = host.strip("[]").rstrip(".").lower()
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        pass
    if not _NUMBERS.fullmatch(text):
        return None
    try:
        return socket.inet_ntoa(socket.inet_aton(text))
    except OSError:
        return None


def is_loopback(host: str) -> bool:
    """Whether the host of a URL is this machine, by its name or address alone."""
    address = literal(host)
    if address is None:
        return host.rstrip(".").lower() == "localhost"
    return _plain(ipaddress.ip_address(address)).is_loopback


def _plain(address: _Address) -> _Address:
    """The IPv4 address inside an IPv6 address, where there is one."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address
