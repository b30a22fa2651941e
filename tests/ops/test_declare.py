"""init keeps the embedded store out of Git and images, and add keeps what people wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lading import api
from tests.cargo import fill

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b".lading/\n"),
        (b"node_modules/\n", b"node_modules/\n.lading/\n"),
        (b"node_modules/", b"node_modules/\n.lading/\n"),
        (b"a/\r\nb/", b"a/\r\nb/\r\n.lading/\r\n"),
        (b"a/\r\nb/\r\n", b"a/\r\nb/\r\n.lading/\r\n"),
        (b"  .lading/  \r\nb", b"  .lading/  \r\nb"),
        (b"caf\xe9/\n", b"caf\xe9/\n.lading/\n"),
    ],
    ids=["empty", "whole lines", "no final newline", "dos, no final newline", "dos", "there", "not UTF-8"],
)
def test_init_adds_one_line_to_what_is_ignored_already(tmp_path: Path, before: bytes, after: bytes) -> None:
    names = (".gitignore", ".dockerignore")
    fill(tmp_path, dict.fromkeys(names, before))
    for _ in range(2):
        api.init(project=tmp_path)
        assert [(tmp_path / name).read_bytes() for name in names] == [after, after]


def test_init_makes_no_dockerignore_and_ignores_no_store_elsewhere(tmp_path: Path) -> None:
    fill(tmp_path, {"far/.dockerignore": b"x\n", "near/a": b""})
    api.init(project=tmp_path / "near")
    assert (tmp_path / "near" / ".gitignore").read_bytes() == b".lading/\n"
    assert not (tmp_path / "near" / ".dockerignore").exists()
    api.init(project=tmp_path / "far", store="file:///mnt/models")
    assert (tmp_path / "far" / ".dockerignore").read_bytes() == b"x\n"
    assert not (tmp_path / "far" / ".gitignore").exists()


def test_init_again_leaves_the_settings_and_proposes_what_looks_like_a_model(tmp_path: Path) -> None:
    fill(
        tmp_path,
        {"models/My Model.onnx": b"x", "...pkl": b"x", "notes.txt": b"x", ".venv/lib/x.pkl": b"x"},
    )
    first = api.init(project=tmp_path)
    assert (first.created, first.path, first.store) == (
        True,
        tmp_path / "lading.toml",
        "file://.lading/store",
    )
    assert first.proposals == (
        "lading add ...pkl --name model",
        "lading add 'models/My Model.onnx' --name my-model",
    )
    with (tmp_path / "lading.toml").open("a") as file:
        file.write("# mine\n")
    again = api.init(project=tmp_path)
    assert (again.created, again.proposals) == (False, first.proposals)
    assert (tmp_path / "lading.toml").read_text().endswith("# mine\n")


def test_add_keeps_comments_and_writes_globs(tmp_path: Path) -> None:
    api.init(project=tmp_path)
    fill(tmp_path, {"src/a.onnx": b"x", "src/a.py": b"x", "b.bin": b"x"})
    with (tmp_path / "lading.toml").open("a") as file:
        file.write("# ours\n[models.a]  # the first\npath = 'src'\nfiles = ['*.onnx']\n")
    assert api.add(tmp_path / "b.bin", "b", project=tmp_path).changed
    assert api.add(tmp_path / "src", "c", files=["*.py"], project=tmp_path).files == 1
    text = (tmp_path / "lading.toml").read_text()
    assert "# ours\n[models.a]  # the first\npath = 'src'\n" in text
    assert '[models.b]\npath = "b.bin"\n' in text
    assert '[models.c]\npath = "src"\nfiles = ["*.py"]\n' in text
