"""Commands that release models: init, add, push, lock."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lading.api import release as api
from lading.cli.app import command
from lading.cli.out import Out, count, human

GROUP = "Move"
_PUSHED = ("name", "version", "digest", "files", "size", "uploaded", "reused", "seconds")


@command("init", GROUP)
def init(
    out: Out,
    store: Annotated[str | None, typer.Option("--store", help="Where versions live.", metavar="URL")] = None,
) -> None:
    """Write lading.toml, and propose an `add` for every model file that is found."""
    done = api.init(store=store, project=out.project)
    document = {
        "path": done.path,
        "created": done.created,
        "store": done.store,
        "proposals": list(done.proposals),
    }
    first = f"wrote {done.path}" if done.created else f"{done.path} is there already and stays as it is"
    found = ["", "models found; declare them with:", *(f"  {line}" for line in done.proposals)]
    out.result(document, first, f"store: {done.store}", *(found if done.proposals else []))


@command("add", GROUP)
def add(
    out: Out,
    path: Annotated[Path, typer.Argument(help="The model's file, or its folder.")],
    name: Annotated[str, typer.Option("--name", help="The model's name, such as acme/sentiment.")],
    files: Annotated[
        list[str] | None, typer.Option("--files", help="Globs below PATH, where it holds other things too.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Put copies in place of links that lead out.")
    ] = False,
) -> None:
    """Declare a model in lading.toml; again with the same path is a success."""
    done = api.add(path, name, files=files or [], follow=follow, project=out.project)
    keys = ("name", "path", "files", "size", "changed", "left_out", "copied")
    lines = [
        (
            f"{'declared' if done.changed else 'already declared'}: {done.name}, "
            f"{count(done.files, 'file')}, {human(done.size)} at {done.path}"
        )
    ]
    lines += [f"left out: {each}" for each in done.left_out] + [f"copied: {each}" for each in done.copied]
    out.result({key: getattr(done, key) for key in keys}, *lines, f"next: lading push {done.name}:1.0.0")


@command("push", GROUP)
def push(
    out: Out,
    references: Annotated[
        list[str] | None, typer.Argument(help="NAME or NAME:VERSION.", metavar="N[:V]")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="Another store.", metavar="URL")] = None,
    platforms: Annotated[
        list[str] | None, typer.Option("--platforms", help="Platforms of the image, such as linux/arm64.")
    ] = None,
    modelpack: Annotated[
        bool, typer.Option("--modelpack", help="Publish it as a CNCF ModelPack artifact too.")
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Prove what is there, replace what is wrong.")
    ] = False,
    create_store: Annotated[
        bool, typer.Option("--create-store", help="Make the bucket first, where it is not there.")
    ] = False,
    message: Annotated[
        str, typer.Option("--message", "-m", help="Why, for the ledger.", metavar="TEXT")
    ] = "",
) -> None:
    """Pack declared models and publish them; the same again uploads nothing."""
    named = [part for each in platforms or [] for part in each.split(",")]
    done = api.push(
        *references or [],
        to=to,
        platforms=named,
        modelpack=modelpack,
        repair=repair,
        create_store=create_store,
        message=message,
        project=out.project,
        progress=out.progress,
    )
    documents = [
        {key: getattr(each, key) for key in _PUSHED}
        | ({"modelpack": each.modelpack} if each.modelpack else {})
        for each in done
    ]
    lines = [
        f"{each.name}:{each.version} {each.digest[:19]} {count(each.files, 'file')}, {human(each.size)}: "
        f"{human(each.uploaded)} uploaded, {human(each.reused)} there already, {each.seconds:.1f} s"
        for each in done
    ]
    lines += [f"{each.name}@{each.modelpack} is its ModelPack artifact" for each in done if each.modelpack]
    out.result(_one_or_all(documents), *lines)


@command("lock", GROUP)
def lock(
    out: Out,
    names: Annotated[list[str] | None, typer.Argument(help="Models; default: all.", metavar="N")] = None,
) -> None:
    """Pin what lading.toml asks for in lading.lock."""
    pinned = api.lock(*names or [], project=out.project).pins
    document = {
        name: {
            "version": pin.version,
            "digest": str(pin.bill),
            "manifest": str(pin.manifest),
            "size": pin.size,
        }
        for name, pin in sorted(pinned.items())
    }
    out.result({"models": document}, *(f"{n}:{p['version']} {p['digest']}" for n, p in document.items()))


def _one_or_all(documents: list[dict[str, Any]]) -> dict[str, Any]:
    return documents[0] if len(documents) == 1 else {"models": documents}
