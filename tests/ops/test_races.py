"""Many writers and readers at once, each a process of its own."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from lading import api
from lading.stores.directory import DirectoryStore
from tests.cargo import fill, noise
from tests.wharf import settled, whole
from tests.yard import LONG_S, Yard, damaged, drafts, files_of

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from pathlib import Path

WRITERS = 20
MIB = 1024 * 1024


def shared(yard: Yard, contents: Sequence[bytes]) -> list[Yard]:
    """A project for each of ``contents``, all on the store of ``yard``."""
    made = []
    for number, content in enumerate(contents):
        folder = yard.folder / f"writer-{number}"
        fill(folder, {"model/model.bin": content, "model/config.bin": b"all have this one"})
        each = Yard(folder)
        each.settings(f'store = "file://{yard.store}"')
        each.declare("m", "model")
        made.append(each)
    return made


def outcomes(running: Sequence[subprocess.Popen[str]]) -> list[tuple[int, dict[str, Any]]]:
    ends = [(process.communicate(timeout=LONG_S)[0], process.returncode) for process in running]
    return [(status, json.loads(out)) for out, status in ends]


def versions_in(yard: Yard) -> set[str]:
    folder = yard.store / "v2" / "m" / "manifests"
    return {path.name for path in folder.iterdir() if not path.name.startswith("sha256:")}


def test_of_twenty_writers_with_different_content_one_wins_and_the_others_are_told_who(yard: Yard) -> None:
    writers = shared(yard, [noise(200_000, number) for number in range(WRITERS)])
    ended = outcomes([each.start("push", "m:1.0", "--json") for each in writers])

    assert sorted(status for status, _ in ended) == [0] + [6] * (WRITERS - 1)
    (winner,) = [document for status, document in ended if status == 0]
    for status, document in ended:
        if status == 6:
            assert document["error"]["code"] == "version-taken"
            assert winner["digest"] in document["error"]["message"]
            assert "lading push m:" in document["error"]["hint"]

    assert yard.run("verify", "m:1.0").status == 0
    assert api.show("m:1.0", project=yard.folder).digest
    assert versions_in(yard) == {"1.0"}
    (event,) = api.history("m", project=yard.folder)
    assert str(event.digest) == winner["digest"]
    settled(DirectoryStore("file://.lading/store", yard.store))
    assert drafts(yard.folder) == []
    assert damaged(yard.blobs()) == []


def test_twenty_writers_with_the_same_content_all_succeed(yard: Yard) -> None:
    writers = shared(yard, [noise(200_000)] * WRITERS)
    ended = outcomes([each.start("push", "m:1.0", "--json") for each in writers])

    assert [status for status, _ in ended] == [0] * WRITERS
    assert len({document["digest"] for _, document in ended}) == 1
    assert yard.run("verify", "m:1.0").status == 0
    assert drafts(yard.folder) == []
    assert [event.version for event in api.history("m", project=yard.folder)] == ["1.0"]
    settled(DirectoryStore("file://.lading/store", yard.store))


def test_twenty_writers_of_twenty_versions_are_all_there_and_all_said_once(yard: Yard) -> None:
    versions = [f"1.{number}" for number in range(WRITERS)]
    writers = shared(yard, [noise(200_000, number) for number in range(WRITERS)])
    pairs = zip(writers, versions, strict=True)
    ended = outcomes([each.start("push", f"m:{version}", "--json") for each, version in pairs])

    assert [status for status, _ in ended] == [0] * WRITERS
    store = DirectoryStore("file://.lading/store", yard.store)
    assert whole(store) == set(versions)
    events = api.history("m", project=yard.folder)
    assert [event.seq for event in events] == [*range(1, WRITERS + 1)]
    digests = {document["version"]: document["digest"] for _, document in ended}
    assert {event.version: str(event.digest) for event in events} == digests
    settled(store)
    assert drafts(yard.folder) == []


@pytest.mark.parametrize("readers", [2, 16])
def test_readers_share_one_cache_and_one_place(yard: Yard, readers: int) -> None:
    files = {f"{number:02}.bin": noise(50_000, number) for number in range(20)} | {"big.bin": noise(5 * MIB)}
    folder = yard.model(files)
    (pushed,) = yard.push("m:1.0")
    yard.forget("model")

    ended = outcomes([yard.start("pull", "m:1.0", "--json") for _ in range(readers)])
    assert [status for status, _ in ended] == [0] * readers
    assert {document["models"][0]["digest"] for _, document in ended} == {pushed.digest}
    assert files_of(folder) == files
    assert drafts(yard.folder, yard.cache) == []
    assert list((yard.cache / "partial").iterdir()) == []
    assert damaged(path for path in (yard.cache / "files").rglob("*") if path.is_file()) == []
    assert not (yard.cache / "replaced").exists(), "what another reader placed is no stranger's file"


@pytest.mark.parametrize("readers", [2, 16])
def test_readers_with_places_of_their_own_share_one_cache(yard: Yard, tmp_path: Path, readers: int) -> None:
    files = {"big.bin": noise(5 * MIB), "small.bin": noise(50_000)}
    yard.model(files)
    yard.push("m:1.0")
    shutil.rmtree(yard.cache, ignore_errors=True)
    places = [tmp_path / f"place-{number}" for number in range(readers)]
    ended = outcomes([yard.start("pull", "m:1.0", "--json", "--into", str(place)) for place in places])
    assert [status for status, _ in ended] == [0] * readers
    assert [files_of(place) == files for place in places] == [True] * readers
    assert list((yard.cache / "partial").iterdir()) == []


def test_a_reader_takes_up_what_another_one_has_begun_and_finishes_meanwhile(yard: Yard) -> None:
    """Blocks of a partial file vanish under a reader that has seen them, when another gives it its name."""
    files = {"big.bin": noise(6 * MIB), "other.bin": noise(6 * MIB, 2)}
    yard.model(files)
    yard.push("m:1.0")
    yard.forget("model")
    for _ in range(2):
        shutil.rmtree(yard.cache, ignore_errors=True)
        running = [yard.start("pull", "m:1.0", "--json") for _ in range(4)]
        assert [status for status, _ in outcomes(running)] == [0] * 4
        shutil.rmtree(yard.folder / "model")
