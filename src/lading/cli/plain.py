"""Commands for plain files in a folder or under a prefix: export, import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lading.api import plain as api
from lading.cli.app import command
from lading.cli.out import Out, count, human

GROUP = "Move"
_EXPORTED = ("name", "version", "digest", "dest", "files", "size", "uploaded", "reused", "seconds")
_ADDED = ("name", "path", "files", "size", "changed", "left_out", "copied")


@command("export", GROUP)
def export(
    out: Out,
    reference: Annotated[str, typer.Argument(help="Which version.", metavar="REF")],
    dest: Annotated[str, typer.Argument(help="A folder, or a URL such as s3://bucket/models/m.")],
    store: Annotated[
        str | None, typer.Option("--store", help="The one store to ask and take from.", metavar="URL")
    ] = None,
) -> None:
    """Put a version's plain files into a folder or bucket, with their bill; the same again sends nothing."""
    done = api.export(reference, dest, store=store, project=out.project, progress=out.progress)
    out.result(
        {key: getattr(done, key) for key in _EXPORTED},
        f"{done.name}:{done.version} {done.digest[:19]} at {done.dest}: {count(done.files, 'file')}, "
        f"{human(done.size)}: {human(done.uploaded)} sent, {human(done.reused)} there already, "
        f"{done.seconds:.1f} s",
    )


@command("import", GROUP)
def import_(
    out: Out,
    source: Annotated[
        str, typer.Argument(help="A folder, or a URL such as s3://bucket/models/m.", metavar="SRC")
    ],
    name: Annotated[str, typer.Option("--name", help="The model's name, such as acme/sentiment.")],
    into: Annotated[
        Path | None, typer.Option("--into", help="A folder of the project; default: models/NAME.")
    ] = None,
) -> None:
    """Take plain files into the project, proven by their bill if one is there, and declare them."""
    done = api.import_(source, name, into=into, project=out.project, progress=out.progress)
    added = done.added
    out.result(
        {**{key: getattr(added, key) for key in _ADDED}, "source": done.source, "fetched": done.fetched},
        f"{'declared' if added.changed else 'already declared'}: {added.name}, "
        f"{count(added.files, 'file')}, {human(added.size)} at {added.path}: "
        f"{human(done.fetched)} from {done.source}",
        *(f"left out: {each}" for each in added.left_out),
        f"next: lading push {added.name}:{done.version or '1.0.0'}",
    )
