"""Files go back to exactly their declared places, and nothing else is touched."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from lading import api
from lading.core.digest import Digest
from tests.cargo import fill, noise
from tests.yard import Notes, Yard, files_of, refusal

if TYPE_CHECKING:
    from pathlib import Path

MODELS = {
    "models/x.zip": noise(200_000),
    "data/churn.pkl": noise(30_000, 2),
    "data/fraud.pkl": noise(40_000, 3),
    "src/ml/x.onnx": noise(1_500_000, 4),
    "src/ml/x_metadata.json": b'{"classes": 3}',
    "src/ml/x_confusion.png": noise(9_000, 5),
}
OTHERS = {
    "data/rows.csv": b"a,b\n1,2\n",
    "src/ml/__init__.py": b"",
    "src/ml/train.py": b"print('hello')\n",
    "src/ml/other_metadata.json": b"{}",
    "README.md": b"# Project\n",
}


def state(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Identity, time and mode of each file of the project that no model owns."""
    found = {}
    for path in OTHERS:
        stat = (folder / path).stat()
        found[path] = (stat.st_ino, stat.st_mtime_ns, stat.st_mode)
    return found


@pytest.fixture
def seeded(yard: Yard) -> Yard:
    """Four models of three shapes amid the files of a project."""
    fill(yard.folder, {**MODELS, **OTHERS})
    api.add(yard.folder / "models" / "x.zip", "x", project=yard.folder)
    api.add(yard.folder / "data" / "churn.pkl", "churn", project=yard.folder)
    api.add(yard.folder / "data" / "fraud.pkl", "acme/fraud", project=yard.folder)
    globs = ["x.onnx", "x_*.json", "*.png"]
    api.add(yard.folder / "src" / "ml", "scores", files=globs, project=yard.folder)
    return yard


def test_models_of_three_shapes_go_back_to_their_own_places(seeded: Yard) -> None:
    before = state(seeded.folder)
    pushed = seeded.push("x:1.0", "churn:1.0", "acme/fraud:1.0", "scores:1.0")
    assert [each.files for each in pushed] == [1, 1, 1, 3]
    api.lock(project=seeded.folder)
    seeded.forget(*MODELS)

    pulled = seeded.pull()
    assert {each.name: each.path.relative_to(seeded.folder).as_posix() for each in pulled} == {
        "x": "models/x.zip",
        "churn": "data/churn.pkl",
        "acme/fraud": "data/fraud.pkl",
        "scores": "src/ml",
    }
    assert all(each.path.is_absolute() for each in pulled)
    assert {path: (seeded.folder / path).read_bytes() for path in MODELS} == MODELS
    assert state(seeded.folder) == before

    ours = {
        "models/x.lading.json",
        "data/churn.lading.json",
        "data/acme+fraud.lading.json",
        "src/ml/scores.lading.json",
    }
    project = {"lading.toml", "lading.lock"}
    there = {
        path.relative_to(seeded.folder).as_posix()
        for path in seeded.folder.rglob("*")
        if path.is_file() and ".lading" not in path.relative_to(seeded.folder).parts
    }
    assert there == {*MODELS, *OTHERS, *ours, *project}
    assert api.verify(project=seeded.folder).checked == 6
    assert api.verify(project=seeded.folder).anchor == "lock"


def test_pulling_one_of_two_models_in_a_folder_leaves_the_other(seeded: Yard) -> None:
    seeded.push("churn:1.0", "acme/fraud:1.0")
    seeded.forget("data/churn.pkl")
    there = (seeded.folder / "data" / "fraud.pkl").stat()
    seeded.pull("churn:1.0")
    assert (seeded.folder / "data" / "churn.pkl").read_bytes() == MODELS["data/churn.pkl"]
    assert (seeded.folder / "data" / "fraud.pkl").stat() == there
    assert not (seeded.folder / "data" / "acme+fraud.lading.json").exists()


def test_globs_pack_nothing_but_what_they_match(seeded: Yard) -> None:
    seeded.push("scores:1.0")
    bill = api.show("scores:1.0", project=seeded.folder)
    assert [entry.path for entry in bill.files] == ["x.onnx", "x_confusion.png", "x_metadata.json"]
    assert (bill.metadata.format, bill.metadata.entry) == ("onnx", "x.onnx")


def test_what_is_never_packed_is_named(yard: Yard) -> None:
    fill(
        yard.folder / "model",
        {"a.bin": b"x", "__pycache__/a.pyc": b"x", ".git/HEAD": b"x", "sub/.DS_Store": b"x"},
    )
    added = api.add(yard.folder / "model", "m", project=yard.folder)
    assert added.files == 1
    assert set(added.left_out) == {"__pycache__", ".git", "sub/.DS_Store"}


def kept(yard: Yard) -> dict[str, bytes]:
    folder = yard.cache / "replaced"
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


