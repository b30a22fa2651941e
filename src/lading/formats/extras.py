"""Libraries that come with an extra."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from lading.core.errors import UsageError

if TYPE_CHECKING:
    from types import ModuleType


def needs(module: str, extra: str) -> ModuleType:
    """Import ``module``, which ``lading[extra]`` installs.

    Raises:
        UsageError: ``missing-extra``, also where it is installed but cannot be imported here.
    """
    try:
        return import_module(module)
    except ImportError as error:
        message = f"'{module}' cannot be imported: {error}"
        raise UsageError("missing-extra", message, hint=f"pip install 'lading[{extra}]'") from error
