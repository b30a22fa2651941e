"""Reading a table of unknown origin key by key, with an error that says where and what was expected."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from lading.core.digest import Digest
from lading.core.errors import IntegrityError, LadingError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")
_NAMES = {str: "text", int: "a whole number", bool: "true or false", list: "a list", dict: "a table"}


@dataclass(slots=True)
class Table:
    """A mapping from a file, and where in the file it stands.

    Each reader returns the value of one key, or None where the key is absent and not required.
    ``finish`` deals with what was not read.

    Attributes:
        where: how messages name this table, such as ``lading.toml [models.sentiment]``.
        error: which class of error its defects are, for a caller may act differently on a person's
            spelling mistake (UsageError) and on a broken document from a store (IntegrityError).
        code: the error's code.
    """

    data: Mapping[str, Any]
    where: str
    error: type[LadingError] = UsageError
    code: str = "bad-setting"
    _read: set[str] = field(default_factory=set)

    def fail(self, message: str, *, hint: str = "") -> LadingError:
        """An error about this table, for the caller to raise."""
        return self.error(self.code, f"{self.where}: {message}", hint=hint)

    def text(self, key: str) -> str | None:
        """The text under ``key``."""
        return self._typed(key, str)

    def number(self, key: str) -> int | None:
        """The whole number, not negative, under ``key``."""
        value = self._typed(key, int)
        if isinstance(value, bool) or (value is not None and value < 0):
            raise self.fail(f"'{key}' must be a whole number, not negative; got {value!r}")
        return value

    def flag(self, key: str) -> bool | None:
        """The boolean under ``key``."""
        return self._typed(key, bool)

    def digest(self, key: str) -> Digest | None:
        """The digest under ``key``, written ``sha256:<hex>``."""
        text = self.text(key)
        if text is None:
            return None
        try:
            return Digest.parse(text)
        except LadingError as error:
            raise self.fail(f"'{key}': {error.message}") from error

    def texts(self, key: str) -> tuple[str, ...] | None:
        """The list of texts under ``key``."""
        values = self._typed(key, list)
        if values is None:
            return None
        for value in values:
            if not isinstance(value, str):
                raise self.fail(f"'{key}' must be a list of texts; got {value!r} in it")
        return tuple(values)

    def table(self, key: str) -> Table | None:
        """The table under ``key``."""
        value = self._typed(key, dict)
        return None if value is None else Table(value, f"{self.where} {key}", self.error, self.code)

    def tables(self, key: str) -> tuple[Table, ...] | None:
        """The list of tables under ``key``."""
        values = self._typed(key, list)
        if values is None:
            return None
        tables = []
        for number, value in enumerate(values):
            if not isinstance(value, dict):
                raise self.fail(f"'{key}' must be a list of tables; got {value!r} in it")
            tables.append(Table(value, f"{self.where} {key}[{number}]", self.error, self.code))
        return tuple(tables)

    def anything(self, key: str) -> object:
        """Whatever JSON value stands under ``key``."""
        self._read.add(key)
        return self.data.get(key)

    def need(self, key: str, value: T | None) -> T:
        """``value``, which was read from ``key``, or the error that it is missing."""
        if value is None:
            raise self.fail(f"'{key}' is missing")
        return value

    def rest(self) -> dict[str, Any]:
        """The keys that nothing has read."""
        return {key: value for key, value in self.data.items() if key not in self._read}

    def finish(self) -> dict[str, Any]:
        """The keys that nothing has read, to be kept; a person's are refused, naming the nearest known one.

        A document from a store may come from a later lading, whose keys are no defect.
        """
        rest = self.rest()
        if issubclass(self.error, IntegrityError):
            return rest
        for key in rest:
            near = difflib.get_close_matches(key, sorted(self._read), n=1)
            known = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(sorted(self._read))}"
            raise self.fail(f"unknown key '{key}'", hint=known)
        return rest

    def _typed(self, key: str, kind: type[T]) -> T | None:
        self._read.add(key)
        value = self.data.get(key)
        if value is None:
            return None
        if not isinstance(value, kind):
            raise self.fail(f"'{key}' must be {_NAMES[kind]}; got {value!r}")
        return value
