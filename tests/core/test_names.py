from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lading.core.errors import UsageError
from lading.core.names import check_name, check_stage, check_version, is_version, suggest_name

_QUOTED = re.compile(r"use '([^']+)'")


def _hint_of_name(text: str) -> str | None:
    """The hint of the refusal of a name, or None where it is accepted."""
    try:
        check_name(text)
    except UsageError as error:
        return f"{error.code}: {error.hint}"
    return None


@pytest.mark.parametrize(
    "name",
    [
        "m",
        "0",
        "sentiment",
        "acme/sentiment",
        "a/b/c",
        "a.b",
        "a_b",
        "a__b",
        "a-b",
        "a---b",
        "v2",
        "1234567",
        "blobs-2",
        "my-blobs",
        "tagged",
        "a1234567",
        "x" * 255,
    ],
)
def test_a_name_of_the_oci_grammar_is_taken_unchanged(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Sentiment", "use 'sentiment'"),
        ("my model", "use 'my-model'"),
        ("a//b", "use 'a/b'"),
        ("/a", "use 'a'"),
        ("a/", "use 'a'"),
        ("-a", "use 'a'"),
        ("a-", "use 'a'"),
        ("a..b", "use 'a-b'"),
        ("a___b", "use 'a-b'"),
        ("a._b", "use 'a-b'"),
        ("../etc", "use 'etc'"),
        ("a\n", "use 'a'"),
        ("a:b", "use 'a-b'"),
        ("Blobs", "use 'my-blobs'"),
        ("", "use a name such as 'sentiment' or 'acme/sentiment'"),
        ("..", "use a name such as 'sentiment' or 'acme/sentiment'"),
        ("\N{GREEK SMALL LETTER ALPHA}", "use a name such as 'sentiment' or 'acme/sentiment'"),
        ("\N{FULLWIDTH DIGIT ONE}", "use a name such as 'sentiment' or 'acme/sentiment'"),
    ],
)
def test_another_name_is_refused_with_the_spelling_to_use(name: str, hint: str) -> None:
    assert _hint_of_name(name) == f"bad-name: {hint}"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("blobs", "my-blobs"),
        ("acme/manifests", "acme/my-manifests"),
        ("tags/a", "my-tags/a"),
        ("referrers/ledger", "my-referrers/my-ledger"),
        ("ledger", "my-ledger"),
        ("acme/head.json", "acme/my-head.json"),
        ("20260101-run", "my-20260101-run"),
        ("acme/12345678", "acme/my-12345678"),
    ],
)
def test_a_word_of_the_stores_own_layout_is_refused(name: str, hint: str) -> None:
    assert _hint_of_name(name) == f"bad-name: use '{hint}'"
    assert check_name(hint) == hint


def test_a_name_of_256_characters_is_refused() -> None:
    with pytest.raises(UsageError, match="at most 255 characters, got 256"):
        check_name("x" * 256)


@given(st.text(max_size=300) | st.from_regex(r"[A-Za-z0-9._/ -]{0,300}", fullmatch=True))
@example("A" * 300)
@example("a/" * 200 + "B")
@example("Ledger/00000001")
def test_a_suggested_name_is_itself_a_name(text: str) -> None:
    hint = _hint_of_name(text) or ""
    for suggestion in [*_QUOTED.findall(hint), suggest_name(text)]:
        assert suggestion is None or check_name(suggestion) == suggestion


@pytest.mark.parametrize(
    "version", ["1", "1.0", "v1", "1.2.3-rc.1", "_1", "2026-01-01", "A1", "x" * 127 + "1"]
)
def test_a_tag_with_a_digit_is_a_version(version: str) -> None:
    assert check_version(version) == version
    assert is_version(version)


@pytest.mark.parametrize(
    ("version", "hint"),
    [
        ("1.0+cu121", "use '1.0-cu121'"),
        ("1.0 rc", "use '1.0-rc'"),
        (".1", "use '1'"),
        ("-1", "use '1'"),
        ("1/2", "use '1-2'"),
        ("1\n", "use '1'"),
        ("", "use a version such as '1.0.0'"),
        ("a b", "use a version such as '1.0.0'"),
        ("\N{FULLWIDTH DIGIT ONE}", "use a version such as '1.0.0'"),
        ("1" * 129, f"use '{'1' * 128}'"),
        ("latest", "use 'latest-1'"),
    ],
)
def test_what_is_no_version_is_refused_with_the_spelling_to_use(version: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_version(version)
    assert (caught.value.code, caught.value.hint) == ("bad-version", hint)


def test_a_version_may_not_look_like_a_referrers_index() -> None:
    with pytest.raises(UsageError, match="'sha256-' is reserved for referrers"):
        check_version("sha256-ab12")


@given(st.text(max_size=140) | st.from_regex(r"[A-Za-z0-9._+ -]{0,140}", fullmatch=True))
@example("sha256-ab 1")
@example("x" * 128)
@example("x" * 200 + "1")
def test_a_suggested_version_is_itself_a_version(text: str) -> None:
    try:
        assert check_version(text) == text
    except UsageError as error:
        words = re.findall(r"'([^']+)'", error.hint)
        assert [check_version(word) for word in words] == words


@pytest.mark.parametrize("stage", ["production", "staging", "eu-west", "A", "_x", "a.b", "x" * 128])
def test_a_tag_without_a_digit_is_a_stage(stage: str) -> None:
    assert check_stage(stage) == stage
    assert not is_version(stage)


@pytest.mark.parametrize(
    "stage", ["", "prod1", "-a", ".a", "a b", "a\n", "x" * 129, "\N{ARABIC-INDIC DIGIT ONE}"]
)
def test_what_is_no_stage_is_refused(stage: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_stage(stage)
    assert caught.value.code == "bad-stage"


@given(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", fullmatch=True))
def test_a_tag_is_a_version_or_a_stage_and_never_both(tag: str) -> None:
    accepted = []
    for check in (check_version, check_stage):
        try:
            accepted.append(check(tag))
        except UsageError:
            continue
    assert accepted == ([] if tag.startswith("sha256-") else [tag])
