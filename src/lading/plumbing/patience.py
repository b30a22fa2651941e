"""How often something that fails in passing is tried, and how long it is left alone in between."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from lading.core.errors import UnavailableError

if TYPE_CHECKING:
    from lading.core.errors import LadingError

Pause = Callable[[float], None]
"""Does nothing for so many seconds."""

_PASSING: Final = frozenset({"cut-short", "dns-failed", "timed-out", "unreachable"})

_Result = TypeVar("_Result")


class Passing(Exception):  # noqa: N818 - it never leaves Patience; ``error`` does
    """An attempt failed in a way that may pass.

    Attributes:
        error: what to raise when no attempt is left.
        after_s: how many seconds the other side asked to be left alone.
    """

    def __init__(self, error: LadingError, after_s: float = 0.0) -> None:
        super().__init__(error.message)
        self.error = error
        self.after_s = after_s


@dataclass(frozen=True, slots=True)
class Patience:
    """Exponential backoff with full jitter: clients that fail together do not come back together.

    Attributes:
        pause: waits; tests pass one that only counts.
        tries: attempts in all.
        first_s: the longest first wait; each further one may be twice as long.
        most_s: the longest wait, also where the other side asks for more: then nothing is tried again.
        jitter: a number from 0 to 1, drawn for each wait.
    """

    pause: Pause = time.sleep
    tries: int = 3
    first_s: float = 0.5
    most_s: float = 20.0
    jitter: Callable[[], float] = random.random

    def keep(self, attempt: Callable[[], _Result]) -> _Result:
        """What ``attempt`` returns, or the error of the last one that was made."""
        failures = 0
        while True:
            try:
                return attempt()
            except (Passing, UnavailableError) as error:
                failures += 1
                self.bear(error, failures)

    def bear(self, error: Passing | UnavailableError, failures: int) -> None:
        """Wait after the failure of that number, or raise it where trying again is of no use."""
        cause = error.error if isinstance(error, Passing) else error
        asked_s = error.after_s if isinstance(error, Passing) else 0.0
        passes = isinstance(error, Passing) or error.code in _PASSING
        if not passes or failures >= self.tries or asked_s > self.most_s:
            raise cause
        longest_s = min(self.most_s, self.first_s * 2.0 ** (failures - 1))
        self.pause(max(asked_s, self.jitter() * longest_s))
