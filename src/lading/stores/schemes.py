"""Where bytes live: one file for each kind of store, and one row in the scheme table for each scheme."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

from lading.core.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from lading.core.location import Location
    from lading.core.objects import Objects, WritableObjects
    from lading.core.ports import Store, WritableStore

SCHEMES: Final = {
    "file": "directory",
    "s3": "bucket",
    "gs": "bucket",
    "az": "bucket",
    "https": "web",
    "http": "web",
    "memory": "memory",
}
NEAR: Final = frozenset({"file", "memory"})
"""The schemes of stores that need no network."""
READ_ONLY: Final = frozenset({"http", "https"})


def open_store(location: Location, base: Path) -> Store:
    """The store there; a relative path in its URL counts from the folder ``base``.

    Raises:
        UsageError: ``unknown-scheme``, listing those that are known.
    """
    scheme, separator, _ = location.url.partition("://")
    if not separator or scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in SCHEMES)
        raise UsageError(
            "unknown-scheme", f"'{location.url}' is not a store that lading knows; known: {known}"
        )
    opened: Store = import_module(f"lading.stores.{SCHEMES[scheme]}").open_store(location, base)
    return opened


def open_writable(location: Location, base: Path) -> WritableStore:
    """The store there, to write to.

    Raises:
        UsageError: ``read-only-store``; ``unknown-scheme``.
    """
    return writable(open_store(location, base))


def writable(store: Store) -> WritableStore:
    """The same store, to write to.

    Raises:
        UsageError: ``read-only-store``.
    """
    scheme = store.url.partition("://")[0]
    if scheme in READ_ONLY:
        raise UsageError(
            "read-only-store",
            f"{store.url} can be read only: {scheme}:// has no way to publish",
            hint="push to the bucket or folder behind it: --to s3://..., or store = ... in lading.toml",
        )
    return cast("WritableStore", store)  # every other scheme's is one; a test holds each to it


def open_plain(location: Location, base: Path) -> Objects:
    """What lies plainly below that URL: objects under their own keys, whether or not it is a store too.

    Raises:
        UsageError: ``unknown-scheme``.
    """
    objects: Objects = _plain(open_store(location, base), location, base)
    return objects


def open_writable_plain(location: Location, base: Path) -> WritableObjects:
    """The same, to write to.

    Raises:
        UsageError: ``read-only-store``; ``unknown-scheme``.
    """
    objects: WritableObjects = _plain(open_writable(location, base), location, base)
    return objects


def _plain(store: Any, location: Location, base: Path) -> Any:  # noqa: ANN401 - as the two above say
    if location.scheme == "file":  # a store in a folder keeps more there than its objects
        return import_module("lading.stores.directory").open_plain(location, base)
    return store.objects
