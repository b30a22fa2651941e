"""lading carries trained models from where they are made to where they run, and proves the bytes.

The names below are promises and are imported when they are first used; the rest is in ``lading.api``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lading.api import ensure, load, lock, path, predict, pull, push, save, verify
    from lading.core.bill import Bill
    from lading.core.errors import LadingError
    from lading.core.reference import Reference

__version__ = "0.1.0"
__all__ = [
    "Bill",
    "LadingError",
    "Reference",
    "ensure",
    "load",
    "lock",
    "path",
    "predict",
    "pull",
    "push",
    "save",
    "verify",
]

_ELSEWHERE = {"Bill": "core.bill", "LadingError": "core.errors", "Reference": "core.reference"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    if name not in __all__:
        raise AttributeError(f"module 'lading' has no attribute '{name}'")
    return getattr(import_module(f"lading.{_ELSEWHERE.get(name, 'api')}"), name)
