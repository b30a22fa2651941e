"""``lading.lock``: what this project runs, pinned by digest (design, section 3.5).

Written by lading alone, as TOML in a stable order, so that a review shows just what changed.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from lading.core.errors import UsageError
from lading.core.names import check_name, check_version
from lading.core.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.core.digest import Digest

LOCK_FILE: Final = "lading.lock"
FORMAT: Final = 1

_ANEW: Final = f"restore it from Git, or remove {LOCK_FILE} and run: lading lock"
_HEAD: Final = "# lading.lock: what this project runs. Written by lading; do not edit.\n"


@dataclass(frozen=True, slots=True)
class Pin:
    """One model's pin.

    Attributes:
        version: the version, for people.
        bill: the bill's digest, which decides.
        manifest: the manifest's digest when it was locked: a hint, for a registry may rewrite it.
        size: the bytes of all files together.
    """

    version: str
    bill: Digest
    manifest: Digest
    size: int


@dataclass(frozen=True, slots=True)
class Lock:
    """All pins by model name; ``parse`` inverts ``encode``."""

    pins: Mapping[str, Pin]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a lock.

        Raises:
            UsageError: ``bad-lock``; its hint says how to write it anew.
        """
        try:
            return cls._read(Table(tomllib.loads(text), LOCK_FILE, UsageError, "bad-lock"))
        except tomllib.TOMLDecodeError as error:
            raise UsageError("bad-lock", f"{LOCK_FILE} is not TOML: {error}", hint=_ANEW) from error
        except UsageError as error:
            # Also what the grammar of names and versions says: no other spelling helps in this file.
            where = "" if error.code == "bad-lock" else f"{LOCK_FILE}: "
            raise UsageError("bad-lock", f"{where}{error.message}", hint=_ANEW) from error

    @classmethod
    def _read(cls, table: Table) -> Self:
        if table.number("lock") != FORMAT:
            raise table.fail(f"format {table.anything('lock')!r} is unknown; this lading reads {FORMAT}")
        models = table.table("models") or Table({}, LOCK_FILE)
        table.finish()
        return cls({check_name(name): _pin(models, name) for name in models.data})

    def encode(self) -> str:
        """The text of the file."""
        parts = [_HEAD, f"lock = {FORMAT}\n"]
        for name, pin in sorted(self.pins.items()):
            parts.append(
                f"\n[models.{json.dumps(name)}]\n"
                f"version = {json.dumps(pin.version)}\n"
                f'bill = "{pin.bill}"\nmanifest = "{pin.manifest}"\nsize = {pin.size}\n'
            )
        return "".join(parts)

    def pinned(self, pins: Mapping[str, Pin]) -> Lock:
        """This lock with ``pins`` put in place of those of the same models."""
        return Lock({**self.pins, **pins})


def _pin(models: Table, name: str) -> Pin:
    table = models.need(name, models.table(name))
    pin = Pin(
        check_version(table.need("version", table.text("version"))),
        table.need("bill", table.digest("bill")),
        table.need("manifest", table.digest("manifest")),
        table.need("size", table.number("size")),
    )
    table.finish()
    return pin
