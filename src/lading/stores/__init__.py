"""Where bytes live: one file and one row in the scheme table for each kind of store."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from lading.core.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from lading.core.ports import WritableStore

SCHEMES: Final = {
    "file": "lading.stores.directory",
    "memory": "lading.stores.memory",
}


def open_store(url: str, base: Path) -> WritableStore:
    """The store at ``url``; a relative path in it counts from the folder ``base``.

    Raises:
        UsageError: ``unknown-scheme``, listing those that are known.
    """
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in SCHEMES)
        raise UsageError("unknown-scheme", f"'{url}' is not a store that lading knows; known: {known}")
    opened: WritableStore = import_module(SCHEMES[scheme]).open_store(url, base)
    return opened
