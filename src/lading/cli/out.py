"""What a command says, and where: results on stdout, progress and warnings on stderr."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from lading.cli.progress import Lines, display
from lading.core.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lading.core.errors import LadingError
    from lading.core.ports import Progress


class Out:
    """The voice of one command.

    Attributes:
        project: the folder of ``--project``, or None.
        tail: what stood after ``--`` on the command line.
    """

    def __init__(self, *, as_json: bool, quiet: bool, verbose: bool, project: Path | None) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.verbose = verbose
        self.project = project
        self.tail: list[str] = []
        self._progress: Progress | None = None

    @property
    def progress(self) -> Progress:
        """The port for transfers: bars on a terminal, plain lines elsewhere, only warnings with ``-q``."""
        if self._progress is None:
            bars = sys.stderr.isatty() and not self.quiet
            self._progress = display() if bars else Lines(sys.stderr, chatty=self.verbose)
        return self._progress

    def result(self, document: Mapping[str, Any], *lines: str) -> None:
        """The result: ``document`` with ``--json``, else ``lines``."""
        self.close()
        if self.as_json:
            sys.stdout.write(json.dumps(document, default=str) + "\n")
        elif not self.quiet:
            sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()

    def error(self, error: LadingError) -> None:
        """An error: on stdout with ``--json``, else on stderr."""
        self.close()
        message = redacted(error.message)  # whatever it quotes
        if self.as_json:
            said = {"code": error.code, "message": message, "hint": error.hint}
            sys.stdout.write(json.dumps({"error": said}) + "\n")
            return
        sys.stderr.write(f"lading: {_shown(message)} [{error.code}]\n")
        if error.hint:
            sys.stderr.write(f"  hint: {_shown(error.hint)}\n")

    def close(self) -> None:
        """End a progress display."""
        if self._progress is not None:
            getattr(self._progress, "close", lambda: None)()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as plain text, as wide as their widest cell."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [head, *rows]
    ]


def human(size: int) -> str:
    """A size in bytes as people read it; powers of 1024."""
    number, units = float(size), ["B", "KiB", "MiB", "GiB", "TiB"]
    while number >= 1024 and len(units) > 1:  # noqa: PLR2004 - the unit's own base
        number /= 1024
        units.pop(0)
    return f"{number:.0f} {units[0]}" if units[0] == "B" else f"{number:.1f} {units[0]}"


def count(number: int, noun: str) -> str:
    """A number of things, such as ``1 file`` or ``2 files``."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _shown(text: str) -> str:
    """``text`` without control characters, which a damaged document may have brought, but for line ends."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)
