"""The errors for when a cloud store could not be asked at all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lading.core.errors import LadingError, UnavailableError, UsageError

if TYPE_CHECKING:
    from lading.stores.asked import Asked

_VARIABLES: Final = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN",
}
_TLS: Final = {
    "UnknownIssuer": "nobody that this machine trusts has signed its certificate",
    "NotValidForName": "its certificate is for another name",
    "Expired": "its certificate has expired",
    "NotValidYet": "its certificate is not valid yet",
    "Revoked": "its certificate was revoked",
    "InvalidContentType": "it does not speak TLS",
    "tls handshake eof": "it ended the connection instead of speaking TLS",
}
_BROKEN: Final = {
    "ConnectionRefused": "nobody listens there",
    "ConnectionReset": "the connection was reset",
    "IncompleteBody": "the connection ended before all bytes had come",
    "IncompleteMessage": "the connection ended before an answer came",
    "NetworkUnreachable": "there is no route to it",
    "HostUnreachable": "there is no route to it",
    "Parse": "what answers there does not speak HTTP; if it speaks TLS, write https://",
}
_ADDRESS: Final = re.compile(r'ConnectError\(\s*"[^"]*",\s*([0-9a-f.:\[\]]+),')


def no_credentials(asked: Asked, chain: str) -> LadingError:
    """Neither variables nor the machine itself gave any; the last resort was the metadata server."""
    looked = asked.place.credentials or _VARIABLES[asked.place.scheme]
    half = re.search(r"Missing(AccessKeyId|SecretAccessKey)", chain)
    why = (
        f"the {half.group(1)} is missing"
        if half
        else "the metadata server of a cloud machine gave none either"
    )
    return UnavailableError(
        "no-credentials",
        f"{asked.doing}: there are no credentials for {asked.place.url}: looked for {looked}, and {why}",
        hint=f"set {_VARIABLES[asked.place.scheme]}, "
        'or env = "PREFIX" in the [stores.X] table for variables that begin with it',
    )


def broken_credentials(asked: Asked, chain: str) -> LadingError:
    """They cannot even be read."""
    unreadable = "cannot be read" if "OpenCredentials" in chain else "are not written as they must be"
    return UnavailableError(
        "bad-credentials",
        f"{asked.doing}: {asked.who} for {asked.place.url} {unreadable}",
        hint=f"check {asked.place.credentials or _VARIABLES[asked.place.scheme]}",
    )


def plain_http(asked: Asked, _chain: str) -> LadingError:
    """An endpoint without TLS must be allowed by name."""
    return UsageError(
        "plain-http",
        f"{asked.doing}: {asked.server} is http://, where anybody on the way can read and change bytes",
        hint="write https://, or allow_http = true in the [stores.X] table",
    )


def tls_failed(asked: Asked, chain: str) -> LadingError:
    """The server could not prove who it is, or there is no TLS."""
    why = _first(_TLS, chain, "the TLS handshake failed")
    return UnavailableError(
        "tls-failed",
        f"{asked.doing}: no safe connection to {asked.server}: {why}",
        hint="check the endpoint and this machine's clock; "
        "for an authority of your own: SSL_CERT_FILE=its-certificate.pem",
    )


def proxy_login(asked: Asked, _chain: str) -> LadingError:
    """The proxy refused to open the tunnel (407 to CONNECT)."""
    return UnavailableError(
        "login-page",
        f"{asked.doing}: the proxy on the way to {asked.server} wants a name and a password",
        hint="give them in HTTPS_PROXY, as http://NAME:PASSWORD@HOST:PORT; "
        "NO_PROXY lists what must not go through the proxy",
    )


def redirected(asked: Asked, _chain: str) -> LadingError:
    """A store never sends us in circles; login pages do."""
    return UnavailableError(
        "login-page",
        f"{asked.doing}: {asked.server} sent us from address to address without an answer, as login pages do",
        hint="log in to the network; check the endpoint in the [stores.X] table, and HTTPS_PROXY",
    )


def dns_failed(asked: Asked, _chain: str) -> LadingError:
    """The name has no address."""
    return UnavailableError(
        "dns-failed",
        f"{asked.doing}: the name {asked.server} cannot be resolved",
        hint="check the network, and for a typing error in the endpoint, region, bucket or account",
    )


def timed_out(asked: Asked, _chain: str) -> LadingError:
    """Nothing came for too long."""
    return UnavailableError(
        "timed-out",
        f"{asked.doing}: {asked.server} did not answer in time for {asked.thing}",
        hint="run the command again, it takes up where it stopped; check HTTPS_PROXY and the firewall",
    )


def unreachable(asked: Asked, chain: str) -> LadingError:
    """No connection, or it broke."""
    address = _ADDRESS.search(chain)
    where = f" ({address.group(1)})" if address and address.group(1) not in asked.server else ""
    return UnavailableError(
        "unreachable",
        f"{asked.doing}: {asked.server}{where}: {_first(_BROKEN, chain, 'the connection failed')}",
        hint="run the command again, it takes up where it stopped; "
        "check the endpoint, HTTPS_PROXY and the firewall",
    )


def range_ignored(asked: Asked, _chain: str) -> LadingError:
    """A part was asked for and the whole came; a login page does that too."""
    return UnavailableError(
        "range-ignored",
        f"{asked.doing}: a part of {asked.thing} was asked for, and {asked.server} sent the whole, or a page",
        hint="check the endpoint and HTTPS_PROXY: a server or cache on the way ignores Range",
    )


def no_store_there(asked: Asked, _chain: str) -> LadingError:
    """It said yes, and then not what a store says."""
    return UnavailableError(
        "html-body",
        f"{asked.doing}: what {asked.server} sent for {asked.thing} is no store's answer",
        hint="check the endpoint in the [stores.X] table, and HTTPS_PROXY: another server or a login page "
        "answers there",
    )


def _first(reasons: dict[str, str], chain: str, otherwise: str) -> str:
    return next((reason for word, reason in reasons.items() if word in chain), otherwise)
