"""``lading import``: plain files become a model of the project, whole or not at all."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lading import api
from lading.core.bill import Bill
from lading.core.objects import Kind
from lading.ops.intake import find_goods, take
from lading.ops.place import Place
from lading.plumbing.stage import PREFIX
from lading.stores.memory import Memory
from tests.cargo import fill, noise
from tests.yard import Notes, Yard, files_of, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = {"model.onnx": noise(300_000), "sub/vocab.txt": b"a\nb\n"}


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A folder of plain files."""
    return fill(tmp_path / "plain", FILES)


@pytest.fixture
def exported(yard: Yard, tmp_path: Path) -> Path:
    """A folder with a version that says where it comes from, and its bill."""
    yard.declare("m", "model", description="our first one", license="MIT")
    fill(yard.folder / "model", FILES)
    yard.push("m:1.2")
    api.export("m:1.2", tmp_path / "plain", project=yard.folder)
    yard.settings()
    yard.forget("model")
    return tmp_path / "plain"


def stages(folder: Path) -> list[Path]:
    return list(folder.rglob(f"{PREFIX}*"))


def test_plain_files_are_placed_and_declared(yard: Yard, plain: Path) -> None:
    done = yard.say("import", str(plain), "--name", "acme/m", "--json")
    assert done.document == {
        "name": "acme/m", "path": "models/m", "files": 2, "size": 300_004, "changed": True, "left_out": [],
        "copied": [], "source": str(plain), "fetched": 300_004,
    }  # fmt: skip
    assert files_of(yard.folder / "models/m") == FILES
    assert stages(yard.folder) == []
    (listed,) = api.list_models(project=yard.folder)
    assert (listed.name, listed.present) == ("acme/m", True)
    said = yard.say("import", str(plain), "--name", "acme/m").out
    assert said.startswith("already declared: acme/m, 2 files, 293.0 KiB at models/m: ")
    assert said.endswith("\nnext: lading push acme/m:1.0.0\n")
    assert yard.say("push", "acme/m:1.0.0").status == 0


def test_a_bill_there_comes_along_with_all_that_it_says(yard: Yard, exported: Path) -> None:
    done = api.import_(exported, "m", into=yard.folder / "here", project=yard.folder)
    assert (done.added.path, done.fetched, done.version) == ("here", 300_004, "1.2")
    assert (yard.folder / "here/lading.json").read_bytes() == (exported / "lading.json").read_bytes()
    shutil.rmtree(yard.store)
    yard.push("m:1.2")
    bill = api.show("m:1.2", project=yard.folder)
    assert (bill.metadata.license, bill.metadata.description) == ("MIT", "our first one")
    said = yard.say("import", str(exported), "--name", "m", "--into", "here").out
    assert said.endswith("\nnext: lading push m:1.2\n")


def test_under_another_name_the_bill_still_says_what_it_knows(yard: Yard, exported: Path) -> None:
    api.import_(exported, "renamed", project=yard.folder)
    bill = Bill.parse((yard.folder / "models/renamed/lading.json").read_bytes())
    assert (bill.name, bill.version, bill.metadata.license) == ("renamed", "0.0.0-unreleased", "MIT")
    assert api.verify(project=yard.folder).ok
    yard.push("renamed:1.0")
    assert api.show("renamed:1.0", project=yard.folder).metadata.license == "MIT"
    again = api.import_(yard.folder / "models/renamed", "renamed", project=yard.folder)
    assert (again.version, again.fetched) == (None, 0)


def test_a_second_import_finds_all_in_place(yard: Yard, exported: Path) -> None:
    api.import_(exported, "m", project=yard.folder)
    (yard.folder / "models/m/lading.json").unlink()
    again = api.import_(exported, "m", project=yard.folder)
    assert (again.added.changed, again.fetched) == (False, 0)
    assert (yard.folder / "models/m/lading.json").is_file()
    assert api.import_(exported, "m", project=yard.folder).fetched == 0


