"""Other processes, which tests stop, freeze and kill."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT: Final = Path(__file__).parents[1]  # so that a child can import the tests' own helpers


@contextmanager
def child(code: str, *args: object) -> Iterator[subprocess.Popen[str]]:
    """A Python process that runs ``code`` and has printed its first line; killed when the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line == "ready\n", f"the child said {line!r}"
        yield process
    finally:
        process.kill()
        process.communicate()


def run_and_kill(code: str, *args: object) -> None:
    """Run ``code`` until it prints its first line, then kill it as the kernel would."""
    with child(code, *args) as process:
        process.kill()
        assert process.wait(10) == -9
