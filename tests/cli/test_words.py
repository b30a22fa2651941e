"""What every command has in common: words, streams, exit statuses."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

import lading
from tests.cargo import fill, noise
from tests.yard import COMMAND, LONG_S, Yard

if TYPE_CHECKING:
    from pathlib import Path

PUSHED = {"name", "version", "digest", "files", "size", "uploaded", "reused", "seconds"}
ENV = {"lading", "python", "project", "variables", "cache", "stores", "models"}
PULLED = {"name", "version", "digest", "path", "tier", "size", "fetched", "reused", "seconds", "stale"}


@pytest.fixture
def stocked(yard: Yard) -> Yard:
    """A project with one version pushed, locked and in its place."""
    yard.model({"a.bin": noise(50_000), "b.bin": b"b"})
    yard.push("m:1.0")
    assert yard.say("lock").status == 0
    yard.pull("m")
    return yard


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        ("init", {"path", "created", "store", "proposals"}),
        ("add model --name m", {"name", "path", "files", "size", "changed", "left_out", "copied"}),
        ("push m:1.0", PUSHED),
        ("lock", {"models"}),
        ("pull", {"models"}),
        ("ensure", {"models"}),
        ("ensure --check", {"ok", "problems"}),
        ("verify", {"ok", "anchor", "checked", "problems"}),
        ("list", {"models"}),
        ("list m", {"name", "versions"}),
        ("show m:1.0", {"name", "version", "digest", "size", "files", "mock"}),
        ("diff m:1.0 m", {"a", "b", "same", "files", "blocks", "metadata"}),
        ("history m", {"events"}),
        ("cache", {"path", "size", "kinds"}),
        ("env", ENV),
        ("env --probe", ENV),
        ("gc", {"deleted", "size", "models"}),
    ],
)
def test_json_is_one_object_on_stdout_and_nothing_else(stocked: Yard, words: str, keys: set[str]) -> None:
    done = stocked.say(*words.split(), "--json")
    assert (done.status, set(done.document), done.err) == (0, keys, "")


def test_the_streams_of_the_real_process_are_kept_apart(yard: Yard) -> None:
    yard.model({"a.bin": b"a"})
    pushed = yard.run("push", "m:1.0", "--json")
    assert (pushed.status, set(pushed.document), pushed.err) == (0, PUSHED, "")
    pulled = yard.run("pull", "m", "--json", "-v")
    assert pulled.document["models"][0]["version"] == "1.0"
    assert "taking the highest" in pulled.err
    failed = yard.run("push", "n:1.0", "--json")
    assert (failed.status, failed.document["error"]["code"], failed.err) == (2, "undeclared", "")
    told = yard.run("push", "n:1.0")
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith("lading: 'n' is not declared")


def test_the_keys_that_scripts_rely_on_hold_what_they_promise(yard: Yard) -> None:
    folder = yard.model({"a.bin": noise(50_000), "b.bin": b"b"})
    pushed = yard.say("push", "m:1.0", "--json").document
    assert (pushed["name"], pushed["version"], pushed["files"], pushed["size"]) == ("m", "1.0", 2, 50_001)
    assert pushed["digest"].startswith("sha256:")
    assert (pushed["uploaded"] > 50_001, pushed["reused"]) == (True, 0)

    locked = yard.say("lock", "--json").document["models"]["m"]
    assert (locked["version"], locked["digest"], locked["size"]) == ("1.0", pushed["digest"], 50_001)

    yard.forget("model")
    (pulled,) = yard.say("pull", "m", "--json").document["models"]
    assert set(pulled) == PULLED
    assert (pulled["path"], pulled["digest"], pulled["size"]) == (str(folder), pushed["digest"], 50_001)
    assert (pulled["tier"], pulled["fetched"], pulled["reused"]) == ("file://.lading/store", 50_001, 0)
    assert (pulled["stale"], isinstance(pulled["seconds"], float)) == (False, True)

    (again,) = yard.say("ensure", "--json").document["models"]
    assert (again["tier"], again["fetched"], again["reused"]) == ("local", 0, 50_001)


def test_several_models_are_pushed_as_one_object(yard: Yard) -> None:
    yard.model({"a.bin": b"a"})
    yard.model({"b.bin": b"b"}, name="n", path="other")
    models = yard.say("push", "m:1.0", "n:1.0", "--json").document["models"]
    assert [(each["name"], set(each)) for each in models] == [("m", PUSHED), ("n", PUSHED)]


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        ("push m", 2, "which-version"),
        ("push M:1", 2, "bad-name"),
        ("push other:1.0", 2, "undeclared"),
        ("pull m:9.9", 3, "no-version"),
        ("show other:1.0", 3, "no-version"),
        ("pull m:1.0 --store nonsense", 2, "unknown-scheme"),
        ("verify nowhere", 3, "no-model"),
        ("verify ./nowhere", 3, "no-file"),
        ("verify --require nonsense", 2, "bad-anchor"),
        ("verify --require signature", 7, "weak-anchor"),
        ("nonsense", 2, "usage"),
        ("push --nonsense", 2, "usage"),
        ("show", 2, "usage"),
        ("add model --name", 2, "usage"),
        ("show m:1.0 extra", 2, "usage"),
        ("list --project nowhere", 3, "no-project"),
    ],
)
def test_an_error_is_one_object_too_and_a_line_with_a_hint_for_people(
    stocked: Yard, words: str, status: int, code: str
) -> None:
    first, *rest = words.split()
    asked = stocked.say(first, "--json", *rest)
    assert set(asked.document) == {"error"}
    assert set(asked.document["error"]) == {"code", "message", "hint"}
    assert (asked.status, asked.document["error"]["code"], asked.err) == (status, code, "")

    told = stocked.say(*words.split())
    assert (told.status, told.out) == (status, "")
    assert told.err.startswith("lading: ")
    assert f" [{code}]\n" in told.err
    assert "Traceback" not in told.err
    if hint := asked.document["error"]["hint"]:
        assert told.err.endswith(f"  hint: {hint}\n")


def test_other_content_and_damage_have_their_own_exit_statuses(stocked: Yard) -> None:
    fill(stocked.folder / "model", {"b.bin": b"other"})
    assert stocked.run("push", "m:1.0").status == 6
    assert stocked.run("verify").status == 1
    assert stocked.run("ensure", "--check").status == 1
    stocked.forget("model")
    for blob in stocked.blobs():
        blob.write_bytes(bytes(blob.stat().st_size))
    assert stocked.run("pull", "m:1.0").status == 4


def test_a_bug_is_reported_as_one(yard: Yard) -> None:
    """A settings file that is a folder is no bug; a store that is a file is told in words, not as a trace."""
    (yard.folder / "file").write_text("x")
    yard.model({"a.bin": b"x"})
    done = yard.run("push", "m:1.0", "--to", "file://file")
    assert done.status == 5
    assert "Traceback" not in done.err


@pytest.mark.parametrize("words", ["nonsense", "--nonsense"])
def test_the_hint_for_a_wrong_word_is_a_command_that_works(yard: Yard, words: str) -> None:
    done = yard.say(*words.split())
    hint = done.err.partition("hint: lading ")[2].split()
    assert yard.say(*hint).status == 0


def test_a_misspelt_command_names_the_nearest(yard: Yard) -> None:
    assert "push" in yard.say("psuh").err


def test_saying_nothing_shows_the_help(yard: Yard) -> None:
    done = yard.run()
    assert done.status == 2
    assert "[usage]" not in done.err
    for group in ("Look", "Move", "Run", "Keep"):
        assert f" {group} " in done.out + done.err


@pytest.mark.parametrize("word", ["--version", "-V"])
def test_the_version(yard: Yard, word: str) -> None:
    done = yard.run(word)
    assert (done.status, done.out, done.err) == (0, f"lading {lading.__version__}\n", "")


def test_every_command_explains_itself(yard: Yard) -> None:
    for command in ("init", "push", "pull", "ensure", "verify"):
        done = yard.say(command, "-h")
        assert done.status == 0
        for option in ("--json", "--quiet", "--verbose", "--project"):
            assert option in done.out


@pytest.mark.parametrize(
    "words",
    ["push m:1.0", "lock", "pull m", "ensure", "verify", "list", "show m:1.0", "diff m m:1.0", "cache"],
)
def test_quiet_says_nothing_where_all_is_well(stocked: Yard, words: str) -> None:
    done = stocked.say(*words.split(), "-q")
    assert (done.status, done.out, done.err) == (0, "", "")


def test_quiet_still_tells_errors_and_warnings(stocked: Yard) -> None:
    assert "[no-version]" in stocked.say("pull", "m:9.9", "-q").err
    fill(stocked.folder / "model", {"b.bin": b"mine"})
    done = stocked.say("pull", "m", "-q")
    assert (done.status, done.out) == (0, "")
    assert "replaced" in done.err


def test_verbose_says_more_on_stderr_alone(stocked: Yard) -> None:
    stocked.forget("model")
    done = stocked.say("pull", "m", "-v", "--json")
    assert done.document
    assert "m:1.0: 50001 bytes" in done.err


def test_a_bare_name_without_a_lock_says_that_it_takes_the_highest(yard: Yard) -> None:
    yard.model({"a.bin": b"a"})
    yard.push("m:1.0")
    done = yard.say("pull", "m", "--json")
    assert done.document["models"][0]["version"] == "1.0"
    assert "taking the highest" in done.err


def test_a_command_in_a_folder_below_finds_the_project_above(stocked: Yard) -> None:
    below = stocked.folder / "src" / "deep"
    below.mkdir(parents=True)
    stocked.forget("model")
    done = stocked.say("pull", "--json", cwd=below)
    assert done.document["models"][0]["path"] == str(stocked.folder / "model")
    assert list(below.iterdir()) == []
    assert stocked.say("verify", ".", cwd=stocked.folder / "model").status == 0


def test_the_project_may_be_said(stocked: Yard, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert stocked.say("list", "--json", cwd=elsewhere).status == 3
    done = stocked.say("list", "--json", "--project", "../project", cwd=elsewhere)
    assert [each["name"] for each in done.document["models"]] == ["m"]
    assert stocked.say("ensure", "--check", "--project", str(stocked.folder), cwd=elsewhere).status == 0


@pytest.mark.parametrize("words", ["show m:1.0", "list --json", "--version", "--help", "nonsense --json"])
def test_a_reader_that_has_gone_gets_no_trace(stocked: Yard, words: str) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*COMMAND, *words.split()],
        cwd=stocked.folder,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=LONG_S,
    )
    os.close(write)
    assert done.stderr == ""
    assert done.returncode in {0, 1, 2}


def test_no_colour_and_no_bars_where_nobody_looks(stocked: Yard) -> None:
    stocked.forget("model")
    for words in (["pull", "m"], ["show", "m:1.0"], ["nonsense"]):
        done = stocked.run(*words)
        assert "\x1b" not in done.out + done.err


def test_init_writes_a_project_and_proposes_what_it_finds(tmp_path: Path) -> None:
    fill(
        tmp_path / "p",
        {"models/My Model.pkl": b"x", "src/a.py": b"", ".venv/lib/x.pkl": b"x", ".gitignore": b"*.pyc"},
    )
    new = Yard(tmp_path / "p")
    done = new.say("init", "--json").document
    assert (done["created"], done["store"]) == (True, "file://.lading/store")
    assert done["proposals"] == ["lading add 'models/My Model.pkl' --name my-model"]
    assert (new.folder / ".gitignore").read_text() == "*.pyc\n.lading/\n"
    assert new.say("add", "models/My Model.pkl", "--name", "my-model").status == 0
    written = (new.folder / "lading.toml").read_text()

    again = new.say("init", "--store", "file://elsewhere", "--json").document
    assert again["created"] is False
    assert (new.folder / "lading.toml").read_text() == written
    assert new.say("push", "my-model:1.0").status == 0
    assert "my-model" in new.say("list").out


def test_list_tells_present_changed_pushed_and_pinned(stocked: Yard) -> None:
    (row,) = stocked.say("list", "--json").document["models"]
    assert row == {
        "name": "m",
        "path": str(stocked.folder / "model"),
        "present": True,
        "version": "1.0",
        "changed": False,
        "pushed": ["1.0"],
        "pinned": "1.0",
    }
    fill(stocked.folder / "model", {"b.bin": b"B"})
    assert stocked.say("list", "--json").document["models"][0]["changed"] is True
    shutil.rmtree(stocked.folder / "model")
    (gone,) = stocked.say("list", "--json").document["models"]
    assert (gone["present"], gone["version"], gone["changed"]) == (False, None, None)


def test_the_cache_can_be_looked_at_and_cleared(stocked: Yard) -> None:
    stocked.forget("model")
    stocked.pull("m")
    before = stocked.say("cache", "--json").document
    assert before["path"] == str(stocked.cache)
    assert {each["kind"]: each["files"] for each in before["kinds"]}["files"] == 2
    after = stocked.say("cache", "--clear", "--json").document
    assert after["size"] == 0
    assert json.dumps(after)
