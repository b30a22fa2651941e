"""A store that cannot be opened now: a pull goes past it, to the next tier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.core.digest import Digest
    from lading.core.errors import UnavailableError


@dataclass(frozen=True, slots=True)
class Closed:
    """Every method raises ``error``."""

    url: str
    error: UnavailableError

    def manifest(self, name: str, reference: str) -> bytes:  # noqa: ARG002
        """Nothing."""
        raise self.error

    def read(self, name: str, digest: Digest, start: int, end: int) -> Iterator[bytes]:  # noqa: ARG002
        """Nothing."""
        raise self.error

    def versions(self, name: str) -> list[str]:  # noqa: ARG002
        """Nothing."""
        raise self.error

    def names(self) -> list[str]:
        """Nothing."""
        raise self.error
