"""Commands that keep house: cache, gc."""

from __future__ import annotations

from typing import Annotated

import typer

from lading.api import keep, look
from lading.cli.app import command
from lading.cli.out import Out, count, human, table

GROUP = "Keep"
_DAY_S = 24 * 3600


@command("cache", GROUP)
def cache(
    out: Out,
    clear: Annotated[
        bool, typer.Option("--clear", help="Empty it, except for files that were replaced.")
    ] = False,
) -> None:
    """Show where the cache is and what lies in it."""
    folder, usage = look.cache(clear=clear, project=out.project)
    total = sum(each.size for each in usage)
    document = {
        "path": folder,
        "size": total,
        "kinds": [{"kind": each.kind, "files": each.files, "size": each.size} for each in usage],
    }
    rows = [(each.kind, str(each.files), human(each.size)) for each in usage]
    out.result(document, f"{folder}: {human(total)}", *table(("KIND", "FILES", "SIZE"), rows))


@command("gc", GROUP)
def gc(
    out: Out,
    names: Annotated[list[str] | None, typer.Argument(help="Models; default: all.", metavar="N")] = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Remove them; without it they are only counted.")
    ] = False,
    older_than: Annotated[
        float, typer.Option("--older-than", help="Leave younger blobs alone.", metavar="DAYS")
    ] = 7,
    store: Annotated[str | None, typer.Option("--store", help="Another store.", metavar="URL")] = None,
) -> None:
    """Find blobs in the store that no version needs, and remove them if asked to; a version is never removed.

    Safe beside pushes and pulls. Nothing is removed where a manifest cannot be read.
    """
    found = keep.gc(*names or [], delete=delete, kept_s=older_than * _DAY_S, store=store, project=out.project)
    total = sum(each.size for each in found)
    document = {
        "deleted": delete,
        "size": total,
        "models": [{"name": each.name, "blobs": each.blobs, "size": each.size} for each in found],
    }
    rows = [(each.name, str(each.blobs), human(each.size)) for each in found if each.blobs]
    blobs = sum(each.blobs for each in found)
    said = f"{count(blobs, 'blob')}, {human(total)}"
    last = f"removed: {said}" if delete else f"could be removed with --delete: {said}"
    out.result(document, *(table(("MODEL", "BLOBS", "SIZE"), rows) if rows else []), last)
