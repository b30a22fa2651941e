"""A store is tried step by step: what each kind of store, right and refusal looks like."""

from __future__ import annotations

import itertools
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast
from uuid import uuid4

import pytest

from lading.core.digest import Digest
from lading.core.errors import UsageError
from lading.core.image import CONFIG_TYPE, LAYER_TYPE, MANIFEST_TYPE, Descriptor, Manifest, index
from lading.core.location import Location
from lading.core.objects import PROBE_KEY
from lading.ops.probe import SPEED_KEY, STEPS, Subject, probe, unopened
from lading.stores.access import access
from lading.stores.schemes import READ_ONLY, open_store
from tests.cargo import noise
from tests.servers.s3 import WRONG, policy
from tests.stores.contract import put, s3_location

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.core.ports import WritableStore
    from lading.core.surroundings import Probe
    from lading.ops.probe import Held
    from tests.servers.gcs import GcsServer
    from tests.servers.hostile import HostileS3
    from tests.servers.s3 import Moto
    from tests.servers.static import StaticServer

M = (("m", "1.0"),)
SECRET = "wJalr/SECRET+of+nobody"


def opened(location: Location) -> WritableStore:
    return cast("WritableStore", open_store(location, Path("/")))


def tried(location: Location, models: Sequence[tuple[str, str | None]] = ()) -> Probe:
    store = opened(location)
    objects = None if location.scheme in READ_ONLY else store.objects
    return probe(Subject(cast("Held", store), objects, access(location).credentials, models), time.monotonic)


def stock(store: WritableStore, size: int, name: str = "m", version: str = "1.0") -> bytes:
    """A version of two layers, of which the second has that size; nobody loads it."""
    small, large = (put(store, name, noise(each)) for each in (100, size))
    layers = (Descriptor(LAYER_TYPE, small, 100), Descriptor(LAYER_TYPE, large, size))
    raw = Manifest(Descriptor(CONFIG_TYPE, small, 100), layers).encode()
    assert store.create_manifest(name, version, raw)
    return raw


def results(found: Probe) -> list[str]:
    assert [step.step for step in found.steps] == list(STEPS)
    return [step.result for step in found.steps]


def codes(found: Probe) -> dict[str, str]:
    return {step.step: step.code for step in found.steps if step.code}


def said(found: Probe, name: str) -> str:
    return next(step.message for step in found.steps if step.step == name)


