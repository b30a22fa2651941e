"""Bad words and bad files: each is refused with a code, an exit status and what to do instead."""

from __future__ import annotations

import os
import unicodedata
from functools import partial
from typing import TYPE_CHECKING

import pytest

from lading import api
from tests.cargo import fill, noise
from tests.children import child
from tests.yard import Yard, drafts, files_of, refusal

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("reference", "code", "hint"),
    [
        ("Sentiment:1.0", "bad-name", "use 'sentiment'"),
        ("my model:1.0", "bad-name", "use 'my-model'"),
        ("acme//m:1.0", "bad-name", "use 'acme/m'"),
        ("blobs:1.0", "bad-name", "use 'my-blobs'"),
        ("20251121/m:1.0", "bad-name", "use 'my-20251121/m'"),
        ("m:1.0+cpu", "bad-version", "use '1.0-cpu'"),
        ("m:-1", "bad-version", "use '1'"),
        ("m:sha256-1", "bad-version", ""),
        ("m:lat est", "bad-stage", "use a stage such as staging or production"),
        ("m:1.0@sha256:" + "a" * 64, "bad-reference", "write m@sha256:" + "a" * 64 + " or m:1.0"),
        ("m@sha256:abc", "bad-digest", ""),
        ("", "bad-reference", "write name:version"),
    ],
)
def test_a_reference_outside_of_the_grammar(yard: Yard, reference: str, code: str, hint: str) -> None:
    yard.model({"a.bin": b"x"})
    for verb in (yard.push, yard.pull):
        found = refusal(partial(verb, reference))
        assert (found[0], found[1], found[3]) == (code, 2, hint)


def test_a_version_in_the_settings_without_a_digit(yard: Yard) -> None:
    yard.declare("m", "model", version="latest")
    code, status, message, hint = refusal(yard.push)
    assert (code, status, hint) == ("bad-version", 2, "use 'latest-1'")
    assert "a version contains a digit" in message


def test_a_version_that_differs_from_another_by_case_alone(yard: Yard) -> None:
    yard.model({"a.bin": b"x"})
    yard.push("m:1.0-RC")
    code, status, message, hint = refusal(lambda: yard.push("m:1.0-rc"))
    assert (code, status) == ("bad-version", 2)
    assert "'1.0-rc'" in message
    assert "'1.0-RC'" in message
    assert "'1.0-RC'" in hint


@pytest.mark.parametrize(
    ("path", "said"),
    [("../model", "'..'"), ("/model", "absolute"), ("a//b", "normalised"), ("a\\b", "backslash")],
)
def test_a_declared_path_that_leads_elsewhere(yard: Yard, path: str, said: str) -> None:
    yard.declare("m", path)
    code, status, message, _ = refusal(lambda: yard.push("m:1.0"))
    assert (code, status) == ("bad-path", 2)
    assert said in message


def test_adding_a_path_outside_of_the_project(yard: Yard) -> None:
    fill(yard.folder.parent, {"other.bin": b"x"})
    found = refusal(lambda: api.add(yard.folder / ".." / "other.bin", "m", project=yard.folder))
    assert found[:2] == ("bad-path", 2)
    assert "project" in found[3]


@pytest.mark.parametrize("name", [".wh.model.bin", "sub/.wh..wh..opq", "back\\slash", "line\nfeed"])
def test_a_file_name_that_no_image_may_hold(yard: Yard, name: str) -> None:
    yard.model({"a.bin": b"x", name: b"x"})
    code, status, message, _ = refusal(lambda: yard.push("m:1.0"))
    assert (code, status) == ("bad-path", 2)
    assert repr(name) in message
    assert not yard.store.exists()


@pytest.mark.parametrize("name", ["lading.blocks", "model.sig", "lading.json"])
def test_a_model_that_is_a_file_with_a_reserved_name(yard: Yard, name: str) -> None:
    fill(yard.folder, {f"sub/{name}": b"x"})
    found = refusal(lambda: api.add(yard.folder / "sub" / name, "m", project=yard.folder))
    assert found[:2] == ("bad-path", 2)


