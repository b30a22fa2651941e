"""Commands that keep house: cache."""

from __future__ import annotations

from typing import Annotated

import typer

from lading.api import look as api
from lading.cli.app import command
from lading.cli.out import Out, human, table

GROUP = "Keep"


@command("cache", GROUP)
def cache(
    out: Out,
    clear: Annotated[
        bool, typer.Option("--clear", help="Empty it, except for files that were replaced.")
    ] = False,
) -> None:
    """Show where the cache is and what lies in it."""
    folder, usage = api.cache(clear=clear, project=out.project)
    total = sum(each.size for each in usage)
    document = {
        "path": folder,
        "size": total,
        "kinds": [{"kind": each.kind, "files": each.files, "size": each.size} for each in usage],
    }
    rows = [(each.kind, str(each.files), human(each.size)) for each in usage]
    out.result(document, f"{folder}: {human(total)}", *table(("KIND", "FILES", "SIZE"), rows))
