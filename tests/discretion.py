"""A pytest plugin: the test that lets a secret show fails.

Looked at are what a test wrote to stdout and stderr, what was logged at any level by anybody, and every file
below its ``tmp_path`` and in its cache, but those that it planted itself. ``tests.yard`` looks at what the
command line says, and the servers of ``tests.servers`` at what was stored in them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import pytest

from tests.servers.access import shown

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from _pytest.runner import CallInfo

_MOST_BYTES: Final = 4 * 1024 * 1024
"""Larger files are models."""
_planted: set[Path] = set()


def planted(path: Path) -> Path:
    """A file into which the test itself writes a secret."""
    _planted.add(path)
    return path


class _Ear(logging.Handler):
    """Hears every record, and keeps those that hold a secret."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard += shown(self.format(record))


_ear: Final = _Ear()


def pytest_configure(config: pytest.Config) -> None:
    root = logging.getLogger()
    root.addHandler(_ear)
    root.setLevel(logging.NOTSET)
    config.option.log_level = config.option.log_level or "WARNING"  # what failing tests show


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.when == "teardown":
        found = sorted(set(_leaks(item, report)))
        if found and report.passed:
            report.outcome = "failed"
            report.longrepr = f"secrets were shown: {', '.join(found)}"
    return report


def _leaks(item: pytest.Item, report: pytest.TestReport) -> Iterator[str]:
    for name, text in report.sections:
        yield from (f"{each} in {name}" for each in shown(text))
    yield from (f"{each} in a log" for each in _ear.heard)
    _ear.heard.clear()
    values: dict[str, object] = getattr(item, "funcargs", {})
    for folder in (values.get("tmp_path"), values.get("_alone")):
        yield from _files(folder)  # type: ignore[arg-type]
    _planted.clear()


def _files(folder: Path | None) -> Iterator[str]:
    if folder is None or not folder.is_dir():
        return
    for path in folder.rglob("*"):
        # Tests make links to anything, also to what cannot be read.
        own = path.is_file() and not path.is_symlink()
        if own and path not in _planted and path.stat().st_size <= _MOST_BYTES:
            yield from (f"{each} in {path}" for each in shown(path.read_bytes()))
