"""The clock by which notices are trusted and given up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lading.plumbing.clock import RealClock

if TYPE_CHECKING:
    from lading.core.ports import Clock


def test_time_passes_by_itself_and_by_sleeping() -> None:
    clock: Clock = RealClock()
    began, real = clock.now(), time.monotonic()
    clock.sleep(0.02)
    took, really = clock.now() - began, time.monotonic() - real
    assert 0.02 <= took <= really + 1