def nobody() -> str:
    """The URL of a port of this machine on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_an_empty_store_is_measured_with_an_object_that_is_removed_again() -> None:
    location = Location(f"memory://{uuid4()}")
    found = tried(location)
    assert results(found) == ["skipped", "ok", "ok", "ok", "ok", "ok"]
    assert (found.readable, found.strong) == (True, True)
    assert found.speed is not None
    assert found.speed.size == 4 * 1024 * 1024
    objects = opened(location).objects
    assert (objects.head(SPEED_KEY), objects.head(PROBE_KEY) is not None) == (None, True)


def test_times_are_those_of_the_clock_that_was_given() -> None:
    store = opened(Location(f"memory://{uuid4()}"))
    stock(store, 50_000)
    ticks = itertools.count(step=0.5)
    found = probe(Subject(cast("Held", store), store.objects, None, M), lambda: next(ticks))
    assert [step.seconds for step in found.steps] == [0.5, 0.5, 0.5, 0.5, 2.0, 0.5]
    assert found.speed is not None
    assert (found.speed.size, found.speed.seconds, found.speed.first_byte_s) == (50_000, 0.5, 0.5)
    assert found.speed.rate == 100_000
    assert said(found, "speed") == "0.1 MiB/s over 50000 bytes, first byte after 500 ms"


def test_at_most_sixteen_mebibytes_of_the_largest_blob_are_read() -> None:
    store = opened(Location(f"memory://{uuid4()}"))
    stock(store, 1000)
    stock(store, 17 * 1024 * 1024, "n")
    found = tried(Location(store.url), [("m", None), ("n", "1.0"), ("o", None)])
    assert found.speed is not None
    assert found.speed.size == 16 * 1024 * 1024
    assert said(found, "read").startswith("the manifest of m:1.0, ")


def test_a_version_that_nobody_declared_will_do() -> None:
    store = opened(Location(f"memory://{uuid4()}"))
    stock(store, 1000, "acme/other", "2.0")
    found = tried(Location(store.url), M)
    assert said(found, "read").startswith("the manifest of acme/other:2.0, ")
    assert found.speed is not None
    assert found.speed.size == 1000


def test_blobs_that_no_version_names_are_not_read() -> None:
    store = opened(Location(f"memory://{uuid4()}"))
    put(store, "m", noise(1000))
    found = tried(Location(store.url), M)
    assert said(found, "read") == "it answers; none of the models is there"
    assert found.speed is not None
    assert found.speed.size == 4 * 1024 * 1024


def test_the_blobs_of_a_version_for_several_platforms_are_found() -> None:
    store = opened(Location(f"memory://{uuid4()}"))
    raw = stock(store, 1000)
    digest = Digest.of(raw)
    store.create_manifest("m", str(digest), raw)
    listed = index({"linux/amd64": Descriptor(MANIFEST_TYPE, digest, len(raw))})
    store.create_manifest("m", "2.0", listed)
    found = tried(Location(store.url), (("m", "2.0"),))
    assert found.speed is not None
    assert found.speed.size == 1000


def test_a_blob_that_is_missing_fails_one_step() -> None:
    store = opened(Location(f"memory://{uuid4()}"))
    stock(store, 1000)
    store.objects.delete(f"v2/m/blobs/{Digest.of(noise(1000))}")
    found = tried(Location(store.url), M)
    assert results(found) == ["skipped", "ok", "ok", "ok", "no", "skipped"]
    assert (found.readable, codes(found)) == (True, {"speed": "no-blob"})


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    found = tried(Location(f"file://{tmp_path}/mount"))
    assert results(found) == ["skipped", "ok", "no", "skipped", "skipped", "skipped"]
    assert (found.readable, codes(found)) == (False, {"read": "no-store"})
    assert list(tmp_path.iterdir()) == []


def test_a_folder(tmp_path: Path) -> None:
    location = Location(f"file://{tmp_path}")
    stock(opened(location), 5000)
    found = tried(location, M)
    assert results(found) == ["skipped", "ok", "ok", "ok", "ok", "skipped"]
    assert found.strong is True
    assert (tmp_path / PROBE_KEY).is_file()


def test_an_honest_bucket(hostile: HostileS3) -> None:
    location = s3_location(hostile.new_bucket(), "s3://models/prefix")
    stock(opened(location), 3_000_000)
    found = tried(location, M)
    assert results(found) == ["ok", "ok", "ok", "ok", "ok", "skipped"]
    assert (found.readable, found.strong) == (True, True)
    assert said(found, "credentials") == "AWS_ACCESS_KEY_ID"
    assert set(hostile.buckets.held["models"]) >= {f"prefix/{PROBE_KEY}"}


def test_a_weak_bucket_says_so(hostile: HostileS3) -> None:
    hostile.ignores_conditions()
    found = tried(s3_location(hostile.new_bucket()), M)
    assert (results(found), found.strong) == (["ok"] * 6, False)
    assert said(found, "write").startswith("weak: ")


def test_google_cloud_storage(gcs: GcsServer, tmp_path: Path) -> None:
    bucket = gcs.new_bucket(tmp_path)
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": str(bucket.service_account)}
    location = Location(f"gs://{bucket.bucket}", environ=environ)
    found = tried(location)
    assert (results(found), found.strong) == (["ok"] * 6, True)
    assert said(found, "credentials") == "GOOGLE_APPLICATION_CREDENTIALS"
    gcs.denies(bucket.bucket)
    denied = tried(location)
    assert results(denied) == ["ok", "no", "no", "no", "skipped", "skipped"]
    assert denied.readable is False


def test_keys_that_nobody_has_fail_every_step_that_asks(moto: Moto) -> None:
    bucket = moto.new_bucket(f"models-{uuid4().hex[:12]}").by(WRONG)
    found = tried(s3_location(bucket), M)
    assert results(found) == ["no", "no", "no", "no", "skipped", "skipped"]
    assert (found.readable, set(codes(found).values())) == (False, {"bad-credentials"})
    assert all(step.hint for step in found.steps if step.code)
    assert WRONG[1] not in str(found)


def test_a_user_who_may_only_read_and_list(moto: Moto) -> None:
    bucket = moto.new_bucket(f"models-{uuid4().hex[:12]}")
    stock(opened(s3_location(bucket)), 5000)
    reader = bucket.by(moto.user(policy("s3:GetObject", "s3:ListBucket")))
    found = tried(s3_location(reader), M)
    assert results(found) == ["ok", "ok", "ok", "no", "ok", "skipped"]
    assert (found.readable, found.strong, codes(found)) == (True, None, {"write": "access-denied"})
    assert "s3:PutObject" in said(found, "write")


def test_a_user_who_may_not_list_reads_what_the_lock_pins(moto: Moto) -> None:
    bucket = moto.new_bucket(f"models-{uuid4().hex[:12]}")
    stock(opened(s3_location(bucket)), 5000)
    reader = bucket.by(moto.user(policy("s3:GetObject")))
    found = tried(s3_location(reader), M)
    assert results(found) == ["ok", "no", "ok", "no", "ok", "skipped"]
    assert found.readable is True
    assert "s3:ListBucket" in said(found, "list")


def test_a_user_who_may_write_and_not_delete_hears_what_is_left(moto: Moto) -> None:
    bucket = moto.new_bucket(f"models-{uuid4().hex[:12]}")
    writer = bucket.by(moto.user(policy("s3:GetObject", "s3:ListBucket", "s3:PutObject")))
    found = tried(s3_location(writer))
    assert results(found) == ["ok", "ok", "ok", "ok", "ok", "no"]
    assert codes(found) == {"delete": "access-denied"}
    assert SPEED_KEY in said(found, "delete")


def test_a_bucket_that_is_not_there(hostile: HostileS3) -> None:
    bucket = hostile.new_bucket()
    found = tried(s3_location(bucket, "s3://other"), M)
    assert results(found) == ["no", *["skipped"] * 5]
    assert (found.readable, codes(found)) == (False, {"credentials": "no-store"})
    assert set(hostile.buckets.held) == {"models"}


def test_where_nobody_listens_it_is_not_waited_for_again() -> None:
    environ = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": SECRET}
    found = tried(Location("s3://models", endpoint=nobody(), environ=environ), M)
    assert results(found) == ["no", *["skipped"] * 5]
    assert (found.readable, codes(found)) == (False, {"credentials": "unreachable"})
    assert SECRET not in str(found)


def test_a_web_server_can_be_read_and_no_more(static: StaticServer) -> None:
    stock(opened(Location(f"file://{static.root}")), 5000)
    found = tried(Location(static.url), M)
    assert results(found) == ["skipped", "skipped", "ok", "skipped", "ok", "skipped"]
    assert (found.readable, found.strong) == (True, None)
    assert {request.method for request in static.requests} <= {"GET", "HEAD"}


def test_a_web_server_of_which_nothing_is_known_answers(static: StaticServer) -> None:
    found = tried(Location(static.url))
    assert results(found) == ["skipped", "skipped", "ok", "skipped", "skipped", "skipped"]
    assert said(found, "read") == "it answers; none of the models is there"


def test_a_login_page_is_no_store(static: StaticServer) -> None:
    static.html(b"<html><title>Log in</title></html>")
    found = tried(Location(static.url), M)
    assert (found.readable, codes(found)) == (False, {"read": "html-body"})


def test_a_store_that_cannot_be_opened() -> None:
    found = unopened(UsageError("plain-http", "http://me:secret@host is plain", hint="use https://"))
    assert results(found) == ["no", *["skipped"] * 5]
    assert (found.readable, found.strong, found.speed) == (False, None, None)
    assert found.steps[0].message == "http://host is plain"


@pytest.mark.parametrize(
    ("name", "environ", "expected"),
    [
        ("s3://b", {}, "the role of this machine"),
        ("s3://b", {"AWS_WEB_IDENTITY_TOKEN_FILE": "/x"}, "AWS_WEB_IDENTITY_TOKEN_FILE"),
        ("gs://b", {}, "the role of this machine"),
        ("gs://b", {"GOOGLE_SERVICE_ACCOUNT_KEY": SECRET}, "GOOGLE_SERVICE_ACCOUNT_KEY"),
        ("az://b", {"AZURE_STORAGE_ACCOUNT_KEY": SECRET}, "AZURE_STORAGE_ACCOUNT_KEY"),
        ("az://b", {"AZURE_STORAGE_SAS_TOKEN": SECRET}, "AZURE_STORAGE_SAS_TOKEN"),
        ("https://b", {"AWS_ACCESS_KEY_ID": SECRET}, None),
        ("file://b", {}, None),
    ],
)
def test_credentials_are_named_and_not_told(name: str, environ: dict[str, str], expected: str | None) -> None:
    assert access(Location(name, environ=environ)).credentials == expected


def test_what_gcloud_left_in_the_home_folder_is_named(tmp_path: Path) -> None:
    path = tmp_path / ".config/gcloud/application_default_credentials.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    assert access(Location("gs://b", environ={"HOME": str(tmp_path)})).credentials == str(path)


def test_an_endpoint_with_a_user_is_refused_without_quoting_it() -> None:
    environ = {
        "R2_ACCESS_KEY_ID": "AKID",
        "R2_SECRET_ACCESS_KEY": SECRET,
        "R2_ENDPOINT_URL": "https://me:pa/ss@r2.example/x?token=abc",
    }
    with pytest.raises(UsageError) as caught:
        access(Location("s3://b", env="R2", region="auto", environ=environ))
    assert caught.value.code == "bad-endpoint"
    assert "ss@" not in caught.value.message
    assert "abc" not in caught.value.message