@pytest.mark.parametrize(
    ("path", "content"),
    [("model.onnx", noise(300_000, 2)), ("model.onnx", b"short"), ("sub/vocab.txt", None)],
)
def test_what_is_not_what_its_bill_says_is_not_imported(
    yard: Yard, exported: Path, path: str, content: bytes | None
) -> None:
    if content is None:
        (exported / path).unlink()
    else:
        (exported / path).write_bytes(content)
    code, status, message, hint = refusal(lambda: api.import_(exported, "m", project=yard.folder))
    assert (code, status) == ("plain-differs", 4)
    assert f"{path} is not what it should be: expected " in message
    assert hint == f"lading verify file://{exported}/ tells all that differs"
    assert not (yard.folder / "models/m").exists()
    assert stages(yard.folder) == []
    assert "[models" not in (yard.folder / "lading.toml").read_text()


@pytest.mark.parametrize("with_bill", [True, False])
def test_other_files_at_the_place_stay(yard: Yard, exported: Path, with_bill: bool) -> None:
    if not with_bill:
        (exported / "lading.json").unlink()
    place = yard.folder / "models/m"
    for others in ({"notes.txt": b"mine"}, {**FILES, "model.onnx": noise(300_000, 5)}, {"lading.json": b"x"}):
        shutil.rmtree(place, ignore_errors=True)
        fill(place, others)
        code, status, message, hint = refusal(lambda: api.import_(exported, "m", project=yard.folder))
        assert (code, status) == ("import-taken", 6)
        assert f"{place} holds other files already: " in message
        assert "--into" in hint
        assert {path: (place / path).read_bytes() for path in others} == others
        assert len(list(place.rglob("*.*"))) == len(others)


def test_a_file_where_the_folder_should_be(yard: Yard, exported: Path) -> None:
    fill(yard.folder, {"models/m": b"x"})
    assert refusal(lambda: api.import_(exported, "m", project=yard.folder))[0] == "import-taken"
    assert (yard.folder / "models/m").read_bytes() == b"x"


def test_another_bill_beside_the_same_files_stays(yard: Yard, exported: Path) -> None:
    place = fill(yard.folder / "models/m", {**FILES, "lading.json": b"{}"})
    assert refusal(lambda: api.import_(exported, "m", project=yard.folder))[0] == "import-taken"
    assert (place / "lading.json").read_bytes() == b"{}"


def test_an_empty_folder_is_no_hindrance_and_folders_in_it_are(yard: Yard, plain: Path) -> None:
    (yard.folder / "models/m/inner").mkdir(parents=True)
    code, _, message, _ = refusal(lambda: api.import_(plain, "m", project=yard.folder))
    assert (code, "holds other files already: folders" in message) == ("import-taken", True)
    (yard.folder / "models/m/inner").rmdir()
    api.import_(plain, "m", project=yard.folder)
    assert files_of(yard.folder / "models/m") == FILES


def test_a_name_or_place_of_another_model_is_refused_before_anything_is_read(yard: Yard, plain: Path) -> None:
    yard.model({"a.bin": b"a"})
    for name, into in (("m", None), ("other", yard.folder / "model")):
        refused = refusal(lambda n=name, i=into: api.import_(plain, n, into=i, project=yard.folder))  # type: ignore[misc]
        assert refused[:2] == ("already-declared", 2)
    assert not (yard.folder / "models").exists()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "lfs-pointer"),
        (b"<!DOCTYPE html><title>Sign in</title>", "html-page"),
        (b"", "empty-file"),
    ],
)
def test_what_is_no_model_is_refused_by_where_it_came_from(
    yard: Yard, plain: Path, content: bytes, code: str
) -> None:
    fill(plain, {"model.onnx": content})
    refused = refusal(lambda: api.import_(plain, "m", project=yard.folder))
    assert refused[:2] == (code, 4)
    assert f"file://{plain}/model.onnx is " in refused[2]
    assert not (yard.folder / "models/m").exists()


def shelf(*keys: str) -> Memory:
    objects = Memory("memory://shelf")
    for key in keys:
        objects.replace(key, b"x", Kind())
    return objects


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        (["../etc/passwd"], "bad-path"),
        (["a\\b"], "bad-path"),
        ([".wh.a"], "bad-path"),
        (["a" * 1100], "bad-path"),
        (["A", "a"], "path-collision"),
        (["a", "a/b"], "path-collision"),
        (["caf\u00e9", "cafe\u0301"], "path-collision"),
    ],
)
def test_names_that_no_model_can_have(keys: list[str], code: str) -> None:
    assert refusal(lambda: find_goods(shelf(*keys), "m"))[:2] == (code, 2)


