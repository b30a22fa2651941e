"""Projections: what registries' clients read, written from the truth until both agree.

Design, section 3.3. Whoever is the last to write has re-read the truth afterwards; one that ended in between
is healed by the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lading.core.errors import UnavailableError
from lading.core.objects import Kind
from lading.core.projections import head_json, head_key, tags_key, tags_list

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.core.objects import WritableObjects
    from lading.core.ports import WritableStore
    from lading.ops.ledger import Ledger

JSON: Final = Kind("application/json", changes=True)
_MOST_BYTES: Final = 4 * 1024 * 1024
_TURNS: Final = 100


def project(store: WritableStore, model: str, ledger: Ledger | None) -> None:
    """Bring a model's list of tags, and the hint to its ledger's end, up to date."""
    settle(store.objects, tags_key(model), lambda: tags_list(model, store.versions(model), ()), JSON)
    if ledger is not None:
        settle(store.objects, head_key(model), lambda: _head(ledger), JSON)


def settle(objects: WritableObjects, key: str, truth: Callable[[], bytes | None], kind: Kind) -> None:
    """Write a projection, and again until the truth, read after the last write, says the same.

    Raises:
        UnavailableError: ``unsettled``, where other writers never rest.
    """
    wanted = truth()
    for _ in range(_TURNS):
        if wanted is not None and objects.get(key, _MOST_BYTES) != wanted:
            objects.replace(key, wanted, kind)
        seen = truth()
        if seen == wanted:
            return
        wanted = seen
    raise UnavailableError(
        "unsettled",
        f"{objects.url}: {key} changed {_TURNS} times while it was written",
        hint="what was pushed is there; push it again when there is less going on",
    )


def _head(ledger: Ledger) -> bytes | None:
    head = ledger.catch_up().head
    return None if head is None else head_json(head)
