"""The project that every scenario here begins with."""

from __future__ import annotations

from tests.yard import yard

__all__ = ["yard"]
