"""Bytes to a model in memory: one file and one row in the format table for each format."""

from __future__ import annotations

from importlib import import_module
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from lading.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.core.ports import Format

_SKLEARN, _ONNX, _SAFETENSORS = (f"lading.formats.{module}" for module in ("sklearn", "onnx", "safetensors"))
FORMATS: Final = {"joblib": _SKLEARN, "pickle": _SKLEARN, "onnx": _ONNX, "safetensors": _SAFETENSORS}
SUFFIXES: Final = {".pkl": "pickle", ".pickle": "pickle"} | {f".{name}": name for name in FORMATS}


def open_format(name: str) -> Format:
    """The format of that name; ``UsageError`` ``unknown-format`` lists those that are known."""
    if name not in FORMATS:
        known = f"known formats: {', '.join(FORMATS)}"
        raise UsageError("unknown-format", f"'{name}' is not a format that lading knows", hint=known)
    opened: Format = import_module(FORMATS[name]).open_format(name)
    return opened


def by_suffix(path: str) -> str | None:
    """The format that the suffix of a path stands for, in upper or lower case."""
    return SUFFIXES.get(PurePosixPath(path).suffix.lower())


def detect(paths: Sequence[str]) -> tuple[str | None, str | None]:
    """The format and the entry of a model; several files have one where just one has a known suffix."""
    known = [path for path in paths if by_suffix(path)] if len(paths) > 1 else paths
    return (by_suffix(known[0]), known[0]) if len(known) == 1 else (None, None)
