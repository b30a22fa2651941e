from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from lading.core.errors import IntegrityError, LadingError, NotFoundError, UsageError
from lading.plumbing.tree import Tree, check_content, collect, copy_links_in
from tests.cargo import fill

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    return folder


def _refusal(path: Path, *globs: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        collect(path, globs)
    return caught.value


def _paths(tree: Tree) -> list[str]:
    return [path for path, _ in tree.files]


def test_a_file_is_a_model_of_one_file_in_its_folder(root: Path) -> None:
    fill(root, {"model.onnx": b"abc", "other": b"x"})
    assert collect(root / "model.onnx") == Tree(root, (("model.onnx", 3),))


def test_a_folder_is_all_files_below_it_in_the_order_of_their_bytes(root: Path) -> None:
    fill(root, {"b": b"22", "a/c": b"1", "a.b": b"", "Z": b"4444", "\u00e4": b"x", ".hidden": b"y"})
    assert collect(root) == Tree(
        root, ((".hidden", 1), ("Z", 4), ("a.b", 0), ("a/c", 1), ("b", 2), ("\u00e4", 1))
    )


def test_what_is_not_there_is_told_apart_from_a_link_that_leads_nowhere(root: Path) -> None:
    (root / "link").symlink_to("nowhere")
    messages = []
    for name in ("missing", "link"):
        with pytest.raises(NotFoundError) as caught:
            collect(root / name)
        messages.append((caught.value.code, caught.value.message))
    assert messages == [
        ("no-file", f"{root}/missing is not there"),
        ("no-file", f"{root}/link is not there, it is a link that leads nowhere"),
    ]


def test_an_empty_folder_is_no_model(root: Path) -> None:
    (root / "a/b").mkdir(parents=True)
    error = _refusal(root)
    assert (error.code, error.message) == ("no-files", f"{root} holds no files")


def test_left_out_names_are_named_at_any_depth(root: Path) -> None:
    left_out = {".git/config": b"x", "a/__pycache__/m.pyc": b"x", "b/.DS_Store": b"x"}
    fill(root, {"m": b"x", ".gitignore": b"x"} | left_out)
    tree = collect(root)
    assert _paths(tree) == [".gitignore", "m"]
    assert tree.left_out == (".git", "a/__pycache__", "b/.DS_Store")


def test_a_folder_of_nothing_but_what_is_left_out_is_no_model(root: Path) -> None:
    fill(root, {".git/config": b"x", "lading.json": b"{}"})
    assert _refusal(root).code == "no-files"


def test_ladings_own_files_are_not_packed(root: Path) -> None:
    own = {"lading.json": b"{}", "lading.blocks": b"x", "model.sig": b"x", "acme+m.lading.json": b"{}"}
    fill(root, {"m": b"x", "sub/model.sig": b"x"} | own)
    assert collect(root) == Tree(root, (("m", 1), ("sub/model.sig", 1)))


@pytest.mark.parametrize(
    ("globs", "paths"),
    [
        (("*.onnx",), ["a.onnx", "b.onnx"]),
        (("*.onnx", "tokenizer.json"), ["a.onnx", "b.onnx", "tokenizer.json"]),
        (("**/*.onnx",), ["a.onnx", "b.onnx", "sub/c.onnx"]),
        (("sub/*",), ["sub/c.onnx"]),
        (("a.onnx", "a.onnx", "a*"), ["a.onnx"]),
        (("**/*",), ["a.onnx", "b.onnx", "sub/c.onnx", "tokenizer.json", "train.py"]),
    ],
)
def test_globs_choose_among_the_files_of_a_folder(
    root: Path, globs: tuple[str, ...], paths: list[str]
) -> None:
    names = ["a.onnx", "b.onnx", "sub/c.onnx", "tokenizer.json", "train.py"]
    fill(root, dict.fromkeys(names, b"x"))
    assert _paths(collect(root, globs)) == paths


@pytest.mark.parametrize(
    ("glob", "left_out"), [("*", (".git",)), ("*.onnx", ()), ("**/*", (".git", "a/.git"))]
)
def test_what_is_left_out_is_named_where_a_glob_meant_it(
    root: Path, glob: str, left_out: tuple[str, ...]
) -> None:
    fill(root, {"m.onnx": b"x", ".git/config": b"x", "a/.git/config": b"x"})
    assert collect(root, [glob]).left_out == left_out


@pytest.mark.parametrize("glob", ["*.pt", "../other/*", "sub"])
def test_globs_that_match_no_file_of_the_folder_are_named(root: Path, glob: str) -> None:
    fill(root.parent, {"model/m": b"x", "model/sub/f": b"x", "other/m.pt": b"x"})
    error = _refusal(root, glob)
    assert (error.code, error.message) == ("no-files", f"{root} holds no files that match {glob}")


@pytest.mark.parametrize("glob", ["/etc/*", ""])
def test_a_glob_that_is_none_is_refused(root: Path, glob: str) -> None:
    fill(root, {"m": b"x"})
    error = _refusal(root, glob)
    assert error.code == "bad-path"
    assert error.message.startswith(f"'{glob}' is not a glob below {root}: ")


def test_a_file_cannot_have_globs(root: Path) -> None:
    fill(root, {"m": b"x"})
    error = _refusal(root / "m", "*")
    assert (error.code, error.message) == ("bad-path", f"{root}/m is a file, so it cannot have globs")


def test_files_that_fold_together_are_refused_naming_both(root: Path) -> None:
    fill(root, {"Model.bin": b"x", "model.bin": b"x"})
    error = _refusal(root)
    assert error.code == "path-collision"
    assert "'Model.bin' and 'model.bin'" in error.message


@pytest.mark.parametrize("name", [b"bad\xff", b"a\\b", b"new\nline", b".wh.x"])
def test_a_name_that_no_bill_can_hold_is_refused(root: Path, name: bytes) -> None:
    (root / os.fsdecode(name)).touch()
    error = _refusal(root)
    assert error.code == "bad-path"
    assert "cannot be a model's file" in error.message


def test_a_pipe_a_socket_and_a_device_are_no_files(root: Path) -> None:
    messages = []
    os.mkfifo(root / "special")
    messages.append(_refusal(root).message)
    (root / "special").unlink()
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(root / "special"))
        messages.append(_refusal(root).message)
    assert messages == ["'special' is a device, pipe or socket, not a file"] * 2


