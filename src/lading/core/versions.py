"""The order of versions, and which one comes next."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"(\d+)")


def version_key(version: str) -> tuple[object, ...]:
    """A sort key: numbers by value, and ``1.0-rc1`` before ``1.0`` as in Semantic Versioning 2, rule 11."""
    release, dash, suffix = version.partition("-")
    return (_parts(release.lstrip("vV")), not dash, _parts(suffix), version)


def highest(versions: list[str]) -> str | None:
    """The highest of ``versions``, or None where there is none."""
    return max(versions, key=version_key, default=None)


def next_version(version: str) -> str:
    """``version`` with its last number one higher: what a person would most likely push next."""
    last = list(_NUMBER.finditer(version))[-1]
    number = str(int(last.group()) + 1).zfill(len(last.group()))
    return f"{version[: last.start()]}{number}{version[last.end() :]}"


def _parts(text: str) -> tuple[tuple[int, int, str], ...]:
    # Every part is (is text, number, text), so that a number never meets a text in a comparison.
    pieces = [piece for piece in _NUMBER.split(text) if piece.strip("._-+")]
    return tuple((0, int(p), "") if p.isdigit() else (1, 0, p.strip("._-+")) for p in pieces)
