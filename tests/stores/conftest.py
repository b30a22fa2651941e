"""Some scenarios need a second address of this machine, to stand for a private one."""

from __future__ import annotations

from tests.plumbing.conftest import near

__all__ = ["near"]
