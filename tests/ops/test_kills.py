"""Writers and readers that the kernel kills at any moment."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from lading import api
from lading.stores.directory import DirectoryStore
from tests import counts
from tests.cargo import fill, noise
from tests.yard import LONG_S, Yard, damaged, drafts, files_of, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# The command line, which says when it begins, so that no kill is wasted on the interpreter's start.
_BEGIN = """
import sys
from lading.cli.app import run
import lading.cli.release, lading.cli.fetch, lading.ops.push, lading.ops.pull, pyfastcdc
print("ready", flush=True)
sys.exit(run(sys.argv[1:]))
"""
SEED = counts.SEED
BYTES = counts.PAYLOAD_MIB * 1024 * 1024 // 4
SMALL = {f"small/{number:02}.bin": noise(30_000, number) for number in range(12)}


def payload(seed: int) -> dict[str, bytes]:
    return {"big.bin": noise(BYTES, seed), "half.bin": noise(BYTES // 8, seed + 1), **SMALL}


def begin(yard: Yard, *words: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _BEGIN, *words],
        cwd=yard.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def took_s(yard: Yard, *words: str) -> float:
    began = time.monotonic()
    process = begin(yard, *words)
    began = time.monotonic()
    process.communicate(timeout=LONG_S)
    assert process.returncode == 0
    return time.monotonic() - began


class Killer:
    """Kills a command at random moments of the time that it takes.

    Attributes:
        hits: how many kills came in time.
    """

    def __init__(self, yard: Yard, *words: str) -> None:
        self._luck = random.Random(SEED)
        self._span_s = took_s(yard, *words)
        self.hits = 0

    def kill(self, yard: Yard, *words: str) -> None:
        process = begin(yard, *words)
        began = time.monotonic()
        with suppress(subprocess.TimeoutExpired):
            process.wait(self._luck.uniform(0, self._span_s))
            # The machine is less busy than it was, and the command done: aim earlier from now on.
            self._span_s = min(self._span_s, time.monotonic() - began)
        process.kill()
        process.communicate(timeout=LONG_S)
        self.hits += process.returncode == -9


def check_store(yard: Yard) -> None:
    """Whatever has its final name in the store is whole."""
    if not yard.store.exists():
        return
    assert damaged((yard.store / "v2").rglob("blobs/*")) == []
    store = DirectoryStore("file://.lading/store", yard.store)
    for version in store.versions("m"):
        assert api.verify(f"m:{version}", project=yard.folder).ok
    for manifest in (yard.store / "v2" / "m" / "manifests").glob("sha256:*"):
        assert damaged([manifest]) == []


def test_a_push_that_is_killed_leaves_nothing_half_done_and_the_next_one_completes(yard: Yard) -> None:
    folder = yard.model(payload(0))
    killer = Killer(yard, "push", "m:1.0.0")
    for number in range(1, counts.KILLS + 1):
        fill(folder, payload(number * 2))
        killer.kill(yard, "push", f"m:1.0.{number}")
        check_store(yard)
        (pushed,) = yard.push(f"m:1.0.{number}")
        assert drafts(yard.folder) == []
        assert api.verify(f"m@{pushed.digest}", project=yard.folder).ok
        shutil.rmtree(yard.store)  # so that it stays small
    assert killer.hits, "the kills came too late to prove anything"


def check_place(folder: Path, *versions: Mapping[str, bytes]) -> None:
    """Every file under its final name is that of one version, whole."""
    for path, content in files_of(folder).items():
        if not path.rpartition("/")[2].startswith(".lading-draft-"):
            assert content in [version[path] for version in versions], path


def test_a_pull_that_is_killed_leaves_nothing_half_done_and_the_next_one_completes(yard: Yard) -> None:
    old, new = payload(0), payload(2)
    folder = yard.model(old)
    yard.push("m:1.0")
    fill(folder, new)
    yard.push("m:1.1")
    yard.forget("model")
    killer = Killer(yard, "pull", "m:1.1")
    resumed = 0
    for number in range(counts.KILLS):
        yard.forget(*["model"] if number % 2 else [])
        if not number % 2:
            yard.pull("m:1.0")
            shutil.rmtree(yard.cache)
        killer.kill(yard, "pull", "m:1.1")
        check_place(folder, old, new) if folder.exists() else None
        assert damaged(path for path in (yard.cache / "files").rglob("*") if path.is_file()) == []
        (pulled,) = yard.pull("m:1.1")
        resumed += pulled.reused > 0
        assert files_of(folder) == new
        assert leftovers(yard) == []
    assert killer.hits, "the kills came too late to prove anything"
    assert resumed, "no run ever took up what the killed one had fetched"


def leftovers(yard: Yard) -> list[Path]:
    partial = yard.cache / "partial"
    return [*drafts(yard.folder, yard.cache), *(partial.iterdir() if partial.exists() else [])]


def test_a_killed_ensure_never_reports_a_model_as_in_place(yard: Yard) -> None:
    new = payload(2)
    folder = yard.model(new)
    yard.push("m:1.0")
    api.lock(project=yard.folder)
    yard.forget("model")
    killer = Killer(yard, "ensure")
    for _ in range(5):
        yard.forget("model")
        killer.kill(yard, "ensure")
        if not api.in_place(project=yard.folder):
            assert files_of(folder) == new
        yard.pull("m")
        assert api.in_place(project=yard.folder) == []


def test_what_a_killed_push_left_is_no_version(yard: Yard) -> None:
    """Blobs without a manifest: no version, so pushing other content under its name is no conflict."""
    folder = yard.model({"a.bin": noise(50_000)})
    yard.push("m:1.0")
    manifests = yard.store / "v2" / "m" / "manifests"
    for path in manifests.iterdir():
        path.unlink()  # as if the writer had been killed just before the manifest
    assert refusal(lambda: yard.pull("m:1.0"))[:2] == ("no-version", 3)
    fill(folder, {"a.bin": noise(50_000, 2)})
    (pushed,) = yard.push("m:1.0")
    assert api.verify("m:1.0", project=yard.folder).ok
    assert pushed.uploaded
    assert list((yard.store / ".drafts").iterdir()) == []