@pytest.mark.parametrize("name", ["lading.blocks", "model.sig", "lading.json"])
def test_a_folder_with_a_reserved_name_is_not_left_out_in_silence(yard: Yard, name: str) -> None:
    folder = yard.model({"a.bin": b"a", f"{name}/weights.bin": b"x"})
    code, status, message, _ = refusal(lambda: yard.push("m:1.0"))
    assert (code, status) == ("bad-path", 2)
    assert message.startswith(f"'{name}/weights.bin' cannot be a model's file: '{name}' is the name of")
    fill(folder, {f"sub/{name}/weights.bin": b"x"})
    (folder / name / "weights.bin").unlink()
    assert yard.push("m:1.0")[0].files == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Model.bin", "model.bin"),
        ("straße", "STRASSE"),
        ("café", unicodedata.normalize("NFD", "café")),
        ("Dir/a.bin", "dir/A.bin"),
    ],
)
def test_two_names_that_are_one_file_elsewhere(yard: Yard, one: str, other: str) -> None:
    yard.model({one: b"x", other: b"y"})
    code, status, message, hint = refusal(lambda: yard.push("m:1.0"))
    assert (code, status, hint) == ("path-collision", 2, "rename one of them")
    assert f"'{one}'" in message
    assert f"'{other}'" in message


def test_a_link_that_leads_out_until_it_is_followed(yard: Yard, tmp_path: Path) -> None:
    folder = yard.folder / "model"
    fill(tmp_path, {"elsewhere/weights.bin": b"weights", "elsewhere/more/x.bin": b"x"})
    fill(folder, {"a.bin": b"a"})
    (folder / "weights.bin").symlink_to(tmp_path / "elsewhere" / "weights.bin")
    (folder / "more").symlink_to(tmp_path / "elsewhere" / "more")

    code, status, message, hint = refusal(lambda: api.add(folder, "m", project=yard.folder))
    assert (code, status) == ("link-out", 2)
    assert str(tmp_path / "elsewhere") in message
    assert "--follow" in hint

    added = api.add(folder, "m", follow=True, project=yard.folder)
    assert set(added.copied) == {"model/weights.bin", "model/more"}
    assert not (folder / "weights.bin").is_symlink()
    assert (tmp_path / "elsewhere" / "weights.bin").read_bytes() == b"weights"
    yard.push("m:1.0")
    yard.forget("model")
    yard.pull("m:1.0")
    assert files_of(folder) == {"a.bin": b"a", "weights.bin": b"weights", "more/x.bin": b"x"}


def test_a_link_that_leads_nowhere(yard: Yard) -> None:
    folder = yard.model({"a.bin": b"x"})
    (folder / "b.bin").symlink_to("gone")
    assert refusal(lambda: yard.push("m:1.0"))[:2] == ("link-out", 2)


def test_a_link_inside_the_model_is_packed_as_what_it_leads_to(yard: Yard) -> None:
    folder = yard.model({"a.bin": b"content"})
    (folder / "b.bin").symlink_to("a.bin")
    yard.push("m:1.0")
    yard.forget("model")
    yard.pull("m:1.0")
    assert files_of(folder) == {"a.bin": b"content", "b.bin": b"content"}


def test_a_pipe_among_the_files(yard: Yard) -> None:
    os.mkfifo(yard.model({"a.bin": b"x"}) / "pipe")
    assert refusal(lambda: yard.push("m:1.0"))[:2] == ("bad-path", 2)


def test_an_empty_folder(yard: Yard) -> None:
    (yard.folder / "model").mkdir()
    assert refusal(lambda: api.add(yard.folder / "model", "m", project=yard.folder))[:2] == ("no-files", 2)
    yard.declare("m", "model")
    code, status, message, _ = refusal(lambda: yard.push("m:1.0"))
    assert (code, status) == ("no-files", 2)
    assert str(yard.folder / "model") in message


def test_globs_that_match_nothing(yard: Yard) -> None:
    fill(yard.folder, {"src/a.py": b"x"})
    code, status, message, _ = refusal(
        lambda: api.add(yard.folder / "src", "m", files=["*.onnx"], project=yard.folder)
    )
    assert (code, status) == ("no-files", 2)
    assert "*.onnx" in message


