from __future__ import annotations

from typing import TYPE_CHECKING

from lading.core.ports import Silence

if TYPE_CHECKING:
    import pytest

    from lading.core.ports import Progress


def test_silence_hears_everything_and_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    progress: Progress = Silence()
    progress.start("acme/m:1.0", 42)
    progress.advance(42)
    progress.note("a warning")
    assert capfd.readouterr() == ("", "")
