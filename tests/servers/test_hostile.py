"""What the hostile S3 does wrong, seen through obstore, which may try again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest
from obstore.exceptions import AlreadyExistsError, BaseError, GenericError, PermissionDeniedError

from tests.servers.wire import reads, writes

if TYPE_CHECKING:
    from obstore.store import RetryConfig

    from tests.servers.hostile import HostileS3

_SOON: Final = timedelta(milliseconds=1)
AGAIN: Final[RetryConfig] = {
    "max_retries": 3,
    "backoff": {"init_backoff": _SOON, "max_backoff": _SOON, "base": 2},
}


def test_conditions_that_are_ignored_let_a_second_create_replace(hostile: HostileS3) -> None:
    hostile.ignores_conditions()
    client = hostile.new_bucket().client()
    client.put("a", b"first", mode="create")
    client.put("a", b"second", mode="create")
    assert bytes(client.get("a").bytes()) == b"second"


def test_a_commit_that_is_answered_with_503_looks_like_a_loss_when_tried_again(hostile: HostileS3) -> None:
    hostile.commits_then_503(times=1)
    bucket = hostile.new_bucket()
    with pytest.raises(AlreadyExistsError):
        bucket.client(AGAIN).put("a", b"ours", mode="create")
    assert bytes(bucket.client().get("a").bytes()) == b"ours"
    assert [each.method for each in hostile.requests] == ["PUT", "PUT", "GET"]


def test_every_commit_is_answered_with_503(hostile: HostileS3) -> None:
    hostile.commits_then_503()
    client = hostile.new_bucket().client(AGAIN)
    with pytest.raises(GenericError, match="503 Service Unavailable"):
        client.put("a", b"ours")
    assert len(hostile.requests) == 4
    assert bytes(client.get("a").bytes()) == b"ours"


def test_a_commit_whose_answer_is_lost(hostile: HostileS3) -> None:
    hostile.commits_then_cuts(times=1)
    client = hostile.new_bucket().client()
    with pytest.raises(GenericError, match=r"(?i)connection closed|error sending request"):
        client.put("a", b"ours", mode="create")
    assert bytes(client.get("a").bytes()) == b"ours"


def test_a_conflict_stores_nothing(hostile: HostileS3) -> None:
    hostile.conflict_409(times=1)
    client = hostile.new_bucket().client()
    with pytest.raises(BaseError, match="ConditionalRequestConflict"):
        client.put("a", b"ours", mode="create")
    with pytest.raises(FileNotFoundError):
        client.head("a")
    client.put("a", b"ours", mode="create")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "AccessDenied"),
        (403, "RequestTimeTooSkewed"),
        (400, "ExpiredToken"),
        (403, "InvalidAccessKeyId"),
        (403, "SignatureDoesNotMatch"),
    ],
)
def test_an_error_carries_its_code(status: int, code: str, hostile: HostileS3) -> None:
    hostile.fails(status, code, "said so", times=2)
    client = hostile.new_bucket().client()
    with pytest.raises(BaseError, match=f"(?s){status} .*<Code>{code}</Code><Message>said so</Message>"):
        client.get("a")
    with pytest.raises(BaseError, match=code):
        client.put("a", b"x")
    client.put("a", b"x")


def test_a_missing_object_may_be_hidden(hostile: HostileS3) -> None:
    hostile.hides_missing()
    client = hostile.new_bucket().client()
    client.put("a", b"x")
    assert client.head("a")["size"] == 1
    with pytest.raises(PermissionDeniedError):
        client.get("b")


def test_a_bucket_of_another_region(hostile: HostileS3) -> None:
    client = hostile.new_bucket().client()
    hostile.lies_in_another_region("eu-west-1", times=1)
    hostile.expects_region("eu-west-1", times=1)
    with pytest.raises(BaseError, match=r"(?i)redirect"):
        client.get("a")
    with pytest.raises(BaseError, match="<Region>eu-west-1</Region>"):
        client.get("a")


def test_checksums_are_refused_with_501(hostile: HostileS3) -> None:
    from obstore.store import S3Store

    bucket = hostile.new_bucket()
    hostile.refuses_checksums()
    bucket.client().put("a", b"x")
    summed = S3Store.from_url(
        f"s3://{bucket.bucket}",
        endpoint=bucket.endpoint,
        region=bucket.region,
        access_key_id=bucket.key_id,
        secret_access_key=bucket.secret,
        checksum_algorithm="SHA256",
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    with pytest.raises(BaseError, match="x-amz-checksum"):
        summed.put("a", b"x")


def test_a_login_page_is_taken_for_the_object(hostile: HostileS3) -> None:
    client = hostile.new_bucket().client()
    client.put("a", b"x")
    hostile.html(b"<html>log in</html>", when=lambda request: request.path.endswith("/a"))
    got = client.get("a")
    assert got.attributes["Content-Type"] == "text/html"
    assert bytes(got.bytes()) == b"<html>log in</html>"
    assert [each["size"] for page in client.list() for each in page] == [1]


def test_a_redirect_leads_elsewhere(hostile: HostileS3) -> None:
    client = hostile.new_bucket().client()
    client.put("a", b"here")
    client.put("b", b"there")
    hostile.redirects_to(f"{hostile.url}/models/b", when=lambda request: request.path == "/models/a")
    assert bytes(client.get("a").bytes()) == b"there"


def test_a_body_ends_too_soon(hostile: HostileS3) -> None:
    client = hostile.new_bucket().client()
    client.put("a", bytes(1 << 20))
    hostile.cuts_after(1000, when=reads, times=1)
    with pytest.raises(BaseError):
        client.get("a").bytes()
    assert len(client.get("a").bytes()) == 1 << 20


def test_every_request_is_recorded(hostile: HostileS3) -> None:
    client = hostile.new_bucket().client()
    client.put("a b", b"x", mode="create")
    client.get_range("a b", start=0, end=1)
    put, get = hostile.requests
    assert writes(put)
    assert (put.method, put.path, put.headers["if-none-match"]) == ("PUT", "/models/a b", "*")
    assert (get.method, get.headers["range"]) == ("GET", "bytes=0-0")
    hostile.behaves()
    assert hostile.requests == []


def test_parts_that_are_too_small_are_refused(hostile: HostileS3) -> None:
    client = hostile.new_bucket().client()
    with pytest.raises(BaseError, match="EntityTooSmall"):
        client.put("a", bytes(3 << 20), use_multipart=True, chunk_size=1 << 20)
    assert hostile.buckets.held["models"] == {}


def test_many_objects_are_removed_at_once(hostile: HostileS3) -> None:
    client = hostile.new_bucket().client()
    for key in ("a&b", "c", "d"):
        client.put(key, b"")
    client.delete(["a&b", "c", "not there"])
    assert list(hostile.buckets.held["models"]) == ["d"]
