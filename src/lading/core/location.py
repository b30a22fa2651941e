"""Where a store is, and how to get in (design, section 3.5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


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
