from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.core.canonical import decode, encode
from lading.core.errors import IntegrityError, UsageError

_SAFE = 2**53 - 1
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-_SAFE, _SAFE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_a_value_reads_back_from_its_bytes(value: object) -> None:
    assert decode(encode(value, "it"), "it") == value


@given(VALUES)
def test_equal_values_have_equal_bytes_whatever_wrote_them(value: object) -> None:
    assert encode(json.loads(json.dumps(value)), "it") == encode(value, "it")


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        ({"b": 1, "a": [True, None, "\u00e4\n"]}, '{"a":[true,null,"\u00e4\\n"],"b":1}'),
        ((1, 2.5, 1e30, -0.0, 1.0), "[1,2.5,1e+30,0,1]"),
        # RFC 8785, section 3.2.3: keys are sorted by their UTF-16 code units
        ({"\ufb33": 1, "\U0001f600": 2}, '{"\U0001f600":2,"\ufb33":1}'),
        (1e17, "100000000000000000"),
        (1e-7, "1e-7"),
    ],
)
def test_values_are_spelled_as_rfc_8785_says(value: object, raw: str) -> None:
    assert encode(value, "it").decode() == raw
    assert encode(decode(raw.encode(), "it"), "it").decode() == raw


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        2**53,
        -(2**53),
        b"x",
        {1, 2},
        object(),
        {1: 2},
        "\ud800",
        {"\ud800": 1},
        {"deep": [math.nan]},
    ],
)
def test_what_json_cannot_carry_is_refused(value: object) -> None:
    with pytest.raises(UsageError) as caught:
        encode(value, "the golden example")
    assert caught.value.code == "not-json"
    assert caught.value.message.startswith("the golden example cannot be written as JSON: ")


def test_a_value_nested_too_deeply_is_refused_not_a_crash() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(UsageError, match="cannot be written as JSON"):
        encode(deep, "it")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"NaN", "NaN is not JSON"),
        (b'{"a":Infinity}', "Infinity is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b'{"a":1,"a":1}', "the key 'a' stands twice"),
        (b'{"x":{"a":1,"b":2,"a":3}}', "the key 'a' stands twice"),
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b"{} {}", "Extra data"),
        (b"'a'", "Expecting value"),
        (b'"\xff"', "invalid start byte"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b'"\\ud800"', "non-UTF-8"),
        (b"1e400", "inf is not representable"),
        (b"9" * 5000, "inf is not representable"),
        (b"[" * 100_000, "recursion"),
        (b"[" * 400 + b"]" * 400 + b"x", "Extra data"),
    ],
)
def test_what_is_not_json_is_refused_with_the_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        decode(raw, "the bill")
    assert caught.value.code == "not-canonical"
    assert caught.value.message.startswith("the bill is not canonical JSON: ")
    assert reason in caught.value.message


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": 1}',
        b"[1, 2]",
        b" 1",
        b"1\n",
        b'{"b":1,"a":2}',
        b"1.0",
        b"-0",
        b"1e2",
        b"1E400",
        b"0.10",
        b"1e30",
        b'"\\u0061"',
        b'"\\/"',
        b'"\\u000A"',
        '{"דּ":1,"😀":2}'.encode(),
        b"9007199254740993",
    ],
)
def test_another_spelling_of_json_is_refused(raw: bytes) -> None:
    with pytest.raises(IntegrityError) as caught:
        decode(raw, "the bill")
    assert caught.value.code == "not-canonical"
