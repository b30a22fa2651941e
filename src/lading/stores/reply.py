"""What a cloud store answered, whichever of the four dialects it speaks."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_BYTES: Final = 64 * 1024
_MOST_CHARACTERS: Final = 240
_PAGE: Final = re.compile(r"\s*(<!doctype html|<html|<head|<title|<script)", re.IGNORECASE)
_TITLE: Final = re.compile(r"<(title|h1)[^>]*>(.*?)</\1", re.IGNORECASE | re.DOTALL)
_PASSWORD: Final = re.compile(r"type=[\"']?password", re.IGNORECASE)
_LOGIN: Final = re.compile(r"\b(log|sign)[ -]?(in|on)\b|\b(sso|saml)\b|captive", re.IGNORECASE)
_EXPECTED: Final = re.compile(r"expecting '([^']+)'|Must be one of:.*\b(auto)\b")
_HOST: Final = re.compile(r"\bs3[.-]([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is not the one that was hoped for.

    Attributes:
        status: the HTTP status.
        code: the store's own word, such as ``NoSuchBucket``, or an empty string.
        message: the store's sentence, on one line and not too long.
        detail: more of it, for rules alone: it may hold signatures and is never shown.
        region: the region that the store names as the right one.
        date: the store's clock as it wrote it.
        title: the title of the web page that came instead, or None where none came.
        location: the address redirected to.
        login: whether that page, or the address redirected to, looks like a login.
        bare: whether there was no body, as for every HEAD request.
    """

    status: int
    code: str = ""
    message: str = ""
    detail: str = ""
    region: str = ""
    date: str = ""
    title: str | None = None
    location: str = ""
    login: bool = False
    bare: bool = False

    @property
    def foreign(self) -> bool:
        """Whether a body came that no store writes."""
        return not self.bare and not self.code and self.title is None

    @property
    def said(self) -> str:
        """The store's own words, such as ``403 AccessDenied: Access Denied``."""
        return f"{self.status} {': '.join(word for word in (self.code, self.message) if word)}".rstrip()

    @classmethod
    def parse(cls, status: int, headers: Mapping[str, str], body: bytes) -> Reply:
        """Read an answer; nothing in it makes this fail.

        S3 (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html), R2
        (https://developers.cloudflare.com/r2/api/error-codes), Azure and Google's XML
        (https://cloud.google.com/storage/docs/xml-api/reference-status) write ``<Error><Code>``; Google also
        writes JSON (https://cloud.google.com/storage/docs/json_api/v1/status-codes); Azure repeats its code
        in the header ``x-ms-error-code``.
        """
        heads = {name.lower(): value for name, value in headers.items()}
        text = body[:_MOST_BYTES].decode("utf-8", "replace").lstrip("\ufeff")
        page = bool(_PAGE.match(text)) or (not text and "text/html" in heads.get("content-type", ""))
        found = _json(text) if text.lstrip().startswith("{") else _xml(text)
        code, message, detail = ("", "", "") if page else found
        code = code or heads.get("x-ms-error-code", "")
        title = _title(text) if page else None
        location = heads.get("location", "")
        return cls(
            status=status,
            code=code,
            message=_line(message if code or message or page else text),
            detail=detail,
            region=heads.get("x-amz-bucket-region", "") or _region(text, message),
            date=_tag(text, "ServerTime") or heads.get("date", ""),
            title=title,
            location=location,
            login=bool(_LOGIN.search(f"{title or ''} {location}")) or (page and bool(_PASSWORD.search(text))),
            bare=not text,
        )


def _xml(text: str) -> tuple[str, str, str]:
    """Code, message and the rest; by pattern, because a body may be cut short."""
    detail = " ".join(_tag(text, name) for name in ("Details", "AuthenticationErrorDetail"))
    return _tag(text, "Code"), _tag(text, "Message"), detail.strip()


def _tag(text: str, name: str) -> str:
    found = re.search(rf"<{name}>([^<]*)", text)
    return unescape(found.group(1)).strip() if found else ""


def _json(text: str) -> tuple[str, str, str]:
    """The errors of Google's JSON, and those of the servers that give tokens (RFC 6749, section 5.2)."""
    try:
        whole: Any = json.loads(text)
    except ValueError:
        return "", "", ""
    error = whole.get("error")
    if isinstance(error, str):
        return error, str(whole.get("error_description", "")), ""
    if not isinstance(error, dict):
        return "", "", ""
    reasons = error.get("errors")
    first = reasons[0] if isinstance(reasons, list) and reasons and isinstance(reasons[0], dict) else {}
    code = first.get("reason") or error.get("status") or error.get("code") or ""
    return str(code), str(error.get("message", "")), ""


def _region(text: str, message: str) -> str:
    expected = _EXPECTED.search(message)
    host = _HOST.search(_tag(text, "Endpoint"))
    if expected:
        return expected.group(1) or expected.group(2)
    return _tag(text, "Region") or (host.group(1) if host else "")


def _title(text: str) -> str:
    found = _TITLE.search(text)
    return _line(unescape(re.sub(r"<[^>]*>", "", found.group(2)))) if found else ""


def _line(text: str) -> str:
    short = " ".join(text.split())
    return short if len(short) <= _MOST_CHARACTERS else short[: _MOST_CHARACTERS - 3] + "..."
