from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lading.core.digest import Digest
from lading.core.errors import IntegrityError, LadingError, UsageError
from lading.core.table import Table
from tests.cargo import ABC

if TYPE_CHECKING:
    from collections.abc import Callable


def _reader(kind: str) -> Callable[[Table], object]:
    def read(table: Table) -> object:
        return getattr(table, kind)("key")

    return read


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        ("text", "x", "x"),
        ("text", "", ""),
        ("number", 0, 0),
        ("number", 2**70, 2**70),
        ("flag", False, False),
        ("digest", f"sha256:{ABC}", Digest(ABC)),
        ("texts", ["a", "b"], ("a", "b")),
        ("texts", [], ()),
        ("tables", [], ()),
        ("anything", [1], [1]),
    ],
)
def test_a_value_of_the_right_type_is_read(kind: str, value: object, read: object) -> None:
    assert _reader(kind)(Table({"key": value}, "here")) == read


@pytest.mark.parametrize("kind", ["text", "number", "flag", "digest", "texts", "table", "tables", "anything"])
def test_an_absent_key_is_none_and_so_is_null(kind: str) -> None:
    assert _reader(kind)(Table({}, "here")) is None
    assert _reader(kind)(Table({"key": None}, "here")) is None


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("text", 1, "here: 'key' must be text; got 1"),
        ("text", ["a"], "here: 'key' must be text; got ['a']"),
        ("number", "1", "here: 'key' must be a whole number; got '1'"),
        ("number", 1.0, "here: 'key' must be a whole number; got 1.0"),
        ("number", -1, "here: 'key' must be a whole number, not negative; got -1"),
        ("number", True, "here: 'key' must be a whole number, not negative; got True"),
        ("flag", 1, "here: 'key' must be true or false; got 1"),
        ("digest", 1, "here: 'key' must be text; got 1"),
        ("digest", "abc", "here: 'key': 'abc' is not a digest: expected sha256:<64 hex digits>"),
        ("texts", "ab", "here: 'key' must be a list; got 'ab'"),
        ("texts", ["a", 1], "here: 'key' must be a list of texts; got 1 in it"),
        ("table", [], "here: 'key' must be a table; got []"),
        ("tables", {}, "here: 'key' must be a list; got {}"),
        ("tables", [{}, "x"], "here: 'key' must be a list of tables; got 'x' in it"),
    ],
)
@pytest.mark.parametrize("error", [UsageError, IntegrityError])
def test_a_value_of_another_type_is_refused_saying_where(
    kind: str, value: object, message: str, error: type[LadingError]
) -> None:
    with pytest.raises(error) as caught:
        _reader(kind)(Table({"key": value}, "here", error, "some-code"))
    assert (caught.value.code, caught.value.message) == ("some-code", message)


def test_tables_within_say_where_they_stand_and_fail_alike() -> None:
    table = Table({"one": {"key": 1}, "many": [{}, {"key": 1}]}, "here", IntegrityError, "some-code")
    one, many = table.table("one"), table.tables("many")
    assert one is not None
    assert many is not None
    for inner, where in ((one, "here one"), (many[1], "here many[1]")):
        with pytest.raises(IntegrityError) as caught:
            inner.text("key")
        assert caught.value.message == f"{where}: 'key' must be text; got 1"


def test_a_missing_key_is_named() -> None:
    table = Table({}, "here")
    with pytest.raises(UsageError, match=r"^here: 'key' is missing$"):
        table.need("key", table.text("key"))


@pytest.mark.parametrize("value", [0, "", False])
def test_an_empty_value_is_not_missing(value: object) -> None:
    assert Table({}, "here").need("key", value) == value


def test_an_unknown_key_is_refused_naming_the_nearest_known() -> None:
    table = Table({"verison": "1"}, "here")
    table.text("version")
    table.text("path")
    with pytest.raises(UsageError) as caught:
        table.finish()
    assert (caught.value.message, caught.value.hint) == (
        "here: unknown key 'verison'",
        "did you mean 'version'?",
    )


def test_an_unknown_key_like_no_other_is_told_all_known_ones() -> None:
    table = Table({"zzz": "1"}, "here")
    table.text("version")
    table.text("path")
    with pytest.raises(UsageError) as caught:
        table.finish()
    assert caught.value.hint == "known keys: path, version"


def test_a_table_read_whole_is_finished_and_the_rest_is_empty() -> None:
    table = Table({"a": 1, "b": 2}, "here")
    table.number("a")
    assert table.rest() == {"b": 2}
    table.anything("b")
    table.finish()
    assert table.rest() == {}
