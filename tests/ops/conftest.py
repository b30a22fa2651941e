"""The project, and the stores, that every scenario here begins with."""

from __future__ import annotations

from tests.wharf import busy, wharf
from tests.yard import yard

__all__ = ["busy", "wharf", "yard"]