def test_a_file_that_lading_did_not_place_is_kept_when_another_takes_its_place(yard: Yard) -> None:
    folder = yard.model({"a.bin": b"published", "b.bin": b"the same"})
    yard.push("m:1.0")
    fill(folder, {"a.bin": b"an afternoon of training"})
    heard = Notes()
    yard.pull("m:1.0", progress=heard)
    assert files_of(folder) == {"a.bin": b"published", "b.bin": b"the same"}
    name = f"{Digest.of(b'an afternoon of training').hex[:16]}-a.bin"
    assert kept(yard) == {name: b"an afternoon of training"}
    (said,) = heard.said
    assert str(folder / "a.bin") in said
    assert str(yard.cache / "replaced" / name) in said


def test_a_file_that_lading_placed_and_nobody_changed_is_not_kept(yard: Yard) -> None:
    folder = yard.model({"a.bin": b"one"})
    yard.push("m:1.0")
    fill(folder, {"a.bin": b"two"})
    yard.push("m:1.1")
    yard.forget("model")
    heard = Notes()
    for version in ("1.0", "1.1", "1.0"):
        yard.pull(f"m:{version}", progress=heard)
    assert (kept(yard), heard.said) == ({}, [])


def test_clearing_the_cache_leaves_what_was_replaced(yard: Yard) -> None:
    folder = yard.model({"a.bin": b"published"})
    yard.push("m:1.0")
    fill(folder, {"a.bin": b"mine"})
    yard.pull("m:1.0")
    _, usage = api.cache(clear=True, project=yard.folder)
    assert {each.kind: each.files for each in usage if each.files} == {"replaced": 1}
    assert list(kept(yard).values()) == [b"mine"]


def test_files_beside_the_model_stay_when_a_version_without_them_comes(yard: Yard) -> None:
    folder = yard.model({"a.bin": b"one", "b.bin": b"only in 1.0"})
    yard.push("m:1.0")
    (folder / "b.bin").unlink()
    yard.push("m:1.1")
    yard.forget("model")
    yard.pull("m:1.0")
    yard.pull("m:1.1")
    problems = api.verify(project=yard.folder).problems
    assert {(each.path, each.problem) for each in problems} in (set(), {("model/b.bin", "extra")})


def test_a_link_in_the_place_leads_no_file_out_of_it(yard: Yard, tmp_path: Path) -> None:
    folder = yard.model({"sub/a.bin": b"x"})
    yard.push("m:1.0")
    shutil.rmtree(folder / "sub")
    (tmp_path / "outside").mkdir()
    (folder / "sub").symlink_to(tmp_path / "outside")
    code, status, message, _ = refusal(lambda: yard.pull("m:1.0"))
    assert (code, status) == ("link-out", 7)
    assert str(tmp_path / "outside") in message
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_folder_where_the_model_has_a_file(yard: Yard) -> None:
    folder = yard.model({"a.bin": b"x"})
    yard.push("m:1.0")
    (folder / "a.bin").unlink()
    fill(folder, {"a.bin/precious.txt": b"x"})
    assert refusal(lambda: yard.pull("m:1.0"))[:2] == ("not-a-file", 4)
    assert (folder / "a.bin" / "precious.txt").read_bytes() == b"x"


def test_a_declared_file_that_the_version_does_not_hold(yard: Yard) -> None:
    fill(yard.folder, {"one.bin": b"x"})
    yard.declare("m", "one.bin")
    yard.push("m:1.0")
    yard.settings()
    fill(yard.folder, {"two.bin": b"y"})
    yard.declare("m", "two.bin")
    code, status, message, hint = refusal(lambda: yard.pull("m:1.0"))
    assert (code, status) == ("other-files", 4)
    assert "one.bin" in message
    assert "[models.m]" in hint
    assert (yard.folder / "two.bin").read_bytes() == b"y"


def test_several_models_into_one_folder_each_get_their_own(seeded: Yard, tmp_path: Path) -> None:
    seeded.push("x:1.0", "churn:1.0")
    pulled = seeded.pull("x:1.0", "churn:1.0", into=tmp_path / "there")
    assert [each.root for each in pulled] == [tmp_path / "there" / "x", tmp_path / "there" / "churn"]
    assert files_of(tmp_path / "there") == {
        "x/x.zip": MODELS["models/x.zip"],
        "churn/churn.pkl": MODELS["data/churn.pkl"],
    }


def test_without_a_project_a_full_reference_goes_to_a_checkout_in_the_cache(
    yard: Yard, tmp_path: Path
) -> None:
    yard.model({"a.bin": b"x"})
    yard.push("m:1.0")
    (tmp_path / "empty").mkdir()
    (pulled,) = api.pull(f"file://{yard.store}//m:1.0", project=tmp_path / "empty")
    assert pulled.path.is_relative_to(yard.cache / "checkouts")
    assert files_of(pulled.path) == {"a.bin": b"x"}
    assert list((tmp_path / "empty").iterdir()) == []
