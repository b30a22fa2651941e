from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lading.core.errors import LadingError, NotFoundError, UnavailableError
from lading.core.objects import Entries, Found
from lading.plumbing.http import Http
from lading.plumbing.patience import Patience
from lading.plumbing.sigv4 import Keys
from lading.stores.s3read import Bucket, S3Reader, Signed, Signer
from tests.loopback import Handler, site

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lading.core.objects import Objects
    from tests.loopback import Answer

KEYS: Final = Keys("AKIDEXAMPLE", "secret")
NOW: Final = datetime(2026, 11, 21, 8, 7, tzinfo=UTC)
MODIFIED: Final = "2026-11-21T08:07:00.000Z"
CONTENT: Final = bytes(range(256)) * 16


@pytest.fixture
def http() -> Iterator[Http]:
    with closing(Http({})) as client:
        yield client


def explain(status: int, headers: Mapping[str, str], body: bytes, doing: str, key: str) -> LadingError:
    return UnavailableError("explained", f"{status} {headers.get('x-amz-request-id')} {body!r} {doing} {key}")


def reader(http: Http, endpoint: str, prefix: str = "", keys: Keys | None = KEYS) -> S3Reader:
    """Reads the bucket ``models``; typed as what it must be."""
    bucket = Bucket("models", "eu-west-1", prefix, endpoint)
    signer = Signer(lambda: keys, NOW.timestamp)
    waits: list[float] = []
    place: Objects = S3Reader(Signed(http, bucket, signer), explain=explain, patience=Patience(waits.append))
    assert isinstance(place, S3Reader)
    return place


def signed_well(handler: Handler) -> bool:
    """Whether a request has the signature that botocore computes for it, at the moment that it says."""
    request = AWSRequest(handler.command, f"http://{handler.headers['Host']}{handler.path}")
    request.context["timestamp"] = handler.headers["X-Amz-Date"]
    auth = S3SigV4Auth(Credentials(KEYS.access_key_id, KEYS.secret), "s3", "eu-west-1")
    request.headers["X-Amz-Content-SHA256"] = auth.payload(request)
    request.headers["X-Amz-Date"] = handler.headers["X-Amz-Date"]
    text = auth.string_to_sign(request, auth.canonical_request(request))
    return handler.headers["Authorization"].endswith(f"Signature={auth.signature(text, request)}")