def test_a_pipe_is_no_model_either(root: Path) -> None:
    os.mkfifo(root / "pipe")
    error = _refusal(root / "pipe")
    assert (error.code, error.message) == ("bad-path", f"{root}/pipe is a device, pipe or socket, not a file")


def test_a_link_inside_stands_for_its_content(root: Path) -> None:
    fill(root, {"real/weights": b"abc"})
    (root / "latest").symlink_to("real/weights")
    (root / "again").symlink_to(root / "latest")
    assert collect(root).files == (("again", 3), ("latest", 3), ("real/weights", 3))


def test_a_folder_reached_through_a_link_is_the_model(root: Path) -> None:
    fill(root, {"real/weights": b"abc"})
    (root / "real/link").symlink_to("weights")
    (root / "current").symlink_to("real")
    assert collect(root / "current").files == (("link", 3), ("weights", 3))


@pytest.mark.parametrize("absolute", [True, False])
def test_a_link_that_leads_out_is_refused_with_where_it_leads(root: Path, *, absolute: bool) -> None:
    fill(root.parent, {"secret": b"x", "model/m": b"x"})
    (root / "link").symlink_to(root.parent / "secret" if absolute else "../secret")
    error = _refusal(root)
    assert error.code == "link-out"
    assert error.message == f"'link' is a link that leads out of the model, to {root.parent}/secret"
    assert error.hint == "lading add --follow puts a copy in its place"


def test_a_link_to_a_folder_outside_is_refused(root: Path) -> None:
    fill(root.parent, {"data/x": b"x", "model/m": b"x"})
    (root / "link").symlink_to("../data")
    assert _refusal(root).message == f"'link' is a link that leads out of the model, to {root.parent}/data"


def test_a_link_to_a_folder_inside_is_refused(root: Path) -> None:
    fill(root, {"a/x": b"x"})
    (root / "link").symlink_to("a")
    error = _refusal(root)
    assert (error.code, error.message) == ("bad-path", "'link' is a link to a folder of the model")


@pytest.mark.parametrize("leads", ["nowhere", "link", "../nowhere"])
def test_a_link_that_leads_nowhere_is_refused(root: Path, leads: str) -> None:
    fill(root, {"m": b"x"})
    (root / "link").symlink_to(leads)
    error = _refusal(root)
    assert error.code == "link-out"
    assert error.message.startswith("'link' is a link that leads nowhere: ")


def _hugging_face(folder: Path) -> Path:
    """A snapshot as huggingface_hub lays it out: links to blobs beside it."""
    repo = fill(folder / "models--acme--m", {"blobs/aa": b"abc", "blobs/bb": b"12345", "refs/main": b"x"})
    snapshot = repo / "snapshots/0123"
    (snapshot / "onnx").mkdir(parents=True)
    (snapshot / "config.json").symlink_to("../../blobs/aa")
    (snapshot / "onnx/model.onnx").symlink_to("../../../blobs/bb")
    return snapshot


def test_the_links_of_a_hugging_face_snapshot_are_packed_as_their_contents(tmp_path: Path) -> None:
    snapshot = _hugging_face(tmp_path)
    assert collect(snapshot).files == (("config.json", 3), ("onnx/model.onnx", 5))


