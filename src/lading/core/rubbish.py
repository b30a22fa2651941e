"""Which blobs of a model nothing needs any more (design, section 3.3)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from lading.core.digest import Digest
from lading.core.errors import IntegrityError, LadingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lading.core.objects import Found

KEPT_S: Final = 7 * 24 * 3600
"""How old a blob must be to be rubbish: a push that began later may still be going to name it."""


def named_digests(raw: bytes, key: str, url: str) -> frozenset[Digest]:
    """Every digest that a manifest holds anywhere, whatever kind of manifest it is.

    Args:
        raw: its bytes.
        key: where it lies; where that ends with a digest, the bytes must have it.
        url: the store's.

    Raises:
        IntegrityError: ``bad-manifest``, where it is damaged and so cannot say what it needs.
    """
    digest = _digest(key.rpartition("/")[2].removesuffix(".json"))
    if digest is not None and Digest.of(raw) != digest:
        raise _unreadable(url, key, f"has the digest {Digest.of(raw)}")
    try:
        document = json.loads(raw)
        if isinstance(document, dict):
            return frozenset(_digests(document))
    except (ValueError, RecursionError) as error:
        raise _unreadable(url, key, "is no JSON") from error
    raise _unreadable(url, key, "is no JSON object")


def rubbish(blobs: Iterable[Found], named: frozenset[Digest], now_s: float, kept_s: float) -> list[Found]:
    """The blobs that no manifest names and that are older than ``kept_s`` seconds.

    What lies among blobs and is none, by its name, is nobody's business and stays.
    """
    return [
        blob
        for blob in blobs
        if (digest := _digest(blob.key.rpartition("/")[2])) is not None
        and digest not in named
        and blob.modified_s < now_s - kept_s
    ]


def _unreadable(url: str, key: str, why: str) -> IntegrityError:
    return IntegrityError(
        "bad-manifest",
        f"{url}: {key} {why}, so nobody knows which blobs it needs",
        hint="restore it from a copy of the store, or remove it; then: lading gc",
    )


def _digests(value: Any) -> Iterator[Digest]:  # noqa: ANN401 - JSON's own values
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        for item in value:
            yield from _digests(item)
    elif isinstance(value, str) and (digest := _digest(value)) is not None:
        yield digest


def _digest(text: str) -> Digest | None:
    try:
        return Digest.parse(text)
    except LadingError:
        return None
