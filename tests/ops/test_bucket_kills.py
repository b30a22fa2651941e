"""Writers of a bucket that are killed, and blobs that are removed beside writers and readers."""

from __future__ import annotations

import random
import shutil
import time
from itertools import count
from threading import Event
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from lading.core.layout import BLOB
from lading.core.location import Location
from lading.ops.prune import Pruner
from lading.stores.memory import open_store
from tests import counts
from tests.cargo import fill, noise
from tests.hands import IN_PARTS, Hand, fresh, hand, hands, opened, pushes, s3, settled, whole, wrong_blobs
from tests.servers.wire import Reply
from tests.yard import LONG_S, Yard

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest

    from lading.core.ports import WritableStore
    from tests.servers.hostile import HostileS3
    from tests.servers.s3 import Moto
    from tests.servers.wire import Answer, Request

MIB = 1024 * 1024


def project(folder: Path, url: str) -> Yard:
    """A project with one model on a store."""
    made = Yard(folder)
    folder.mkdir(exist_ok=True)
    made.settings(f'store = "{url}"')
    made.declare("m", "model")
    return made


def test_a_push_to_a_bucket_that_is_killed_at_any_moment_harms_nothing_and_the_next_one_heals_it(
    moto: Moto, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    yard = project(tmp_path / "project", s3(moto.new_bucket(f"models-{uuid4().hex[:12]}"), monkeypatch))
    store, folder, luck, hits = opened(yard.folder), yard.folder / "model", random.Random(counts.SEED), 0
    fill(folder, {"big.bin": noise(IN_PARTS, 0), "a.bin": noise(50_000, 0)})
    span_s = yard.push("m:1.0")[0].seconds
    for number in range(1, counts.KILLS + 1):
        fill(folder, {"big.bin": noise(IN_PARTS, number), "a.bin": noise(50_000, number)})
        with hand() as writer:
            writer.tell(yard.folder, "push", f"m:1.{number}", "--json")
            hits += writer.busy(luck.uniform(0, span_s))
        whole(store)
        pushes(store)
        if number % 2:
            yard.push(f"m:1.{number}")
            assert f"1.{number}" in settled(store)
        else:
            fill(folder, {"big.bin": b"another"})
            yard.push(f"m:2.{number}")
            assert f"2.{number}" in settled(store)
    assert hits, "the kills came too late to prove anything"
    assert wrong_blobs(store) == []


def test_a_push_that_is_killed_before_any_of_its_requests_harms_nothing_and_the_next_one_heals_it(
    hostile: HostileS3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    published = healed = number = 0
    with fresh() as workers:
        for number, worker in enumerate(workers, 1):
            yard = project(tmp_path / str(number), s3(hostile.new_bucket(f"models-{number}"), monkeypatch))
            fill(yard.folder / "model", {"a.bin": noise(50_000)})
            yard.push("m:1.0")
            fill(yard.folder / "model", {"a.bin": noise(50_000, 2)})
            if not killed_before(number, hostile, worker, yard):
                break
            store = opened(yard.folder)
            published += "1.1" in whole(store)
            known = {each.version for each in pushes(store)}
            fill(yard.folder / "model", {"a.bin": noise(50_000, 3)})
            yard.push("m:1.2")
            assert "1.2" in settled(store)
            healed += "1.1" in {each.version for each in pushes(store)} - known
            fill(yard.folder / "model", {"a.bin": noise(50_000, 2)})
            yard.push("m:1.1")
            assert set(settled(store)) == {"1.0", "1.1", "1.2"}
    assert number > published > healed > 0


def killed_before(number: int, server: HostileS3, worker: Hand, yard: Yard) -> bool:
    """Kill a push of m:1.1 when its request of that number has come, which then has no effect.

    Returns:
        False where it ends before.
    """
    turns, reached, dead = count(1), Event(), Event()

    def act(_request: Request, _honest: Answer) -> Reply:
        reached.set()
        dead.wait(LONG_S)
        return Reply(503)

    server.behaves()
    server.acts(act, lambda _: next(turns) == number)
    worker.tell(yard.folder, "push", "m:1.1", "--json")
    while not reached.wait(0.01) and worker.busy(0):
        pass
    worker.kill()
    dead.set()
    server.behaves()
    return reached.is_set()


def litter(name: str, version: str, yard: Yard, store: WritableStore) -> None:
    """Leave the blobs of a version in a store, as one who was killed while it pushed it."""
    twin = f"memory://{uuid4().hex}"
    yard.push(f"{name}:{version}", to=twin)
    objects = open_store(Location(twin), yard.folder).objects
    for found in objects.entries(f"v2/{name}/blobs/").objects:
        store.objects.put(found.key, found.size, objects.read(found.key, 0, found.size), BLOB)


class Turns:
    """A command that is run again and again, and never fails.

    Attributes:
        told: what each run has said.
    """

    def __init__(self, worker: Hand, yard: Yard) -> None:
        self.told: list[dict[str, Any]] = []
        self._worker, self._yard, self._running = worker, yard, False

    def busy(self) -> bool:
        """Whether it runs now."""
        return self._running and self._worker.busy(0.01)

    def begin(self, *words: str) -> None:
        """Run it, after its last end."""
        self.end()
        self._worker.tell(self._yard.folder, *words, "--json")
        self._running = True

    def end(self) -> None:
        """Wait for its end."""
        if self._running:
            done = self._worker.hear()
            assert done.status == 0, done
            self.told.append(done.document)
            self._running = False


def race(name: str, yard: Yard, turns: Sequence[Turns], luck: random.Random) -> None:
    """Push two versions of a model, and remove and pull as long as that goes on."""
    first, second, remover, puller = turns
    remove = ("gc", name, "--delete", "--older-than", "0")
    remover.begin(*remove)
    for pusher, version in ((first, "1.0"), (second, "1.1")):
        time.sleep(luck.uniform(0, 0.1))
        pusher.begin("push", f"{name}:{version}")
    while first.busy() or second.busy():
        if not remover.busy():
            remover.begin(*remove)
        if not puller.busy():
            puller.end()
            shutil.rmtree(yard.cache, ignore_errors=True)
            puller.begin("pull", name, "--into", f"pulled/{name}")
    for each in turns:
        each.end()


def test_removing_beside_pushes_and_pulls_loses_no_blob_that_a_version_needs(
    moto: Moto, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two push what a killed writer has left the blobs of, while others remove these, and pull."""
    yard = project(tmp_path / "project", s3(moto.new_bucket(f"models-{uuid4().hex[:12]}"), monkeypatch))
    store, luck = opened(yard.folder), random.Random(counts.SEED)
    names = [f"m{number}" for number in range(max(counts.GC_ROUNDS // 2, 2))]
    for seed, name in enumerate(names):
        fill(yard.folder / name, {"0.bin": b"the first version"})
        yard.declare(name, name)
        yard.push(f"{name}:0.1")
        fill(yard.folder / name, {f"{n}.bin": noise(MIB + n, 100 * seed + n) for n in range(8)})
        litter(name, "1.0", yard, store)
    # moto's clock shows whole seconds: what is younger than one is never removed.
    while not all(Pruner(store, name).find(time.time() - 1, 0) for name in names):
        time.sleep(0.05)

    with hands(4) as workers:
        turns = [Turns(worker, yard) for worker in workers]
        for name in names:
            race(name, yard, turns, luck)
            assert set(settled(store, name)) == {"0.1", "1.0", "1.1"}
            assert wrong_blobs(store, name) == []
    assert sum(each["models"][0]["blobs"] for each in turns[2].told), "nothing was removed beside a push"
    assert turns[3].told
