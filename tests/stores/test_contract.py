"""What every store must do, as ``lading.core.ports`` says it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from lading.core.digest import Digest
from lading.core.errors import IntegrityError, NotFoundError
from lading.stores.schemes import SCHEMES
from tests.cargo import digest, noise
from tests.stores.contract import CASES, KINDS, PARAMS, StoreCase, get, in_pieces, put

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lading.core.ports import WritableStore

CONTENT = noise(5000)
BIG = noise(3 * 1024 * 1024 + 17)


@pytest.fixture(params=PARAMS)
def case(request: pytest.FixtureRequest) -> StoreCase:
    found: StoreCase = request.param
    return found


@pytest.fixture
def store(case: StoreCase, request: pytest.FixtureRequest, tmp_path: Path) -> WritableStore:
    return case.make(request, tmp_path)


def test_every_scheme_of_the_table_is_held_to_the_contract() -> None:
    assert {case.scheme for case in CASES} == SCHEMES.keys() - {"https"}  # which is http with a certificate


def test_every_kind_of_store_is_held_to_the_contract(case: StoreCase, store: WritableStore) -> None:
    assert type(store) in KINDS
    assert store.url.startswith(f"{case.scheme}://")


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (0, 5000),
        (0, 1),
        (0, 999),
        (1, 2),
        (2500, 2501),
        (999, 3001),
        (4999, 5000),
        (0, 0),
        (77, 77),
        (5000, 5000),
    ],
)
def test_any_range_of_a_blob_is_read(store: WritableStore, start: int, end: int) -> None:
    blob = put(store, "acme/m", CONTENT)
    assert get(store, "acme/m", blob, start, end) == CONTENT[start:end]


@pytest.mark.parametrize(
    ("start", "end"), [(0, 3145745), (1, 3145744), (1048575, 1048577), (1048576, 2097152), (3145744, 3145745)]
)
def test_any_range_of_a_blob_of_several_reads_is_read(store: WritableStore, start: int, end: int) -> None:
    blob = put(store, "m", BIG)
    assert get(store, "m", blob, start, end) == BIG[start:end]


def test_a_blob_is_read_in_pieces_and_not_whole(store: WritableStore) -> None:
    blob = put(store, "m", BIG)
    assert max(len(piece) for piece in store.read("m", blob, 0, len(BIG))) <= 1024 * 1024


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"\r\n\x1a\xff", "\u00e4".encode("utf-16")])
def test_a_blob_holds_any_bytes(store: WritableStore, content: bytes) -> None:
    blob = put(store, "m", content)
    assert store.blob_size("m", blob) == len(content)
    assert get(store, "m", blob, 0, len(content)) == content


def test_a_blob_that_is_not_there_has_no_size(store: WritableStore) -> None:
    assert store.blob_size("m", digest("missing")) is None
    put(store, "m", CONTENT)
    assert store.blob_size("m", digest("missing")) is None


def test_a_blob_belongs_to_one_model(store: WritableStore) -> None:
    blob = put(store, "acme/m", CONTENT)
    assert store.blob_size("acme/m", blob) == 5000
    assert [store.blob_size(name, blob) for name in ("acme", "m", "acme/m/n", "other")] == [None] * 4


@pytest.mark.parametrize(("start", "end"), [(0, 5001), (4000, 9000), (5000, 5001), (6000, 6001)])
def test_a_blob_that_ends_too_soon_is_told_while_it_is_read(
    store: WritableStore, start: int, end: int
) -> None:
    blob = put(store, "m", CONTENT)
    got: list[bytes] = []
    with pytest.raises(IntegrityError) as caught:
        got.extend(store.read("m", blob, start, end))
    assert b"".join(got) == CONTENT[start:]
    assert caught.value.code == "truncated-blob"
    assert store.url in caught.value.message
    assert str(blob) in caught.value.message


def test_a_missing_blob_names_itself_its_model_and_the_store(store: WritableStore) -> None:
    missing = digest("missing")
    with pytest.raises(NotFoundError) as caught:
        list(store.read("acme/m", missing, 0, 1))
    assert caught.value.code == "no-blob"
    assert caught.value.message == f"{store.url} lacks the blob {missing} of acme/m"
    assert "lading push --repair" in caught.value.hint


def test_putting_a_blob_again_is_a_success(store: WritableStore) -> None:
    blob = put(store, "m", CONTENT)
    assert put(store, "m", CONTENT) == blob
    assert get(store, "m", blob, 0, 5000) == CONTENT


@pytest.mark.parametrize(
    ("announced", "size"),
    [
        (Digest.of(b"other"), 5000),
        (Digest.of(CONTENT), 4999),
        (Digest.of(CONTENT), 5001),
        (Digest.of(b""), 0),
    ],
)
def test_bytes_that_are_not_those_announced_leave_nothing_behind(
    store: WritableStore, announced: Digest, size: int
) -> None:
    with pytest.raises(IntegrityError) as caught:
        store.put_blob("m", announced, size, in_pieces(CONTENT))
    assert caught.value.code == "changed-while-read"
    assert f"expected {size} bytes with {announced}" in caught.value.message
    assert f"got 5000 with {Digest.of(CONTENT)}" in caught.value.message
    assert [store.blob_size("m", each) for each in (announced, Digest.of(CONTENT))] == [None, None]


def test_bytes_that_are_not_those_announced_do_not_harm_a_blob_that_is_there(store: WritableStore) -> None:
    blob = put(store, "m", CONTENT)
    with pytest.raises(IntegrityError):
        store.put_blob("m", blob, 5000, in_pieces(CONTENT[::-1]))
    assert get(store, "m", blob, 0, 5000) == CONTENT


def test_a_source_that_breaks_leaves_nothing_behind(store: WritableStore) -> None:
    def breaking() -> Iterator[bytes]:
        yield CONTENT[:1000]
        raise ZeroDivisionError

    blob = Digest.of(CONTENT)
    with pytest.raises(ZeroDivisionError):
        store.put_blob("m", blob, 5000, breaking())
    assert store.blob_size("m", blob) is None


def test_the_same_blob_put_by_many_at_once_is_there(store: WritableStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        blobs = list(pool.map(lambda _: put(store, "m", CONTENT), range(16)))
    assert set(blobs) == {Digest.of(CONTENT)}
    assert get(store, "m", blobs[0], 0, 5000) == CONTENT


@pytest.mark.parametrize("reference", ["1.0", f"sha256:{'a' * 64}", "production"])
def test_a_manifest_is_created_once_and_never_replaced(store: WritableStore, reference: str) -> None:
    assert store.create_manifest("acme/m", reference, b"one") is True
    assert store.create_manifest("acme/m", reference, b"two") is False
    assert store.create_manifest("acme/m", reference, b"one") is True
    assert store.manifest("acme/m", reference) == b"one"


def test_one_of_sixteen_writers_of_a_version_wins_and_the_others_hear_of_it(store: WritableStore) -> None:
    barrier = Barrier(16)

    def create(number: int) -> bool:
        barrier.wait(10)
        return store.create_manifest("m", "1.0", f"manifest {number}".encode())

    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(create, range(16)))
    winners = [f"manifest {number}".encode() for number, one in enumerate(won) if one]
    assert store.manifest("m", "1.0") in winners
    assert len(winners) == 1 or not store.objects.strong()


def test_versions_can_be_listed_while_others_write(store: WritableStore) -> None:
    def create(number: int) -> bool:
        return store.create_manifest("m", f"1.{number}", b"x")

    with ThreadPoolExecutor(4) as pool:
        created = pool.map(create, range(200))
        seen = [len(store.versions("m")) for _ in range(200)]
        assert all(created)
    assert seen == sorted(seen)
    assert sorted(store.versions("m")) == sorted(f"1.{number}" for number in range(200))


def test_a_missing_version_is_told_which_versions_there_are(store: WritableStore) -> None:
    store.create_manifest("acme/m", "1.0", b"x")
    store.create_manifest("acme/m", "1.1", b"x")
    with pytest.raises(NotFoundError) as caught:
        store.manifest("acme/m", "2.0")
    assert caught.value.code == "no-version"
    assert caught.value.message == f"{store.url} has no acme/m:2.0; it has 1.0, 1.1"
    assert caught.value.hint == "lading list acme/m"


def test_a_missing_model_is_told_so(store: WritableStore) -> None:
    store.create_manifest("other", "1.0", b"x")
    with pytest.raises(NotFoundError) as caught:
        store.manifest("acme/m", "2.0")
    assert caught.value.code == "no-version"
    assert caught.value.message == f"{store.url} has no acme/m:2.0; it has no model 'acme/m'"


def test_a_missing_digest_is_named(store: WritableStore) -> None:
    store.create_manifest("m", "1.0", b"x")
    missing = digest("missing")
    with pytest.raises(NotFoundError) as caught:
        store.manifest("m", str(missing))
    assert caught.value.message == f"{store.url} has no {missing}; it has 1.0"


def test_versions_are_listed_without_digests_stages_and_referrers(store: WritableStore) -> None:
    for reference in ("1.0", "V2", "3", f"sha256:{'a' * 64}", f"sha256-{'a' * 64}", "production"):
        store.create_manifest("m", reference, b"x")
    assert sorted(store.versions("m")) == ["1.0", "3", "V2"]


def test_no_model_has_no_versions(store: WritableStore) -> None:
    assert store.versions("m") == []
    assert store.names() == []


def test_models_below_models_are_told_apart(store: WritableStore) -> None:
    for name, version in (("a", "1"), ("a/b", "2"), ("a/b/c", "3"), ("ab", "4")):
        put(store, name, CONTENT)
        store.create_manifest(name, version, b"x")
    assert store.names() == ["a", "a/b", "a/b/c", "ab"]
    assert [store.versions(name) for name in ("a", "a/b", "a/b/c", "ab", "b")] == [
        ["1"],
        ["2"],
        ["3"],
        ["4"],
        [],
    ]


def test_a_model_without_a_version_is_not_listed(store: WritableStore) -> None:
    put(store, "blob-only", CONTENT)
    store.create_manifest("digest-only", f"sha256:{'a' * 64}", b"x")
    store.create_manifest("referrers-only", f"sha256-{'a' * 64}", b"x")
    store.create_manifest("stage-only", "production", b"x")
    store.create_manifest("m", "1", b"x")
    assert store.names() == ["m"]


def test_a_manifest_of_four_mib_is_kept_whole(store: WritableStore) -> None:
    raw = noise(4 * 1024 * 1024)
    assert store.create_manifest("m", "1", raw) is True
    assert store.manifest("m", "1") == raw
