from __future__ import annotations

import pytest

from lading.core.errors import UnavailableError
from lading.core.objects import Found
from lading.plumbing.s3list import Page, parse

AMAZON = """<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>
<Prefix>p/v2/</Prefix><KeyCount>4</KeyCount><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType>
<IsTruncated>true</IsTruncated><NextContinuationToken>next+/=</NextContinuationToken>
<Contents><Key>p/v2/</Key><LastModified>2026-11-21T08:07:00.000Z</LastModified><Size>0</Size></Contents>
<Contents><Key>p/v2/a+b%2Bc%C3%A9%0A</Key><LastModified>2026-11-21T08:07:00.000Z</LastModified>
<ETag>&quot;abc-2&quot;</ETag><Size>5000000000</Size><StorageClass>STANDARD</StorageClass></Contents>
<CommonPrefixes><Prefix>p/v2/sha256%3A0/</Prefix></CommonPrefixes>
<CommonPrefixes><Prefix>p/v2/x+y/</Prefix></CommonPrefixes>
</ListBucketResult>"""
PLAIN = """<ListBucketResult><IsTruncated>false</IsTruncated>
<Contents><Key>a+b%20</Key><LastModified>2026-11-21T08:07:00Z</LastModified><Size>1</Size></Contents>
</ListBucketResult>"""


def test_a_page_is_read_as_amazon_writes_it() -> None:
    page = parse(AMAZON.encode(), "s3://b/p/", "p/", "v2/")
    assert page == Page(
        ("sha256:0", "x y"), (Found("v2/a b+c\u00e9\n", 5_000_000_000, 1795248420.0, "abc-2"),), "next+/="
    )


def test_a_page_without_encoding_or_namespace_is_read_too() -> None:
    page = parse(PLAIN.encode(), "s3://b/", "", "")
    assert page == Page((), (Found("a+b%20", 1, 1795248420.0),), "")


LAUGHS = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;">]>
<ListBucketResult><IsTruncated>&b;</IsTruncated></ListBucketResult>"""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>It works!</body></html>",
        b"{}",
        b"<Error><Code>AccessDenied</Code></Error>",
        LAUGHS.encode(),
        LAUGHS.encode("utf-16"),
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><ListBucketResult/>',
        AMAZON[:-40].encode(),
        AMAZON.replace("next+/=", "").encode(),
        AMAZON.replace("5000000000", "many").encode(),
        AMAZON.replace("2026-11-21T08:07:00.000Z", "today").encode(),
        AMAZON.replace("p/v2/x", "other/x").encode(),
    ],
)
def test_what_is_no_listing_is_refused(body: bytes) -> None:
    with pytest.raises(UnavailableError) as caught:
        parse(body, "s3://b/p/", "p/", "v2/")
    assert caught.value.code == "bad-listing"
    assert "s3://b/p/" in caught.value.message
