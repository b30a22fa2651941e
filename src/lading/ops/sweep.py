"""The notice that blobs of a model are being removed, so that no push loses a blob that it relies on.

Whoever removes posts a notice, then reads the manifests, then removes what none names, then takes the notice
away. Whoever pushes creates the manifests that name its blobs, then waits for the notices that are there,
then sends again what is gone, and only then gives the version its name. Either the remover has read those
manifests, or the push has seen the notice. Why this holds: ``docs/decisions/0006-gc-beside-pushes.md``.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from lading.core.event import sweeps_folder
from lading.core.objects import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lading.core.objects import WritableObjects
    from lading.core.ports import Clock

FRESH_S: Final = 60.0
"""How long a notice lets its writer remove; then the manifests must be read anew, under another notice."""
DEAD_S: Final = 200.0
"""How long a notice is waited for: ``FRESH_S``, and the longest that a store takes over one last removal."""
_TURN_S: Final = 0.2
_NOTICE: Final = b'{"lading":1}'
_KIND: Final = Kind("application/json", changes=True)


class Notice:
    """A notice that this process posted.

    Attributes:
        time_s: when it was posted, in seconds since 1970 by the store's clock.
        settled: whether each removal under it is known to be done or not.
    """

    def __init__(self, objects: WritableObjects, clock: Clock, until: float, time_s: float) -> None:
        self._objects = objects
        self._clock = clock
        self._until = until
        self.time_s = time_s
        self.settled = True

    @property
    def fresh(self) -> bool:
        """Whether it still lets this process remove."""
        return self._clock.now() < self._until

    def remove(self, key: str) -> None:
        """Remove an object."""
        self.settled = False  # a store may carry out later what it failed to answer
        self._objects.delete(key)
        self.settled = True


@contextmanager
def posted(objects: WritableObjects, model: str, clock: Clock) -> Iterator[Notice]:
    """A notice, taken away when the block ends, unless a removal under it may still come.

    Each has a name of its own, is never changed and is no concern of any other remover, so none can speak for
    another's work or take it away.
    """
    key = f"{sweeps_folder(model)}{secrets.token_hex(16)}.json"
    # Counted from before the writing: others may see it long before the store has answered.
    until = clock.now() + FRESH_S
    objects.create(key, _NOTICE, _KIND)
    found = objects.head(key)
    notice = Notice(objects, clock, until, found.modified_s) if found else Notice(objects, clock, 0.0, 0.0)
    try:
        yield notice
    finally:
        if notice.settled:
            objects.delete(key)


def wait(objects: WritableObjects, model: str, clock: Clock, note: Callable[[str], None]) -> None:
    """Wait for the end of the notices that are there now; one that does not end is a dead writer's, and goes.

    Notices that come later do not matter: their writers read the manifests after they posted them.
    """
    since, left = clock.now(), _notices(objects, model)
    if left:
        note(f"{objects.url}: a lading gc of {model} is going on; waiting for it, at most {DEAD_S:.0f} s")
    while left and clock.now() - since < DEAD_S:
        clock.sleep(_TURN_S)
        left &= _notices(objects, model)
    for key in left:
        objects.delete(key)


def _notices(objects: WritableObjects, model: str) -> set[str]:
    return {found.key for found in objects.entries(sweeps_folder(model)).objects}
