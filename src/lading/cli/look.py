"""Commands that look: list, show, verify."""

from __future__ import annotations

from typing import Annotated

import typer

from lading.api import look as api
from lading.cli.app import command
from lading.cli.out import Out, count, human, table

GROUP = "Look"
Store = Annotated[str | None, typer.Option("--store", help="The one store to ask.", metavar="URL")]


@command("list", GROUP)
def list_(
    out: Out,
    name: Annotated[str | None, typer.Argument(help="A model: list its versions in the store.")] = None,
    store: Store = None,
) -> None:
    """List the declared models (present, changed, pushed, pinned), or the versions of one."""
    if name is not None:
        versions = api.list_versions(name, store=store, project=out.project)
        out.result({"name": name, "versions": list(versions)}, *versions or [f"{name} has no versions"])
        return
    models = api.list_models(project=out.project)
    rows = [
        (
            each.name,
            "yes" if each.present else "no",
            {True: "yes", False: "no", None: "-"}[each.changed],
            each.version or "-",
            "?" if each.pushed is None else ", ".join(each.pushed[:3]) or "-",
            each.pinned or "-",
        )
        for each in models
    ]
    keys = ("name", "path", "present", "version", "changed", "pushed", "pinned")
    document = {"models": [{key: getattr(each, key) for key in keys} for each in models]}
    out.result(document, *table(("MODEL", "PRESENT", "CHANGED", "HERE", "PUSHED", "PINNED"), rows))


@command("show", GROUP)
def show(
    out: Out,
    reference: Annotated[str, typer.Argument(help="NAME:VERSION, NAME@sha256:..., or NAME.", metavar="REF")],
    store: Store = None,
) -> None:
    """Show what one version holds and what is known about it."""
    bill = api.show(reference, store=store, project=out.project)
    about = bill.metadata.document()
    document = {
        "name": bill.name,
        "version": bill.version,
        "digest": str(bill.digest),
        "size": bill.size,
        "files": [{"path": f.path, "size": f.size, "sha256": f.digest.hex} for f in bill.files],
        **about,
    }
    lines = [f"{bill.name}:{bill.version}", f"  bill     {bill.digest}", f"  size     {human(bill.size)}"]
    lines += [
        f"  {key:8} {about[key]}" for key in ("format", "entry", "license", "description") if key in about
    ]
    for key in ("metrics", "params", "environment", "lineage"):
        lines += (
            [f"  {key}: " + ", ".join(f"{k} {v}" for k, v in _flat(about.get(key, {})))]
            if key in about
            else []
        )
    for side in ("inputs", "outputs"):
        specs = about.get("signature", {}).get(side, [])
        lines += [
            f"  {side}: " + ", ".join(f"{s['name']} {s['datatype']}{s['shape']}" for s in specs)
        ] * bool(specs)
    rows = [(f.path, human(f.size), f.digest.short) for f in bill.files]
    out.result(document, *lines, "", *table(("FILE", "SIZE", "SHA-256"), rows))


@command("verify", GROUP)
def verify(
    out: Out,
    what: Annotated[
        list[str] | None, typer.Argument(help="Folders or references.", metavar="DIR|REF")
    ] = None,
    load: Annotated[bool, typer.Option("--load", help="Really load, and run the golden example.")] = False,
    require: Annotated[
        str | None, typer.Option("--require", help="lock or signature", metavar="ANCHOR")
    ] = None,
    store: Store = None,
) -> int:
    """Read bytes and compare them with their bills; 1 if something differs."""
    verified = api.verify(*what or [], load=load, require=require, store=store, project=out.project)
    keys = ("path", "problem", "expected", "got")
    problems = [{key: getattr(each, key) for key in keys} for each in verified.problems]
    document = {
        "ok": verified.ok,
        "anchor": verified.anchor,
        "checked": verified.checked,
        "problems": problems,
    }
    lines = [
        f"{p['path']}: {p['problem']}: expected {p['expected'] or 'nothing'}, got {p['got'] or 'nothing'}"
        for p in problems
    ]
    lines.append(
        f"{'ok' if verified.ok else 'not ok'}: {count(verified.checked, 'file')} checked, "
        f"{count(len(problems), 'problem')}, anchor: {verified.anchor}"
        + (", loaded" if load and verified.ok else "")
    )
    out.result(document, *lines)
    return 0 if verified.ok else 1


def _flat(mapping: dict[str, object], prefix: str = "") -> list[tuple[str, object]]:
    flat: list[tuple[str, object]] = []
    for key, value in mapping.items():
        flat += _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]
    return flat
