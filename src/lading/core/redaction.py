"""Text that may be shown: without what nobody but its owner may know."""

from __future__ import annotations

import re
from typing import Final

# A password may hold a slash, as the secrets of S3 do; a port is none. One slash is left of two where a URL
# was taken for a path.
_USER: Final = re.compile(r"(\w+:/+)(?:[^/\s'\"@:]*:(?!\d+(?:/|$))[^\s'\"]*@|[^/\s'\"]*@)")
_QUERY: Final = re.compile(r"(\w+:/+[^\s?#'\"]*)[?#][^\s'\")]*")
_SECRET: Final = re.compile(
    r"\b(sig|signature|x-(?:amz|goog|ms)-[\w-]+|[\w-]*(?:token|secret|password|key))=[^\s&\"']+",
    re.IGNORECASE,
)


def redacted(text: str) -> str:
    """The text without users, queries and fragments in URLs, and without what looks like a key's value."""
    return _SECRET.sub(r"\1=...", _QUERY.sub(r"\1", _USER.sub(r"\1", text)))
