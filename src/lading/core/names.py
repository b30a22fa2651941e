"""The grammar of model names, versions and stages (design, section 2).

A name is an OCI repository name, a version or stage an OCI tag (distribution specification 1.1,
"Pulling manifests"). A version holds a digit and a stage holds none, so that ``name:x`` is decided by
its form alone.
"""

from __future__ import annotations

import re
from typing import Final

from lading.core.errors import UsageError

RESERVED_COMPONENTS: Final = frozenset(
    {"blobs", "manifests", "tags", "referrers", "ledger", "index.html", "head.json"},
)
MAX_NAME_CHARS: Final = 255

_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_LEDGER_NUMBER = re.compile(r"[0-9]{8}")


def check_name(text: str) -> str:
    """Return a model's name unchanged if it is one.

    Raises:
        UsageError: ``bad-name``; its hint has the spelling to use where there is an obvious one.
    """
    for component in text.split("/"):
        if not _COMPONENT.fullmatch(component):
            raise UsageError(
                "bad-name",
                f"'{text}' is not a model name: '{component}' must be lowercase letters and digits, "
                "separated by one of . _ __ -",
                hint=_respell(text),
            )
        if component in RESERVED_COMPONENTS or _LEDGER_NUMBER.match(component):
            raise UsageError(
                "bad-name",
                f"'{text}' is not a model name: '{component}' is reserved for the store's own layout",
                hint=_respell(text),
            )
    if len(text) > MAX_NAME_CHARS:
        raise UsageError("bad-name", f"a model name has at most {MAX_NAME_CHARS} characters, got {len(text)}")
    return text


def check_version(text: str) -> str:
    """Return a version unchanged if it is one.

    Raises:
        UsageError: ``bad-version``; its hint has the spelling to use.
    """
    if not _TAG.fullmatch(text):
        raise UsageError(
            "bad-version",
            f"'{text}' is not a version: expected letters, digits, . _ -, at most 128, "
            "starting with a letter, a digit or _",
            hint=_respell_version(text),
        )
    if text.startswith("sha256-"):
        raise UsageError("bad-version", f"'{text}' is not a version: 'sha256-' is reserved for referrers")
    if not any(c.isdigit() for c in text):
        raise UsageError(
            "bad-version",
            f"'{text}' is not a version: a version contains a digit, a stage contains none",
            hint=_respell_version(f"{text}-1"),
        )
    return text


def check_stage(text: str) -> str:
    """Return a stage's name unchanged if it is one.

    Raises:
        UsageError: ``bad-stage``.
    """
    if not _TAG.fullmatch(text) or any(c.isdigit() for c in text):
        raise UsageError(
            "bad-stage",
            f"'{text}' is not a stage: expected letters . _ - and no digit (a version contains a digit)",
            hint="use a stage such as staging or production",
        )
    return text


def is_version(label: str) -> bool:
    """Whether ``label``, from ``name:label``, has the form of a version rather than of a stage."""
    return any(c.isdigit() for c in label)


def suggest_name(text: str) -> str | None:
    """A model name close to ``text``, or None where nothing usable is left of it."""
    components = [_suggest_component(part) for part in text.lower().split("/")]
    suggestion = "/".join(part for part in components if part)
    return suggestion if 0 < len(suggestion) <= MAX_NAME_CHARS else None


def _suggest_component(text: str) -> str:
    words = re.sub(r"[^a-z0-9._-]+", "-", text)
    words = re.sub(r"[._-]{2,}", "-", words).strip("._-")
    return f"my-{words}" if words in RESERVED_COMPONENTS or _LEDGER_NUMBER.match(words) else words


def _respell(text: str) -> str:
    suggestion = suggest_name(text)
    return f"use '{suggestion}'" if suggestion else "use a name such as 'sentiment' or 'acme/sentiment'"


def _respell_version(text: str) -> str:
    words = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-")[:128]
    usable = any(c.isdigit() for c in words) and not words.startswith("sha256-")
    return f"use '{words}'" if usable else "use a version such as '1.0.0'"
