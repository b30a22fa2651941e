"""AWS Signature Version 4 in headers, as S3 wants it.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, urlsplit

from lading.plumbing.urls import origin

if TYPE_CHECKING:
    from datetime import datetime

_ALGORITHM: Final = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Keys:
    """Credentials of S3.

    Attributes:
        access_key_id: says who asks; no secret.
        secret: never sent.
        token: of temporary credentials, else empty.
    """

    access_key_id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


def sign(method: str, url: str, region: str, keys: Keys, now: datetime, body: bytes = b"") -> dict[str, str]:
    """The headers that prove who sends a request; any further headers may be added unsigned.

    Args:
        method: in upper case.
        url: percent-encoded once, which is what S3 signs (other services sign twice encoded paths).
        region: such as ``eu-west-1``; R2 takes ``auto``.
        keys: who asks.
        now: an aware time; servers refuse one that is 15 minutes off.
        body: what is sent, whole.
    """
    parts = urlsplit(url)
    moment = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    hashed = hashlib.sha256(body).hexdigest()
    headers = {"host": str(origin(url)), "x-amz-content-sha256": hashed, "x-amz-date": moment}
    if keys.token:
        headers["x-amz-security-token"] = keys.token
    names = ";".join(headers)
    canonical = "\n".join(
        (
            method,
            _encoded(parts.path or "/", safe="/"),
            _query(parts.query),
            *(f"{name}:{' '.join(value.split())}" for name, value in headers.items()),
            "",
            names,
            hashed,
        )
    )
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    text = "\n".join((_ALGORITHM, moment, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    signature = _mac(_key(keys.secret, scope), text).hex()
    del headers["host"]  # every client sends it by itself
    credential = f"{keys.access_key_id}/{scope}"
    headers["authorization"] = (
        f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
    )
    return headers


def _key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = _mac(key, part)
    return key


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _encoded(text: str, safe: str = "") -> str:
    """In the one spelling that both sides sign: unreserved letters as they are, all others encoded."""
    return quote(unquote(text, errors="surrogateescape"), safe=safe, errors="surrogateescape")


def _query(query: str) -> str:
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return "&".join(
        f"{name}={value}" for name, value in sorted((_encoded(n), _encoded(v)) for n, _, v in pairs)
    )
