"""``lading ensure``: for entrypoints and health checks."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from lading import api
from tests.cargo import fill, noise
from tests.yard import COMMAND, LONG_S, Yard, drafts, files_of

FILES = {"a.bin": noise(50_000), "b.bin": b"b"}


@pytest.fixture
def locked(yard: Yard) -> Yard:
    """A project with a lock, on a machine that has nothing yet."""
    yard.model(FILES)
    yard.push("m:1.0")
    api.lock(project=yard.folder)
    yard.forget("model")
    return yard


def test_ensure_fetches_what_is_missing_and_then_runs_the_command(locked: Yard) -> None:
    code = "import os, sys; print(open('model/b.bin').read(), sys.argv[1:], flush=True)"
    done = locked.run("ensure", "--", sys.executable, "-c", code, "--json", "-q", "--", "x")
    assert (done.status, done.out) == (0, "b ['--json', '-q', '--', 'x']\n")
    assert files_of(locked.folder / "model") == FILES


def test_the_command_takes_the_place_of_lading(locked: Yard) -> None:
    code = "import os; print(os.getpid(), flush=True)"
    process = locked.start("ensure", "--", sys.executable, "-c", code)
    out, _ = process.communicate(timeout=LONG_S)
    assert int(out) == process.pid


@pytest.mark.parametrize("status", [0, 3, 255])
def test_the_exit_status_is_the_commands_own(locked: Yard, status: int) -> None:
    assert locked.run("ensure", "--", "sh", "-c", f"exit {status}").status == status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_reach_the_command(locked: Yard, number: signal.Signals) -> None:
    handler = f"signal.signal({number.value}, lambda *_: sys.exit(77))"
    code = f"import signal, sys; {handler}; print('ready', flush=True); signal.pause()"
    process = locked.start("ensure", "--", sys.executable, "-c", code)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    process.communicate(timeout=LONG_S)
    assert process.returncode == 77


def test_a_signal_that_the_command_does_not_handle_ends_it(locked: Yard) -> None:
    process = locked.start("ensure", "--", "sh", "-c", "echo ready; exec sleep 30")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    process.communicate(timeout=LONG_S)
    assert process.returncode == -signal.SIGTERM


def test_no_signal_is_left_ignored_for_the_command(locked: Yard) -> None:
    """Python ignores SIGPIPE; a program that inherits that never ends when its reader has gone."""
    done = locked.run("ensure", "--", "grep", "SigIgn", "/proc/self/status")
    assert int(done.out.split()[1], 16) & (1 << signal.SIGPIPE - 1) == 0
    assert int(done.out.split()[1], 16) & (1 << signal.SIGXFSZ - 1) == 0


def test_a_command_that_is_not_there(locked: Yard) -> None:
    done = locked.run("ensure", "--json", "--", "no-such-program")
    assert (done.status, done.document["error"]["code"]) == (3, "no-command")


def test_nothing_is_run_where_the_model_cannot_be_had(locked: Yard) -> None:
    for blob in locked.blobs():
        blob.unlink()
    done = locked.run("ensure", "--", "echo", "started")
    assert (done.status, done.out) == (3, "")
    assert "[no-blob]" in done.err


def test_ensure_asks_no_store_where_all_is_in_place(locked: Yard) -> None:
    locked.say("ensure")
    locked.store.rename(locked.store.with_name("away"))
    events = locked.watched("ensure")
    assert {kind for kind, _ in events} == {"read"}
    assert not [path for _, path in events if path.endswith(".bin") or "/.lading/" in path]


def test_ensure_heals_what_is_wrong(locked: Yard) -> None:
    locked.say("ensure")
    fill(locked.folder / "model", {"a.bin": b"damaged"})
    assert locked.say("ensure").status == 0
    assert files_of(locked.folder / "model") == FILES


def test_ensure_leaves_what_is_not_required_and_takes_what_is_named(locked: Yard) -> None:
    with (locked.folder / "lading.toml").open("a") as file:
        file.write('[models.big]\npath = "big.bin"\nrequired = false\n')
    fill(locked.folder, {"big.bin": b"big"})
    locked.push("big:1.0")
    locked.forget("big.bin")
    assert [each["name"] for each in locked.say("ensure", "--json").document["models"]] == ["m"]
    assert locked.say("ensure", "--check").status == 0
    assert not (locked.folder / "big.bin").exists()
    assert locked.say("ensure", "big").status == 0
    assert (locked.folder / "big.bin").read_bytes() == b"big"


def test_a_frozen_ensure_takes_the_lock_and_nothing_else(locked: Yard) -> None:
    assert locked.say("ensure", "--frozen").status == 0
    locked.forget("lading.lock")
    done = locked.say("ensure", "--frozen", "--json")
    assert (done.status, done.document["error"]["code"]) == (2, "not-locked")


def test_check_says_no_and_then_yes(locked: Yard) -> None:
    done = locked.say("ensure", "--check", "--json")
    assert (done.status, done.document["ok"]) == (1, False)
    assert len(done.document["problems"]) == 1
    locked.say("ensure")
    assert locked.say("ensure", "--check").status == 0
    fill(locked.folder / "model", {"b.bin": b"B"})
    done = locked.say("ensure", "--check")
    assert (done.status, done.out) == (1, "m: b.bin is different\n")
    (locked.folder / "model" / "b.bin").unlink()
    assert locked.say("ensure", "--check").out == "m: b.bin is missing\n"


def test_check_knows_that_another_version_is_locked(locked: Yard) -> None:
    locked.say("ensure")
    fill(locked.folder / "model", {"b.bin": b"B"})
    locked.push("m:1.1")
    api.lock(project=locked.folder)
    done = locked.say("ensure", "--check")
    assert (done.status, done.out) == (1, "m: 1.0 is there, 1.1 is locked\n")


@pytest.mark.parametrize("there", [True, False])
def test_check_writes_nothing_and_asks_nobody(locked: Yard, *, there: bool) -> None:
    if there:
        locked.say("ensure")
    before = {path: path.stat().st_mtime_ns for path in locked.folder.rglob("*")}
    events = []
    if there:
        events = locked.watched("ensure", "--check")
        assert {kind for kind, _ in events} == {"read"}
        assert not [path for _, path in events if str(locked.store) in path]
    else:
        assert locked.say("ensure", "--check").status == 1
        assert not locked.cache.exists()
    assert {path: path.stat().st_mtime_ns for path in locked.folder.rglob("*")} == before


MIB = 1024 * 1024


def interrupted(yard: Yard, *words: str) -> subprocess.Popen[str]:
    """Send Ctrl-C to a pull as soon as it has fetched something, and wait for its end."""
    process = yard.start(*words)
    until = time.monotonic() + LONG_S
    while process.poll() is None and time.monotonic() < until:
        partial = yard.cache / "partial"
        if partial.exists() and any(path.stat().st_size > MIB for path in partial.glob("*.*")):
            process.send_signal(signal.SIGINT)
            break
        time.sleep(0.001)
    process.wait(LONG_S)
    return process


def test_ctrl_c_during_a_pull_ends_with_130_and_the_next_run_completes(yard: Yard) -> None:
    files = {f"{number}.bin": noise(24 * MIB, number) for number in range(3)}
    folder = yard.model(files)
    yard.push("m:1.0")
    yard.forget("model")
    process = interrupted(yard, "pull", "m:1.0", "--json")
    assert process.returncode == 130
    out, err = process.communicate()
    assert '"code": "interrupted"' in out
    assert "Traceback" not in err
    assert not folder.exists() or all(content in files.values() for content in files_of(folder).values())
    (pulled,) = yard.pull("m:1.0")
    assert pulled.fetched < pulled.size, "what was fetched before is taken up"
    assert files_of(folder) == files
    assert drafts(yard.folder, yard.cache) == []
    assert list((yard.cache / "partial").iterdir()) == []


def test_ctrl_c_while_it_starts_ends_with_130(yard: Yard) -> None:
    code = "import os, signal, sys; sys.argv[1:] = ['list']; from lading import __main__ as m; "
    code += "sys.modules['lading.cli.app'] = None; "
    code += "sys.meta_path.insert(0, type('F', (), {'find_spec': lambda *a: os.kill(os.getpid(), 2)})()); "
    code += "del sys.modules['lading.cli.app']; sys.exit(m.main())"
    done = subprocess.run(
        [COMMAND[0], "-c", code], cwd=yard.folder, capture_output=True, text=True, check=False, timeout=LONG_S
    )
    assert (done.returncode, done.stderr) == (130, "")
