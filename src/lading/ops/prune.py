"""Prune: remove blobs that no manifest names. A version is never removed (design, section 3.3)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lading.core import layout
from lading.core.digest import Digest
from lading.core.errors import IntegrityError, UnavailableError, UsageError
from lading.core.image import MAX_MANIFEST_BYTES
from lading.core.names import check_name
from lading.core.rubbish import named_digests, rubbish
from lading.ops.sweep import FRESH_S, posted
from lading.ops.version import no_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.core.objects import Found, Objects
    from lading.core.ports import Clock, WritableStore


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


class Pruner:
    """Finds and removes the blobs of one model that none of its manifests names.

    Attributes:
        model: its name.
    """

    def __init__(self, store: WritableStore, model: str) -> None:
        self.model = check_name(model)
        self._store = store
        self._objects = store.objects
        self._read: dict[str, frozenset[Digest]] = {}

    def find(self, now_s: float, kept_s: float) -> list[Found]:
        """The blobs that could be removed.

        Args:
            now_s: seconds since 1970.
            kept_s: how many seconds old they must be.

        Raises:
            NotFoundError: ``no-model``.
            IntegrityError: ``bad-manifest``, where a manifest cannot say what it needs.
        """
        if not layout.PARTS & {*self._objects.entries(layout.model_folder(self.model)).folders}:
            raise no_model(self._store, self.model)
        return rubbish(self._blobs(), self._named(), now_s, kept_s)

    def remove(self, clock: Clock, kept_s: float) -> Pruned:
        """Remove the blobs that are older than ``kept_s`` seconds by the store's clock.

        Safe beside pushes, pulls and others that remove: see ``lading.ops.sweep``.

        Raises:
            IntegrityError: ``bad-manifest``; nothing more is removed.
            UnavailableError: ``slow-store``; nothing more is removed.
        """
        left, count, size = list(self._blobs()), 0, 0
        while left:
            with posted(self._objects, self.model, clock) as notice:
                left = rubbish(left, self._named(), notice.time_s, kept_s)
                if left and not notice.fresh:
                    raise self._too_slow()
                while left and notice.fresh:
                    blob = left.pop()
                    notice.remove(blob.key)
                    count, size = count + 1, size + blob.size
        return Pruned(self.model, count, size, deleted=True)

    def _blobs(self) -> tuple[Found, ...]:
        return self._objects.entries(layout.blobs_folder(self.model)).objects

    def _named(self) -> frozenset[Digest]:
        """The digests that the manifests name; each that never changes is read once."""
        folder = f"{layout.model_folder(self.model)}referrers/"
        folders = [f"{folder}{subject}/" for subject in self._objects.entries(folder).folders]
        folders.append(layout.manifests_folder(self.model))
        keys = [found.key for each in folders for found in self._objects.entries(each).objects]
        return frozenset[Digest]().union(*map(self._names, keys))

    def _names(self, key: str) -> frozenset[Digest]:
        if key in self._read:
            return self._read[key]
        raw = self._objects.get(key, MAX_MANIFEST_BYTES + 1)
        if raw is None:
            raise IntegrityError("bad-manifest", f"{self._objects.url}: {key} was removed while it was read")
        digests = named_digests(raw, key, self._objects.url)
        if layout.stays(key):
            self._read[key] = digests
        return digests

    def _too_slow(self) -> UnavailableError:
        return UnavailableError(
            "slow-store",
            f"{self._objects.url}: reading what the manifests of {self.model} need took longer than "
            f"{FRESH_S:.0f} s; by then a push may rely on what nothing needed before, so no more is removed",
            hint="run lading gc again when the network is faster",
        )


def models(objects: Objects, folder: str = layout.ROOT) -> Iterator[str]:
    """Every model that has blobs, also one without any version."""
    folders = objects.entries(folder).folders
    if "blobs" in folders:
        with suppress(UsageError):  # a folder that cannot be a model's is nobody's business
            yield check_name(folder.removeprefix(layout.ROOT).rstrip("/"))
    for part in folders:
        if part not in layout.PARTS:
            yield from models(objects, f"{folder}{part}/")