@pytest.mark.parametrize("glob", ["/etc/*", "../*"])
def test_globs_that_lead_out(yard: Yard, glob: str) -> None:
    fill(yard.folder, {"src/a.py": b"x", "b.py": b"x"})
    found = refusal(lambda: api.add(yard.folder / "src", "m", files=[glob], project=yard.folder))
    assert found[1] == 2
    assert found[0] in {"bad-path", "no-files"}


def test_a_model_that_is_not_there(yard: Yard) -> None:
    yard.declare("m", "model")
    code, status, message, hint = refusal(lambda: yard.push("m:1.0"))
    assert (code, status) == ("no-file", 3)
    assert str(yard.folder / "model") in message
    assert hint


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.mark.parametrize(
    ("content", "code", "hint"),
    [
        (LFS, "lfs-pointer", 'git lfs pull --include "x.onnx"'),
        (b"\n<!DOCTYPE html>\n<html><body>Sign in</body></html>", "html-page", "curl -fL"),
        (b"<HTML>404", "html-page", "curl -fL"),
        (b"", "empty-file", "save the model again"),
    ],
)
def test_a_file_that_is_no_model(yard: Yard, content: bytes, code: str, hint: str) -> None:
    fill(yard.folder, {"src/x.onnx": content})
    found = refusal(lambda: api.add(yard.folder / "src" / "x.onnx", "m", project=yard.folder))
    assert found[:2] == (code, 4)
    assert str(yard.folder / "src" / "x.onnx") in found[2]
    assert hint in found[3]
    assert (yard.folder / "lading.toml").read_text() == ""

    yard.declare("m", "src/x.onnx")
    assert refusal(lambda: yard.push("m:1.0")) == found
    assert not yard.store.exists()


def test_a_web_page_that_is_one_is_no_mistake(yard: Yard) -> None:
    yard.model({"a.bin": b"x", "report.html": b"<!doctype html><p>fine"})
    assert yard.push("m:1.0")[0].files == 2


_APPEND = """
import sys, time
with open(sys.argv[1], "ab", buffering=0) as file:
    file.write(b"x")
    print("ready", flush=True)
    while True:
        file.write(b"x")
        time.sleep(0.0005)
"""


def test_a_file_that_grows_while_it_is_packed(yard: Yard) -> None:
    folder = yard.model({"big.bin": noise(24 * MIB), "small.bin": b"x"})
    with child(_APPEND, folder / "big.bin"):
        code, status, message, hint = refusal(lambda: yard.push("m:1.0"))
    assert (code, status) == ("changed-while-read", 4)
    assert "big.bin" in message
    assert "nothing was published" in message
    assert "wait until its writer is done" in hint
    assert drafts(yard.folder) == []
    assert not yard.store.exists() or refusal(lambda: yard.pull("m:1.0"))[:2] == ("no-version", 3)
    assert yard.push("m:1.0")[0].size == sum(path.stat().st_size for path in folder.iterdir())


def test_a_file_that_is_replaced_by_one_of_the_same_size_between_reading_and_sending(yard: Yard) -> None:
    """The store computes the digest of what it is sent, so that it never holds what was not announced."""
    from lading.core.ports import Silence

    folder = yard.model({"a.bin": noise(MIB)})

    class Swap(Silence):
        def advance(self, done_bytes: int) -> None:  # noqa: ARG002
            (folder / "a.bin").write_bytes(noise(MIB, 2))

    code, status, message, _ = refusal(lambda: yard.push("m:1.0", progress=Swap()))
    assert (code, status) == ("changed-while-read", 4)
    assert "nothing was published" in message
    assert refusal(lambda: yard.pull("m:1.0"))[1] == 3
    assert drafts(yard.folder) == []


def test_a_bill_over_four_mebibytes(yard: Yard) -> None:
    fill(yard.folder, {"model/a.bin": b"x"})
    yard.declare("m", "model", description="x" * (4 * MIB))
    code, status, message, hint = refusal(lambda: yard.push("m:1.0"))
    assert (code, status) == ("bill-too-large", 2)
    assert str(4 * MIB) in message
    assert hint


