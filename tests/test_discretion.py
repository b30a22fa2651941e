"""The check that no secret shows: it must be able to fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.servers.access import MARK, kept_secret, secret, shown
from tests.servers.hostile import HostileS3
from tests.servers.s3 import WRONG
from tests.yard import Done

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parent.parent


def verdict(folder: Path, body: str) -> tuple[int, str]:
    """How pytest ends for one test with that body, with the plugin loaded, and what it says."""
    test = folder / "test_it.py"
    test.write_text(
        "import logging, os, sys, warnings\nfrom tests.discretion import planted\n"
        f"from tests.servers.access import secret\n\ndef test_it(tmp_path):\n    {body}\n",
        "utf-8",
    )
    words = ["-p", "tests.discretion", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, str(test)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    "body",
    [
        "print(secret('a'))",
        "print('user:' + secret('a') + '@host', file=sys.stderr)",
        "logging.getLogger('anybody').debug('asked %s', secret('a'))",
        "(tmp_path / 'lading.lock').write_text(secret('a'))",
        "(tmp_path / 'v2').mkdir(); (tmp_path / 'v2' / 'blob').write_bytes(b'\\0' + secret('a').encode())",
    ],
)
def test_a_test_that_lets_a_secret_show_fails(tmp_path: Path, body: str) -> None:
    status, said = verdict(tmp_path, body)
    assert status == 1
    assert "1 passed, 1 error" in said
    assert "secrets were shown: " in said


@pytest.mark.parametrize(
    "body",
    [
        "print('nothing to see')",
        "secret('a')",
        "planted(tmp_path / 'credentials').write_text(secret('a'))",
    ],
)
def test_a_test_that_keeps_its_secrets_passes(tmp_path: Path, body: str) -> None:
    assert verdict(tmp_path, body)[0] == 0


@pytest.mark.parametrize("words", [("", secret("a")), (f'{{"error": "{secret("a")}"}}', "")])
def test_what_the_command_line_says_is_looked_at(words: tuple[str, str]) -> None:
    with pytest.raises(AssertionError):
        Done(0, *words)


def servers() -> Iterator[str]:
    """Every secret that the servers of the tests make up before they run."""
    yield WRONG[1]
    with HostileS3() as server:
        yield server.new_bucket().secret


def test_what_the_servers_make_up_is_recognised() -> None:
    assert [shown(f"x{each}y") for each in servers()] == [[MARK]] * 2


def test_a_secret_of_others_is_recognised_once_it_is_known_also_in_a_url() -> None:
    made_up = "not/known/yet"
    assert shown(made_up) == []
    assert kept_secret(made_up) == made_up
    assert shown(f"sig=not%2Fknown%2Fyet&{made_up}") == ["not%2Fknown%2Fyet", made_up]
