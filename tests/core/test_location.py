from __future__ import annotations

import pytest

from lading.core.location import Location


@pytest.mark.parametrize(
    ("url", "scheme", "bucket", "prefix"),
    [
        ("s3://models", "s3", "models", ""),
        ("s3://models/team/a/", "s3", "models", "team/a"),
        ("gs://models//a", "gs", "models", "a"),
        ("file:///srv/models", "file", "", "srv/models"),
        ("memory://", "memory", "", ""),
    ],
)
def test_a_url_is_taken_apart(url: str, scheme: str, bucket: str, prefix: str) -> None:
    location = Location(url)
    assert (location.scheme, location.bucket, location.prefix) == (scheme, bucket, prefix)


def test_the_environment_is_never_shown_and_makes_no_difference() -> None:
    location = Location("s3://models", environ={"AWS_SECRET_ACCESS_KEY": "hush"})
    assert "hush" not in repr(location)
    assert location == Location("s3://models")
