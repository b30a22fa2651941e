"""Whose credentials a bucket is shown, and that no other store's variables get into it."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from lading.core.errors import LadingError
from lading.core.location import Location
from lading.core.objects import Kind
from lading.plumbing.sigv4 import Keys
from lading.stores.azure import azure_client
from lading.stores.bucket import Bucket, open_store
from lading.stores.clients import gcs_client, google_file, s3
from lading.stores.s3read import S3Reader
from tests.cargo import fill
from tests.discretion import planted
from tests.servers.access import secret, shown
from tests.servers.hostile import HostileS3
from tests.servers.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from lading.core.objects import WritableObjects
    from tests.servers.gcs import GcsServer
    from tests.servers.wire import Request

OURS: Final = {"AWS_ACCESS_KEY_ID": "OURS", "AWS_SECRET_ACCESS_KEY": secret("ours")}
KIND: Final = Kind("text/plain")
HTTPS: Final = "DefaultEndpointsProtocol=https"
SHARED: Final = f"SharedAccessSignature=sv=1&sig={secret('sas')}%3D"
AZURE_KEY: Final = b64encode(secret("azure").encode()).decode()


def refused(act: Callable[[], object]) -> tuple[str, str, str]:
    with pytest.raises(LadingError) as caught:
        act()
    assert shown(caught.value.message + caught.value.hint) == []
    return caught.value.code, caught.value.message, caught.value.hint


def at(url: str = "s3://models", /, **more: Any) -> Location:  # noqa: ANN401 - as Location takes them
    return Location(url, **more)


# S3: variables.


def test_the_platforms_own_variables() -> None:
    environ = {**OURS, "AWS_SESSION_TOKEN": secret("token"), "AWS_REGION": "eu-west-1"}
    found = s3(at("s3://models/a/b/", environ={**environ, "AWS_ENDPOINT_URL": "https://store.example"}))
    assert (found.bucket, found.prefix, found.region) == ("models", "a/b", "eu-west-1")
    assert found.endpoint == "https://store.example"
    assert found.keys == Keys("OURS", secret("ours"), secret("token"))
    assert found.source == "AWS_ACCESS_KEY_ID"


@pytest.mark.parametrize(
    ("environ", "endpoint"),
    [
        ({}, None),
        ({"AWS_ENDPOINT_URL": ""}, None),
        ({"AWS_ENDPOINT_URL": "https://a.example"}, "https://a.example"),
        (
            {"AWS_ENDPOINT_URL": "https://a.example", "AWS_ENDPOINT_URL_S3": "https://b.example"},
            "https://b.example",
        ),
        ({"R2_ENDPOINT_URL": "https://c.example"}, None),
    ],
)
def test_the_endpoint_for_s3_goes_before_the_one_for_all(
    environ: dict[str, str], endpoint: str | None
) -> None:
    assert s3(at(environ={**OURS, **environ})).endpoint == endpoint
    assert (
        s3(at(endpoint="https://said.example", environ={**OURS, **environ})).endpoint
        == "https://said.example"
    )


@pytest.mark.parametrize(
    ("environ", "region"),
    [
        ({}, "us-east-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({"AWS_DEFAULT_REGION": "eu-west-2", "AWS_REGION": "eu-west-1"}, "eu-west-1"),
    ],
)
def test_the_region(environ: dict[str, str], region: str) -> None:
    assert s3(at(environ={**OURS, **environ})).region == region
    assert s3(at(region="auto", environ={**OURS, **environ})).region == "auto"


@pytest.mark.parametrize("region", ["eu west", "eu-west-1\n", "\u00e4", "../x", "a/b"])
def test_a_region_that_cannot_be(region: str) -> None:
    code, message, hint = refused(lambda: s3(at(region=region, environ=OURS)))
    assert (code, "eu-west-1" in hint) == ("bad-region", True)
    assert message.startswith("s3://models: ")


def test_a_prefix_of_its_own_stands_in_place_of_the_platforms() -> None:
    environ = {
        "AWS_SESSION_TOKEN": secret("foreign"),
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "https://foreign.example",
        **OURS,
    }
    own = {"R2_ACCESS_KEY_ID": "R2", "R2_SECRET_ACCESS_KEY": secret("r2")}
    found = s3(at(env="R2", environ={**environ, **own}))
    assert found.keys == Keys("R2", secret("r2"))
    assert (found.endpoint, found.region, found.source) == (None, "us-east-1", "R2_ACCESS_KEY_ID")
    more = {"R2_REGION": "auto", "R2_ENDPOINT_URL": "https://r2.example", "R2_SESSION_TOKEN": secret("own")}
    found = s3(at(env="R2", environ={**environ, **own, **more}))
    assert (found.endpoint, found.region, found.keys) == (
        "https://r2.example", "auto", Keys("R2", secret("r2"), secret("own")),
    )  # fmt: skip


@pytest.mark.parametrize("there", [{}, {"R2_ACCESS_KEY_ID": "x"}, {"R2_SECRET_ACCESS_KEY": secret("x")}])
def test_without_its_own_variables_nobody_elses_will_do(there: dict[str, str]) -> None:
    code, message, hint = refused(lambda: s3(at(env="R2", environ={**OURS, **there})))
    assert code == "no-credentials"
    assert message.endswith("R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY are not set")
    assert hint.startswith("set R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY")


# What obstore and others would read in the environment, each with a value that would do harm.
FOREIGN: Final = {
    "AWS_SESSION_TOKEN": secret("foreign"),
    "AWS_TOKEN": secret("foreign"),
    "AWS_ENDPOINT": "http://127.0.0.1:1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
    "AWS_CHECKSUM_ALGORITHM": "sha256",
    "AWS_SERVER_SIDE_ENCRYPTION": "AES256",
    "AWS_REQUEST_PAYER": "requester",
    "AWS_SKIP_SIGNATURE": "true",
    "AWS_UNSIGNED_PAYLOAD": "true",
    "AWS_CONDITIONAL_PUT": "disabled",
    "AWS_S3_EXPRESS": "true",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
    "AWS_BUCKET": "foreign",
    "AWS_REGION": "eu-west-9",
    "AWS_DEFAULT_REGION": "eu-west-9",
    "AWS_PROFILE": "foreign",
    "AWS_ROLE_ARN": "arn:aws:iam::1:role/foreign",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/foreign",
    "AWS_USER_AGENT": "foreign",
}


def use(objects: WritableObjects) -> None:
    """Every kind of request."""
    objects.create("a", b"x", KIND)
    objects.replace("a", b"y", KIND)
    objects.put("b", 9 << 20, iter([bytes(9 << 20)]), KIND)
    assert objects.get("a", 10) == b"y"
    assert objects.head("b") is not None
    assert b"".join(objects.read("a", 0, 1)) == b"y"
    assert [found.key for found in objects.entries("").objects] == [".lading-probe", "a", "b"]
    objects.delete("a")


SIGNED: Final = {"authorization", "x-amz-content-sha256", "x-amz-date"}


def amazon(asked: Request) -> dict[str, str]:
    """The headers of a request that are Amazon's."""
    return {
        name: text
        for name, text in asked.headers.items()
        if name == "authorization" or name.startswith("x-amz-")
    }


