"""Many writers of one bucket at once, each a process of its own."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from itertools import count
from threading import Barrier, Event, Lock
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.cargo import fill, noise
from tests.hands import (
    IN_PARTS,
    Hand,
    at_once,
    document,
    hands,
    opened,
    pushes,
    s3,
    settled,
    whole,
    wrong_blobs,
)
from tests.servers.dialect import problem
from tests.servers.gcs import GcsServer
from tests.servers.hostile import commits
from tests.servers.s3 import Moto
from tests.servers.wire import writes
from tests.yard import LONG_S, Yard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.servers.hostile import HostileS3
    from tests.servers.wire import Answer, Reply, Request

WRITERS = 20


@pytest.fixture(scope="module")
def workers() -> Iterator[list[Hand]]:
    with hands(WRITERS) as made:
        yield made


@pytest.fixture(params=["moto", "gcs"])
def url(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An empty bucket that the environment leads to."""
    server, name = request.getfixturevalue(request.param), f"models-{uuid4().hex[:12]}"
    if isinstance(server, GcsServer):
        account = server.new_bucket(tmp_path, name).service_account
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account))
        return f"gs://{name}/prefix"
    assert isinstance(server, Moto)
    return s3(server.new_bucket(name), monkeypatch)


def projects(folder: Path, url: str, contents: Sequence[bytes]) -> list[Path]:
    """A project for each of ``contents``, all on one store."""
    made = []
    for number, content in enumerate(contents):
        each = Yard(folder / f"writer-{number}")
        fill(each.folder, {"model/model.bin": content, "model/config.bin": b"all have this one"})
        each.settings(f'store = "{url}"')
        each.declare("m", "model")
        made.append(each.folder)
    return made


def test_of_twenty_writers_with_different_content_one_wins_and_the_others_are_told_who(
    url: str, workers: list[Hand], tmp_path: Path
) -> None:
    folders = projects(tmp_path, url, [noise(200_000, number) for number in range(WRITERS)])
    ended = at_once(workers, folders, [("push", "m:1.0", "--json")] * WRITERS)

    assert sorted(each.status for each in ended) == [0] + [6] * (WRITERS - 1)
    (winner,) = [each.document for each in ended if each.status == 0]
    for each in ended:
        if each.status == 6:
            assert each.document["error"]["code"] == "version-taken"
            assert winner["digest"] in each.document["error"]["message"]
            assert "lading push m:" in each.document["error"]["hint"]

    store = opened(folders[0])
    assert settled(store) == {"1.0": winner["digest"]}
    assert wrong_blobs(store) == []


def test_twenty_writers_with_the_same_content_all_succeed_and_the_ledger_says_it_once(
    url: str, workers: list[Hand], tmp_path: Path
) -> None:
    folders = projects(tmp_path, url, [noise(200_000)] * WRITERS)
    ended = at_once(workers, folders, [("push", "m:1.0", "--json")] * WRITERS)

    assert [each.status for each in ended] == [0] * WRITERS
    (digest,) = {each.document["digest"] for each in ended}
    assert settled(opened(folders[0])) == {"1.0": digest}


def test_twenty_writers_of_twenty_versions_are_all_in_the_ledger_and_in_the_list_of_tags(
    url: str, workers: list[Hand], tmp_path: Path
) -> None:
    folders = projects(tmp_path, url, [noise(100_000, number) for number in range(WRITERS)])
    ended = at_once(workers, folders, [("push", f"m:1.{n}", "--json") for n in range(WRITERS)])

    assert [each.status for each in ended] == [0] * WRITERS, [each.out + each.err for each in ended]
    store = opened(folders[0])
    assert settled(store) == {each.document["version"]: each.document["digest"] for each in ended}
    assert len(pushes(store)) == WRITERS


def test_writers_of_ten_versions_agree_where_an_object_may_be_written_once_a_second(
    gcs: GcsServer, workers: list[Hand], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """So it is in Google Cloud Storage (documentation, "Quotas and limits"): else it answers 429."""
    account = gcs.new_bucket(tmp_path).service_account
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account))
    written: dict[str, float] = {}
    guard, refused = Lock(), count()

    def act(request: Request, honest: Answer) -> Reply:
        with guard:
            now = time.monotonic()
            if now - written.get(request.path, -1) < 1:
                next(refused)
                return problem(429, "SlowDown", "The object exceeded the rate limit for mutations.")
            reply = honest(request)
            if reply.status == 200:
                written[request.path] = now
            return reply

    gcs.acts(act, lambda request: writes(request) and "x-goog-if-generation-match" not in request.headers)
    folders = projects(tmp_path, "gs://models/prefix", [noise(50_000, number) for number in range(10)])
    ended = at_once(workers, folders, [("push", f"m:1.{n}", "--json") for n in range(10)])

    assert [each.status for each in ended] == [0] * 10, [each.out + each.err for each in ended]
    assert next(refused), "nobody wrote one object twice in a second"
    assert settled(opened(folders[0])) == {
        each.document["version"]: each.document["digest"] for each in ended
    }


