"""``lading verify``: every byte against its bill, and what that bill is anchored in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lading import api
from tests.cargo import fill, noise

if TYPE_CHECKING:
    from pathlib import Path

    from tests.yard import Yard

FILES = {"a.bin": noise(5000), "sub/b.bin": noise(5000, 2), "sub/c.bin": b"c"}


@pytest.fixture
def placed(yard: Yard) -> Yard:
    """A model in its place, with its bill, and no lock."""
    yard.model(FILES)
    yard.push("m:1.0")
    yard.pull("m:1.0")
    return yard


def test_what_is_right_is_right(placed: Yard) -> None:
    done = placed.say("verify", "--json")
    assert (done.status, done.document) == (0, {"ok": True, "anchor": "none", "checked": 3, "problems": []})
    assert placed.say("verify").out == "ok: 3 files checked, 0 problems, anchor: none\n"


def test_every_kind_of_difference_is_found_with_its_path_in_the_folder(placed: Yard) -> None:
    folder = placed.folder / "model"
    fill(folder, {"a.bin": FILES["a.bin"][:-7], "sub/b.bin": noise(5000, 3), "sub/new.bin": b"x"})
    (folder / "sub" / "c.bin").unlink()
    done = placed.say("verify", "model", "--json")
    assert (done.status, done.document["ok"]) == (1, False)
    found = {each["path"]: each for each in done.document["problems"]}
    assert {path: each["problem"] for path, each in found.items()} == {
        "a.bin": "truncated",
        "sub/b.bin": "different",
        "sub/c.bin": "missing",
        "sub/new.bin": "extra",
    }
    assert all(set(each) == {"path", "problem", "expected", "got"} for each in found.values())
    assert (found["a.bin"]["expected"], found["a.bin"]["got"]) == ("5000 bytes", "4993 bytes")
    assert found["sub/b.bin"]["expected"].startswith("sha256:")
    assert found["sub/b.bin"]["got"].startswith("sha256:")
    assert found["sub/b.bin"]["expected"] != found["sub/b.bin"]["got"]

    whole = placed.say("verify", "--json").document["problems"]
    assert {each["path"] for each in whole} == {f"model/{path}" for path in found}
    assert "sub/c.bin: missing: expected sha256:" in placed.say("verify", "model").out


def test_a_file_that_grew_or_became_a_folder(placed: Yard) -> None:
    folder = placed.folder / "model"
    fill(folder, {"a.bin": FILES["a.bin"] + b"x"})
    (folder / "sub" / "c.bin").unlink()
    (folder / "sub" / "c.bin").mkdir()
    problems = placed.say("verify", "model", "--json").document["problems"]
    assert {each["path"]: each["problem"] for each in problems} == {
        "a.bin": "different",
        "sub/c.bin": "not-a-file",
    }


def test_stamps_never_speak_for_a_file(placed: Yard) -> None:
    """Every byte is read, also of files that a pull has proven a moment ago."""
    read = {path for kind, path in placed.watched("verify") if kind == "read"}
    assert {str(placed.folder / "model" / path) for path in FILES} <= read


def test_a_model_that_is_not_there(placed: Yard) -> None:
    placed.forget("model")
    done = placed.say("verify", "--json")
    assert done.status == 1
    (problem,) = done.document["problems"]
    assert (problem["path"], problem["problem"]) == ("model/lading.json", "missing")


def test_a_bill_that_somebody_edited(placed: Yard) -> None:
    bill = placed.folder / "model" / "lading.json"
    bill.write_bytes(bill.read_bytes() + b"\n")
    (problem,) = placed.say("verify", "--json").document["problems"]
    assert (problem["path"], problem["problem"]) == ("model/lading.json", "not-canonical")


def test_a_folder_without_a_bill(placed: Yard, tmp_path: Path) -> None:
    fill(tmp_path, {"x/a.bin": b"x"})
    done = placed.say("verify", str(tmp_path / "x"), "--json")
    assert (done.status, done.document["error"]["code"]) == (3, "no-bill")


def test_several_bills_below_one_folder(placed: Yard) -> None:
    fill(placed.folder / "flat", {"x.zip": b"x", "y.zip": b"y", "code.py": b""})
    for name in ("x", "y"):
        placed.declare(name, f"flat/{name}.zip")
        placed.push(f"{name}:1.0")
        placed.pull(f"{name}:1.0")
    assert placed.say("verify", ".", "--json").document["checked"] == 5
    fill(placed.folder / "flat", {"y.zip": b"Y"})
    (problem,) = placed.say("verify", ".", "--json").document["problems"]
    assert problem["path"] == "flat/y.zip"


def test_the_anchor_is_the_lock_where_the_lock_pins_the_bill(placed: Yard) -> None:
    refused = placed.say("verify", "--require", "lock", "--json")
    assert (refused.status, refused.document["error"]["code"]) == (7, "weak-anchor")
    assert "none" in refused.document["error"]["message"]
    assert refused.document["error"]["hint"].startswith("lading lock")

    api.lock(project=placed.folder)
    assert placed.say("verify", "--require", "lock", "--json").document["anchor"] == "lock"
    assert placed.say("verify", "model", "m:1.0", "--require", "lock").status == 0
    assert placed.say("verify", "--require", "signature").status == 7


def test_one_model_that_is_not_locked_weakens_them_all(placed: Yard) -> None:
    api.lock(project=placed.folder)
    placed.model({"x.bin": b"x"}, name="n", path="other")
    placed.push("n:1.0")
    placed.pull("n:1.0")
    assert placed.say("verify", "--json").document["anchor"] == "none"
    assert placed.say("verify", "--require", "lock").status == 7
    assert placed.say("verify", "model", "--require", "lock").status == 0


def test_another_version_than_the_locked_one_is_a_problem(placed: Yard) -> None:
    fill(placed.folder / "model", {"a.bin": b"new"})
    placed.push("m:1.1")
    placed.pull("m:1.1")
    api.lock(project=placed.folder)
    placed.pull("m:1.0")
    done = placed.say("verify", "--json")
    assert done.status == 1
    assert {each["problem"] for each in done.document["problems"]} == {"not-the-locked-version"}


def test_a_version_in_the_store(placed: Yard) -> None:
    digest = api.show("m:1.0", project=placed.folder).digest
    assert placed.say("verify", "m:1.0", "--json").document == {
        "ok": True, "anchor": "none", "checked": 3, "problems": [],
    }  # fmt: skip
    assert placed.say("verify", f"m@{digest}", "--json").document["anchor"] == "digest"
    largest = max(placed.blobs(), key=lambda blob: blob.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[3000] ^= 1
    largest.write_bytes(content)
    done = placed.say("verify", "m:1.0", "--json")
    assert (done.status, done.document["ok"]) == (1, False)
    (problem,) = done.document["problems"]
    assert (problem["path"], problem["problem"]) == ("a.bin", "bad-block")
