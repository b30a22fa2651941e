"""The command that tells where the program finds itself: env."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import typer

from lading.api import surroundings as api
from lading.cli.app import command
from lading.cli.out import Out, human, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.core.surroundings import KnownStore, Probe, Surroundings

GROUP = "Look"
_FROM: Final = {"place": "its place", "cache": "the cache", "tiers": "the tiers", "nowhere": "nowhere"}


@command("env", GROUP)
def env(
    out: Out,
    probe: Annotated[
        bool, typer.Option("--probe", help="Try each store: credentials, list, read, write, speed.")
    ] = False,
) -> int:
    """Show what environment this is, where each model would come from, and why.

    Nothing is asked and nothing written without --probe. With it, each store is tried step by step, and
    the exit status is 1 where the store or a tier cannot be read. It leaves a small object,
    `.lading-probe`, in those that can be written; where there is no blob to measure the speed with, it
    writes 4 MiB and removes them.

    The keys with --json, sizes in bytes:

    - `lading`, `python`: their versions
    - `project`: `folder`, and whether it has a `lading.toml` (`declared`)
    - `variables`: `name`, `value`; null for those that lading does not read
    - `cache`: `path`, `free`, `writable`
    - `stores`: in the order in which bytes are taken: `url`, `role` (`store`, `tier`), `scheme`,
      `writable`, `credentials` (where they come from; null where none are used), `endpoint`, `region`,
      `problem` (null, or `code`, `message`, `hint`), and `probe`, null without --probe
    - `probe`: `readable`, `strong` (null where not tried), `speed` (null, or `size`, `seconds`,
      `first_byte_s`), and `steps`: `step`, `result` (`ok`, `no`, `skipped`), `message`, `seconds`, `code`,
      `hint`
    - `models`: `name`, `wanted`, `decided_by`, `path`, `source` (`place`, `cache`, `tiers`, `nowhere`),
      `why`, and `tiers`, the URLs that would be asked for bytes
    """
    found = api.env(probe=probe, project=out.project)
    out.result(asdict(found), *_here(found), *_models(found), *_stores(found))
    return 1 if probe and not found.readable else 0


def _here(found: Surroundings) -> Iterator[str]:
    toml = "with lading.toml" if found.project.declared else "without lading.toml"
    cache = "can be written" if found.cache.writable else "cannot be written"
    rows = [
        ("lading", f"{found.lading} on Python {found.python}"),
        ("project", f"{found.project.folder}, {toml}"),
        ("cache", f"{found.cache.path}, {human(found.cache.free)} free, {cache}"),
    ]
    rows += [
        (each.name, "is set, and lading does not read it" if each.value is None else each.value)
        for each in found.variables
    ]
    yield from _aligned(rows)


def _models(found: Surroundings) -> Iterator[str]:
    if found.models:
        rows = [(each.wanted, _FROM[each.source], each.why) for each in found.models]
        yield from ("", *table(("MODEL", "COMES FROM", "WHY"), rows))


def _stores(found: Surroundings) -> Iterator[str]:
    for number, store in enumerate(found.stores, 1):
        role = "the store" if store.role == "store" else "a tier"
        yield from ("", f"{number}. {store.url} ({role})")
        yield from (f"  {name:11}  {value}" for name, value in _settings(store))
        if store.problem is not None:
            yield f"  cannot be used: {_line(store.problem.message)} [{store.problem.code}]"
            yield from [f"    hint: {store.problem.hint}"] * bool(store.problem.hint)
        elif store.probe is not None:
            yield from _steps(store.probe)


def _settings(store: KnownStore) -> list[tuple[str, str]]:
    rows = [("endpoint", store.endpoint or ""), ("region", store.region or "")]
    if store.probe is None and store.problem is None:
        rows.insert(0, ("credentials", store.credentials or "none are used"))
    return [(name, value) for name, value in rows if value]


def _steps(probe: Probe) -> Iterator[str]:
    told: set[str] = set()
    for step in probe.steps:
        seconds = "" if step.result == "skipped" else f"{step.seconds:.2f} s"
        code = f" [{step.code}]" if step.code else ""
        yield f"  {step.step:11}  {step.result:7}  {seconds:>8}  {_line(step.message)}{code}"
        if step.hint and step.hint not in told:
            told.add(step.hint)
            yield f"{'':34}hint: {step.hint}"


def _aligned(rows: list[tuple[str, str]]) -> Iterator[str]:
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        yield f"{name.ljust(width)}  {_line(value)}"


def _line(text: str) -> str:
    """What others said, on one line: no control character may reach a terminal."""
    return "".join(each if each.isprintable() else " " for each in text)
