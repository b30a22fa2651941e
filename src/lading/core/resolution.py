"""Which version a reference means, before any store is asked (design, sections 2 and 3.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lading.core.errors import UsageError

if TYPE_CHECKING:
    from lading.core.digest import Digest
    from lading.core.lock import Pin
    from lading.core.project import Model
    from lading.core.reference import Reference

Decider = Literal["reference", "lock", "lading.toml", "highest"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for: a version, a bill digest or both; neither means the highest version.

    Attributes:
        decided_by: where the decision comes from, for messages.
        manifest: where the manifest was when it was locked: a hint.
    """

    name: str
    decided_by: Decider
    version: str | None = None
    stage: str | None = None
    bill: Digest | None = None
    manifest: Digest | None = None

    def __str__(self) -> str:
        label = self.version or self.stage
        if label:
            return f"{self.name}:{label}"
        return f"{self.name}@{self.bill}" if self.bill else self.name


def resolve(reference: Reference, model: Model | None, pin: Pin | None, *, frozen: bool = False) -> Wanted:
    """What ``reference`` means to a project that declares ``model`` and has locked ``pin``.

    A reference with its own store is not the project's, so neither its declaration nor its lock speaks,
    unless ``frozen`` asks for what the lock pins.

    Raises:
        UsageError: ``lock-differs``, where lading.toml and the lock name different versions;
            ``not-locked``, where ``frozen`` is asked and nothing is pinned.
    """
    if reference.store is not None and not frozen:
        model = pin = None
    if reference.bare:
        return _bare(reference.name, model, pin, frozen=frozen)
    wanted = Wanted(
        reference.name, "reference", version=reference.version, stage=reference.stage, bill=reference.digest
    )
    if pin is not None and pin.version == reference.version:
        return _pinned(reference.name, pin)
    return wanted


def _bare(name: str, model: Model | None, pin: Pin | None, *, frozen: bool) -> Wanted:
    if frozen and pin is None:
        raise UsageError("not-locked", f"'{name}' is not in lading.lock", hint=f"lading lock {name}")
    asked = model.version if model else None
    if pin is not None and asked not in {None, pin.version} and not frozen:
        if model is not None and model.follow:
            return Wanted(name, "lading.toml", version=asked)
        raise UsageError(
            "lock-differs",
            f"lading.toml asks for {name}:{asked}, lading.lock pins {name}:{pin.version}",
            hint=f"lading lock {name} takes what lading.toml asks; --frozen takes the lock",
        )
    if model is not None and model.stage is not None and not frozen:
        return Wanted(name, "lading.toml", stage=model.stage)
    if pin is not None:
        return _pinned(name, pin)
    return Wanted(name, "lading.toml" if asked else "highest", version=asked)


def _pinned(name: str, pin: Pin) -> Wanted:
    return Wanted(name, "lock", version=pin.version, bill=pin.bill, manifest=pin.manifest)