def test_other_content_under_a_taken_version(yard: Yard) -> None:
    folder = yard.model({"a.bin": b"x", "b.bin": b"y"})
    (pushed,) = yard.push("m:1.0")
    fill(folder, {"b.bin": b"z"})
    code, status, message, hint = refusal(lambda: yard.push("m:1.0"))
    assert (code, status) == ("version-taken", 6)
    assert pushed.digest in message
    assert "b.bin" in message
    assert "a.bin" not in message
    assert "lading push m:" in hint


def test_a_push_without_a_version_names_the_last_and_a_next_one(yard: Yard) -> None:
    yard.model({"a.bin": b"x"})
    code, status, message, hint = refusal(lambda: yard.push("m"))
    assert (code, status) == ("which-version", 2)
    assert "none yet" in message
    assert hint == "lading push m:1.0.0"
    for version in ("1.9.0", "1.10.0", "1.10.0-rc1"):
        yard.push(f"m:{version}")
    _, _, message, hint = refusal(lambda: yard.push("m"))
    assert "the last one is 1.10.0" in message
    assert hint == "lading push m:1.10.1"


@pytest.mark.parametrize("reference", ["m:production", "m@sha256:" + "a" * 64, "file:///elsewhere//m:1.0"])
def test_a_push_of_what_names_no_version_to_publish(yard: Yard, reference: str) -> None:
    yard.model({"a.bin": b"x"})
    code, status, _, hint = refusal(lambda: yard.push(reference))
    assert (code, status) == ("which-version", 2)
    assert "lading push m:VERSION" in hint


def test_a_lock_that_differs_from_what_is_declared(yard: Yard) -> None:
    fill(yard.folder, {"model/a.bin": b"x"})
    yard.declare("m", "model", version="1.0")
    yard.push()
    api.lock(project=yard.folder)
    yard.settings()
    yard.declare("m", "model", version="1.1")
    yard.push()
    code, status, message, hint = refusal(lambda: yard.pull("m"))
    assert (code, status) == ("lock-differs", 2)
    assert "m:1.0" in message
    assert "m:1.1" in message
    assert "lading lock m" in hint
    assert yard.pull("m", frozen=True)[0].version == "1.0"
    assert yard.pull("m:1.1")[0].version == "1.1"


def test_a_frozen_pull_of_what_is_not_locked(yard: Yard) -> None:
    yard.model({"a.bin": b"x"})
    yard.push("m:1.0")
    assert refusal(lambda: yard.pull("m", frozen=True)) == (
        "not-locked",
        2,
        "'m' is not in lading.lock",
        "lading lock m",
    )


def test_a_model_that_is_not_declared(yard: Yard) -> None:
    yard.model({"a.bin": b"x"})
    for act in (lambda: yard.push("other:1.0"), lambda: api.lock("other", project=yard.folder)):
        code, status, message, hint = refusal(act)
        assert (code, status) == ("undeclared", 2)
        assert "declared: m" in message
        assert hint == "lading add PATH --name other"


def test_a_folder_without_a_project(tmp_path: Path) -> None:
    fill(tmp_path, {"a.bin": b"x"})
    for act in (
        lambda: api.push("m:1.0", project=tmp_path),
        lambda: api.lock(project=tmp_path),
        lambda: api.pull(project=tmp_path),
        lambda: api.add(tmp_path / "a.bin", "m", project=tmp_path),
    ):
        code, status, _, hint = refusal(act)
        assert (code, status, hint) == ("no-project", 3, "lading init writes one")
    assert refusal(lambda: api.push(project=tmp_path / "nowhere"))[:2] == ("no-project", 3)


def test_a_project_that_declares_nothing(yard: Yard) -> None:
    assert refusal(yard.pull)[:2] == ("nothing-declared", 2)


