"""Verbs that keep a store in order."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lading.core.errors import UsageError
from lading.core.names import check_name
from lading.core.rubbish import KEPT_S
from lading.ops import prune
from lading.ops.prune import Pruned
from lading.ops.sweep import Clock
from lading.wiring import Workspace

if TYPE_CHECKING:
    from pathlib import Path


def gc(
    *names: str,
    delete: bool = False,
    kept_s: float = KEPT_S,
    store: str | None = None,
    project: Path | None = None,
) -> list[Pruned]:
    """Find blobs that no manifest names, and remove them if asked to; a version is never removed.

    Args:
        names: models; none means all in the store.
        delete: whether to remove them; else they are only counted, and nothing is written.
        kept_s: how old a blob must be, in seconds by the store's clock; younger ones may belong to a push
            that is going on.
        store: the store, in place of the project's own.
        project: the project's folder.

    Raises:
        UsageError: ``bad-age``.
        IntegrityError: ``bad-manifest``, where a manifest cannot say what it needs.
        UnavailableError: ``sweeping``.
    """
    if kept_s < 0:
        raise UsageError("bad-age", f"blobs cannot be kept for {kept_s} seconds", hint="say 0 or more")
    objects = Workspace.open(project).target(store).objects
    chosen = [check_name(name) for name in names] or list(prune.models(objects))
    if delete:
        clock = Clock(time.monotonic, time.sleep)
        return [prune.prune(objects, name, clock, kept_s) for name in chosen]
    found = [(name, prune.find(objects, name, time.time(), kept_s)) for name in chosen]
    return [
        Pruned(name, len(blobs), sum(blob.size for blob in blobs), deleted=False) for name, blobs in found
    ]
