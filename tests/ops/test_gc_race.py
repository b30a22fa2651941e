"""``gc --delete --older-than 0`` beside pushes, pulls and kills, all in loops: real processes, one folder."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lading import api
from lading.ops.ledger import history
from lading.stores.directory import DirectoryStore
from tests import counts
from tests.wharf import keys, settled, whole
from tests.yard import LONG_S, Yard, drafts

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
PUSHERS: Final = 2
REMOVERS: Final = 2

# What a push needs is put there first as one that was killed would have left it: named by nothing.
PUSHER = """
import random, sys
from pathlib import Path
from lading import api
from lading.ops.version import open_version
from lading.stores.directory import DirectoryStore
from tests.yard import Yard

folder, url, first, last = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
folder.mkdir(exist_ok=True)
yard = Yard(folder)
yard.settings(f'store = "{url}"')
yard.model({"a.bin": b"", "b.bin": b"all have this one"})
store = DirectoryStore(url, Path(url.removeprefix("file://")))
aside = DirectoryStore(f"file://{folder}/aside", folder / "aside")
print("ready", flush=True)
for number in range(first, last):
    content = random.Random(number).randbytes(20_000)
    (folder / "model" / "a.bin").write_bytes(content)
    yard.push(f"m:1.{number}", to=aside.url)
    version = open_version(aside, "m", f"1.{number}")
    for layer in version.descriptors:
        store.put_blob("m", layer.digest, layer.size, aside.read("m", layer.digest, 0, layer.size))
    yard.push(f"m:1.{number}", message=f"number {number}")
"""
REMOVER = """
import json, sys
from pathlib import Path
from lading import api

url, stop, removed, turns = sys.argv[1], Path(sys.argv[2]), 0, 0
print("ready", flush=True)
while not stop.exists():
    removed += sum(each.blobs for each in api.gc(delete=True, kept_s=0, store=url, project=stop.parent))
    turns += 1
print(json.dumps({"removed": removed, "turns": turns}))
"""
PULLER = """
import json, os, random, shutil, sys
from pathlib import Path
from lading import api

url, stop, folder, pulls = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), 0
os.environ["LADING_CACHE_DIR"] = str(folder / "cache")
folder.mkdir()
print("ready", flush=True)
while not stop.exists():
    versions = api.list_versions("m", store=url, project=folder)
    for version in {*versions[:1], *random.sample(versions, min(2, len(versions)))}:
        (pulled,) = api.pull(f"m:{version}", store=url, into=folder / "place", project=folder)
        assert pulled.version == version
        assert (folder / "place" / "b.bin").read_bytes() == b"all have this one"
        shutil.rmtree(folder)
        folder.mkdir()
        pulls += 1
print(json.dumps({"pulls": pulls}))
"""


@contextmanager
def running(code: str, *args: object) -> Iterator[subprocess.Popen[str]]:
    """A process that runs ``code``, begun in earnest; killed when the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a process said at its end, which must be a good one."""
    out, err = process.communicate(timeout=LONG_S + counts.GC_ROUNDS)
    assert process.returncode == 0, err
    document = json.loads(out or "{}")
    assert isinstance(document, dict)
    return document


def killed_pushes(folder: Path, url: str, pushers: list[subprocess.Popen[str]]) -> int:
    """Push versions from 1,000,000 on and kill each pusher in the middle, while the others push."""
    luck, kills = random.Random(counts.SEED), 0
    while any(process.poll() is None for process in pushers):
        first = 1_000_000 + kills * 1000
        with running(PUSHER, folder, url, first, first + 1000) as process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(luck.uniform(0, 1))  # somewhere in the middle of one of its pushes
            assert process.poll() is None, process.communicate()
            kills += 1
    return kills


def test_nothing_dangles_and_nothing_is_lost(yard: Yard, tmp_path: Path) -> None:
    url, stop, rounds = f"file://{yard.store}", tmp_path / "stop", counts.GC_ROUNDS
    store = DirectoryStore(url, yard.store)
    with ExitStack() as stack:
        begin = [
            (tmp_path / f"writer-{each}", url, each * rounds, (each + 1) * rounds) for each in range(PUSHERS)
        ]
        removers = [stack.enter_context(running(REMOVER, url, stop)) for _ in range(REMOVERS)]
        puller = stack.enter_context(running(PULLER, url, stop, tmp_path / "reader"))
        pushers = [stack.enter_context(running(PUSHER, *words)) for words in begin]
        kills = killed_pushes(tmp_path / "doomed", url, pushers)
        for process in pushers:
            ended(process)
        stop.touch()
        removed = [ended(process)["removed"] for process in removers]
        pulls = ended(puller)["pulls"]
    assert min(kills, sum(removed), pulls) > 0, "they did not meet"

    yard.model({"a.bin": b"the last"})
    yard.push("m:2.0")  # it says what the killed ones could not
    versions = whole(store)
    assert {f"1.{number}" for number in range(PUSHERS * rounds)} | {"2.0"} <= versions
    events = history(store.objects, "m")
    assert [each.version for each in events if each.context.get("healed") is None]
    assert sorted(str(each.version) for each in events) == sorted(versions)
    assert {each.message for each in events} >= {f"number {number}" for number in range(PUSHERS * rounds)}
    settled(store)
    assert not any(".sweeps" in key for key in keys(store.objects))
    api.gc(delete=True, kept_s=0, project=yard.folder)
    assert [each.blobs for each in api.gc(kept_s=0, project=yard.folder)] == [0]
    assert whole(store) == versions
    assert drafts(yard.folder) == []
