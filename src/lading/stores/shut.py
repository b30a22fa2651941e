"""A store that cannot even be opened: to whoever asks it, it says why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.core.digest import Digest
    from lading.core.errors import LadingError


@dataclass(frozen=True, slots=True)
class ShutStore:
    """A store in whose place an error stands, so that a pull may go on to the next tier.

    Attributes:
        url: how messages name it.
        error: what every method raises.
    """

    url: str
    error: LadingError

    def manifest(self, name: str, reference: str) -> bytes:  # noqa: ARG002 - whatever is asked
        """Nothing."""
        self._refuse()

    def read(self, name: str, digest: Digest, start: int, end: int) -> Iterator[bytes]:  # noqa: ARG002
        """Nothing."""
        self._refuse()

    def versions(self, name: str) -> list[str]:  # noqa: ARG002
        """Nothing."""
        self._refuse()

    def names(self) -> list[str]:
        """Nothing."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise self.error
