from __future__ import annotations

import pytest

from lading.core.errors import LadingError, UnavailableError
from lading.plumbing.patience import Passing, Patience


class Attempts:
    """Fails with each error in turn, then succeeds; ``pauses`` are the waits in between."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.pauses: list[float] = []

    def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    def keep(self, jitter: float = 1.0) -> str:
        return Patience(self.pauses.append, jitter=lambda: jitter).keep(self)


def unreachable() -> UnavailableError:
    return UnavailableError("unreachable", "it is gone")


def test_what_passes_is_tried_three_times_in_all() -> None:
    attempts = Attempts(unreachable(), unreachable())
    assert attempts.keep() == "done"
    assert attempts.pauses == [0.5, 1.0]


def test_the_third_failure_is_the_error() -> None:
    last = unreachable()
    attempts = Attempts(unreachable(), unreachable(), last)
    with pytest.raises(UnavailableError) as caught:
        attempts.keep()
    assert caught.value is last


def test_waits_are_drawn_between_nothing_and_the_longest() -> None:
    attempts = Attempts(unreachable(), unreachable())
    attempts.keep(jitter=0.25)
    assert attempts.pauses == [0.125, 0.25]


def test_what_does_not_pass_is_not_tried_again() -> None:
    attempts = Attempts(UnavailableError("tls-failed", "its certificate has expired"))
    with pytest.raises(UnavailableError):
        attempts.keep()
    assert attempts.pauses == []


def test_who_asks_to_be_left_alone_is_left_alone_so_long() -> None:
    attempts = Attempts(Passing(LadingError("rate-limited", "slower"), after_s=7))
    assert attempts.keep() == "done"
    assert attempts.pauses == [7]


def test_who_asks_for_too_long_is_not_asked_again() -> None:
    error = LadingError("rate-limited", "slower")
    with pytest.raises(LadingError) as caught:
        Attempts(Passing(error, after_s=3600)).keep()
    assert caught.value is error
