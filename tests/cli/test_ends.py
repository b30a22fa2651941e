"""How a command ends when it is interrupted, or when nobody reads what it says any more."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.yard import LONG_S

if TYPE_CHECKING:
    from tests.yard import Yard


def test_a_reader_who_has_gone_is_no_error(yard: Yard) -> None:
    yard.model({"a.bin": b"a"})
    reading, writing = os.pipe()
    os.close(reading)
    running = yard.start("list", stdout=writing)
    os.close(writing)
    _, err = running.communicate(timeout=LONG_S)
    assert (running.returncode, err) == (0, "")


HINT = "the same command takes up where it stopped"
JSON = f'{{"error": {{"code": "interrupted", "message": "interrupted", "hint": "{HINT}"}}}}\n'


@pytest.mark.parametrize(
    ("words", "out", "err"),
    [((), "", f"lading: interrupted [interrupted]\n  hint: {HINT}\n"), (("--json",), JSON, "")],
    ids=["text", "json"],
)
def test_an_interrupted_command_says_so_and_has_the_status_of_shells(
    yard: Yard, words: tuple[str, ...], out: str, err: str
) -> None:
    pipe = yard.folder / "asked.json"
    os.mkfifo(pipe)
    running = yard.start("predict", "m", "--input", "asked.json", *words, stdin=subprocess.DEVNULL)
    writing = os.open(pipe, os.O_WRONLY)  # returns when the command has opened its end
    try:
        running.send_signal(signal.SIGINT)
        assert running.communicate(timeout=LONG_S) == (out, err)
    finally:
        os.close(writing)
    assert running.returncode == 130