def test_what_is_never_packed_is_left_out_and_named(yard: Yard, plain: Path) -> None:
    fill(plain, {".git/HEAD": b"x", "sub/.DS_Store": b"x", "lading.blocks": b"x", "x.lading.json": b"{}"})
    (plain / "x.lading.json").unlink()
    done = api.import_(plain, "m", project=yard.folder)
    assert set(done.added.left_out) == {".git", "sub/.DS_Store"}
    assert files_of(yard.folder / "models/m") == FILES


def test_nothing_to_import(yard: Yard, tmp_path: Path) -> None:
    fill(tmp_path / "only", {"model.sig": b"x"})
    for source in (tmp_path / "missing", tmp_path / "only"):
        refused = refusal(lambda s=source: api.import_(s, "m", project=yard.folder))  # type: ignore[misc]
        assert refused[:3] == ("no-file", 3, f"file://{source} holds no files")


def test_one_of_several_models_in_a_shared_folder(yard: Yard, tmp_path: Path) -> None:
    fill(yard.folder / "flat", {"nb.pkl": b"nb", "engine.pkl": b"engine", "train.py": b""})
    for name in ("nb", "engine"):
        yard.declare(name, f"flat/{name}.pkl")
    yard.push("nb:1.0", "engine:1.0")
    yard.pull("nb:1.0")
    source = shutil.copytree(yard.folder / "flat", tmp_path / "flat")
    api.import_(source, "any", project=yard.folder)
    assert files_of(yard.folder / "models/any") == {"nb.pkl": b"nb"}

    yard.pull("engine:1.0")
    source = shutil.copytree(yard.folder / "flat", tmp_path / "both")
    refused = refusal(lambda: api.import_(source, "other", project=yard.folder))
    assert refused[:2] == ("no-bill", 3)
    assert "the bills of several models and none of 'other': engine.lading.json, nb.lading.json" in refused[2]
    yard.settings()
    api.import_(source, "engine", project=yard.folder)
    assert files_of(yard.folder / "models/engine") == {"engine.pkl": b"engine"}


class Shrinking(Memory):
    """Objects that are shorter when they are read than when they were listed."""

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        yield from super().read(key, start, end - 1)


def test_an_object_that_is_cut_short_while_it_is_read(tmp_path: Path) -> None:
    objects = Shrinking("memory://shrinking")
    objects.replace("a.bin", b"four", Kind())
    place = Place.of_folder("m", tmp_path / "m")
    code, status, message, _ = refusal(lambda: take(find_goods(objects, "m"), place, None, Notes()))
    assert (code, status) == ("plain-differs", 4)
    assert "a.bin is not what it should be: expected 4 bytes, got 3 bytes" in message
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_too_small_is_told_before_the_first_byte(tmp_path: Path) -> None:
    goods = replace(find_goods(shelf("a.bin"), "m"), sizes=(("a.bin", 1 << 62),))
    place = Place.of_folder("m", tmp_path / "m")
    code, status, message, _ = refusal(lambda: take(goods, place, None, Notes()))
    assert (code, status) == ("disk-full", 8)
    assert "nothing was read" in message
    assert list(tmp_path.iterdir()) == []


def test_links_in_the_folder_are_followed_to_files_and_never_in_circles(yard: Yard, plain: Path) -> None:
    (plain / "again").symlink_to(plain)
    (plain / "sub" / "up").symlink_to("..")
    (plain / "gone").symlink_to("nowhere")
    (plain / "same.onnx").symlink_to("model.onnx")
    os.mkfifo(plain / "pipe")
    api.import_(plain, "m", project=yard.folder)
    assert files_of(yard.folder / "models/m") == {**FILES, "same.onnx": FILES["model.onnx"]}


def test_what_a_killed_import_left_is_swept_by_the_next(yard: Yard, plain: Path) -> None:
    fill(yard.folder / "models" / f"{PREFIX}abandoned", {"model.onnx": b"x"})
    api.import_(plain, "m", project=yard.folder)
    assert stages(yard.folder) == []


def test_without_a_project(plain: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert refusal(lambda: api.import_(plain, "m", project=tmp_path / "empty"))[0] == "no-project"
