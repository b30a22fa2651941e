"""Stores in buckets that fail, lie and lose answers: what is created once, replaced, and shown when."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

from lading.core import layout
from lading.core.digest import Digest
from lading.core.errors import IntegrityError, LadingError, NotFoundError, UnavailableError
from lading.core.image import INDEX_TYPE, MANIFEST_TYPE
from lading.core.location import Location
from lading.core.objects import PROBE_KEY, Kind
from lading.plumbing.http import Http
from lading.plumbing.patience import Patience
from lading.plumbing.sigv4 import Keys
from lading.stores.blame import Place, answered
from lading.stores.bucket import Bucket, BucketStore, open_store
from lading.stores.s3read import Bucket as Where
from lading.stores.s3read import S3Reader, Signed, Signer
from lading.stores.s3write import S3Writer
from lading.stores.writer import PART_BYTES, part_bytes
from tests.cargo import noise
from tests.servers.access import secret
from tests.servers.hostile import commits
from tests.servers.wire import Reply, writes
from tests.stores.contract import in_pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.servers.dialect import BucketServer
    from tests.servers.gcs import GcsServer
    from tests.servers.hostile import HostileS3
    from tests.servers.wire import Answer, Request

KEY: Final = "v2/m/manifests/1.0"
PLAIN: Final = Kind("text/plain")
BIG: Final = noise(1024 * 1024) * 17 + b"the end"
MIB: Final = 1024 * 1024


def signed(server: HostileS3, endpoint: str = "") -> Bucket:
    """A bucket that lading signs its requests to; it waits for nothing."""
    made = server.new_bucket()
    place = Place("s3", "s3://models", made.bucket, endpoint or made.endpoint, made.region, "KEYS_*")
    where = Where(made.bucket, made.region, "", endpoint or made.endpoint)
    http, signer = Http({}), Signer(lambda: Keys(made.key_id, made.secret, secret("token")))
    patience = Patience(pause=lambda _: None, tries=5)
    explain = partial(answered, place)
    reader = S3Reader(Signed(http, where, signer), explain=explain, patience=patience)
    writer = S3Writer(Signed(http, where, signer), explain=explain, patience=patience)
    return Bucket("s3://models", reader, writer, pause=lambda _: None)


def by_role(server: HostileS3, folder: Path, environ: pytest.MonkeyPatch) -> Bucket:
    """The same bucket as a container's role may use it: through obstore."""
    token = folder / "token"
    token.write_text("anybody")
    said = {"AccessKeyId": "ROLE", "SecretAccessKey": secret("role"), "Token": secret("role-token")}
    body = json.dumps({**said, "Expiration": "2099-01-01T00:00:00Z"}).encode()
    server.acts(
        lambda *_: Reply(200, {"Content-Type": "application/json"}, body), lambda asked: asked.path == "/role"
    )
    environ.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{server.url}/role")
    environ.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(token))
    made = server.new_bucket()
    store = open_store(Location("s3://models", made.endpoint, made.region, environ={}), folder)
    store.objects = replace(opened(store), pause=lambda _: None)
    return opened(store)


def opened(store: BucketStore) -> Bucket:
    assert isinstance(store.objects, Bucket)
    return store.objects


