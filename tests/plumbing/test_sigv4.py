from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from lading.plumbing.sigv4 import Keys, sign

KEYS = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
TEMPORARY = Keys("ASIAEXAMPLE", "secret", "IQoJb3JpZ2luX2VjEXAMPLE//token==")
HOST = "https://bucket.s3.eu-west-1.amazonaws.com/"
KEY_LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")


def botocore_signs(method: str, url: str, region: str, keys: Keys) -> tuple[dict[str, str], datetime]:
    """The headers that botocore adds, and the moment that it took."""
    request = AWSRequest(method, url)
    S3SigV4Auth(Credentials(keys.access_key_id, keys.secret, keys.token or None), "s3", region).add_auth(
        request
    )
    headers = {name.lower(): value for name, value in request.headers.items()}
    moment = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return headers, moment


def check(url: str, method: str = "GET", region: str = "eu-west-1", keys: Keys = KEYS) -> None:
    theirs, moment = botocore_signs(method, url, region, keys)
    assert sign(method, url, region, keys, moment) == theirs


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("keys", [KEYS, TEMPORARY])
@pytest.mark.parametrize(
    "key",
    [
        "",
        "v2/acme/m/blobs/sha256:0123",
        "a b/c+d",
        "\u00e9t\u00e9/\u6a21\u578b/\U0001f600",
        "100%/%2F/a%20b",
        "~tilde/-_.",
        "!*'()@&=$,;?#[]{}|\\^`\"<>",
        "a//b",
    ],
)
def test_keys_are_signed_as_botocore_signs_them(key: str, method: str, keys: Keys) -> None:
    check(HOST + quote(key, safe="/~"), method, keys=keys)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9000/bucket/key",
        "https://s3.example:443/bucket/key",
        "http://s3.example:80/bucket/key",
        "http://[::1]:9000/bucket/key",
        "https://S3.Example/bucket",
    ],
)
def test_hosts_are_signed_as_botocore_signs_them(url: str) -> None:
    check(url, region="auto")


@pytest.mark.parametrize(
    "query",
    [
        {"list-type": "2"},
        {"list-type": "2", "prefix": "v2/acme/m/", "delimiter": "/", "encoding-type": "url"},
        {"list-type": "2", "start-after": "v2/a b/sha256:\u00e9", "continuation-token": "1/+a==&b="},
        {"prefix": "", "list-type": "2"},
    ],
)
def test_listings_are_signed_as_botocore_signs_them(query: dict[str, str]) -> None:
    check(f"{HOST}?{urlencode(query, quote_via=quote, safe='')}")


@given(key=st.text(KEY_LETTERS, max_size=50), prefix=st.text(KEY_LETTERS, max_size=20))
def test_every_key_and_prefix_is_signed_as_botocore_signs_it(key: str, prefix: str) -> None:
    check(f"{HOST}{quote(key, safe='/~')}?prefix={quote(prefix, safe='')}&list-type=2")


def test_a_path_is_signed_in_one_spelling() -> None:
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    plain, encoded = (sign("GET", HOST + path, "r", KEYS, moment) for path in ("sha256:0~", "sha256%3A0%7E"))
    assert plain == encoded


def test_secrets_are_not_shown() -> None:
    assert "secret" not in repr(TEMPORARY)
    assert "token" not in repr(TEMPORARY).replace("token=", "")
