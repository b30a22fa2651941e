"""Lock: pin what ``lading.toml`` asks for, by the digest of its bill."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lading.core.lock import Pin
from lading.core.resolution import Wanted
from lading.ops.version import find

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lading.core.ports import Store
    from lading.core.project import Model


def pin(models: Iterable[Model], store: Store) -> dict[str, Pin]:
    """The pins of ``models``: the version declared, or the highest where none is.

    Raises:
        LadingError: as ``find``.
    """
    pins = {}
    for model in models:
        wanted = Wanted(model.name, "lading.toml", version=model.version, stage=model.stage)
        found = find(wanted, store)
        pins[model.name] = Pin(found.bill.version, found.bill.digest, found.manifest, found.bill.size)
    return pins
