"""One tree of errors with one root.

A class means that a caller would act differently, and carries the exit status of the command
line (design, section 7). Within a class, ``code`` is a stable word that scripts may test and that
``docs/reference/errors.md`` explains.
"""

from __future__ import annotations

from typing import ClassVar


class LadingError(Exception):
    """What happened, to which thing, expected and got; and ``hint``, the next command to run.

    Attributes:
        code: a stable word, such as ``version-taken``.
        message: one or two sentences for a person.
        hint: what to do next, or an empty string where there is nothing to do.
    """

    exit_status: ClassVar[int] = 70

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class NegativeError(LadingError):
    """The answer is no: a check has findings, a verification found a difference."""

    exit_status = 1


class UsageError(LadingError):
    """The words given are not what the command or the format takes."""

    exit_status = 2


class NotFoundError(LadingError):
    """A model, version, stage, file or store is not there."""

    exit_status = 3


class IntegrityError(LadingError):
    """Bytes are not what they should be."""

    exit_status = 4


class UnavailableError(LadingError):
    """The network, the credentials or every tier failed; each tier's cause is in the message."""

    exit_status = 5


class ConflictError(LadingError):
    """A version exists with other content, or a decision changed while the ledger moved."""

    exit_status = 6


class PolicyError(LadingError):
    """Refused by policy: signature, gate, mock in production, unsafe pickle, yanked."""

    exit_status = 7


class BudgetError(LadingError):
    """Not enough disk or memory."""

    exit_status = 8
