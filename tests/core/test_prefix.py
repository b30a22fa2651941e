from __future__ import annotations

import pytest

from lading.core.errors import NotFoundError
from lading.core.objects import Found
from lading.core.prefix import Prefix, few, never_packed


def prefix(*keys: str) -> Prefix:
    return Prefix("s3://bucket/m", {key: Found(key, 1, 0.0) for key in keys})


@pytest.mark.parametrize(
    ("keys", "name", "found"),
    [
        (("a.bin",), "m", None),
        (("sub/lading.json",), "m", None),
        (("lading.json", "m.lading.json"), "m", "lading.json"),
        (("m.lading.json", "n.lading.json"), "m", "m.lading.json"),
        (("acme+m.lading.json", "n.lading.json"), "acme/m", "acme+m.lading.json"),
        (("n.lading.json",), "m", "n.lading.json"),
    ],
)
def test_which_bill_speaks_for_a_prefix(keys: tuple[str, ...], name: str, found: str | None) -> None:
    assert prefix(*keys).bill_of(name) == found


def test_the_bills_of_others_do_not_speak_for_a_model() -> None:
    with pytest.raises(NotFoundError, match=r"none of 'm': a\.lading\.json, b\.lading\.json$"):
        prefix("b.lading.json", "a.lading.json").bill_of("m")


def test_files_of_ladings_own_are_no_models() -> None:
    there = prefix(
        "b", "a", "lading.json", "lading.blocks", "model.sig", "sub/x.lading.json", "sub/model.sig"
    )
    assert there.plain() == ["a", "b", "sub/model.sig"]


def test_strays_are_what_no_bill_around_them_lists() -> None:
    there = prefix("lading.json", "a", "b", "in/lading.json", "in/c", "in/deep/d", "inner", "other/e")
    assert there.strays("", ["a"]) == ["b", "inner", "other/e"]
    assert there.strays("in/", ["in/c"]) == ["in/deep/d"]


def test_a_long_list_is_cut() -> None:
    assert few(["a", "b", "c"]) == "a, b, c"
    assert few(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
    assert few([]) == ""


def test_what_is_never_packed() -> None:
    assert all(map(never_packed, (".git", "__pycache__", ".DS_Store", ".lading")))
    assert not any(map(never_packed, ("git", "lading.json", "a.bin")))
