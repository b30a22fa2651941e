"""Projects whose store is a bucket, and how the tests read what the command line says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest

from tests.cargo import noise

if TYPE_CHECKING:
    from tests.servers.access import S3Bucket
    from tests.servers.hostile import HostileS3
    from tests.servers.s3 import Moto
    from tests.yard import Done, Yard

FILES: Final = {"model.onnx": noise(300_000), "labels.json": b'["a", "b"]'}
SIZE: Final = 300_010


def keys(environ: pytest.MonkeyPatch, bucket: S3Bucket, prefix: str = "AWS") -> None:
    """Give a bucket's keys under names that begin with ``prefix``."""
    environ.setenv(f"{prefix}_ACCESS_KEY_ID", bucket.key_id)
    environ.setenv(f"{prefix}_SECRET_ACCESS_KEY", bucket.secret)


def table(bucket: S3Bucket, *lines: str) -> tuple[str, ...]:
    """``[stores.models]`` for a bucket."""
    url, endpoint = f'url = "s3://{bucket.bucket}/team"', f'endpoint = "{bucket.endpoint}"'
    return 'store = "models"', "[stores.models]", url, endpoint, *lines


@pytest.fixture(params=["hostile", "moto"])
def bucket(request: pytest.FixtureRequest) -> S3Bucket:
    """An empty bucket of an honest S3."""
    server: HostileS3 | Moto = request.getfixturevalue(request.param)
    made: S3Bucket = server.new_bucket(f"models-{uuid4().hex[:12]}")
    return made


@pytest.fixture
def shore(yard: Yard, bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch) -> Yard:
    """A project whose store is a bucket, with a model that was not pushed yet."""
    keys(monkeypatch, bucket, "SHIP")
    yard.settings(*table(bucket, 'env = "SHIP"'))
    yard.model(FILES)
    return yard


@pytest.fixture
def reef(yard: Yard, hostile: HostileS3, monkeypatch: pytest.MonkeyPatch) -> Yard:
    """The same on the one server that can be told to misbehave, with keys under the platform's names."""
    made = hostile.new_bucket()
    keys(monkeypatch, made)
    yard.settings(*table(made))
    yard.model(FILES)
    return yard


def ok(done: Done) -> dict[str, Any]:
    assert done.status == 0, done
    return done.document


def error(done: Done, status: int, code: str) -> tuple[str, str]:
    """The message and the hint of a command that ended with that status and code."""
    assert done.status == status, done
    told = done.document["error"]
    assert told["code"] == code, told
    assert told["message"]
    return told["message"], told["hint"]
