from __future__ import annotations

import pytest

from lading.core.errors import UsageError
from lading.plumbing.urls import Origin, base, encoded, joined, origin, redacted


@pytest.mark.parametrize(
    ("url", "there", "text"),
    [
        ("https://Example.org/x", Origin("https", "example.org", 443), "example.org"),
        ("http://example.org:8080", Origin("http", "example.org", 8080), "example.org:8080"),
        ("http://[::1]:80/", Origin("http", "::1", 80), "[::1]"),
        ("https://user:secret@example.org:443/", Origin("https", "example.org", 443), "example.org"),
    ],
)
def test_the_origin_is_scheme_host_and_port(url: str, there: Origin, text: str) -> None:
    assert origin(url) == there
    assert str(there) == text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://example.org:port/",
        "https://example.org:99999/",
        "https://[::1/",
        # Parsers disagree on the host of these.
        "https://example.org\\@evil.example/",
        "https://example.org@evil.example@127.0.0.1/",
        "https://exam\tple.org/",
        "https://example.org/a b",
        "https://example.org/\r\nHost: evil.example",
        "https://ex%61mple.org/",
        "https://ex\u00e4mple.org/",
    ],
)
def test_a_url_that_cannot_be_asked_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        origin(url + "?token=secret")
    assert caught.value.code == "bad-url"
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.org/a/b", "https://example.org/a/b"),
        ("https://me:secret@example.org:1/a?X-Amz-Signature=secret#secret", "https://example.org:1/a"),
        ("https://me:s@secret@example.org/", "https://example.org/"),
        ("https://[secret/?secret", "https://..."),
        ("s3://bucket/key", "s3://bucket/key"),
    ],
)
def test_messages_show_a_url_without_its_secrets(url: str, shown: str) -> None:
    assert redacted(url) == shown


def test_a_place_ends_with_a_slash() -> None:
    assert base("https://example.org") == "https://example.org/"
    assert base("https://example.org/models/") == "https://example.org/models/"


@pytest.mark.parametrize(
    "url", ["https://u:secret@example.org/", "https://example.org/?secret", "http://a/#secret"]
)
def test_a_place_has_no_secrets_in_its_url(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        base(url)
    assert caught.value.code == "bad-url"
    assert "secret" not in caught.value.message


def test_keys_are_encoded_part_by_part() -> None:
    assert encoded("v2/a b/sha256:0\u00e9?#%+~", ":") == "v2/a%20b/sha256:0%C3%A9%3F%23%25%2B~"
    assert encoded("sha256:0") == "sha256%3A0"


@pytest.mark.parametrize(
    ("location", "there"),
    [
        ("/b", "https://example.org/b"),
        ("b?x=1%20", "https://example.org/a/b?x=1%20"),
        ("//other.example/b", "https://other.example/b"),
        ("https://other.example/b", "https://other.example/b"),
        (" /a b\n", "https://example.org/a%20b"),
        ("/\u00c3\u00a9", "https://example.org/%C3%A9"),  # UTF-8, as http.client reads it
        ("/\u00e9", "https://example.org/%C3%A9"),
        ("https://example.org\\@evil.example/", "https://example.org%5C@evil.example/"),
    ],
)
def test_a_redirect_leads_where_its_location_says(location: str, there: str) -> None:
    assert joined("https://example.org/a/x", location) == there
