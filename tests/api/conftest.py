"""The project that some scenarios here begin with."""

from __future__ import annotations

from tests.yard import yard

__all__ = ["yard"]
