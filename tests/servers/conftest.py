from __future__ import annotations

from tests.components.conftest import public

__all__ = ["public"]
