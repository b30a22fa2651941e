"""The real clock."""

from __future__ import annotations

import time
from typing import Final

# A laptop that slept must not take an hour for a second. Linux counts sleep in CLOCK_BOOTTIME alone, macOS in
# CLOCK_MONOTONIC; Python's own ``time.monotonic`` counts it on neither.
_ALSO_ASLEEP: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class RealClock:
    """Seconds of this machine, which also pass while it sleeps."""

    def now(self) -> float:
        """Seconds since some moment."""
        return time.clock_gettime(_ALSO_ASLEEP)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)