def test_writers_of_ten_versions_lose_nothing_where_every_second_answer_is_lost(
    hostile: HostileS3, workers: list[Hand], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The server commits, then answers 503: also to the end of an upload in parts, and to the probe."""
    url, turns = s3(hostile.new_bucket(), monkeypatch), count()
    hostile.commits_then_503(when=lambda request: commits(request) and next(turns) % 2 == 0)
    sizes = [100_000] * 9 + [IN_PARTS]
    folders = projects(tmp_path, url, [noise(size, number) for number, size in enumerate(sizes)])
    ended = at_once(workers, folders, [("push", f"m:1.{n}", "--json") for n in range(10)])

    assert [each.status for each in ended] == [0] * 10, [each.out + each.err for each in ended]
    hostile.behaves()
    store = opened(folders[0])
    assert settled(store) == {each.document["version"]: each.document["digest"] for each in ended}
    assert wrong_blobs(store) == []


def test_writers_of_one_version_are_judged_right_where_every_second_answer_is_lost(
    hostile: HostileS3, workers: list[Hand], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """That somebody was first, the client hears also of its own write, when it tries again."""
    url, turns = s3(hostile.new_bucket(), monkeypatch), count()
    hostile.commits_then_503(when=lambda request: commits(request) and next(turns) % 2 == 0)
    folders = projects(tmp_path, url, [noise(100_000, number) for number in range(10)])
    ended = at_once(workers, folders, [("push", "m:1.0", "--json")] * 10)

    assert sorted(each.status for each in ended) == [0] + [6] * 9, [each.out + each.err for each in ended]
    hostile.behaves()
    (winner,) = [each.document["digest"] for each in ended if each.status == 0]
    assert settled(opened(folders[0])) == {"1.0": winner}


def test_a_weak_bucket_holds_every_version_and_no_ledger_and_says_so(
    hostile: HostileS3, workers: list[Hand], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = s3(hostile.new_bucket(), monkeypatch)
    hostile.ignores_conditions()
    folders = projects(tmp_path, url, [noise(100_000, number) for number in range(10)])
    ended = at_once(workers, folders, [("push", f"m:1.{n}", "--json") for n in range(10)])

    assert [each.status for each in ended] == [0] * 10, [each.out + each.err for each in ended]
    assert [each.err.count(f"{url} is weak") for each in ended] == [1] * 10
    store = opened(folders[0])
    assert whole(store) == {each.document["version"]: each.document["digest"] for each in ended}
    assert document(store, "v2/m/tags/list")["tags"] == sorted(store.versions("m"))
    assert store.objects.entries("ledger/").folders == ()


def names_version(request: Request) -> bool:
    """The request after which a version is there."""
    return request.method == "PUT" and request.path.endswith("/v2/m/manifests/1.0")


def test_of_two_who_write_one_version_of_a_weak_bucket_at_once_the_one_that_is_replaced_is_told(
    hostile: HostileS3, workers: list[Hand], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Both look, both write, both wait a moment, and then each looks whose manifest stands."""
    url, together = s3(hostile.new_bucket(), monkeypatch), Barrier(2)

    def act(request: Request, honest: Answer) -> Reply:
        together.wait(LONG_S)
        return honest(replace(request, headers={}))

    hostile.acts(act, names_version)
    hostile.ignores_conditions()
    folders = projects(tmp_path, url, [noise(100_000, 1), noise(100_000, 2)])
    ended = at_once(workers, folders, [("push", "m:1.0", "--json")] * 2)

    assert sorted(each.status for each in ended) == [0, 6], [each.out + each.err for each in ended]
    (winner,) = [each.document["digest"] for each in ended if each.status == 0]
    (loser,) = [each.document["error"]["message"] for each in ended if each.status == 6]
    assert whole(opened(folders[0])) == {"1.0": winner}
    assert winner in loser


def test_a_write_that_takes_longer_than_the_wait_replaces_what_another_was_told_is_there(
    hostile: HostileS3, workers: list[Hand], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What nobody can prevent in a weak bucket, and why it is called weak in each push."""
    url, held, go = s3(hostile.new_bucket(), monkeypatch), Event(), Event()

    def act(request: Request, honest: Answer) -> Reply:
        held.set()
        go.wait(LONG_S)
        return honest(replace(request, headers={}))

    hostile.acts(act, names_version, times=1)
    hostile.ignores_conditions()
    folders = projects(tmp_path, url, [noise(100_000, 1), noise(100_000, 2)])
    late, early = workers[:2]
    late.tell(folders[0], "push", "m:1.0", "--json")
    assert held.wait(LONG_S)
    early.tell(folders[1], "push", "m:1.0", "--json")
    ended = [early.hear()]
    go.set()
    ended.append(late.hear())

    assert [each.status for each in ended] == [0, 0]
    assert whole(opened(folders[0])) == {"1.0": ended[1].document["digest"]}
    assert all("may both succeed" in each.err for each in ended)


def test_pushing_the_same_again_asks_a_bucket_little(
    hostile: HostileS3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (folder,) = projects(tmp_path, s3(hostile.new_bucket(), monkeypatch), [noise(1_100_000)])
    Yard(folder).push("m:1.0")
    hostile.behaves()
    Yard(folder).push("m:1.0")
    asked = [
        "LIST"
        if "list-type" in each.query
        else f"{each.method} {each.path.rpartition('/')[2].partition(':')[0]}"
        for each in hostile.requests
    ]
    assert Counter(asked) == {
        "LIST": 2,  # the versions, the events
        "GET 1.0": 2,
        "GET sha256": 2,  # the config, the bill
        "HEAD sha256": 4,
        "PUT .lading-probe": 1,
        "GET 00000001.json": 1,
        "GET list": 1,
        "GET head.json": 1,
    }
