from __future__ import annotations

import pytest

from lading.core.redaction import redacted
from lading.core.surroundings import Setting, settings


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://bucket/prefix", "s3://bucket/prefix"),
        ("https://me:secret@host/x?token=abc", "https://host/x"),
        ("https://me@host:5000/x", "https://host:5000/x"),
        ("s3://AKID:se/cr@t@bucket/x", "s3://bucket/x"),
        ("http://127.0.0.1:5000/m@sha256:abc", "http://127.0.0.1:5000/m@sha256:abc"),
        ("s3://bucket//m@sha256:abc", "s3://bucket//m@sha256:abc"),
        ("file:///srv/a@b:c/store", "file:///srv/a@b:c/store"),
        ("'https://a:b@host/' and 'https://c:d@other/'", "'https://host/' and 'https://other/'"),
        ("X-Amz-Signature=abc&x=1", "X-Amz-Signature=...&x=1"),
    ],
)
def test_what_is_secret_in_a_text_is_left_out(text: str, shown: str) -> None:
    assert redacted(text) == shown


def test_variables_of_lading_are_told_and_what_may_be_a_key_is_not() -> None:
    environ = {
        "LADING_TIERS": "s3://a:b@near,https://c:d/e@far",
        "LADING_SECRET_ACCESS_KEY": "secret",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "LADING_CACHE_DIR": "/c",
    }
    assert settings(environ) == (
        Setting("LADING_CACHE_DIR", "/c"),
        Setting("LADING_SECRET_ACCESS_KEY", None),
        Setting("LADING_TIERS", "s3://near,https://far"),
    )
