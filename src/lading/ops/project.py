"""Projections: what registries' clients read, written from the truth until both agree.

Design, section 3.3. Whoever is the last to write has re-read the truth afterwards; one that ended in between
is healed by the next.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from lading.core.errors import UnavailableError
from lading.core.objects import Kind
from lading.core.projections import head_json, head_key, tags_key, tags_list

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lading.core.objects import WritableObjects
    from lading.core.ports import WritableStore
    from lading.ops.ledger import Ledger

JSON: Final = Kind("application/json", changes=True)
_MOST_BYTES: Final = 4 * 1024 * 1024
_TURNS: Final = 100


def project(store: WritableStore, model: str, ledger: Ledger | None, seen: Iterable[str] = ()) -> None:
    """Bring a model's list of tags, and the hint to its ledger's end, up to date.

    Args:
        store: where they lie.
        model: the model.
        ledger: what its writer knows of the ledger; None where there is none.
        seen: the versions that its writer knows of; where the list shows these, the store is not asked again.
    """
    objects = store.objects
    tags = partial(tags_list, model, stages=())
    settle(objects, tags_key(model), lambda: tags(store.versions(model)), JSON, tags(seen))
    if ledger is not None:
        last = ledger.state.head
        settle(
            objects, head_key(model), lambda: _head(ledger), JSON, None if last is None else head_json(last)
        )


def settle(
    objects: WritableObjects,
    key: str,
    truth: Callable[[], bytes | None],
    kind: Kind,
    seen: bytes | None = None,
) -> None:
    """Write a projection, and again until the truth, read after the last write, says the same.

    Whoever writes nothing need not look again: another who then writes what was true before looks after that.

    Args:
        objects: where it lies.
        key: its key.
        truth: reads what it must be; None where it must not be.
        kind: what web servers are told of it.
        seen: what it had to be when the caller last looked, after its own change.

    Raises:
        UnavailableError: ``unsettled``, where other writers never rest.
    """
    there = objects.get(key, _MOST_BYTES)
    if there is not None and there == seen:
        return
    wanted = truth()
    for _ in range(_TURNS):
        if wanted is None or there == wanted:
            return
        objects.replace(key, wanted, kind)
        now = truth()
        if now == wanted:
            return
        wanted, there = now, objects.get(key, _MOST_BYTES)
    raise UnavailableError(
        "unsettled",
        f"{objects.url}: {key} changed {_TURNS} times while it was written",
        hint="what was pushed is there; push it again when there is less going on",
    )


def _head(ledger: Ledger) -> bytes | None:
    head = ledger.catch_up().head
    return None if head is None else head_json(head)
