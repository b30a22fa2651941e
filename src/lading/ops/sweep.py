"""The notice that blobs of a model are being removed, so that a push does not lose one that it relies on.

Whoever removes posts the notice, then reads the manifests, then removes what none names, then takes the
notice away. Whoever pushes creates its manifest, then looks for the notice. Either the remover reads that
manifest, or the pusher sees the notice, waits for its end and then sends again what is gone.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lading.core.errors import UnavailableError
from lading.core.event import ledger_folder
from lading.core.objects import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.core.objects import WritableObjects

FRESH_S: Final = 10.0
"""How long a notice speaks for its writer, who then reads the manifests anew and renews it, or stops."""
_STALE_S: Final = 3 * FRESH_S
"""How long a notice must stay the same before its writer is taken for dead."""
_TURN_S: Final = 0.2
_MOST_BYTES: Final = 1024
_KIND: Final = Kind("application/json", changes=True)


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds that pass, and a way to let them."""

    now: Callable[[], float]
    sleep: Callable[[float], None]


class Sweep:
    """A notice that this process posted.

    Attributes:
        time_s: when it was posted last, in seconds since 1970 by the store's clock.
    """

    def __init__(self, objects: WritableObjects, model: str, clock: Clock) -> None:
        self._objects = objects
        self._key = notice_key(model)
        self._clock = clock
        self._until = 0.0
        self._raw = b""
        self.time_s = 0.0

    def post(self) -> None:
        """Post the notice once nobody else's is there.

        Raises:
            UnavailableError: ``sweeping``, where another process goes on removing.
        """
        self._raw = _notice()
        if not self._objects.create(self._key, self._raw, _KIND):
            if not wait(self._objects, self._key, self._clock):
                raise UnavailableError(
                    "sweeping",
                    f"{self._objects.url}: another lading gc is at work ({self._key})",
                    hint="wait for its end",
                )
            self._objects.delete(self._key)
            return self.post()
        return self._posted()

    def renew(self) -> None:
        """Say that removing goes on."""
        self._raw = _notice()
        self._objects.replace(self._key, self._raw, _KIND)
        self._posted()

    @property
    def fresh(self) -> bool:
        """Whether the notice still speaks for this process."""
        return self._clock.now() < self._until

    def end(self) -> None:
        """Take the notice away, unless somebody took this process for dead and posted another."""
        if self._objects.get(self._key, _MOST_BYTES) == self._raw:
            self._objects.delete(self._key)

    def _posted(self) -> None:
        self._until = self._clock.now() + FRESH_S
        found = self._objects.head(self._key)
        self.time_s = found.modified_s if found else 0.0


def notice_key(model: str) -> str:
    """Where the notice lies."""
    return f"{ledger_folder(model)}sweep.json"


def wait(objects: WritableObjects, key: str, clock: Clock) -> bool:
    """Wait until a notice is gone, or has been the same for so long that its writer must be dead.

    Returns:
        False where writers went on and on, for two minutes.
    """
    end = clock.now() + 4 * _STALE_S
    seen, since = None, clock.now()
    while (raw := objects.get(key, _MOST_BYTES)) is not None:
        now = clock.now()
        if raw != seen:
            seen, since = raw, now
        elif now - since >= _STALE_S:
            return True
        if now >= end:
            return False
        clock.sleep(_TURN_S)
    return True


def _notice() -> bytes:
    return b'{"lading":1,"sweep":"%s"}' % secrets.token_hex(16).encode()
