"""The progress port for people: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


class Lines:
    """Progress in plain lines: warnings always, the beginning of a transfer only where asked."""

    def __init__(self, stream: TextIO, *, chatty: bool) -> None:
        self._stream = stream
        self._chatty = chatty

    def start(self, what: str, total_bytes: int) -> None:
        """Say what begins."""
        if self._chatty:
            self._stream.write(f"{what}: {total_bytes} bytes\n")

    def advance(self, done_bytes: int) -> None:
        """Say nothing: a log has no use for it."""

    def note(self, message: str) -> None:
        """Write the message."""
        self._stream.write(f"lading: {message}\n")


class Bars:
    """Progress as bars that disappear when they are done."""

    def __init__(self, bars: RichProgress) -> None:
        self._bars = bars
        self._task: TaskID | None = None

    def start(self, what: str, total_bytes: int) -> None:
        """Begin a bar."""
        self._bars.start()
        self._task = self._bars.add_task(what, total=total_bytes)

    def advance(self, done_bytes: int) -> None:
        """Move the newest bar."""
        if self._task is not None:
            self._bars.advance(self._task, done_bytes)

    def note(self, message: str) -> None:
        """Write the message above the bars."""
        self._bars.console.print(f"lading: {message}", markup=False, highlight=False)

    def close(self) -> None:
        """Take the bars away."""
        self._bars.stop()


def display() -> Bars:
    """Bars on stderr."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    return Bars(Progress(*columns, console=Console(stderr=True), transient=True))
