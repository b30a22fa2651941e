"""Verbs that keep a store in order."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lading.core.errors import UsageError
from lading.core.rubbish import KEPT_S
from lading.ops.prune import Pruned, Pruner, models
from lading.plumbing.clock import RealClock
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

    All models are looked at before anything of the first is removed.

    Args:
        names: models; none means all in the store.
        delete: whether to remove them; else they are only counted, and nothing is written.
        kept_s: how old a blob must be, in seconds by the store's clock (by this machine's where they are only
            counted); younger ones may belong to a push that is going on.
        store: the store, in place of the project's own.
        project: the project's folder.

    Raises:
        UsageError: ``bad-age``.
        NotFoundError: ``no-model``.
        IntegrityError: ``bad-manifest``, where a manifest cannot say what it needs.
        UnavailableError: ``slow-store``.
    """
    if not kept_s >= 0:
        raise UsageError("bad-age", f"no blob is {kept_s} seconds old", hint="say 0 or more")
    opened = Workspace.open(project).target(store)
    pruners = [Pruner(opened, name) for name in dict.fromkeys(names or models(opened.objects))]
    found = [each.find(time.time(), kept_s) for each in pruners]
    if delete:
        # Where nothing was found no notice is posted, so no push has to wait.
        return [
            each.remove(RealClock(), kept_s) if blobs else Pruned(each.model, 0, 0, deleted=True)
            for each, blobs in zip(pruners, found, strict=True)
        ]
    return [
        Pruned(each.model, len(blobs), sum(blob.size for blob in blobs), deleted=False)
        for each, blobs in zip(pruners, found, strict=True)
    ]
