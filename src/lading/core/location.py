"""Where a store is, and how to get in (design, section 3.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from lading.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOCAL: Final = frozenset({"file", "memory"})
_AUTHORITY: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^@:\[\]\s]*)(:\d*)?")


@dataclass(frozen=True, slots=True)
class Location:
    """A store's URL with what a ``[stores.X]`` table says of it.

    Attributes:
        url: such as ``s3://bucket/prefix``; it holds no credentials.
        endpoint: the address of the service, where it is not the platform's own.
        region: the region of the bucket.
        env: the beginning of the names of its credential variables, such as ``R2``; empty for the
            platform's own names.
        allow_http: whether it may be spoken to without TLS though it is on another machine.
        environ: the process environment; it holds secrets, so it is never shown.
    """

    url: str
    endpoint: str | None = None
    region: str | None = None
    env: str = ""
    allow_http: bool = False
    environ: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_url(self.url)

    @property
    def scheme(self) -> str:
        """What stands before ``://``."""
        return self.url.partition("://")[0]

    @property
    def bucket(self) -> str:
        """The first part after ``://``: a bucket, container or host."""
        return self.url.partition("://")[2].partition("/")[0]

    @property
    def prefix(self) -> str:
        """What follows the bucket, without slashes around it."""
        return self.url.partition("://")[2].partition("/")[2].strip("/")


def check_url(text: str) -> str:
    """A store's URL, or a reference that begins with one, that says where it is and nothing else.

    Raises:
        UsageError: ``bad-url``, where it holds a user, a password, a query or a fragment. The message does
            not quote it, for credentials may be anywhere in it.
    """
    scheme, separator, rest = text.partition("://")
    if not separator or scheme in _LOCAL:
        return text
    if "?" in rest or "#" in rest or not _AUTHORITY.fullmatch(rest.partition("/")[0]):
        raise UsageError(
            "bad-url",
            f"the URL of a store ({scheme}://...) may have no user, password, query or fragment",
            hint="name the place alone, and give credentials in their own variables",
        )
    return text
