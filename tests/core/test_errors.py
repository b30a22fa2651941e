from __future__ import annotations

import pytest

from lading.core import errors
from lading.core.errors import LadingError


def test_each_class_has_the_exit_status_that_the_command_line_promises() -> None:
    classes = {kind.__name__: kind.exit_status for kind in LadingError.__subclasses__()}
    assert classes == {
        "NegativeError": 1,
        "UsageError": 2,
        "NotFoundError": 3,
        "IntegrityError": 4,
        "UnavailableError": 5,
        "ConflictError": 6,
        "PolicyError": 7,
        "BudgetError": 8,
    }
    assert LadingError.exit_status == 70


@pytest.mark.parametrize("kind", LadingError.__subclasses__())
def test_an_error_carries_its_code_its_message_and_its_hint(kind: type[LadingError]) -> None:
    error = kind("some-code", "what happened", hint="what to run")
    assert (error.code, error.message, error.hint) == ("some-code", "what happened", "what to run")
    assert str(error) == "what happened"


def test_a_hint_is_empty_where_there_is_nothing_to_do() -> None:
    assert errors.ConflictError("some-code", "what happened").hint == ""
