"""Commands that fetch models: pull and ensure."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lading.api import fetch as api
from lading.cli.app import command
from lading.cli.out import Out, human
from lading.core.errors import NotFoundError

if TYPE_CHECKING:
    from lading.ops.pull import Pulled

GROUP = "Move"
_PULLED = ("name", "version", "digest", "path", "tier", "size", "fetched", "reused", "seconds", "stale")


@command("pull", GROUP)
def pull(
    out: Out,
    references: Annotated[list[str] | None, typer.Argument(help="What to fetch.", metavar="REF")] = None,
    into: Annotated[Path | None, typer.Option("--into", help="A folder to put it in.", metavar="DIR")] = None,
    store: Annotated[
        str | None, typer.Option("--store", help="The one store to ask and take from.", metavar="URL")
    ] = None,
    frozen: Annotated[bool, typer.Option("--frozen", help="What the lock pins, and nothing else.")] = False,
) -> None:
    """Fetch versions, prove every block, put the files in their places."""
    done = api.pull(
        *references or [], into=into, store=store, frozen=frozen, project=out.project, progress=out.progress
    )
    out.result(_pulled(done), *map(_line, done))


@command("ensure", GROUP)
def ensure(
    out: Out,
    names: Annotated[
        list[str] | None, typer.Argument(help="Models; default: all required.", metavar="N")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only look: no network, no writing; 0 or 1.")
    ] = False,
    frozen: Annotated[bool, typer.Option("--frozen", help="What the lock pins, and nothing else.")] = False,
) -> int:
    """Fetch what is missing or wrong, prove it, then run what follows `--` (for entrypoints)."""
    if check:
        wrong = api.in_place(*names or [], project=out.project)
        out.result({"ok": not wrong, "problems": wrong}, *wrong or ["ok"])
        return 1 if wrong else 0
    done = api.ensure(*names or [], frozen=frozen, project=out.project, progress=out.progress)
    if not out.tail:
        out.result(_pulled(done), *map(_line, done))
        return 0
    out.close()
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # by Python, and a program inherits what is ignored
        signal.signal(ignored, signal.SIG_DFL)
    try:
        os.execvp(out.tail[0], out.tail)  # noqa: S606 - it is what the caller asked to run
    except OSError as error:
        raise NotFoundError(
            "no-command", f"{out.tail[0]} cannot be run: {error.strerror}", hint="check the words after --"
        ) from error


def _pulled(done: list[Pulled]) -> dict[str, Any]:
    return {"models": [{key: getattr(each, key) for key in _PULLED} for each in done]}


def _line(each: Pulled) -> str:
    how = {"local": "in place", "cache": "from the cache"}.get(each.tier)
    how = how or f"{human(each.fetched)} from {each.tier}"
    what = f"{each.name}:{each.version} {each.digest[:19]} {human(each.size)}"
    return f"{what} at {each.path}: {how}, {each.seconds:.2f} s"