@pytest.mark.parametrize("names", [*([name] for name in FOREIGN), list(FOREIGN)], ids="+".join)
def test_nothing_foreign_gets_into_a_store_with_a_prefix_of_its_own(
    hostile: HostileS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str]
) -> None:
    made = hostile.new_bucket()
    monkeypatch.setenv("R2_ACCESS_KEY_ID", "R2")
    monkeypatch.setenv("R2_SECRET_ACCESS_KEY", secret("r2"))
    for name in names:
        monkeypatch.setenv(name, FOREIGN[name])
    location = at(endpoint=made.endpoint, env="R2", environ=os.environ)
    use(open_store(location, tmp_path).objects)
    for asked in hostile.requests:
        found = amazon(asked)
        assert found.keys() == SIGNED
        assert "Credential=R2/" in found["authorization"]
        assert "/us-east-1/s3/" in found["authorization"]
        assert found["x-amz-content-sha256"] != "UNSIGNED-PAYLOAD"


def test_keys_of_the_platforms_names_take_from_it_what_lading_says_and_no_more(
    hostile: HostileS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = hostile.new_bucket()
    taken = {"AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"}
    for name, value in {**FOREIGN, **OURS, "AWS_ENDPOINT_URL_S3": made.endpoint}.items():
        monkeypatch.setenv(name, value)
    use(open_store(at(environ=os.environ), tmp_path).objects)
    for asked in hostile.requests:
        found = amazon(asked)
        assert found.keys() == {*SIGNED, "x-amz-security-token"}
        assert "Credential=OURS/" in found["authorization"]
        assert "/eu-west-9/s3/" in found["authorization"]
    assert taken <= FOREIGN.keys()


def test_the_role_of_a_machine_is_asked_where_there_are_no_keys(
    hostile: HostileS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = hostile.new_bucket()
    (tmp_path / "token").write_text("anybody")
    said = {"AccessKeyId": "ROLE", "SecretAccessKey": secret("role"), "Token": secret("role-token")}
    body = json.dumps({**said, "Expiration": "2099-01-01T00:00:00Z"}).encode()
    hostile.acts(lambda *_: Reply(200, {}, body), lambda asked: asked.path == "/role")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{hostile.url}/role")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
    # The location's own endpoint goes before every variable, of which the one for S3 is the strongest.
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    store = open_store(at("s3://models/p", endpoint=made.endpoint, environ=os.environ), tmp_path)
    assert store.create_manifest("m", "1.0", b"{}")
    assert store.manifest("m", "1.0") == b"{}"
    assert hostile.buckets.held["models"].keys() == {"p/.lading-probe", "p/v2/m/manifests/1.0"}
    for asked in hostile.requests:
        if asked.path != "/role":
            assert asked.headers["x-amz-security-token"] == secret("role-token")


def test_a_machine_without_a_role_says_where_it_looked(
    hostile: HostileS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = hostile.new_bucket()
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", hostile.url)
    hostile.fails(404, "NotFound", when=lambda asked: "latest" in asked.path)
    store = open_store(at(endpoint=made.endpoint, environ=os.environ), tmp_path)
    code, message, hint = refused(lambda: store.manifest("m", "1.0"))
    assert code == "no-credentials"
    assert "the role of this machine" in message
    assert "AWS_ACCESS_KEY_ID" in hint


def test_at_amazon_itself_a_bucket_is_a_host_unless_its_name_has_dots(tmp_path: Path) -> None:
    for bucket, style in (("models", True), ("my.models", False)):
        store = open_store(at(f"s3://{bucket}", environ={}), tmp_path)
        assert isinstance(store.objects, Bucket)
        client = store.objects.writer.client  # type: ignore[attr-defined]
        assert client.config["virtual_hosted_style_request"] == str(style).lower()
        assert "endpoint" not in client.config


# S3: profiles.


def files(home: Path, credentials: str = "", config: str = "") -> dict[str, str]:
    """The environment of a person with these files."""
    fill(home, {".aws/credentials": credentials.encode(), ".aws/config": config.encode()})
    for name in ("credentials", "config"):
        planted(home / ".aws" / name)
    return {"HOME": str(home)}


def profile(name: str, key: str, more: str = "") -> str:
    return f"[{name}]\naws_access_key_id = {key}\naws_secret_access_key = {secret(key)}\n{more}\n"


def test_the_default_profile_with_its_region(tmp_path: Path) -> None:
    environ = files(tmp_path, profile("default", "DEF"), "[default]\nregion = eu-west-1\n")
    found = s3(at(environ=environ))
    assert (found.keys, found.region) == (Keys("DEF", secret("DEF")), "eu-west-1")
    assert found.source == f"the profile 'default' in {tmp_path}/.aws/credentials"


def test_a_named_profile_with_its_token_and_region(tmp_path: Path) -> None:
    token = f"aws_session_token = {secret('token')}"
    config = "[profile work]\nregion = eu-west-3\ns3 =\n  max_concurrent_requests = 10\n[work]\nregion = no\n"
    environ = files(tmp_path, profile("default", "DEF") + profile("work", "WORK", token), config)
    found = s3(at(environ={**environ, "AWS_PROFILE": "work", "AWS_SESSION_TOKEN": secret("foreign")}))
    assert (found.keys, found.region) == (Keys("WORK", secret("WORK"), secret("token")), "eu-west-3")


def test_variables_go_before_a_profile_and_the_region_of_a_variable_too(tmp_path: Path) -> None:
    environ = files(tmp_path, profile("default", "DEF"), "[default]\nregion = eu-west-3\n")
    found = s3(at(environ={**environ, **OURS, "AWS_REGION": "eu-west-1"}))
    assert (found.keys, found.region) == (Keys("OURS", secret("ours")), "eu-west-1")


def test_keys_and_regions_stand_in_either_file(tmp_path: Path) -> None:
    config = profile("profile work", "WORK")
    environ = files(tmp_path, "[work]\nregion = eu-west-2\n", config)
    found = s3(at(environ={**environ, "AWS_PROFILE": "work"}))
    assert (found.keys, found.region) == (Keys("WORK", secret("WORK")), "eu-west-2")


def test_the_files_may_be_elsewhere(tmp_path: Path) -> None:
    planted(tmp_path / "c").write_text(profile("default", "ELSE"))
    (tmp_path / "g").write_text("[default]\nregion = eu-west-2\n")
    environ = {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "c"), "AWS_CONFIG_FILE": str(tmp_path / "g")}
    found = s3(at(environ=environ))
    assert (found.keys, found.region) == (Keys("ELSE", secret("ELSE")), "eu-west-2")


@pytest.mark.parametrize("name", ["nobody", "sso"])
def test_a_profile_that_is_named_and_has_no_keys_is_not_taken_for_another_identity(
    tmp_path: Path, name: str
) -> None:
    environ = files(tmp_path, profile("default", "DEF"), "[profile sso]\nsso_session = work\n")
    code, message, hint = refused(lambda: s3(at(environ={**environ, "AWS_PROFILE": name})))
    assert code == "no-credentials"
    assert f"AWS_PROFILE is '{name}', which has no keys" in message
    assert f"aws configure export-credentials --profile {name}" in hint


@pytest.mark.parametrize(
    "text", ["", "nonsense", "[default]\naws_access_key_id = x\n", "[default]\n[default]\n", "\x00"]
)
def test_files_without_keys_leave_it_to_the_machines_role(tmp_path: Path, text: str) -> None:
    found = s3(at(environ=files(tmp_path, text, text)))
    assert (found.keys, found.source, found.region) == (None, "the role of this machine", "us-east-1")


def test_files_that_cannot_be_read_leave_it_to_the_machines_role(tmp_path: Path) -> None:
    fill(tmp_path, {".aws/credentials": b"\xff\xfe", ".aws/config": b"\xff"})
    assert s3(at(environ={"HOME": str(tmp_path)})).keys is None
    assert s3(at(environ={})).keys is None


def test_a_prefix_of_its_own_reads_no_files(tmp_path: Path) -> None:
    environ = files(tmp_path, profile("default", "DEF"), "[default]\nregion = eu-west-1\n")
    own = {"R2_ACCESS_KEY_ID": "R2", "R2_SECRET_ACCESS_KEY": secret("r2"), "AWS_PROFILE": "nobody"}
    assert s3(at(env="R2", environ={**environ, **own})).region == "us-east-1"


# Endpoints.


@pytest.mark.parametrize(
    "endpoint",
    [
        "store.example",
        "localhost:9000",
        "ftp://store.example",
        "https://",
        "//store.example",
        "https:store",
        "x",
    ],
)
@pytest.mark.parametrize("scheme", ["s3", "gs", "az"])
def test_an_endpoint_that_is_no_address(tmp_path: Path, scheme: str, endpoint: str) -> None:
    environ = {**OURS, "AZURE_STORAGE_ACCOUNT_NAME": "acct"}
    location = at(f"{scheme}://models", endpoint=endpoint, environ=environ)
    code, message, hint = refused(lambda: open_store(location, tmp_path))
    assert code == "bad-endpoint"
    assert "expected https://HOST" in message
    assert "[stores.X]" in hint


@pytest.mark.parametrize("scheme", ["s3", "gs", "az"])
def test_plain_http_is_for_this_machine_unless_it_is_allowed(tmp_path: Path, scheme: str) -> None:
    location = partial(at, f"{scheme}://models", environ={**OURS, "AZURE_STORAGE_ACCOUNT_NAME": "acct"})
    for near in ("http://127.0.0.1:9000", "http://localhost:9000", "http://[::1]:9000"):
        open_store(location(endpoint=near), tmp_path)
    code, message, _ = refused(lambda: open_store(location(endpoint="http://store.example:9000"), tmp_path))
    assert code == "plain-http"
    assert "http://store.example:9000 is elsewhere and has no TLS" in message
    open_store(location(endpoint="http://store.example:9000", allow_http=True), tmp_path)


@pytest.mark.parametrize("url", ["s3://", "gs:///prefix", "az://"])
def test_a_url_without_a_bucket(tmp_path: Path, url: str) -> None:
    code, _, hint = refused(lambda: open_store(at(url, environ=OURS), tmp_path))
    assert code == "bad-bucket"
    assert url.partition("://")[0] + "://BUCKET/PREFIX" in hint


# Google.


def account(folder: Path, **more: object) -> str:
    path = planted(folder / "account.json")
    told = {
        "type": "service_account",
        "client_email": "x@y",
        "private_key": secret("google"),
        "private_key_id": "z",
    }
    path.write_text(json.dumps({**told, **more}))
    return str(path)


def test_googles_file_of_a_service_account_may_name_the_endpoint(gcs: GcsServer, tmp_path: Path) -> None:
    made = gcs.new_bucket(tmp_path)
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": str(made.service_account)}
    store = open_store(at("gs://models/p", environ=environ), tmp_path)
    assert store.create_manifest("m", "1.0", b"{}")
    assert gcs.buckets.held["models"].keys() == {"p/.lading-probe", "p/v2/m/manifests/1.0"}


def test_a_prefix_of_its_own_names_googles_file(
    gcs: GcsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = gcs.new_bucket(tmp_path)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere")
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT", "/nowhere")
    monkeypatch.setenv("GOOGLE_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("GOOGLE_SKIP_SIGNATURE", "true")
    monkeypatch.setenv("SHIP_APPLICATION_CREDENTIALS", str(made.service_account))
    store = open_store(at("gs://models", env="SHIP", environ=os.environ), tmp_path)
    assert store.create_manifest("m", "1.0", b"{}")
    assert "authorization" in gcs.requests[-1].headers
    code, message, _ = refused(
        partial(open_store, at("gs://models", env="OTHER", environ=os.environ), tmp_path)
    )
    assert code == "no-credentials"
    assert message.endswith("OTHER_APPLICATION_CREDENTIALS are not set")


@pytest.mark.parametrize("name", ["GOOGLE_BEARER_TOKEN", "GOOGLE_SERVICE_ACCOUNT_KEY"])
def test_two_credentials_of_google_are_one_too_many(tmp_path: Path, name: str) -> None:
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": account(tmp_path), name: secret("x")}
    code, message, hint = refused(lambda: gcs_client(at("gs://models", environ=environ)))
    assert code == "two-credentials"
    assert f"{name} is set too" in message
    assert hint == f"unset {name}"


@pytest.mark.parametrize("name", ["GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH"])
def test_a_users_own_credentials_of_google_and_an_accounts_are_one_too_many(
    tmp_path: Path, name: str
) -> None:
    path = planted(tmp_path / "user.json")
    user = {"type": "authorized_user", "client_id": "a", "client_secret": secret("a")}
    path.write_text(json.dumps({**user, "refresh_token": secret("b")}))
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": str(path)}
    client = gcs_client(at("gs://models", environ=environ))
    assert client.config["application_credentials"] == str(path)
    assert (
        refused(lambda: gcs_client(at("gs://models", environ={**environ, name: "x"})))[0] == "two-credentials"
    )


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff", b"-----BEGIN PRIVATE KEY-----"])
def test_a_file_of_google_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "g.json"
    if content is not None:
        path.write_bytes(content)
    code, message, hint = refused(lambda: google_file(str(path), "GOOGLE_APPLICATION_CREDENTIALS"))
    assert code == "no-credentials"
    assert message.startswith(f"GOOGLE_APPLICATION_CREDENTIALS names {path}, which cannot be read")
    assert hint == "point GOOGLE_APPLICATION_CREDENTIALS at a service account's JSON file"


@pytest.mark.parametrize("content", ["[]", "{}", '{"type": "service_account", "private_key": "%s"}'])
def test_a_file_of_google_that_holds_something_else(tmp_path: Path, content: str) -> None:
    path = planted(tmp_path / "g.json")
    path.write_text(content.replace("%s", secret("key")))
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": str(path)}
    code, _, _ = refused(lambda: open_store(at("gs://models", environ=environ), tmp_path))
    assert code == "bad-credentials"


def test_without_a_file_google_is_asked_as_the_machine_can() -> None:
    assert "base_url" not in gcs_client(at("gs://models", environ={})).config
    client = gcs_client(at("gs://models", endpoint="https://gcs.example", environ={}))
    assert client.config["base_url"] == "https://gcs.example"


# Azure.


@pytest.fixture
def azure() -> Iterator[HostileS3]:
    """Records what an Azure client sends; it is no Azure, and says that nothing is there."""
    with HostileS3() as server:
        server.new_bucket("acct")
        yield server


def sent(server: HostileS3, folder: Path, environ: Mapping[str, str], env: str = "") -> Request:
    location = at("az://models", endpoint=f"{server.url}/acct", env=env, environ=environ)
    open_store(location, folder).objects.get("k", 1)
    return server.requests[-1]


@pytest.mark.parametrize(
    "environ",
    [
        {"AZURE_STORAGE_ACCOUNT_NAME": "acct", "AZURE_STORAGE_ACCOUNT_KEY": AZURE_KEY},
        {"AZURE_STORAGE_ACCOUNT": "acct", "AZURE_STORAGE_KEY": AZURE_KEY},
        {"AZURE_STORAGE_CONNECTION_STRING": f"{HTTPS};AccountName=acct;AccountKey={AZURE_KEY}"},
        {"AZURE_STORAGE_CONNECTION_STRING": f"AccountName=acct ; AccountKey={AZURE_KEY};;"},
    ],
    ids=["sdk", "az", "string", "untidy string"],
)
def test_a_key_of_azure_signs(azure: HostileS3, tmp_path: Path, environ: dict[str, str]) -> None:
    asked = sent(azure, tmp_path, environ)
    assert asked.headers["authorization"].startswith("SharedKey acct:")
    assert asked.path == "/acct/models/k"


@pytest.mark.parametrize(
    "environ",
    [
        {"AZURE_STORAGE_ACCOUNT_NAME": "acct", "AZURE_STORAGE_SAS_TOKEN": f"sv=1&sig={secret('sas')}%3D"},
        {"AZURE_STORAGE_ACCOUNT_NAME": "acct", "AZURE_STORAGE_SAS_TOKEN": f"?sv=1&sig={secret('sas')}%3D"},
        {"AZURE_STORAGE_CONNECTION_STRING": f"AccountName=acct;{SHARED}"},
    ],
    ids=["variable", "with a question mark", "string"],
)
def test_a_shared_signature_of_azure_goes_along(
    azure: HostileS3, tmp_path: Path, environ: dict[str, str]
) -> None:
    asked = sent(azure, tmp_path, environ)
    assert asked.query == {"sv": "1", "sig": f"{secret('sas')}="}
    assert "authorization" not in asked.headers


def config(environ: Mapping[str, str], **more: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = azure_client(at("az://models", environ=environ, **more)).config
    return found


def test_a_connection_string_names_the_endpoint_too() -> None:
    string = f"AccountName=acct;AccountKey={AZURE_KEY};EndpointSuffix=core.chinacloudapi.cn"
    assert config({"AZURE_STORAGE_CONNECTION_STRING": string})["endpoint"] == (
        "https://acct.blob.core.chinacloudapi.cn"
    )
    string = (
        f"BlobEndpoint=https://acct.blob.core.windows.net/;SharedAccessSignature=sv=1&sig={secret('sas')}"
    )
    found = config({"AZURE_STORAGE_CONNECTION_STRING": string})
    assert (found["account_name"], found["endpoint"]) == ("acct", "https://acct.blob.core.windows.net/")
    found = config({"AZURE_STORAGE_CONNECTION_STRING": string}, endpoint="https://other.example")
    assert found["endpoint"] == "https://other.example"


def test_without_an_endpoint_azures_own_is_asked() -> None:
    found = config({"AZURE_STORAGE_ACCOUNT_NAME": "acct", "AZURE_STORAGE_ACCOUNT_KEY": AZURE_KEY})
    assert found["endpoint"] == "https://acct.blob.core.windows.net"


def test_an_account_alone_leaves_it_to_the_machines_identity() -> None:
    found = config({"AZURE_STORAGE_ACCOUNT_NAME": "acct"})
    assert "endpoint" not in found
    found = config({"AZURE_STORAGE_ACCOUNT_NAME": "acct"}, endpoint="https://a.example")
    assert found["endpoint"] == "https://a.example"


@pytest.mark.parametrize(
    ("environ", "env", "names"),
    [
        ({}, "", "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY"),
        ({"SHIP_ACCOUNT_NAME": "acct"}, "SHIP", "SHIP_ACCOUNT_NAME and SHIP_ACCOUNT_KEY"),
        (
            {"AZURE_STORAGE_ACCOUNT_NAME": "acct", "AZURE_STORAGE_ACCOUNT_KEY": AZURE_KEY},
            "SHIP",
            "SHIP_ACCOUNT_NAME and SHIP_ACCOUNT_KEY",
        ),
    ],
)
def test_no_credentials_of_azure(environ: dict[str, str], env: str, names: str) -> None:
    code, message, _ = refused(lambda: azure_client(at("az://models", env=env, environ=environ)))
    assert code == "no-credentials"
    assert message.endswith(f"{names} are not set")


@pytest.mark.parametrize(
    "environ",
    [
        {"AZURE_STORAGE_ACCOUNT_NAME": "acct", "AZURE_STORAGE_ACCOUNT_KEY": secret("not base64")},
        {"AZURE_STORAGE_ACCOUNT_NAME": "acct", "AZURE_STORAGE_ACCOUNT_KEY": AZURE_KEY + "\n"},
        {"AZURE_STORAGE_ACCOUNT_NAME": "acct", "AZURE_STORAGE_SAS_TOKEN": f"sig={secret('x')}\n"},
        {"AZURE_STORAGE_ACCOUNT_NAME": "ac/ct", "AZURE_STORAGE_SAS_TOKEN": f"sig={secret('x')}"},
        {"AZURE_STORAGE_ACCOUNT_NAME": "acct\n"},
    ],
)
def test_credentials_of_azure_that_cannot_be(environ: dict[str, str]) -> None:
    assert refused(lambda: azure_client(at("az://models", environ=environ)))[0] == "bad-credentials"


FOREIGN_AZURE: Final = {
    "AZURE_STORAGE_TOKEN": secret("foreign"),
    "AZURE_STORAGE_SAS_TOKEN": f"sig={secret('foreign')}",
    "AZURE_STORAGE_ACCOUNT_KEY": b64encode(secret("foreign").encode()).decode(),
    "AZURE_STORAGE_ACCOUNT_NAME": "foreign",
    "AZURE_STORAGE_CONNECTION_STRING": "AccountName=foreign;BlobEndpoint=http://127.0.0.1:1",
    "AZURE_STORAGE_USE_EMULATOR": "true",
    "AZURE_STORAGE_ENDPOINT": "http://127.0.0.1:1",
    "AZURE_ENDPOINT": "http://127.0.0.1:1",
    "AZURE_SKIP_SIGNATURE": "true",
    "AZURE_CLIENT_ID": "foreign",
    "AZURE_CLIENT_SECRET": secret("foreign"),
    "AZURE_TENANT_ID": "foreign",
    "AZURE_FEDERATED_TOKEN_FILE": "/nowhere",
    "AZURE_USE_AZURE_CLI": "true",
    "AZURE_USE_FABRIC_ENDPOINT": "true",
    "AZURE_ENCRYPTION_KEY": b64encode(bytes(32)).decode(),
    "AZURE_CONTAINER_NAME": "foreign",
    "AZURE_CREDENTIAL_TYPE": "azure_cli",
}


@pytest.mark.parametrize("names", [*([name] for name in FOREIGN_AZURE), list(FOREIGN_AZURE)], ids="+".join)
def test_nothing_foreign_gets_into_an_azure_with_a_prefix_of_its_own(
    azure: HostileS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str]
) -> None:
    for name in names:
        monkeypatch.setenv(name, FOREIGN_AZURE[name])
    monkeypatch.setenv("SHIP_ACCOUNT_NAME", "acct")
    monkeypatch.setenv("SHIP_ACCOUNT_KEY", AZURE_KEY)
    asked = sent(azure, tmp_path, os.environ, "SHIP")
    assert asked.path == "/acct/models/k"
    assert asked.headers["authorization"].startswith("SharedKey acct:")
    assert {name for name in asked.headers if name.startswith("x-ms-")} == {"x-ms-version"}
    assert asked.query == {}


# Proxies.


@pytest.mark.parametrize(
    ("environ", "proxy", "excluded"),
    [
        ({}, None, None),
        ({"HTTPS_PROXY": "http://p.example:1"}, "http://p.example:1", None),
        (
            {"HTTPS_PROXY": "http://p.example:1", "https_proxy": "http://q.example:1"},
            "http://q.example:1",
            None,
        ),
        ({"HTTP_PROXY": "http://p.example:1"}, None, None),
        (
            {"HTTPS_PROXY": "http://p.example:1", "NO_PROXY": "near.example"},
            "http://p.example:1",
            "near.example",
        ),
        ({"NO_PROXY": "near.example"}, None, None),
    ],
)
def test_obstore_is_told_of_the_proxy(
    environ: dict[str, str], proxy: str | None, excluded: str | None
) -> None:
    options: Any = gcs_client(at("gs://models", environ=environ)).client_options
    assert (options.get("proxy_url"), options.get("proxy_excludes")) == (proxy, excluded)


def test_the_proxy_for_plain_http_is_another() -> None:
    environ = {"HTTP_PROXY": "http://p.example:1", "HTTPS_PROXY": "http://q.example:1"}
    location = at("gs://models", endpoint="http://gcs.example", allow_http=True, environ=environ)
    options: Any = gcs_client(location).client_options
    assert (options["proxy_url"], options["allow_http"]) == ("http://p.example:1", "true")


# What shows.


@pytest.mark.parametrize("scheme", ["s3", "gs", "az"])
def test_no_secret_is_in_the_repr_of_anything(tmp_path: Path, scheme: str) -> None:
    environ = {
        **OURS,
        "AWS_SESSION_TOKEN": secret("token"),
        "AZURE_STORAGE_ACCOUNT_NAME": "acct",
        "AZURE_STORAGE_ACCOUNT_KEY": AZURE_KEY,
        "HTTPS_PROXY": f"http://user:{secret('proxy')}@proxy.example:8080",
    }
    location = at(f"{scheme}://models", environ=environ)
    objects = open_store(location, tmp_path).objects
    assert isinstance(objects, Bucket)
    seen: list[object] = [location, objects, objects.reader, objects.writer, s3(location)]
    for each in list(seen):
        seen += [getattr(each, name) for name in getattr(each, "__slots__", ())]
        seen += vars(each).values() if hasattr(each, "__dict__") else []
    for each in seen:
        if each is not environ:
            assert shown(repr(each)) == [], type(each)
            assert AZURE_KEY not in repr(each)
    assert isinstance(objects.reader, S3Reader) == (scheme == "s3")
