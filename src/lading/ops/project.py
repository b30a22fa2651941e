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

    from lading.core.ledger import State
    from lading.core.objects import WritableObjects
    from lading.core.ports import WritableStore
    from lading.ops.ledger import Ledger

JSON: Final = Kind("application/json", changes=True)
_MOST_BYTES: Final = 4 * 1024 * 1024
_TURNS: Final = 100
_LIMITED: Final = 10
"""How often a service may say that an object is written too often, after seconds of tries each time.

Google Cloud Storage takes one write a second of each object (documentation, "Quotas and limits").
"""


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
        settle(objects, head_key(model), lambda: _shown(ledger.catch_up()), JSON, _shown(ledger.state))


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
    wanted, limited = truth(), 0
    for _ in range(_TURNS):
        if wanted is None or there == wanted:
            return
        try:
            objects.replace(key, wanted, kind)
            there = wanted
        except UnavailableError as error:
            limited += 1
            if error.code != "rate-limited" or limited == _LIMITED:
                raise
            there = None
        wanted = truth()
        if there != wanted:
            there = objects.get(key, _MOST_BYTES)  # another's may be the right one by now
    raise UnavailableError(
        "unsettled",
        f"{objects.url}: {key} changed {_TURNS} times while it was written",
        hint="what was pushed is there; push it again when there is less going on",
    )


def _shown(state: State) -> bytes | None:
    return None if state.head is None else head_json(state.head)
