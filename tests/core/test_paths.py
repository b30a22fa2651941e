from __future__ import annotations

import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.core.errors import UsageError
from lading.core.paths import bill_path, check_path, check_paths, is_bill
from tests.core import words


@pytest.mark.parametrize(
    "path",
    [
        "model.onnx",
        "a/b/c.bin",
        "a b",
        ".hidden",
        "..a",
        "a..",
        "...",
        "-",
        "~",
        "wh.x",
        "a.wh.",
        "Modell-ä.bin",
        "sub/lading.json",
        "sub/model.sig",
        "LADING.JSON",
        "x" * 1024,
        "😀.bin",
    ],
)
def test_a_relative_normalised_path_is_taken_unchanged(path: str) -> None:
    assert check_path(path) == path


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("..", "'..' leads out of the model's folder"),
        ("../x", "'..' leads out of the model's folder"),
        ("a/../b", "'..' leads out of the model's folder"),
        ("a/..", "'..' leads out of the model's folder"),
        ("/etc/passwd", "it is absolute"),
        ("/", "it is absolute"),
        ("a\\b", "it has a backslash or a control character"),
        ("..\\a", "it has a backslash or a control character"),
        ("a\0b", "it has a backslash or a control character"),
        ("a\nb", "it has a backslash or a control character"),
        ("a\x1bb", "it has a backslash or a control character"),
        ("a\x7f", "it has a backslash or a control character"),
        (".wh.a", "a name that starts with .wh. deletes files in container images"),
        (".wh..wh..opq", "a name that starts with .wh. deletes files in container images"),
        ("a/.wh.b/c", "a name that starts with .wh. deletes files in container images"),
        ("lading.json", "'lading.json' is the name of lading's own file"),
        ("lading.blocks", "'lading.blocks' is the name of lading's own file"),
        ("model.sig", "'model.sig' is the name of lading's own file"),
        ("model.sig/weights.bin", "'model.sig' is the name of lading's own file"),
        ("", "it is not normalised"),
        (".", "it is not normalised"),
        ("./a", "it is not normalised"),
        ("a//b", "it is not normalised"),
        ("a/", "it is not normalised"),
        ("a/./b", "it is not normalised"),
        ("x" * 1025, "it is longer than 1024 bytes or is not valid Unicode"),
        ("\u00e4" * 513, "it is longer than 1024 bytes or is not valid Unicode"),
        ("a\udcffb", "it is longer than 1024 bytes or is not valid Unicode"),
        ("\ud800", "it is longer than 1024 bytes or is not valid Unicode"),
    ],
)
def test_a_refused_path_is_told_the_rule_that_it_breaks(path: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_path(path)
    assert caught.value.code == "bad-path"
    assert caught.value.message.startswith(f"{path!r} cannot be a model's file: {problem}")


@given(st.text(alphabet=st.sampled_from("ab./\\\0\u00e4"), max_size=12))
def test_an_accepted_path_stays_below_its_folder(path: str) -> None:
    try:
        check_path(path)
    except UsageError:
        return
    parts = ("/root/" + path).split("/")
    assert parts[:2] == ["", "root"]
    assert not {"", ".", ".."} & set(parts[2:])


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("a", "a"),
        ("Model.bin", "model.bin"),
        ("A/x", "a/X"),
        ("stra\u00dfe", "STRASSE"),
        ("caf\u00e9", "cafe\u0301"),
        ("CAFE\u0301", "caf\u00e9"),
    ],
)
def test_two_paths_that_fold_together_are_refused_naming_both(one: str, two: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_paths([one, "other", two])
    assert caught.value.code == "path-collision"
    assert f"'{one}'" in caught.value.message
    assert f"'{two}'" in caught.value.message


@pytest.mark.parametrize(
    "paths",
    [*itertools.permutations(["a", "a/b", "c"]), ("A", "a/b"), ("a/b/c/d", "a/b"), ("a/B", "A/b/c")],
)
def test_a_file_below_a_file_is_refused_in_any_order(paths: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match=r"is a file, so '.*' cannot lie below it") as caught:
        check_paths(paths)
    assert caught.value.code == "path-collision"


def test_paths_that_only_resemble_each_other_are_taken() -> None:
    seen = iter(["a", "a.b", "ab", "b/a", "a-/x", "\u0131", "i"])
    check_paths(seen)
    assert list(seen) == []


@given(st.lists(st.text(alphabet="aAb\u00e9\u0301e/", min_size=1, max_size=5), max_size=5))
def test_accepted_paths_are_different_files_on_every_file_system(paths: list[str]) -> None:
    try:
        check_paths(paths)
    except UsageError:
        return
    folded = {unicodedata.normalize("NFC", path).casefold() for path in paths}
    assert len(folded) == len(paths)


@given(words.names, words.names)
def test_models_that_share_a_folder_have_bills_of_their_own(one: str, two: str) -> None:
    assert (bill_path(one, folder=False) == bill_path(two, folder=False)) == (one == two)
    assert is_bill(bill_path(one, folder=False))


def test_a_bill_lies_where_the_design_says() -> None:
    assert bill_path("acme/m", folder=True) == "lading.json"
    assert bill_path("acme/m", folder=False) == "acme+m.lading.json"
    assert not is_bill("lading.json.bak")