@pytest.fixture(params=["signed", "role"])
def bucket(
    request: pytest.FixtureRequest, hostile: HostileS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Bucket:
    """A bucket on ``hostile``, found to be a strong one."""
    made = signed(hostile) if request.param == "signed" else by_role(hostile, tmp_path, monkeypatch)
    assert made.strong()
    return made


def held(server: BucketServer, key: str = KEY) -> bytes | None:
    """What a server holds."""
    blob = server.buckets.held["models"].get(key)
    return None if blob is None else blob.data


def puts(server: BucketServer) -> list[tuple[str, str]]:
    """The keys that were written, and the condition of each."""
    return [
        (asked.path.removeprefix("/models/"), asked.headers.get("if-none-match", ""))
        for asked in server.requests
        if writes(asked)
    ]


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(LadingError) as caught:
        act()
    return caught.value.code


# Whether a bucket keeps its promise.


def test_an_empty_bucket_is_found_strong_by_two_requests(hostile: HostileS3) -> None:
    assert signed(hostile).strong()
    assert puts(hostile) == [(PROBE_KEY, "*")] * 2


def test_a_bucket_is_asked_once_and_with_one_request_where_it_was_asked_before(hostile: HostileS3) -> None:
    signed(hostile).strong()
    hostile.behaves()
    again = signed(hostile)
    assert [again.strong(), again.strong()] == [True, True]
    again.create(KEY, b"one", PLAIN)
    assert puts(hostile) == [(PROBE_KEY, "*"), (KEY, "*")]


@pytest.mark.parametrize("lost", ["commits_then_503", "commits_then_cuts"])
def test_a_lost_answer_to_the_probe_does_not_make_a_strong_bucket_weak(hostile: HostileS3, lost: str) -> None:
    getattr(hostile, lost)(times=1)
    assert signed(hostile).strong()


def test_a_bucket_that_ignores_the_condition_is_weak(hostile: HostileS3) -> None:
    hostile.ignores_conditions()
    assert signed(hostile).strong() is False
    assert len(puts(hostile)) == 2


def test_a_bucket_that_does_not_know_the_condition_is_weak(hostile: HostileS3) -> None:
    hostile.fails(501, "NotImplemented", when=lambda asked: "if-none-match" in asked.headers)
    assert signed(hostile).strong() is False
    assert len(puts(hostile)) == 1


def test_a_role_that_meets_the_same_finds_the_same(
    hostile: HostileS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = by_role(hostile, tmp_path, monkeypatch)
    hostile.fails(501, "NotImplemented", when=lambda asked: "if-none-match" in asked.headers)
    assert made.strong() is False
    made = by_role(hostile, tmp_path, monkeypatch)
    hostile.ignores_conditions()
    assert made.strong() is False


def test_a_refused_checksum_is_said_and_is_no_weakness(
    hostile: HostileS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CHECKSUM_ALGORITHM", "sha256")
    hostile.refuses_checksums()
    assert code_of(partial(by_role(hostile, tmp_path, monkeypatch).strong)) == "checksum-refused"
    assert signed(hostile).strong()  # what we sign ourselves has no such header


def test_a_probe_that_is_refused_is_an_error_and_no_verdict(hostile: HostileS3) -> None:
    hostile.fails(403, "AccessDenied", times=1, when=writes)
    made = signed(hostile)
    assert code_of(partial(made.strong)) == "access-denied"
    assert made.strong()


# Creating.


def test_a_key_is_created_once(bucket: Bucket, hostile: HostileS3) -> None:
    assert bucket.create(KEY, b"one", PLAIN)
    assert bucket.create(KEY, b"one", PLAIN)
    assert not bucket.create(KEY, b"two", PLAIN)
    assert not bucket.create(KEY, b"on", PLAIN)  # what lies there only begins so
    assert held(hostile) == b"one"


@pytest.mark.parametrize("lost", ["commits_then_503", "commits_then_cuts"])
def test_a_creation_whose_answer_was_lost_is_a_success(bucket: Bucket, hostile: HostileS3, lost: str) -> None:
    getattr(hostile, lost)(times=1)
    assert bucket.create(KEY, b"one", PLAIN) is True
    assert held(hostile) == b"one"


@pytest.mark.parametrize("lost", ["commits_then_503", "commits_then_cuts"])
def test_a_creation_whose_every_answer_is_lost_is_a_success(
    bucket: Bucket, hostile: HostileS3, lost: str
) -> None:
    getattr(hostile, lost)(when=writes)
    assert bucket.create(KEY, b"one", PLAIN) is True


@pytest.mark.parametrize("lost", ["commits_then_503", "commits_then_cuts"])
def test_a_lost_answer_where_others_were_first_is_no_success(
    bucket: Bucket, hostile: HostileS3, lost: str
) -> None:
    bucket.create(KEY, b"theirs", PLAIN)
    getattr(hostile, lost)(times=1)
    assert bucket.create(KEY, b"ours", PLAIN) is False
    assert held(hostile) == b"theirs"


def test_a_conflict_with_another_writer_is_tried_again(bucket: Bucket, hostile: HostileS3) -> None:
    hostile.conflict_409(times=2)
    assert bucket.create(KEY, b"one", PLAIN) is True
    assert held(hostile) == b"one"


def test_a_conflict_that_another_writer_won_is_no_success(bucket: Bucket, hostile: HostileS3) -> None:
    def act(request: Request, honest: Answer) -> Reply:
        honest(replace(request, body=b"theirs"))
        return Reply(
            409, {"Content-Type": "application/xml"}, b"<Error><Code>OperationAborted</Code></Error>"
        )

    hostile.acts(act, writes, 1)
    assert bucket.create(KEY, b"ours", PLAIN) is False
    assert held(hostile) == b"theirs"


def test_a_conflict_that_does_not_end_is_an_error(hostile: HostileS3) -> None:
    made = signed(hostile)
    made.strong()
    hostile.behaves()
    hostile.conflict_409(times=None)
    assert code_of(partial(made.create, KEY, b"one", PLAIN)) == "store-failed"
    assert len(puts(hostile)) == 6
    assert held(hostile) is None


def test_a_creation_that_is_denied_is_an_error(bucket: Bucket, hostile: HostileS3) -> None:
    hostile.fails(403, "AccessDenied", when=writes)
    with pytest.raises(UnavailableError) as caught:
        bucket.create(KEY, b"one", PLAIN)
    assert caught.value.code == "access-denied"
    assert "s3:PutObject" in caught.value.hint


def test_who_may_neither_write_nor_read_hears_of_the_writing(bucket: Bucket, hostile: HostileS3) -> None:
    hostile.fails(403, "AccessDenied")
    with pytest.raises(UnavailableError) as caught:
        bucket.create(KEY, b"one", PLAIN)
    assert "s3:PutObject" in caught.value.hint
    assert caught.value.message.startswith("writing: ")


def test_a_creation_in_a_bucket_that_is_not_there(hostile: HostileS3) -> None:
    made = signed(hostile)
    del hostile.buckets.held["models"]
    with pytest.raises(NotFoundError) as caught:
        made.create(KEY, b"one", PLAIN)
    assert caught.value.code == "no-store"
    assert "--create-store" in caught.value.hint


def test_a_login_page_in_place_of_an_answer_is_no_success(bucket: Bucket, hostile: HostileS3) -> None:
    hostile.html(b"<html><title>Sign in</title></html>", when=lambda _: True)
    assert code_of(partial(bucket.create, KEY, b"one", PLAIN)) in {"login-page", "html-body"}
    assert code_of(partial(bucket.replace, KEY, b"one", PLAIN)) in {"login-page", "html-body"}
    assert held(hostile) is None


def test_a_weak_bucket_is_looked_at_before_and_after_each_creation(hostile: HostileS3) -> None:
    hostile.ignores_conditions()
    made, waited = signed(hostile), list[float]()
    made.pause = waited.append
    made.strong()
    hostile.requests.clear()
    assert made.create(KEY, b"one", PLAIN) is True
    assert [asked.method for asked in hostile.requests] == ["GET", "PUT", "GET"]
    assert waited == [0.5]
    hostile.requests.clear()
    assert made.create(KEY, b"one", PLAIN) is True
    assert made.create(KEY, b"two", PLAIN) is False
    assert [asked.method for asked in hostile.requests] == ["GET", "GET"]
    assert held(hostile) == b"one"


def test_who_was_overtaken_in_a_weak_bucket_hears_of_it(hostile: HostileS3) -> None:
    hostile.ignores_conditions()
    made = signed(hostile)
    made.pause = lambda _: other.replace(KEY, b"theirs", PLAIN)
    other = signed(hostile)
    assert made.create(KEY, b"ours", PLAIN) is False
    assert held(hostile) == b"theirs"


# Replacing, and what the world is told.


@pytest.mark.parametrize("lost", ["commits_then_503", "commits_then_cuts"])
@pytest.mark.parametrize("times", [1, None])
def test_a_replacement_whose_answer_was_lost_is_a_success(
    bucket: Bucket, hostile: HostileS3, lost: str, times: int | None
) -> None:
    bucket.create(KEY, b"old", PLAIN)
    getattr(hostile, lost)(times=times, when=writes)
    bucket.replace(KEY, b"new", PLAIN)
    assert held(hostile) == b"new"


def test_a_replacement_that_fails_is_an_error(bucket: Bucket, hostile: HostileS3) -> None:
    bucket.create(KEY, b"old", PLAIN)
    hostile.fails(500, "InternalError", when=writes)
    assert code_of(partial(bucket.replace, KEY, b"new", PLAIN)) == "server-error"
    assert held(hostile) == b"old"


def test_a_replacement_that_others_interfere_with_is_tried_again(bucket: Bucket, hostile: HostileS3) -> None:
    hostile.fails(409, "OperationAborted", times=2, when=writes)
    bucket.replace(KEY, b"new", PLAIN)
    assert held(hostile) == b"new"


def test_a_writer_that_was_overtaken_and_gets_no_tag_writes_again(hostile: HostileS3) -> None:
    made = signed(hostile)
    hostile.acts(lambda *_: Reply(200, {"Content-Type": "text/html"}, b"<html>Accepted</html>"), writes, 2)
    made.replace(KEY, b"new", PLAIN)
    assert held(hostile) == b"new"


def test_who_is_asked_to_slow_down_does(hostile: HostileS3) -> None:
    waited: list[float] = []
    made = signed(hostile)
    writer = made.writer
    assert isinstance(writer, S3Writer)
    writer._patience = replace(writer._patience, pause=waited.append)
    hostile.fails(429, "SlowDown", times=1, headers={"Retry-After": "7"})
    hostile.fails(503, "SlowDown", times=1, headers={"Retry-After": "soon"})
    made.replace(KEY, b"new", PLAIN)
    assert waited[0] == 7.0
    assert len(waited) == 2


def told(server: BucketServer, key: str) -> tuple[str, str]:
    headers = server.buckets.held["models"][key].headers
    return headers["content-type"], headers["cache-control"]


FOREVER: Final = "public, max-age=31536000, immutable"
INDEX: Final = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
OTHER: Final = json.dumps({"mediaType": "application/vnd.cncf.model.manifest.v1+json"}).encode()


@pytest.mark.parametrize(
    ("raw", "type_"),
    [
        (b'{"mediaType":"%s"}' % MANIFEST_TYPE.encode(), MANIFEST_TYPE),
        (b'{"mediaType":"%s"}' % INDEX_TYPE.encode(), INDEX_TYPE),
        (INDEX, INDEX_TYPE),
        (OTHER, "application/vnd.cncf.model.manifest.v1+json"),
        (b"{}", MANIFEST_TYPE),
    ],
)
def test_a_manifest_has_its_own_media_type_and_never_changes(
    bucket: Bucket, hostile: HostileS3, raw: bytes, type_: str
) -> None:
    BucketStore(bucket).create_manifest("m", "1.0", raw)
    assert told(hostile, KEY) == (type_, FOREVER)


def test_what_may_be_replaced_is_kept_by_no_cache(bucket: Bucket, hostile: HostileS3) -> None:
    bucket.replace("v2/m/manifests/production", INDEX, layout.manifest_kind(INDEX, changes=True))
    assert told(hostile, "v2/m/manifests/production") == (INDEX_TYPE, "no-cache")


@pytest.mark.parametrize("size", [1, PART_BYTES + 1])
def test_a_blob_is_bytes_that_never_change(bucket: Bucket, hostile: HostileS3, size: int) -> None:
    content = noise(1) * size
    digest = Digest.of(content)
    BucketStore(bucket).put_blob("m", digest, size, in_pieces(content, MIB))
    assert told(hostile, layout.blob_key("m", digest)) == ("application/octet-stream", FOREVER)


# Large objects.


@pytest.mark.parametrize("over", [-1, 0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1])
def test_an_object_around_the_size_of_a_part_is_kept_whole(
    bucket: Bucket, hostile: HostileS3, over: int
) -> None:
    content = (BIG + BIG)[: PART_BYTES + over]
    bucket.put(KEY, len(content), in_pieces(content, 700_001), layout.BLOB)
    assert held(hostile) == content
    assert hostile.buckets.uploads == {}
    parts = sum("partNumber" in asked.query for asked in hostile.requests)
    assert parts == (0 if over <= 0 else -(-len(content) // PART_BYTES))


def test_parts_are_of_one_length_except_for_the_last(hostile: HostileS3) -> None:
    lengths: dict[int, int] = {}

    def act(request: Request, honest: Answer) -> Reply:
        lengths[int(request.query["partNumber"])] = len(request.body)
        return honest(request)

    hostile.acts(act, lambda asked: "partNumber" in asked.query)
    signed(hostile).put(KEY, len(BIG), in_pieces(BIG, 3_000_000), layout.BLOB)
    assert [lengths[number] for number in (1, 2, 3)] == [PART_BYTES, PART_BYTES, len(BIG) - 2 * PART_BYTES]


def test_parts_are_so_large_that_ten_thousand_suffice() -> None:
    assert [part_bytes(size) for size in (0, 1, 9000 * PART_BYTES)] == [PART_BYTES] * 3
    assert part_bytes(9000 * PART_BYTES + 1) == PART_BYTES + 1
    for size in (10**11, 5 * 1024**4, 48 * 1024**4):
        assert -(-size // part_bytes(size)) <= 9000
    assert part_bytes(48 * 1024**4) < 6 * 1024**3


class BrokenError(Exception):
    pass


@pytest.mark.parametrize(
    "error", [BrokenError(), FileNotFoundError("gone"), TimeoutError(), ValueError("no")]
)
def test_a_source_that_breaks_is_no_fault_of_the_bucket_and_leaves_nothing(
    bucket: Bucket, hostile: HostileS3, error: Exception
) -> None:
    def breaking() -> Iterator[bytes]:
        yield BIG[: PART_BYTES + 5]
        raise error

    with pytest.raises(type(error)) as caught:
        bucket.put(KEY, len(BIG), breaking(), layout.BLOB)
    assert caught.value is error
    assert held(hostile) is None
    assert hostile.buckets.uploads == {}


def test_large_bytes_that_are_not_those_announced_never_show(bucket: Bucket, hostile: HostileS3) -> None:
    with pytest.raises(IntegrityError) as caught:
        BucketStore(bucket).put_blob("m", Digest.of(b"other"), len(BIG), in_pieces(BIG, MIB))
    assert caught.value.code == "changed-while-read"
    assert set(hostile.buckets.held["models"]) == {PROBE_KEY}
    assert hostile.buckets.uploads == {}


def test_a_large_object_is_replaced_whole_or_not_at_all(bucket: Bucket, hostile: HostileS3) -> None:
    bucket.replace(KEY, b"old", PLAIN)
    hostile.fails(403, "AccessDenied", when=lambda asked: asked.query.get("partNumber") == "2")
    assert code_of(partial(bucket.put, KEY, len(BIG), in_pieces(BIG, MIB), layout.BLOB)) == "access-denied"
    assert held(hostile) == b"old"
    assert hostile.buckets.uploads == {}


def test_a_part_that_fails_in_passing_is_sent_again(bucket: Bucket, hostile: HostileS3) -> None:
    hostile.fails(503, "SlowDown", times=2, when=lambda asked: "partNumber" in asked.query)
    hostile.cuts_after(-1, lambda asked: "partNumber" in asked.query, 1)
    bucket.put(KEY, len(BIG), in_pieces(BIG, MIB), layout.BLOB)
    assert held(hostile) == BIG


@pytest.mark.parametrize("query", ["uploads", "partNumber"])
def test_a_page_in_place_of_an_upload_is_an_error(hostile: HostileS3, query: str) -> None:
    hostile.html(b"<html><title>Sign in</title></html>", when=lambda asked: query in asked.query)
    made = signed(hostile)
    assert code_of(partial(made.put, KEY, len(BIG), in_pieces(BIG, MIB), layout.BLOB)) == "login-page"
    assert hostile.buckets.uploads == {}


def completes(asked: Request) -> bool:
    return asked.method == "POST" and "uploadId" in asked.query


@pytest.mark.parametrize("times", [1, None])
@pytest.mark.parametrize("lost", ["commits_then_503", "commits_then_cuts"])
def test_a_large_object_whose_last_answer_was_lost_is_a_success(
    hostile: HostileS3, lost: str, times: int | None
) -> None:
    getattr(hostile, lost)(times=times, when=completes)
    signed(hostile).put(KEY, len(BIG), in_pieces(BIG, MIB), layout.BLOB)
    assert held(hostile) == BIG


def test_a_large_object_that_was_put_together_late_is_asked_for_again(hostile: HostileS3) -> None:
    failed = Reply(200, {"Content-Type": "application/xml"}, b"<Error><Code>InternalError</Code></Error>")
    hostile.acts(lambda *_: failed, completes, 1)
    signed(hostile).put(KEY, len(BIG), in_pieces(BIG, MIB), layout.BLOB)
    assert held(hostile) == BIG


def test_a_large_object_that_is_never_put_together_is_an_error(hostile: HostileS3) -> None:
    made = signed(hostile)
    made.replace(KEY, b"old", PLAIN)
    hostile.fails(500, "InternalError", when=completes)
    assert code_of(partial(made.put, KEY, len(BIG), in_pieces(BIG, MIB), layout.BLOB)) == "server-error"
    assert held(hostile) == b"old"
    assert hostile.buckets.uploads == {}


def test_a_tag_that_proves_nothing_leaves_the_doubt(hostile: HostileS3) -> None:
    def act(request: Request, honest: Answer) -> Reply:
        reply = honest(request)
        return replace(reply, headers={**reply.headers, "ETag": '"encrypted by a key of ours"'})

    hostile.acts(act, lambda asked: "partNumber" in asked.query)
    hostile.fails(500, "InternalError", when=completes)
    made = signed(hostile)
    assert code_of(partial(made.put, KEY, len(BIG), in_pieces(BIG, MIB), layout.BLOB)) == "server-error"


def test_no_more_than_a_few_parts_are_held_at_a_time(hostile: HostileS3) -> None:
    ahead: list[int] = []
    taken = 0

    def counted() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(12):
            done = sum("partNumber" in asked.query for asked in hostile.requests)
            ahead.append(taken - done)
            taken += 1
            yield bytes(PART_BYTES)

    signed(hostile).put(KEY, 12 * PART_BYTES, counted(), layout.BLOB)
    assert max(ahead) <= 5


# Removing.


def test_what_is_removed_is_gone_and_may_be_removed_again(bucket: Bucket, hostile: HostileS3) -> None:
    bucket.replace(KEY, b"x", PLAIN)
    bucket.delete(KEY)
    bucket.delete(KEY)
    assert held(hostile) is None


def test_a_server_that_says_404_to_a_removal_is_content_too(hostile: HostileS3) -> None:
    hostile.fails(404, "NoSuchKey", when=lambda asked: asked.method == "DELETE")
    signed(hostile).delete(KEY)


def test_a_removal_that_is_denied_names_the_right(hostile: HostileS3) -> None:
    hostile.fails(403, "AccessDenied", when=lambda asked: asked.method == "DELETE")
    with pytest.raises(UnavailableError) as caught:
        signed(hostile).delete(KEY)
    assert "s3:DeleteObject" in caught.value.hint


def test_a_removal_from_a_bucket_that_is_not_there(hostile: HostileS3) -> None:
    made = signed(hostile)
    del hostile.buckets.held["models"]
    assert code_of(partial(made.delete, KEY)) == "no-store"


def test_a_listing_that_is_not_there_is_a_bucket_that_is_not_there(hostile: HostileS3) -> None:
    hostile.fails(404, "Odd", when=lambda asked: "list-type" in asked.query)
    assert code_of(partial(signed(hostile).entries, "v2/")) == "no-store"


# Google, which obstore writes.


@pytest.fixture
def google(gcs: GcsServer, tmp_path: Path) -> Bucket:
    made = gcs.new_bucket(tmp_path)
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": str(made.service_account)}
    return replace(
        opened(open_store(Location("gs://models", environ=environ), tmp_path)), pause=lambda _: None
    )


def test_google_is_strong_and_creates_once(google: Bucket, gcs: GcsServer) -> None:
    assert google.strong()
    assert google.create(KEY, b"one", PLAIN)
    assert not google.create(KEY, b"two", PLAIN)
    assert held(gcs) == b"one"


def test_a_large_object_of_a_broken_source_leaves_nothing_at_google(google: Bucket, gcs: GcsServer) -> None:
    def breaking() -> Iterator[bytes]:
        yield BIG
        raise BrokenError

    with pytest.raises(BrokenError):
        google.put(KEY, len(BIG) + 1, breaking(), layout.BLOB)
    assert held(gcs) is None
    assert gcs.buckets.uploads == {}


def test_google_is_told_the_same_of_an_object(google: Bucket, gcs: GcsServer) -> None:
    google.put(KEY, len(BIG), in_pieces(BIG, MIB), layout.BLOB)
    assert told(gcs, KEY) == ("application/octet-stream", FOREVER)
    google.replace("v2/m/tags/list", b"{}", Kind("application/json", changes=True))
    assert told(gcs, "v2/m/tags/list") == ("application/json", "no-cache")
    google.delete(KEY)
    google.delete(KEY)
    assert held(gcs) is None


def test_what_google_denies_names_the_right(google: Bucket, gcs: GcsServer) -> None:
    gcs.denies("models")
    with pytest.raises(UnavailableError) as caught:
        google.replace(KEY, b"x", PLAIN)
    assert "storage.objects.create" in caught.value.message


def test_the_honest_server_is_asked_in_no_other_way(hostile: HostileS3) -> None:
    """Each request for a key that is written goes to the bucket's own path, signed, with the token."""
    made = signed(hostile)
    made.put(KEY, len(BIG), in_pieces(BIG, MIB), layout.BLOB)
    made.replace("a b/\u00e4+%", b"x", PLAIN)
    assert held(hostile, "a b/\u00e4+%") == b"x"
    for asked in filter(commits, hostile.requests):
        assert asked.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDHOSTILE/")
        assert asked.headers["x-amz-security-token"] == secret("token")
