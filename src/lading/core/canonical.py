"""Canonical JSON (RFC 8785): one spelling for each value, so that equal documents have equal digests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NoReturn, TypeAlias

import rfc8785

from lading.core.errors import IntegrityError, UsageError

_Value: TypeAlias = "bool | int | float | str | list[_Value] | dict[str, _Value] | None"

_MAX_INTEGER: Final = 2**53 - 1
_EXACT_DIGITS: Final = 17


def encode(value: object, what: str) -> bytes:
    """Write ``value`` canonically.

    Args:
        value: JSON data: str, bool, None, int below 2**53, finite float, list, tuple, mapping.
        what: what is written, for the error message.

    Raises:
        UsageError: ``not-json``, for NaN, infinity, integers that JSON cannot carry, other types.
    """
    try:
        return rfc8785.dumps(_plain(value))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise UsageError("not-json", f"{what} cannot be written as JSON: {error}") from error


def decode(raw: bytes, what: str) -> object:
    """Read canonical JSON and nothing else.

    Raises:
        IntegrityError: ``not-canonical``, for bytes that are not JSON, hold NaN or a key twice, or are
            spelled in any other way than ``encode`` would spell them.
    """
    try:
        value: object = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_unique, parse_int=_integer, parse_constant=_refuse
        )
        canonical = rfc8785.dumps(_plain(value))
    except (ValueError, RecursionError, UnicodeEncodeError, rfc8785.CanonicalizationError) as error:
        raise IntegrityError("not-canonical", f"{what} is not canonical JSON: {error}") from error
    if canonical != raw:
        raise IntegrityError(
            "not-canonical",
            f"{what} is not canonical JSON (RFC 8785): its keys, numbers or white space were rewritten",
            hint="it was edited or re-encoded after lading wrote it; fetch it again from the store",
        )
    return value


def _plain(value: object) -> _Value:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise rfc8785.CanonicalizationError(f"unsupported type: {type(value).__name__}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key '{twice}' stands twice")
    return document


def _integer(digits: str) -> int | float:
    # RFC 8785 spells the float 1e17 as 100000000000000000; an integer so large is never written.
    exact = len(digits) <= _EXACT_DIGITS
    return int(digits) if exact and abs(int(digits)) <= _MAX_INTEGER else float(digits)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