def bucket_of(objects: dict[str, bytes], page: int = 1000) -> Answer:
    """A bucket in path style that checks signatures."""

    def answer(handler: Handler) -> None:
        parts = urlsplit(handler.path)
        asked = dict(parse_qsl(parts.query))
        if not signed_well(handler):
            handler.reply(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        elif asked.get("list-type") == "2":
            handler.reply(200, listing(objects, asked, page), content_type="application/xml")
        else:
            there = {f"/models/{quote(key, safe='/~')}": content for key, content in objects.items()}
            content = there.get(parts.path)
            if content is None:
                handler.reply(404, b"<Error><Code>NoSuchKey</Code></Error>")
            else:
                handler.ranged(content, etag='"tag"', last_modified="Sat, 21 Nov 2026 08:07:00 GMT")

    return answer


def listing(objects: dict[str, bytes], asked: dict[str, str], page: int) -> bytes:
    prefix, after = asked.get("prefix", ""), asked.get("start-after", "")
    found: dict[str, str] = {}
    for key in sorted(objects, key=str.encode):
        if key.startswith(prefix) and key.encode() > after.encode():
            below, slash, _ = key.removeprefix(prefix).partition("/")
            name = quote(prefix + below + slash)
            found[name] = (
                f"<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>"
                if slash
                else f"<Contents><Key>{name}</Key><LastModified>{MODIFIED}</LastModified>"
                f"<ETag>&quot;tag&quot;</ETag><Size>{len(objects[key])}</Size></Contents>"
            )
    start = int(asked.get("continuation-token", "0").strip("+/= "))
    rows = list(found.values())[start : start + page]
    more = start + page < len(found)
    token = f"<NextContinuationToken>+/ {start + page}=</NextContinuationToken>" if more else ""
    return (
        f'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType>'
        f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{''.join(rows)}</ListBucketResult>"
    ).encode()


OBJECTS: Final = {
    "p/v2/m/blobs/sha256:0": CONTENT,
    "p/v2/m/manifests/1.0": b"{}",
    "p/v2/m/manifests/1.0 beta+\u00e9": b"{}",
    "p/v2/m/manifests/\uff5e": b"{}",
    "p/v2/m/manifests/\U0001f600": b"{}",
    "p/v2/m/manifests/": b"",
    "p/v2/n/manifests/1.0": b"{}",
    "other/x": b"",
}


@pytest.mark.parametrize("key", ["v2/m/blobs/sha256:0", "v2/m/manifests/1.0 beta+\u00e9"])
def test_an_object_is_looked_at_got_and_read_with_signatures(http: Http, key: str) -> None:
    content = OBJECTS[f"p/{key}"]
    with site(bucket_of(OBJECTS)) as there:
        place = reader(http, there.url, "p/")
        assert place.url == "s3://models/p/"
        assert place.head(key) == Found(key, len(content), NOW.timestamp(), "tag")
        assert place.get(key, 10_000) == content
        assert b"".join(place.read(key, 1, 10_000)) == content[1:]
    assert there.connections == 1
    assert there.asked[0].headers["x-amz-date"] == "20261121T080700Z"


def test_what_is_not_there_is_not_found(http: Http) -> None:
    with site(bucket_of(OBJECTS)) as there:
        place = reader(http, there.url)
        assert place.head("nothing") is None
        assert place.get("nothing", 10) is None
        with pytest.raises(NotFoundError) as caught:
            list(place.read("nothing", 0, 10))
    assert caught.value.code == "no-object"


def test_a_bucket_that_is_not_there_is_not_an_object_that_is_not_there(http: Http) -> None:
    with site(lambda handler: handler.reply(404, b"<Error><Code>NoSuchBucket</Code></Error>")) as there:
        with pytest.raises(UnavailableError) as caught:
            reader(http, there.url).get("a", 10)
        with pytest.raises(UnavailableError) as listed:
            reader(http, there.url).entries("v2/")
    assert "NoSuchBucket" in caught.value.message
    assert "NoSuchBucket" in listed.value.message


def test_refusals_are_put_in_words_by_who_knows_them(http: Http) -> None:
    def refuse(handler: Handler) -> None:
        handler.reply(403, b"<Error><Code>AccessDenied</Code></Error>", x_amz_request_id="id")

    with site(refuse) as there, pytest.raises(LadingError) as caught:
        reader(http, there.url).get("a", 10)
    assert caught.value.message == "403 id b'<Error><Code>AccessDenied</Code></Error>' reading a"
    assert len(there.asked) == 1


def test_a_redirect_of_a_signed_request_is_put_in_words(http: Http) -> None:
    redirects = site(lambda handler: handler.redirect("http://127.0.0.1:1/", 307))
    with redirects as there, pytest.raises(LadingError) as caught:
        reader(http, there.url).get("a", 10)
    assert caught.value.message.startswith("307")


def test_a_busy_bucket_is_asked_again_with_a_new_signature(http: Http) -> None:
    busy = [503, 500]
    moments = iter(range(100))

    def answer(handler: Handler) -> None:
        if busy:
            handler.reply(busy.pop(), b"<Error><Code>SlowDown</Code></Error>")
        else:
            bucket_of({"a": b"content"})(handler)

    with site(answer) as there:
        bucket = Bucket("models", "eu-west-1", "", there.url)
        signer = Signer(lambda: KEYS, lambda: NOW.timestamp() + next(moments))
        waits: list[float] = []
        place = S3Reader(Signed(http, bucket, signer), explain=explain, patience=Patience(waits.append))
        assert place.get("a", 10) == b"content"
    assert len({asked.headers["x-amz-date"] for asked in there.asked}) == 3


def test_a_page_stored_in_a_bucket_is_an_object(http: Http) -> None:
    with site(bucket_of({"card": b"<html>"})) as there:
        assert reader(http, there.url).get("card", 10) == b"<html>"


def test_who_has_no_keys_asks_without_a_signature(http: Http) -> None:
    with site(lambda handler: handler.reply(200, b"public")) as there:
        assert reader(http, there.url, keys=None).get("a", 10) == b"public"
    assert not {"authorization", "x-amz-date"} & there.asked[0].headers.keys()


@pytest.mark.parametrize("page", [1, 2, 1000])
def test_a_folder_is_listed_page_by_page(http: Http, page: int) -> None:
    with site(bucket_of(OBJECTS, page)) as there:
        place = reader(http, there.url, "p/")
        assert place.entries("") == Entries(("v2",), ())
        assert place.entries("v2/") == Entries(("m", "n"), ())
        found = place.entries("v2/m/manifests/")
        assert place.entries("v2/none/") == Entries((), ())
    names = [each.key.removeprefix("v2/m/manifests/") for each in found.objects]
    assert names == ["1.0", "1.0 beta+\u00e9", "\uff5e", "\U0001f600"], "in the order of their UTF-8 bytes"
    assert found.objects[0] == Found("v2/m/manifests/1.0", 2, NOW.timestamp(), "tag")


@pytest.mark.parametrize("page", [1, 1000])
def test_a_listing_may_begin_after_a_key(http: Http, page: int) -> None:
    with site(bucket_of(OBJECTS, page)) as there:
        found = reader(http, there.url, "p/").entries("v2/m/manifests/", "v2/m/manifests/1.0")
    assert len(found.objects) == 3


def test_a_listing_that_never_ends_is_given_up(http: Http) -> None:
    body = listing(OBJECTS, {"prefix": "p/v2/m/manifests/"}, 1)
    with site(lambda handler: handler.reply(200, body)) as there, pytest.raises(UnavailableError) as caught:
        reader(http, there.url, "p/").entries("v2/m/manifests/")
    assert caught.value.code == "bad-listing"
    assert len(there.asked) == 2


def test_a_listing_that_is_too_long_is_refused(http: Http) -> None:
    body = b"<ListBucketResult>" + b" " * (17 << 20)
    with site(lambda handler: handler.reply(200, body)) as there, pytest.raises(UnavailableError) as caught:
        reader(http, there.url).entries("")
    assert caught.value.code == "bad-listing"


@pytest.mark.parametrize(
    ("bucket", "root"),
    [
        (Bucket("models", "eu-west-1"), "https://models.s3.eu-west-1.amazonaws.com/"),
        (Bucket("my.models", "eu-west-1"), "https://s3.eu-west-1.amazonaws.com/my.models/"),
        (Bucket("models", "cn-north-1"), "https://models.s3.cn-north-1.amazonaws.com.cn/"),
        (Bucket("models", "auto", "", "https://id.r2.example"), "https://id.r2.example/models/"),
        (Bucket("models", "auto", "p/", "http://127.0.0.1:9000/s3/"), "http://127.0.0.1:9000/s3/models/"),
    ],
)
def test_where_a_bucket_is_asked(bucket: Bucket, root: str) -> None:
    assert bucket.root == root
