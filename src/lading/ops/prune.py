"""Prune: remove blobs that no manifest names. A version is never removed (design, section 3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lading.core import layout
from lading.core.errors import IntegrityError
from lading.core.image import MAX_MANIFEST_BYTES
from lading.core.rubbish import KEPT_S, named_digests, rubbish
from lading.ops.sweep import Sweep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.core.digest import Digest
    from lading.core.objects import Found, Objects, WritableObjects
    from lading.ops.sweep import Clock


@dataclass(frozen=True, slots=True)
class Pruned:
    """What nothing needed of one model.

    Attributes:
        blobs: how many blobs.
        size: their bytes together.
        deleted: whether they were removed, or only counted.
    """

    name: str
    blobs: int
    size: int
    deleted: bool


def find(objects: WritableObjects, model: str, now_s: float, kept_s: float = KEPT_S) -> list[Found]:
    """The blobs of a model that could be removed.

    Raises:
        IntegrityError: ``bad-manifest``, where a manifest cannot say what it needs.
    """
    blobs = objects.entries(layout.blobs_folder(model)).objects
    # The manifests are read after the blobs were listed: one that came between names what it needs.
    return rubbish(blobs, _named(objects, model, {}), now_s, kept_s)


def prune(objects: WritableObjects, model: str, clock: Clock, kept_s: float = KEPT_S) -> Pruned:
    """Remove the blobs of a model that no manifest names and that are older than ``kept_s`` seconds.

    Safe beside pushes and pulls: see ``lading.ops.sweep``.

    Raises:
        IntegrityError: ``bad-manifest``; nothing more is removed.
        UnavailableError: ``sweeping``.
    """
    sweep = Sweep(objects, model, clock)
    sweep.post()
    count = size = 0
    read: dict[str, frozenset[Digest]] = {}
    try:
        left: list[Found] | None = None
        while left is None or left:
            if left is not None:
                sweep.renew()
            blobs = objects.entries(layout.blobs_folder(model)).objects
            left = rubbish(blobs, _named(objects, model, read), sweep.time_s, kept_s)
            while left and sweep.fresh:
                blob = left.pop()
                objects.delete(blob.key)
                count, size = count + 1, size + blob.size
    finally:
        sweep.end()
    return Pruned(model, count, size, deleted=True)


def models(objects: Objects, folder: str = layout.ROOT) -> Iterator[str]:
    """Every model that has blobs, also one without any version."""
    folders = objects.entries(folder).folders
    if "blobs" in folders:
        yield folder.removeprefix(layout.ROOT).rstrip("/")
    for part in folders:
        if part not in layout.PARTS:
            yield from models(objects, f"{folder}{part}/")


def _named(objects: WritableObjects, model: str, read: dict[str, frozenset[Digest]]) -> frozenset[Digest]:
    """The digests that the manifests of a model name; ``read`` keeps those of manifests that never change."""
    folder = f"{layout.model_folder(model)}referrers/"
    folders = [layout.manifests_folder(model)]
    folders += [f"{folder}{subject}/" for subject in objects.entries(folder).folders]
    keys = [found.key for each in folders for found in objects.entries(each).objects]
    named: set[Digest] = set()
    for key in keys:
        digests = read.get(key)
        if digests is None:
            raw = objects.get(key, MAX_MANIFEST_BYTES + 1)
            if raw is None:
                raise IntegrityError("bad-manifest", f"{objects.url}: {key} was removed while it was read")
            digests = named_digests(raw, f"{objects.url}: {key}")
            if layout.stays(key):
                read[key] = digests
        named |= digests
    return frozenset(named)
