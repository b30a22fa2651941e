"""Which relative paths a bill may hold (design, section 3.1)."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from lading.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

BILL_FILE: Final = "lading.json"
BILL_SUFFIX: Final = ".lading.json"
BLOCKS_FILE: Final = "lading.blocks"
SIGNATURE_FILE: Final = "model.sig"
RESERVED_FILES: Final = frozenset({BILL_FILE, BLOCKS_FILE, SIGNATURE_FILE})
LEFT_OUT: Final = frozenset({".git", "__pycache__", ".DS_Store"})
MAX_PATH_BYTES: Final = 1024


def check_path(path: str) -> str:
    """Return ``path`` unchanged if it is relative, POSIX, normalised and allowed.

    Raises:
        UsageError: ``bad-path``, saying which rule it breaks.
    """
    problem = _problem(path)
    if problem:
        raise UsageError("bad-path", f"{path!r} cannot be a model's file: {problem}")
    return path


def check_paths(paths: Iterable[str]) -> None:
    """Check every path, and that no two are the same file on a case-folding or NFC file system.

    Raises:
        UsageError: ``bad-path``; ``path-collision``, naming both paths.
    """
    seen: dict[str, str] = {}
    for path in paths:
        check_path(path)
        key = unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
        if key in seen:
            raise UsageError(
                "path-collision",
                f"'{seen[key]}' and '{path}' are one file where case or Unicode form is folded",
                hint="rename one of them",
            )
        seen[key] = path
    _check_prefixes(seen)


def bill_path(name: str, *, folder: bool) -> str:
    """Where a bill lies, relative to the model's folder.

    A folder that is a model holds ``lading.json``. In a folder that several models share, each has
    ``<name>.lading.json``; the ``/`` of a name becomes ``+``, which no name contains.
    """
    return BILL_FILE if folder else name.replace("/", "+") + BILL_SUFFIX


def is_bill(file_name: str) -> bool:
    """Whether a file of this name holds a bill rather than a model's content."""
    return file_name == BILL_FILE or file_name.endswith(BILL_SUFFIX)


def _problem(path: str) -> str | None:  # noqa: PLR0911 - one line a rule is how it is read
    parts = path.split("/")
    if path.startswith("/"):
        return "it is absolute; paths are relative to the model's folder"
    if "\\" in path or any(ord(c) < 32 or ord(c) == 127 for c in path):  # noqa: PLR2004 - ASCII controls
        return "it has a backslash or a control character"
    if ".." in parts:
        return "'..' leads out of the model's folder"
    if any(part in {"", "."} for part in parts):
        return "it is not normalised (empty or '.' parts)"
    if any(part.startswith(".wh.") for part in parts):
        return "a name that starts with .wh. deletes files in container images"
    if parts[0] in RESERVED_FILES:
        return f"'{parts[0]}' is the name of lading's own file"
    if _too_long(path):
        return f"it is longer than {MAX_PATH_BYTES} bytes or is not valid Unicode"
    return None


def _too_long(path: str) -> bool:
    try:
        return len(path.encode()) > MAX_PATH_BYTES
    except UnicodeEncodeError:
        return True


def _check_prefixes(seen: dict[str, str]) -> None:
    for key, path in seen.items():
        parent = key.rpartition("/")[0]
        while parent:
            if parent in seen:
                raise UsageError(
                    "path-collision",
                    f"'{seen[parent]}' is a file, so '{path}' cannot lie below it",
                    hint="rename one of them",
                )
            parent = parent.rpartition("/")[0]
