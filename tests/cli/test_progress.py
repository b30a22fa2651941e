"""Progress as a person sees it: bars on a real terminal, which leave it clean, and lines elsewhere."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.cargo import noise
from tests.yard import COMMAND, LONG_S, Yard, files_of

if TYPE_CHECKING:
    from collections.abc import Sequence

FILES = {"a.bin": noise(3 * 1024 * 1024), "b.bin": b"b"}
CLEAR_LINE, UP, HIDE, SHOW = "\x1b[2K", "\x1b[1A", "\x1b[?25l", "\x1b[?25h"
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def on_a_terminal(yard: Yard, *words: str) -> tuple[int, str, str]:
    """Exit status, stdout, and what a terminal on stderr was sent."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "24"}
    running = subprocess.Popen(
        [*COMMAND, *words], cwd=yard.folder, stdout=subprocess.PIPE, stderr=theirs, text=True, env=environ
    )
    os.close(theirs)
    shown = _read_all(ours)
    out, _ = running.communicate(timeout=LONG_S)
    os.close(ours)
    return running.returncode, out, shown


def _read_all(terminal: int) -> str:
    shown = bytearray()
    until = time.monotonic() + LONG_S
    while time.monotonic() < until:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # how Linux says that nobody has the other end any more
            break
        if not chunk:
            break
        shown += chunk
    return shown.decode()


def left_standing(shown: str) -> list[str]:
    """The lines that a terminal shows in the end: a small part of one, for what rich sends."""
    lines, row = [""], 0
    for piece in re.split(r"(\x1b\[[0-9;?]*[a-zA-Z]|\r|\n)", shown):
        if piece == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif piece == UP:
            row = max(0, row - 1)
        elif piece == CLEAR_LINE:
            lines[row] = ""
        elif piece != "\r" and not _ESCAPE.fullmatch(piece):
            lines[row] += piece
    return [line for line in lines if line.strip()]


@pytest.fixture
def stocked(yard: Yard) -> Yard:
    """A project whose model is in the store, and nowhere else."""
    return yard.stock(FILES)


def check_bar(shown: str, standing: Sequence[str]) -> None:
    assert "m:1.0" in _ESCAPE.sub("", shown), "the bar's title"
    assert re.search(r"3\.0/3\.0 MiB", _ESCAPE.sub("", shown)), "the bar was full in the end"
    assert shown.count(HIDE) == shown.count(SHOW) > 0, "the cursor is there again"
    assert left_standing(shown) == list(standing)


def test_a_pull_shows_a_bar_and_leaves_nothing_of_it(stocked: Yard) -> None:
    status, out, shown = on_a_terminal(stocked, "pull", "m:1.0")
    assert status == 0
    assert out.startswith("m:1.0 ")
    assert "\x1b" not in out
    check_bar(shown, standing=())
    assert files_of(stocked.folder / "model") == FILES


def test_a_push_shows_a_bar_too(yard: Yard) -> None:
    yard.model(FILES)
    status, _, shown = on_a_terminal(yard, "push", "m:1.0")
    assert status == 0
    check_bar(shown, standing=())


def test_a_note_stays_above_where_the_bar_was(stocked: Yard) -> None:
    status, _, shown = on_a_terminal(stocked, "pull", "m")
    assert status == 0
    note = "lading: 'm' names no version and none is locked: taking the highest"
    check_bar(shown, standing=(note,))


def test_an_error_in_the_middle_stands_on_a_clean_terminal(stocked: Yard) -> None:
    largest = max(stocked.blobs(), key=lambda blob: blob.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 1
    largest.write_bytes(content)
    status, out, shown = on_a_terminal(stocked, "pull", "m:1.0")
    assert (status, out) == (4, "")
    assert shown.count(HIDE) == shown.count(SHOW) > 0
    standing = left_standing(shown)
    assert standing[0].startswith("lading: file://.lading/store: the layer sha256:")
    assert "[bad-block]" in "".join(standing)
    assert "MiB" not in "".join(standing)


@pytest.mark.parametrize("words", [("-q",), ("--json", "-q")])
def test_a_quiet_pull_draws_nothing(stocked: Yard, words: tuple[str, ...]) -> None:
    status, _, shown = on_a_terminal(stocked, "pull", "m:1.0", *words)
    assert (status, shown) == (0, "")


def test_where_nothing_is_fetched_no_bar_appears(stocked: Yard) -> None:
    stocked.pull("m:1.0")
    assert on_a_terminal(stocked, "pull", "m:1.0")[::2] == (0, "")
