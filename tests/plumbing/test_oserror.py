from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from lading.core.errors import BudgetError, IntegrityError, LadingError, NotFoundError, UnavailableError
from lading.plumbing.oserror import explain, explained, free_bytes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [
        (errno.ENOSPC, BudgetError, "disk-full"),
        (errno.EDQUOT, BudgetError, "disk-full"),
        (errno.EROFS, UnavailableError, "read-only"),
        (errno.EACCES, UnavailableError, "read-only"),
        (errno.EPERM, UnavailableError, "read-only"),
        (errno.ENOENT, NotFoundError, "no-file"),
        (errno.EIO, UnavailableError, "io-error"),
        (errno.ENOTDIR, UnavailableError, "io-error"),
        (errno.ESTALE, UnavailableError, "io-error"),
    ],
)
def test_what_the_system_says_becomes_what_a_caller_acts_on(
    number: int, kind: type[LadingError], code: str, tmp_path: Path
) -> None:
    error = explain(OSError(number, os.strerror(number)), "writing", tmp_path)
    assert (type(error), error.code) == (kind, code)
    assert error.message.startswith("writing: ")
    assert str(tmp_path) in error.message


def test_an_error_without_a_number_keeps_its_words(tmp_path: Path) -> None:
    error = explain(OSError("it broke"), "writing", tmp_path)
    assert error.message == f"writing: {tmp_path}: it broke"


def test_a_block_that_fails_raises_the_explanation_and_keeps_the_cause(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught, explained("reading", tmp_path):
        (tmp_path / "missing").read_bytes()
    assert isinstance(caught.value.__cause__, FileNotFoundError)
    assert caught.value.message == f"reading: {tmp_path} is not there"


def test_other_errors_pass_unchanged(tmp_path: Path) -> None:
    error = IntegrityError("some-code", "it is wrong")
    with pytest.raises(IntegrityError) as caught, explained("reading", tmp_path):
        raise error
    assert caught.value is error


def test_the_space_left_is_that_of_the_nearest_folder_that_exists(tmp_path: Path) -> None:
    free = free_bytes(tmp_path / "not/yet/there")
    assert free > 0
    assert abs(free - free_bytes(tmp_path)) < 2**30