def test_a_misspelt_setting_names_the_nearest(yard: Yard) -> None:
    yard.settings("storee = 'file://x'")
    assert refusal(yard.pull)[3] == "did you mean 'store'?"
    yard.settings("[models.m]", "path = 'm'", "verison = '1.0'")
    code, status, message, hint = refusal(yard.pull)
    assert (code, status, hint) == ("bad-setting", 2, "did you mean 'version'?")
    assert "[models.m]" in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("store = 7", "'store' must be text"),
        ("store = ", "not TOML"),
        ("tiers = 'x'", "'tiers' must be a list"),
        ("[models.m]", "'path' is missing"),
        ("[models.m]\npath = 'm'\nversion = '1'\nstage = 'production'", "keep one"),
        ("store = '${NOWHERE}'", "NOWHERE is not set"),
        ("[models.m]\npath = 'm'\nrequired = 'yes'", "'required' must be true or false"),
    ],
)
def test_a_broken_setting(yard: Yard, text: str, said: str) -> None:
    yard.settings(text)
    code, status, message, _ = refusal(yard.pull)
    assert (code, status) == ("bad-setting", 2)
    assert said in message


@pytest.mark.parametrize("name", ["lading.toml", "lading.lock"])
def test_settings_that_are_no_text_or_no_file(yard: Yard, name: str) -> None:
    path = yard.folder / name
    path.write_bytes(b"store = '\xff'")
    assert refusal(yard.pull)[:2] == ("bad-setting", 2)
    path.unlink()
    path.mkdir()
    code, status, message, _ = refusal(yard.pull)
    assert (code, status) == ("bad-setting", 2)
    assert f"{path} cannot be read" in message


@pytest.mark.parametrize("url", ["ftp://host/x", "s4://bucket", "just/a/path", "nonsense"])
def test_an_unknown_scheme_lists_the_known_ones(yard: Yard, url: str) -> None:
    yard.model({"a.bin": b"x"})
    code, status, message, _ = refusal(lambda: yard.push("m:1.0", to=url))
    assert (code, status) == ("unknown-scheme", 2)
    assert url in message
    assert "file://" in message


LOCKED = f"""\
lock = 1
[models.m]
version = "1.0"
bill = "sha256:{"a" * 64}"
manifest = "sha256:{"b" * 64}"
size = 1
"""


@pytest.mark.parametrize(
    "text",
    [
        "<<<<<<< HEAD\nlock = 1\n",
        "lock = 2\n",
        "",
        "lock = 1\nextra = 1\n",
        'lock = 1\n[models.m]\nversion = "1.0"\n',
        LOCKED.replace("a" * 64, "12", 1),
        LOCKED.replace('"1.0"', '"prod"'),
        LOCKED.replace("models.m", "models.M"),
    ],
)
def test_a_malformed_lock_says_how_to_write_it_anew(yard: Yard, text: str) -> None:
    yard.model({"a.bin": b"x"})
    (yard.folder / "lading.lock").write_text(text)
    code, status, message, hint = refusal(lambda: yard.pull("m"))
    assert (code, status) == ("bad-lock", 2)
    assert "lading.lock" in message
    assert "lading lock" in hint
    (yard.folder / "lading.lock").unlink()  # as the hint says
    yard.push("m:1.0")
    assert api.lock(project=yard.folder).pins["m"].version == "1.0"


def test_a_name_that_is_taken(yard: Yard) -> None:
    fill(yard.folder, {"a.bin": b"x", "b.bin": b"x"})
    api.add(yard.folder / "a.bin", "m", project=yard.folder)
    assert not api.add(yard.folder / "a.bin", "m", project=yard.folder).changed
    assert refusal(lambda: api.add(yard.folder / "b.bin", "m", project=yard.folder))[:2] == (
        "already-declared",
        2,
    )
    assert refusal(lambda: api.add(yard.folder / "a.bin", "n", project=yard.folder))[:2] == (
        "already-declared",
        2,
    )


def test_what_the_store_does_not_have(yard: Yard) -> None:
    yard.model({"a.bin": b"x"})
    assert refusal(lambda: yard.pull("m:1.0"))[:2] == ("no-store", 3)
    yard.push("m:1.0")
    code, status, message, hint = refusal(lambda: yard.pull("m:2.0"))
    assert (code, status, hint) == ("no-version", 3, "lading list m")
    assert "it has 1.0" in message
    assert refusal(lambda: yard.pull("other"))[:2] == ("no-model", 3)
    assert refusal(lambda: yard.pull("m@sha256:" + "a" * 64))[:2] == ("no-version", 3)
    assert refusal(lambda: yard.pull("m:production"))[:2] == ("no-stage", 3)
