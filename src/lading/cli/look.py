"""Commands that look: list, show, diff, history, verify."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lading.api import look as api
from lading.cli.app import command
from lading.cli.out import Out, count, human, table
from lading.core.difference import ABSENT
from lading.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.core.difference import Change, Difference

GROUP = "Look"
_SPECS: Final = {("signature", "inputs"), ("signature", "outputs")}
_WIDE: Final = 40
"""The longest text that stands in a column; a longer one gets a line of its own."""
Store = Annotated[str | None, typer.Option("--store", help="The one store to ask.", metavar="URL")]


@command("list", GROUP)
def list_(
    out: Out,
    name: Annotated[str | None, typer.Argument(help="A model: list its versions in the store.")] = None,
    tiers: Annotated[
        bool, typer.Option("--tiers", help="Say which tiers hold each version of NAME.")
    ] = False,
    store: Store = None,
) -> None:
    """List the declared models (present, changed, pushed, pinned), or the versions of one.

    With --tiers each tier is asked for each version: yes, no, other (it holds other content under that
    version) or unknown (it cannot tell). With --json: `name`, `versions`: `version`, `tiers`: `url`, `holds`.
    """
    if tiers:
        _list_tiers(out, name, store)
        return
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
        lines += [f"  {side}: {_tensors(specs)}"] * bool(specs)
    rows = [(f.path, human(f.size), f.digest.short) for f in bill.files]
    out.result(document, *lines, "", *table(("FILE", "SIZE", "SHA-256"), rows))


@command("diff", GROUP)
def diff(
    out: Out,
    a: Annotated[str, typer.Argument(help="The old version.", metavar="REF")],
    b: Annotated[str, typer.Argument(help="The new version.", metavar="REF")],
    store: Store = None,
) -> None:
    """Compare two versions: files, blocks, metrics, params, environment, signature; 0 also if they differ.

    The keys with --json, sizes in bytes:

    - `a`, `b`: `name`, `version`, `digest`
    - `same`: whether files, format, entry, signature, golden, mock are equal
    - `files`: `added`, `removed`: `path`, `size`, `sha256`; `moved`: `from` too;
      `changed`: `size` and `sha256` as old and new; `equal`: how many
    - `blocks`: bytes of b in blocks that a has (`shared`) or has not (`new`)
    - `metadata`: what differs, nested as in the bill: `old`, `new` and, for
      metrics, `change`; either is left out where a bill has no such value
    """
    found = api.diff(a, b, store=store, project=out.project)
    out.result(found.document(), *_summary(found), *_files(found), *_metadata(found))


@command("history", GROUP)
def history(
    out: Out,
    name: Annotated[str, typer.Argument(help="A model.", metavar="N")],
    at: Annotated[
        str | None,
        typer.Option("--at", help="Leave out what came after that day or instant (UTC).", metavar="TIME"),
    ] = None,
    store: Store = None,
) -> None:
    """Show a model's ledger: what was published when, and by whom; each event is proven to follow the last.

    With --json: `events`, each with `seq`, `time`, `actor`, `action`, `version`, `digest`, `stage`,
    `message`, `context`. TIME is such as 2026-11-21 or 2026-11-21T08:00:00Z.
    """
    found = api.history(name, at=at, store=store, project=out.project)
    rows = [
        (
            str(each.seq),
            each.time,
            _text(each.actor),
            each.action,
            each.version or "-",
            _text(each.message.partition("\n")[0]),
        )
        for each in found
    ]
    lines = table(("SEQ", "TIME", "ACTOR", "ACTION", "VERSION", "MESSAGE"), rows) if rows else []
    document = {
        "events": [
            {
                "seq": each.seq,
                "time": each.time,
                "actor": each.actor,
                "action": each.action,
                "version": each.version,
                "digest": None if each.digest is None else str(each.digest),
                "stage": each.stage,
                "message": each.message,
                "context": dict(each.context),
            }
            for each in found
        ]
    }
    out.result(document, *lines or [f"{name} has no events"])


@command("verify", GROUP)
def verify(
    out: Out,
    what: Annotated[
        list[str] | None,
        typer.Argument(help="Folders, references, URLs that end with /.", metavar="DIR|REF|URL/"),
    ] = None,
    load: Annotated[bool, typer.Option("--load", help="Really load, and run the golden example.")] = False,
    require: Annotated[
        str | None, typer.Option("--require", help="lock or signature", metavar="ANCHOR")
    ] = None,
    store: Store = None,
    as_: Annotated[
        list[str] | None,
        typer.Option("--as", help="What should lie there, where no bill says it.", metavar="REF"),
    ] = None,
) -> int:
    """Read bytes and compare them with their bills; 1 if something differs.

    A URL that ends with / is a plain prefix in a bucket or folder: every bill at or below it is held
    against the objects around it. An object is not read where its ETag is an MD5 and a copy on this
    machine, which is hashed, has both this MD5 and the bill's SHA-256; `read` with --json is how many
    bytes were read.
    """
    verified = api.verify(
        *what or [], load=load, require=require, store=store, as_=as_ or (), project=out.project
    )
    keys = ("path", "problem", "expected", "got")
    problems = [{key: getattr(each, key) for key in keys} for each in verified.problems]
    document = {
        "ok": verified.ok,
        "anchor": verified.anchor,
        "checked": verified.checked,
        "problems": problems,
    } | ({} if verified.read is None else {"read": verified.read})
    lines = [
        f"{p['path']}: {p['problem']}: expected {p['expected'] or 'nothing'}, got {p['got'] or 'nothing'}"
        for p in problems
    ]
    lines.append(
        f"{'ok' if verified.ok else 'not ok'}: {count(verified.checked, 'file')} checked, "
        f"{count(len(problems), 'problem')}, anchor: {verified.anchor}"
        + ("" if verified.read is None else f", {human(verified.read)} read")
        + (", loaded" if load and verified.ok else "")
    )
    out.result(document, *lines)
    return 0 if verified.ok else 1


def _list_tiers(out: Out, name: str | None, store: str | None) -> None:
    if name is None:
        raise UsageError("usage", "--tiers needs the name of a model", hint="lading list NAME --tiers")
    found = api.list_tiers(name, store=store, project=out.project)
    rows = [(each.version, holds, url) for each in found for url, holds in each.tiers]
    document = {
        "name": name,
        "versions": [
            {"version": each.version, "tiers": [{"url": url, "holds": holds} for url, holds in each.tiers]}
            for each in found
        ],
    }
    lines = table(("VERSION", "HOLDS", "TIER"), rows) if rows else [f"{name} has no versions"]
    out.result(document, *lines)


def _flat(mapping: dict[str, object], prefix: str = "") -> list[tuple[str, object]]:
    flat: list[tuple[str, object]] = []
    for key, value in mapping.items():
        flat += _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]
    return flat


def _summary(found: Difference) -> Iterator[str]:
    told = "the same model, described differently" if found.metadata else "no difference"
    versions = [f"{bill.name}:{bill.version}" for bill in (found.old, found.new)]
    yield f"{' -> '.join(versions)}: {told if found.same else 'they differ'}"
    yield f"  bill     {found.old.digest.short} -> {found.new.digest.short}"
    yield f"  size     {human(found.old.size)} -> {human(found.new.size)}"
    yield f"  blocks   {human(found.shared_bytes)} shared, {human(found.new_bytes)} new"
    kinds = ("changed", "added", "removed", "moved")
    yield (
        "  files    "
        + ", ".join(f"{len(getattr(found, kind))} {kind}" for kind in kinds)
        + (f", {found.equal} equal")
    )


def _files(found: Difference) -> list[str]:
    rows = [(new.path, "changed", human(old.size), human(new.size)) for old, new in found.changed]
    rows += [(entry.path, "added", "-", human(entry.size)) for entry in found.added]
    rows += [(entry.path, "removed", human(entry.size), "-") for entry in found.removed]
    rows += [
        (f"{old.path} -> {new.path}", "moved", human(old.size), human(new.size)) for old, new in found.moved
    ]
    return ["", *table(("FILE", "CHANGE", "OLD", "NEW"), sorted(rows))] if rows else []


def _metadata(found: Difference) -> list[str]:
    told = [(_text(".".join(each.path)), *_sides(each)) for each in found.metadata]
    rows = [row for row in told if max(map(len, row[1:])) <= _WIDE]
    lines = ["", *table(("METADATA", "OLD", "NEW"), rows)] if rows else []
    for key, old, new in told:
        if (key, old, new) not in rows:
            lines += ["", key, f"  old  {old}", f"  new  {new}"]
    return lines


def _sides(change: Change) -> tuple[str, str]:
    show = _tensors if change.path in _SPECS else _text
    old, new = ("-" if value is ABSENT else show(value) for value in (change.old, change.new))
    if old == new:  # such as the text "1" and the number 1
        old, new = ("-" if value is ABSENT else json.dumps(value) for value in (change.old, change.new))
    return old, new if change.amount is None else f"{new} ({change.amount:+.6g})"


def _text(value: Any) -> str:  # noqa: ANN401 - whatever a bill holds
    # What a bill says is not ours: control characters must not reach a terminal.
    return value if isinstance(value, str) and value.isprintable() else json.dumps(value)


def _tensors(specs: Any) -> str:  # noqa: ANN401 - the inputs or outputs, as a bill spells them
    return ", ".join(f"{_text(s['name'])} {s['datatype']}{s['shape']}" for s in specs)
