"""A store that cannot even be opened: to whoever asks it, it says why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from lading.core.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lading.core.digest import Digest
    from lading.core.ports import Store


@dataclass(frozen=True, slots=True)
class ShutStore:
    """A store in whose place an error stands, so that a pull may go on to the next tier.

    Attributes:
        url: how messages name it.
        error: what every method raises.
    """

    url: str
    error: UnavailableError

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


def or_shut(url: str, enter: Callable[[str], Store]) -> Store:
    """The store that ``enter`` opens at ``url``; where that is of no use now, one that says why.

    So a tier without credentials, or of the network where that is forbidden, is left for the next tier as one
    that fails later is.
    """
    try:
        return enter(url)
    except UnavailableError as error:
        return ShutStore(url, error)