@pytest.mark.parametrize("leads", ["../../refs/main", "../../../elsewhere", "/etc/hostname"])
def test_a_snapshot_may_not_lead_elsewhere(tmp_path: Path, leads: str) -> None:
    snapshot = _hugging_face(tmp_path)
    fill(tmp_path, {"elsewhere": b"x"})
    (snapshot / "extra").symlink_to(leads)
    assert _refusal(snapshot).code == "link-out"


def test_a_folder_that_only_looks_like_a_snapshot_has_no_blobs(tmp_path: Path) -> None:
    snapshot = _hugging_face(tmp_path)
    renamed = snapshot.parent.parent.rename(tmp_path / "not-a-hub-cache")
    assert _refusal(renamed / "snapshots/0123").code == "link-out"


def test_following_puts_copies_in_the_place_of_links_that_lead_out(root: Path) -> None:
    fill(root.parent, {"out/file": b"abc", "out/folder/x": b"1", "model/m": b"m"})
    (root / "file").symlink_to("../out/file")
    (root / "folder").symlink_to("../out/folder")
    (root / "inside").symlink_to("m")
    assert sorted(copy_links_in(root)) == [root / "file", root / "folder"]
    assert collect(root).files == (("file", 3), ("folder/x", 1), ("inside", 1), ("m", 1))
    assert (root / "inside").is_symlink()
    (root / "file").write_bytes(b"changed")
    assert (root.parent / "out/file").read_bytes() == b"abc"


def test_following_a_model_that_is_itself_a_link_copies_it(root: Path) -> None:
    fill(root.parent, {"out/m": b"abc"})
    (root / "file").symlink_to("../out/m")
    (root / "folder").symlink_to("../out")
    assert copy_links_in(root / "file") == (root / "file",)
    assert copy_links_in(root / "folder") == (root / "folder",)
    assert collect(root).files == (("file", 3), ("folder/m", 3))


def test_following_again_copies_nothing(root: Path) -> None:
    fill(root.parent, {"out/m": b"abc"})
    (root / "file").symlink_to("../out/m")
    copy_links_in(root)
    assert copy_links_in(root) == ()


@pytest.mark.parametrize(("leads", "code"), [("nowhere", "no-file"), ("link", "io-error")])
def test_following_a_link_that_leads_nowhere_is_told(root: Path, leads: str, code: str) -> None:
    (root / "link").symlink_to(leads)
    with pytest.raises(LadingError, match="copying what a link leads to") as caught:
        copy_links_in(root / "link")
    assert caught.value.code == code
    assert (root / "link").is_symlink()


def _content_code(root: Path, name: str, content: bytes, entry: str | None = None) -> str:
    fill(root, {name: content})
    with pytest.raises(IntegrityError) as caught:
        check_content(collect(root), entry)
    return caught.value.code


def test_a_git_lfs_pointer_is_no_model(root: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    fill(root, {"sub/m.onnx": pointer})
    with pytest.raises(IntegrityError) as caught:
        check_content(collect(root), None)
    assert caught.value.code == "lfs-pointer"
    assert caught.value.message == f"{root}/sub/m.onnx is a Git LFS pointer of 63 bytes, not the model"
    assert caught.value.hint == 'fetch the content: git lfs pull --include "sub/m.onnx"'


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><title>Sign in", b"\r\n  <HTML lang=en>", b"<html>"])
def test_a_web_page_is_no_model(root: Path, page: bytes) -> None:
    assert _content_code(root, "m.onnx", page) == "html-page"


@pytest.mark.parametrize("name", ["card.html", "README.md", "page.HTM", "labels.txt"])
def test_a_web_page_that_says_so_may_lie_beside_a_model(root: Path, name: str) -> None:
    fill(root, {name: b"<!doctype html>", "m": b"x"})
    check_content(collect(root), "m")
    assert _content_code(root, "m", b"<html>") == "html-page"


def test_an_empty_entry_is_no_model_but_another_file_may_be_empty(root: Path) -> None:
    fill(root, {"empty": b"", "m": b"x"})
    check_content(collect(root), "m")
    check_content(collect(root), None)
    with pytest.raises(IntegrityError) as caught:
        check_content(collect(root), "empty")
    assert (caught.value.code, caught.value.message) == ("empty-file", f"{root}/empty is empty")


def test_a_file_that_vanished_is_told(root: Path) -> None:
    fill(root, {"m": b"x"})
    tree = collect(root)
    (root / "m").unlink()
    with pytest.raises(NotFoundError, match="reading a model's file"):
        check_content(tree, None)


def test_a_model_that_is_a_link_out_of_its_folder_is_refused_and_followed_on_request(tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "m.bin").write_bytes(b"model")
    link = tmp_path / "models" / "m.bin"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "away" / "m.bin")
    with pytest.raises(UsageError) as caught:
        collect(link)
    assert (caught.value.code, caught.value.hint) == (
        "link-out",
        "lading add --follow puts a copy in its place",
    )
    assert copy_links_in(link) == (link,)
    assert collect(link).files == (("m.bin", 5),)
