"""Processes that run the command line when told to, so that many begin at once, and what they must leave."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections import deque
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

from lading.core.digest import Digest
from lading.ops.ledger import history
from lading.ops.verify import verify_version
from lading.ops.version import open_version
from lading.wiring import Workspace
from tests.yard import LONG_S, Done

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pytest

    from lading.core.event import Event
    from lading.core.ports import WritableStore
    from tests.servers.access import S3Bucket

IN_PARTS = 9 * 1024 * 1024
"""The size of a file whose layer is uploaded in parts."""

# Every line is a command; what it imports is there before the first.
_CODE: Final = """
import io, json, os, sys
from contextlib import redirect_stderr, redirect_stdout
from lading.cli.app import run
import lading.api.fetch, lading.api.keep, lading.api.look, lading.api.release, lading.stores.bucket
import lading.cli.fetch, lading.cli.keep, lading.cli.look, lading.cli.release
import obstore.store, pyfastcdc
print("ready", flush=True)
for line in sys.stdin:
    told = json.loads(line)
    os.environ.clear()
    os.environ.update(told["environ"])
    os.chdir(told["folder"])
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = run(told["words"])
    print(json.dumps([status, out.getvalue(), err.getvalue()]), flush=True)
"""


class Hand:
    """A process that runs the command line as often as it is told, in this test's environment."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def tell(self, folder: Path, *words: str, **environ: str) -> None:
        """Let it run the command line in ``folder``; it begins now."""
        told = {"folder": str(folder), "words": words, "environ": {**os.environ, **environ}}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()

    def hear(self) -> Done:
        """Wait for the end of what it was told."""
        return Done(*json.loads(self._line(LONG_S)))

    def ready(self) -> None:
        """Wait until it takes commands."""
        assert self._line(LONG_S) == "ready\n"

    def busy(self, seconds: float) -> bool:
        """Whether what it was told still goes on after ``seconds``."""
        assert self._process.stdout is not None
        return not select.select([self._process.stdout], [], [], seconds)[0]

    def kill(self) -> None:
        """Kill it as the kernel would."""
        self._process.kill()
        self._process.communicate(timeout=LONG_S)

    def _line(self, seconds: float) -> str:
        assert self._process.stdout is not None
        assert not self.busy(seconds), "it does not end"
        line: str = self._process.stdout.readline()
        return line


@contextmanager
def hands(count: int) -> Iterator[list[Hand]]:
    """So many processes, ready; killed when the block ends."""
    with ExitStack() as stack:
        made = []
        for _ in range(count):
            made.append(Hand())
            stack.callback(made[-1].kill)
        for hand in made:
            hand.ready()
        yield made


@contextmanager
def fresh() -> Iterator[Iterator[Hand]]:
    """Ready processes, one after the other; the next starts while the one before is at work."""
    coming: deque[Hand] = deque()

    def each() -> Iterator[Hand]:
        coming.append(Hand())
        while True:
            coming.append(Hand())
            coming[0].ready()
            yield coming[0]
            coming.popleft().kill()

    try:
        yield each()
    finally:
        for hand in coming:
            hand.kill()


@contextmanager
def hand() -> Iterator[Hand]:
    """One process, ready; killed when the block ends."""
    with hands(1) as (made,):
        yield made


def at_once(
    workers: Sequence[Hand], folders: Sequence[Path], commands: Sequence[Sequence[str]]
) -> list[Done]:
    """Run a command in each folder, all beginning at one moment, and wait for all."""
    workers = workers[: len(folders)]
    for worker, folder, words in zip(workers, folders, commands, strict=True):
        worker.tell(folder, *words)
    return [worker.hear() for worker in workers]


def s3(bucket: S3Bucket, patch: pytest.MonkeyPatch) -> str:
    """Let the environment lead to a bucket, and return its URL."""
    patch.setenv("AWS_ACCESS_KEY_ID", bucket.key_id)
    patch.setenv("AWS_SECRET_ACCESS_KEY", bucket.secret)
    patch.setenv("AWS_ENDPOINT_URL", bucket.endpoint)
    return f"s3://{bucket.bucket}/prefix"


def opened(folder: Path) -> WritableStore:
    """The store of a project."""
    return Workspace.open(folder).target()


def whole(store: WritableStore, name: str = "m") -> dict[str, str]:
    """The versions of a model with the digests of their bills, after every byte of each was proven."""
    found = {}
    for version in store.versions(name):
        opened = open_version(store, name, version)
        verified = verify_version(opened, "none")
        assert verified.ok, (version, verified.problems)
        found[version] = str(opened.bill.digest)
    return found


def pushes(store: WritableStore, name: str = "m") -> list[Event]:
    """The events of a model's ledger, proven to follow each other without a gap; all are pushes."""
    events = history(store.objects, name)
    assert [each.seq for each in events] == list(range(1, len(events) + 1))
    assert {each.action for each in events} <= {"push"}
    return events


def settled(store: WritableStore, name: str = "m") -> dict[str, str]:
    """The versions, where all are whole, the ledger has one event for each, and the projections agree."""
    versions, events = whole(store, name), pushes(store, name)
    assert sorted((str(each.version), str(each.digest)) for each in events) == sorted(versions.items())
    assert document(store, f"v2/{name}/tags/list") == {
        "name": name,
        "tags": sorted(versions, key=lambda tag: (tag.lower(), tag)),
    }
    last = events[-1]
    assert document(store, f"ledger/{name}/head.json") == {
        "lading": 1,
        "seq": len(events),
        "digest": str(last.sha256),
    }
    return versions


def document(store: WritableStore, key: str) -> dict[str, Any]:
    """A JSON object in a store."""
    raw = store.objects.get(key, 1 << 22)
    assert raw is not None, key
    loaded = json.loads(raw)
    assert isinstance(loaded, dict)
    return loaded


def wrong_blobs(store: WritableStore, name: str = "m") -> list[str]:
    """The keys of blobs whose content is not what their name says."""
    found = store.objects.entries(f"v2/{name}/blobs/").objects
    return [each.key for each in found if digest_of(store, each.key) != each.key.rpartition("/")[2]]


def digest_of(store: WritableStore, key: str) -> str:
    raw = store.objects.get(key, 1 << 25)
    assert raw is not None
    return str(Digest.of(raw))
