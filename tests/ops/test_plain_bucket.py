"""Plain prefixes in real buckets: what is sent there is proven there, mostly without a download."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from lading import api
from tests.cargo import noise
from tests.yard import Yard, files_of

if TYPE_CHECKING:
    from pathlib import Path

    from obstore.store import S3Store

    from tests.servers.access import S3Bucket
    from tests.servers.gcs import GcsServer
    from tests.servers.hostile import HostileS3
    from tests.servers.s3 import Moto

FILES = {"weights.bin": noise(1024 * 1024) * 17, "sub/\u00e4 b.json": b"{}", "empty": b""}
SIZE = 17 * 1024 * 1024 + 2


@pytest.fixture(params=["hostile", "moto"])
def bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> S3Bucket:
    """An empty S3 bucket that the environment gives access to, as a plain client."""
    server: HostileS3 | Moto = request.getfixturevalue(request.param)
    made: S3Bucket = server.new_bucket(f"models-{uuid4().hex[:12]}")
    monkeypatch.setenv("AWS_ENDPOINT_URL", made.endpoint)
    monkeypatch.setenv("AWS_REGION", made.region)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", made.key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", made.secret)
    return made


def keys(client: S3Store) -> set[str]:
    import obstore

    return {meta["path"] for batch in obstore.list(client) for meta in batch}


def test_a_version_goes_to_a_prefix_is_proven_there_and_comes_back(yard: Yard, bucket: S3Bucket) -> None:
    import obstore

    yard.stock(FILES)
    api.lock(project=yard.folder)
    client, url = bucket.client(), f"s3://{bucket.bucket}/models/m"
    done = api.export("m:1.0", url, project=yard.folder)
    assert (done.uploaded, done.reused) == (SIZE, 0)
    assert keys(client) == {f"models/m/{path}" for path in (*FILES, "lading.json")}
    assert api.export("m:1.0", url, project=yard.folder).uploaded == 0

    verified = api.verify(f"s3://{bucket.bucket}/models/", require="lock", project=yard.folder)
    assert (verified.ok, verified.checked, verified.read) == (True, 3, 0)
    yard.forget()
    verified = api.verify(f"{url}/", project=yard.folder)
    assert (verified.ok, verified.read) == (True, SIZE)

    yard.settings()
    assert api.import_(url, "m", project=yard.folder).fetched == SIZE
    assert files_of(yard.folder / "models/m") == FILES

    obstore.put(client, "models/m/weights.bin", noise(1024 * 1024, 2) * 17)
    obstore.delete(client, "models/m/empty")
    obstore.put(client, "models/m/more/b", b"x")
    problems = api.verify(f"{url}/", project=yard.folder).problems
    assert {each.path: each.problem for each in problems} == {
        "weights.bin": "different",
        "empty": "missing",
        "more/b": "extra",
    }


def test_what_was_uploaded_by_hand_needs_no_bill(yard: Yard, bucket: S3Bucket) -> None:
    import obstore

    yard.stock(FILES)
    client = bucket.client()
    for path, content in FILES.items():
        obstore.put(client, f"by/hand/{path}", content)
    yard.pull("m:1.0")
    words = ("verify", f"s3://{bucket.bucket}/by/hand/", "--as", "m:1.0", "--json")
    done = yard.say(*words)
    assert (done.status, done.document["read"]) == (0, 0)
    obstore.delete(client, "by/hand/empty")
    assert yard.say(*words).status == 1


def test_a_version_goes_to_another_kind_of_bucket(
    yard: Yard, gcs: GcsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = gcs.new_bucket(tmp_path)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(made.service_account))
    yard.stock(FILES)
    url = f"gs://{made.bucket}/models/m"
    api.export("m:1.0", url, project=yard.folder)
    yard.forget()
    verified = api.verify(f"{url}/", project=yard.folder)
    assert (verified.ok, verified.read) == (True, SIZE)


def test_the_marks_that_consoles_make_for_folders_are_no_files(
    yard: Yard, hostile: HostileS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = hostile.new_bucket()
    monkeypatch.setenv("AWS_ENDPOINT_URL", made.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", made.key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", made.secret)
    yard.stock({"a.bin": b"a", "sub/b.bin": b"b"})
    api.export("m:1.0", f"s3://{made.bucket}/m", project=yard.folder)
    for key in ("m/", "m/sub/", "m/void/"):
        hostile.buckets.put((made.bucket, key), b"", {}, lambda _: None)
    assert api.verify(f"s3://{made.bucket}/m/", project=yard.folder).ok
