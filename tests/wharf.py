"""Pushes without a project: on any store, by any clock, with others acting in between."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from lading.core.bill import Metadata
from lading.core.digest import Digest
from lading.core.ports import Silence
from lading.ops.ledger import Author, history
from lading.ops.metadata import Description
from lading.ops.pack import Shape
from lading.ops.push import Pushed, Release, push
from lading.ops.verify import verify_version
from lading.ops.version import open_version
from lading.plumbing.tree import collect
from lading.stores.directory import DirectoryStore
from lading.stores.layout import LaidOut
from lading.stores.memory import Memory, MemoryStore
from tests.cargo import fill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from lading.core.objects import Entries, Found, Kind, WritableObjects
    from lading.core.ports import Progress, WritableStore

MORNING = 1795248000.0
"""2026-11-21T08:00:00Z."""
PLAIN = Shape()


@dataclass
class Ticker:
    """A clock that stands still but for sleeping, which takes no time; others act meanwhile."""

    seconds: float = 0.0
    asleep: Callable[[], None] = lambda: None

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.asleep()


@dataclass
class Wharf:
    """Where one writer pushes from."""

    store: WritableStore
    folder: Path
    clock: Ticker = field(default_factory=Ticker)
    author: Author = field(default_factory=lambda: Author("ada", lambda: MORNING))
    hear: Progress = field(default_factory=Silence)

    def push(
        self,
        version: str,
        content: bytes = b"a",
        *,
        name: str = "m",
        shape: Shape = PLAIN,
        repair: bool = False,
    ) -> Pushed:
        fill(self.folder, {"a.bin": content})
        release = Release(name, version, collect(self.folder), Description(Metadata()), shape, repair)
        return push(release, self.store, self.hear, self.clock, self.author)


class Busy(Memory):
    """Memory in which somebody may act just before any step of another."""

    def __init__(self) -> None:
        super().__init__("memory://busy")
        self.before: Callable[[str, str], None] = lambda *_: None
        self.weak = False

    def strong(self) -> bool:
        return not self.weak

    def head(self, key: str) -> Found | None:
        self.before("head", key)
        return super().head(key)

    def get(self, key: str, limit: int) -> bytes | None:
        self.before("get", key)
        return super().get(key, limit)

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        self.before("read", key)
        return super().read(key, start, end)

    def entries(self, folder: str, after: str = "") -> Entries:
        self.before("entries", folder)
        return super().entries(folder, after)

    def create(self, key: str, raw: bytes, kind: Kind) -> bool:
        self.before("create", key)
        return super().create(key, raw, kind)

    def replace(self, key: str, raw: bytes, kind: Kind) -> None:
        self.before("replace", key)
        super().replace(key, raw, kind)

    def put(self, key: str, size: int, chunks: Iterable[bytes], kind: Kind) -> None:
        self.before("put", key)
        super().put(key, size, chunks, kind)

    def delete(self, key: str) -> None:
        self.before("delete", key)
        super().delete(key)

    def once(self, step: str, ending: str, act: Callable[[], object]) -> None:
        """Let ``act`` happen once, before the first ``step`` on a key that ends so."""

        def before(taken: str, key: str) -> None:
            if taken == step and key.endswith(ending):
                self.before = lambda *_: None
                act()

        self.before = before


class Shelf(LaidOut):
    """A store over objects of any kind."""


def keys(objects: WritableObjects, folder: str = "") -> set[str]:
    """Every key below a folder."""
    found = objects.entries(folder)
    below = (keys(objects, f"{folder}{part}/") for part in found.folders)
    return {each.key for each in found.objects}.union(*below)


def blobs(objects: WritableObjects, name: str = "m") -> set[str]:
    """The digests of the blobs of a model."""
    return {key.rpartition("/")[2] for key in keys(objects, f"v2/{name}/blobs/")}


def litter(store: WritableStore, *contents: bytes, name: str = "m") -> set[str]:
    """Put blobs that no manifest names."""
    for content in contents:
        store.put_blob(name, Digest.of(content), len(content), [content])
    return {str(Digest.of(content)) for content in contents}


def whole(store: WritableStore, name: str = "m") -> set[str]:
    """The versions of a model, after every byte of every one was read and proven."""
    versions = set(store.versions(name))
    for version in versions:
        verified = verify_version(open_version(store, name, version), "none")
        assert verified.ok, (version, verified.problems)
    return versions


def dangling(store: WritableStore, name: str = "m") -> set[str]:
    """The blobs that some manifest of a model names, as its config or as a layer, and that are not there."""
    named: set[str] = set()
    for part in ("manifests", "referrers"):
        for key in keys(store.objects, f"v2/{name}/{part}/"):
            manifest = document(store.objects, key)
            descriptors = [manifest["config"], *manifest["layers"]] if "config" in manifest else []
            named.update(each["digest"] for each in descriptors)
    return named - blobs(store.objects, name)


def said(store: WritableStore, name: str = "m") -> list[tuple[int, str, str | None, bool]]:
    """The proven events of a model: number, actor, version, whether it was healed."""
    return [
        (each.seq, each.actor, each.version, each.context.get("healed") is True)
        for each in history(store.objects, name)
    ]


def document(objects: WritableObjects, key: str) -> Mapping[str, Any]:
    """A JSON object."""
    raw = objects.get(key, 1 << 22)
    assert raw is not None, key
    loaded = json.loads(raw)
    assert isinstance(loaded, dict)
    return loaded


def settled(store: WritableStore, name: str = "m") -> None:
    """The projections show the truth."""
    events = history(store.objects, name)
    assert document(store.objects, f"ledger/{name}/head.json") == {
        "lading": 1,
        "seq": len(events),
        "digest": str(events[-1].sha256),
    }
    listed = document(store.objects, f"v2/{name}/tags/list")
    assert (listed["name"], sorted(listed["tags"])) == (name, sorted(store.versions(name)))


def directory(folder: Path) -> Wharf:
    """A directory store and who pushes to it."""
    root = folder / "store"
    return Wharf(DirectoryStore(f"file://{root}", root), folder / "model")


def memory(folder: Path) -> Wharf:
    """A store in memory and who pushes to it."""
    return Wharf(MemoryStore(), folder / "model")


@pytest.fixture(params=[directory, memory], ids=["file", "memory"])
def wharf(request: pytest.FixtureRequest, tmp_path: Path) -> Wharf:
    """A store of each kind that may hold a ledger, empty."""
    made = request.param(tmp_path)
    assert isinstance(made, Wharf)
    return made


@pytest.fixture
def busy(tmp_path: Path) -> tuple[Wharf, Busy]:
    """A store in memory in which somebody may act in between."""
    objects = Busy()
    return Wharf(Shelf(objects), tmp_path / "model"), objects
