"""Every server, proven with obstore alone, before a store of ours is built on it."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from threading import Barrier
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import obstore
import pytest
from obstore.exceptions import (
    AlreadyExistsError,
    GenericError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)

from tests.components.tools import listens
from tests.servers.access import AzureContainer, GcsBucket, S3Bucket
from tests.servers.azure import WRONG_KEY, Azurite
from tests.servers.gcs import GcsServer
from tests.servers.hostile import HostileS3
from tests.servers.s3 import WRONG, Moto, policy
from tests.servers.s3 import moto as moto_server
from tests.servers.swift import Swift

if TYPE_CHECKING:
    from pathlib import Path

    from obstore.store import AzureStore, GCSStore, S3Store

    Client = AzureStore | GCSStore | S3Store

COMPONENT: Final = pytest.mark.component
OWN: Final = ("hostile", "gcs")
CONDITIONAL: Final = (*OWN, "moto", pytest.param("azurite", marks=COMPONENT))
EVERY: Final = (*CONDITIONAL, pytest.param("swift", marks=COMPONENT))
KEY: Final = "v2/acme/m\u00f6del 1/blobs/sha256:ab+cd.json"


def new(request: pytest.FixtureRequest, folder: Path) -> S3Bucket | GcsBucket | AzureContainer:
    """A place of the server that the case names, which nobody has used."""
    server, name = request.getfixturevalue(request.param), f"models-{uuid4().hex[:12]}"
    if isinstance(server, GcsServer):
        return server.new_bucket(folder, name)
    if isinstance(server, Azurite):
        return server.new_container(name)
    assert isinstance(server, (HostileS3, Moto, Swift))
    return server.new_bucket(name)


@pytest.fixture
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Client:
    return new(request, tmp_path).client()


def keys(client: Client, prefix: str = "", after: str | None = None) -> list[str]:
    return [each["path"] for page in client.list(prefix, offset=after) for each in page]


@pytest.mark.parametrize("client", EVERY, indirect=True)
def test_an_object_is_stored_read_listed_and_removed(client: Client) -> None:
    put = client.put(KEY, b"0123456789", attributes={"Content-Type": "application/json"})
    got = client.get(KEY)
    assert bytes(got.bytes()) == b"0123456789"
    assert got.attributes["Content-Type"] == "application/json"
    assert got.meta["e_tag"] == put["e_tag"]
    assert abs(client.head(KEY)["last_modified"] - datetime.now(UTC)) < timedelta(minutes=1)
    assert client.head(KEY)["size"] == 10
    assert keys(client) == [KEY]
    client.delete(KEY)
    assert keys(client) == []
    with pytest.raises(FileNotFoundError):
        client.head(KEY)
    with pytest.raises(FileNotFoundError):
        client.get(KEY)


@pytest.mark.parametrize("client", EVERY, indirect=True)
def test_ranges_are_exact(client: Client) -> None:
    client.put("a", bytes(range(100)))
    assert bytes(client.get_range("a", start=10, end=20)) == bytes(range(10, 20))
    assert bytes(client.get_range("a", start=90, length=100)) == bytes(range(90, 100))
    assert bytes(client.get("a", options={"range": {"offset": 98}}).bytes()) == bytes(range(98, 100))
    with pytest.raises(GenericError):
        client.get_range("a", start=100, end=101)


@pytest.mark.parametrize("client", [*OWN, "moto"], indirect=True)
def test_the_end_of_an_object_is_read_without_its_size(client: Client) -> None:
    client.put("a", bytes(range(100)))
    assert bytes(client.get("a", options={"range": {"suffix": 3}}).bytes()) == bytes(range(97, 100))
    assert bytes(client.get("a", options={"range": {"suffix": 300}}).bytes()) == bytes(range(100))


@pytest.mark.parametrize("client", EVERY, indirect=True)
def test_a_folder_is_listed_without_what_is_deeper(client: Client) -> None:
    for key in ("x/1", "x/2", "x/y/3", "x/y/4", "x/z/5", "xx/6", "7"):
        client.put(key, b"-")
    listed = client.list_with_delimiter("x")
    assert [each["path"] for each in listed["objects"]] == ["x/1", "x/2"]
    assert list(listed["common_prefixes"]) == ["x/y", "x/z"]
    assert keys(client, "x/y") == ["x/y/3", "x/y/4"]
    assert keys(client, "x", after="x/2") == ["x/y/3", "x/y/4", "x/z/5"]


@pytest.mark.parametrize("client", EVERY, indirect=True)
def test_a_large_object_is_stored_in_parts(client: Client) -> None:
    content = bytes(range(256)) * (11 * 4096)
    client.put("big", content, use_multipart=True, chunk_size=5 << 20, max_concurrency=3)
    assert client.head("big")["size"] == len(content)
    assert bytes(client.get("big").bytes()) == content


@pytest.mark.parametrize("client", CONDITIONAL, indirect=True)
def test_create_never_replaces(client: Client) -> None:
    client.put("a", b"first", mode="create")
    with pytest.raises(AlreadyExistsError):
        client.put("a", b"second", mode="create")
    assert bytes(client.get("a").bytes()) == b"first"
    client.delete("a")
    client.put("a", b"third", mode="create")


@pytest.mark.parametrize("client", CONDITIONAL, indirect=True)
def test_update_replaces_only_what_was_seen(client: Client) -> None:
    seen = client.put("a", b"first")
    mode = {name: tag for name, tag in seen.items() if tag is not None}
    client.put("a", b"second", mode=mode)  # type: ignore[arg-type]
    with pytest.raises(PreconditionError):
        client.put("a", b"third", mode=mode)  # type: ignore[arg-type]
    assert bytes(client.get("a").bytes()) == b"second"


@pytest.mark.parametrize("client", CONDITIONAL, indirect=True)
def test_of_twenty_that_create_at_once_one_wins(client: Client) -> None:
    together = Barrier(20)

    def creates(number: int) -> bool:
        together.wait()
        try:
            client.put(f"event-{turn}", b"%03d" % number, mode="create")
        except AlreadyExistsError:
            return False
        return True

    with ThreadPoolExecutor(20) as threads:
        for turn in range(5):
            won = list(threads.map(creates, range(20)))
            assert won.count(True) == 1
            assert bytes(client.get(f"event-{turn}").bytes()) == b"%03d" % won.index(True)


@pytest.mark.parametrize("name", OWN)
def test_long_listings_come_in_pages(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    server = request.getfixturevalue(name)
    assert isinstance(server, (HostileS3, GcsServer))
    server.page_keys = 3
    bucket = server.new_bucket() if isinstance(server, HostileS3) else server.new_bucket(tmp_path)
    client, written = bucket.client(), [f"l/{number:03}" for number in range(10)]
    for key in (*written, "l/d\u00e9/1", "l/d\u00e9/2", "l/e/1"):
        client.put(key, b"")
    assert keys(client, "l") == [*written, "l/d\u00e9/1", "l/d\u00e9/2", "l/e/1"]
    assert keys(client, "l", after="l/004") == [*written[5:], "l/d\u00e9/1", "l/d\u00e9/2", "l/e/1"]
    assert list(client.list_with_delimiter("l")["common_prefixes"]) == ["l/d\u00e9", "l/e"]
    assert sum("continuation-token" in each.query for each in server.requests) >= 8


def test_moto_checks_keys_and_policies(moto: Moto) -> None:
    bucket = moto.new_bucket("guarded")
    bucket.client().put("a", b"x")
    reader = bucket.by(moto.user(policy("s3:GetObject"))).client()
    assert bytes(reader.get("a").bytes()) == b"x"
    with pytest.raises(GenericError, match="AccessDenied"):  # obstore has no better name for it in a listing
        keys(reader)
    with pytest.raises(PermissionDeniedError, match="AccessDenied"):
        reader.put("b", b"x")
    with pytest.raises(PermissionDeniedError, match="InvalidAccessKeyId"):
        bucket.by(WRONG).client().get("a")
    with pytest.raises(PermissionDeniedError, match="SignatureDoesNotMatch"):
        bucket.by((bucket.key_id, "wrong")).client().get("a")


def test_moto_is_gone_when_its_block_ends(tmp_path: Path) -> None:
    with moto_server(tmp_path) as server:
        port = int(server.endpoint.rpartition(":")[2])
        assert listens(port)
    assert not listens(port)


@pytest.mark.parametrize("client", [*OWN, "moto"], indirect=True)
def test_a_part_is_not_an_object_before_all_are_there(client: Client) -> None:
    def parts() -> object:
        yield bytes(6 << 20)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        client.put("big", parts(), use_multipart=True, chunk_size=5 << 20)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        client.head("big")


@pytest.mark.parametrize("name", ["hostile", "moto"])
def test_what_a_dying_client_sent_is_not_stored(name: str, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue(name)
    assert isinstance(server, (HostileS3, Moto))
    bucket = server.new_bucket("dying-client")
    client, address = bucket.client(), bucket.endpoint.removeprefix("http://")
    target = obstore.sign(client, "PUT", "a", timedelta(minutes=5)).partition(address)[2]
    with socket.create_connection(("127.0.0.1", int(address.partition(":")[2]))) as caller:
        head = f"PUT {target} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 100\r\n\r\n"
        caller.sendall(head.encode() + b"x" * 50)
        caller.shutdown(socket.SHUT_WR)
        while caller.recv(4096):
            pass  # until the server has dealt with it
    assert keys(client) == []


def test_a_missing_bucket_is_said(hostile: HostileS3, gcs: GcsServer, moto: Moto, tmp_path: Path) -> None:
    owner = moto.new_bucket("there")
    gone = [
        S3Bucket(hostile.url, "nope", "a", "b"),
        S3Bucket(moto.endpoint, "nope", owner.key_id, owner.secret),
    ]
    for client in (
        *(each.client() for each in gone),
        GcsBucket(gcs.url, "nope", gcs.account(tmp_path)).client(),
    ):
        with pytest.raises((FileNotFoundError, NotFoundError), match="NoSuchBucket"):
            client.get("a")


def test_gcs_makes_a_bucket_once(gcs: GcsServer) -> None:
    def create() -> int:
        body = json.dumps({"name": "fresh"}).encode()
        with closing(HTTPConnection("127.0.0.1", int(gcs.url.rpartition(":")[2]))) as connection:
            connection.request("POST", "/storage/v1/b?project=p", body)
            return connection.getresponse().status

    assert [create(), create()] == [200, 409]


def test_gcs_denies_and_does_not_say_whether_it_is_there(gcs: GcsServer, tmp_path: Path) -> None:
    client = gcs.new_bucket(tmp_path, "private").client()
    client.put("a", b"x")
    gcs.denies("private")
    for key in ("a", "missing"):
        with pytest.raises(
            PermissionDeniedError, match=r"storage\.objects\.get access .*\(or it may not exist\)"
        ):
            client.get(key)
    with pytest.raises(PermissionDeniedError, match=r"storage\.objects\.create"):
        client.put("a", b"x")
    with pytest.raises(GenericError, match=r"storage\.objects\.list"):
        keys(client)


@pytest.mark.component
def test_swift_says_that_it_has_no_conditional_writes(swift: Swift) -> None:
    client = swift.new_bucket("conditions").client()
    with pytest.raises(GenericError, match=r"(?s)501 Not Implemented.*<Code>NotImplemented<"):
        client.put("a", b"x", mode="create")
    assert keys(client) == []


@pytest.mark.component
def test_swift_checks_keys(swift: Swift) -> None:
    bucket = swift.new_bucket("guarded")
    with pytest.raises(PermissionDeniedError, match="SignatureDoesNotMatch"):
        bucket.by((bucket.key_id, "wrong")).client().get("a")
    with pytest.raises(PermissionDeniedError):
        bucket.by(WRONG).client().get("a")


@pytest.mark.component
def test_azurite_checks_the_key(azurite: Azurite) -> None:
    container = azurite.new_container("guarded")
    with pytest.raises((PermissionDeniedError, UnauthenticatedError)):
        replace(container, key=WRONG_KEY).client().get("a")
