"""What obstore raises against real servers on loopback, told apart."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

import obstore
import pytest
from obstore.exceptions import GenericError
from obstore.store import AzureStore, GCSStore, S3Store

from lading.core.errors import LadingError, NotFoundError, UnavailableError, UsageError
from lading.stores.blame import Place, from_obstore
from tests.stores.grumblers import (
    BEGUN,
    Authority,
    dead_port,
    grumbler,
    hangs_in_the_middle,
    resets,
    says,
    stays_silent,
    talker,
)
from tests.stores.test_answered import MAYBE, xml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from obstore.store import ClientConfig

    Store = S3Store | GCSStore | AzureStore

KEY: Final = "v2/m/manifests/1"
NO_RETRY: Final[Any] = {"max_retries": 0}
ALL: Final = ("s3", "gs", "az")
URLS: Final = {"s3": "s3://models/team", "gs": "gs://models", "az": "az://models"}


def s3(url: str, **options: str | bool) -> S3Store:
    client = cast("ClientConfig", {"allow_http": True} | options)
    return S3Store(
        "models",
        endpoint=url,
        access_key_id="AKIA",
        secret_access_key="hush",
        region="us-east-1",
        virtual_hosted_style_request=False,
        client_options=client,
        retry_config=NO_RETRY,
    )


def store_at(scheme: str, url: str) -> Store:
    if scheme == "s3":
        return s3(url)
    if scheme == "gs":
        account = {"gcs_base_url": url, "disable_oauth": True, "client_email": ""}
        key = json.dumps(account | {"private_key": "", "private_key_id": ""})
        return GCSStore(
            "models", service_account_key=key, client_options={"allow_http": True}, retry_config=NO_RETRY
        )
    return AzureStore(
        "models",
        account_name="acct",
        account_key="aHVzaGh1c2g=",
        endpoint=f"{url}/acct",
        client_options={"allow_http": True},
        retry_config=NO_RETRY,
    )


def place(scheme: str, url: str | None = None) -> Place:
    return Place(scheme, URLS[scheme], "models", url, "us-east-1" if scheme == "s3" else None, "THE_KEY")


def get(store: Store) -> object:
    return obstore.get(store, KEY).bytes()


def head(store: Store) -> object:
    return obstore.head(store, KEY)


def put(store: Store) -> object:
    return obstore.put(store, KEY, b"x", mode="create")


def listing(store: Store) -> object:
    return list(obstore.list(store, "v2"))


def delete(store: Store) -> object:
    obstore.delete(store, KEY)
    return None


def stream(store: Store) -> object:
    return [len(chunk) for chunk in obstore.get(store, KEY).stream()]


def blamed(
    store: Store, act: Callable[[Store], object] = get, scheme: str = "s3", doing: str = "reading a manifest"
) -> LadingError:
    with pytest.raises(Exception) as caught:  # noqa: PT011  # whatever obstore raises
        act(store)
    error = from_obstore(caught.value, place(scheme), doing, KEY)
    assert error.message.startswith(f"{doing}: ")
    assert "hush" not in error.message + error.hint
    assert "Debug source" not in error.message
    assert "\n" not in error.message
    return error


def refused(
    scheme: str, act: Callable[[Store], object], status: int, body: bytes = b"", **headers: str
) -> LadingError:
    with grumbler(status, body, **headers) as server:
        error = blamed(store_at(scheme, server.url), act, scheme)
        assert server.asked
    return error


DENIED: Final = xml("AccessDenied", "Access Denied")


@pytest.mark.parametrize(
    ("scheme", "act", "code", "right"),
    [
        ("s3", get, "denied-or-missing", "s3:GetObject"),
        ("s3", head, "denied-or-missing", "s3:GetObject"),
        ("s3", put, "access-denied", "s3:PutObject"),
        ("s3", listing, "access-denied", "s3:ListBucket"),
        ("s3", delete, "access-denied", "s3:DeleteObject"),
        ("gs", get, "access-denied", "storage.objects.get"),
        ("gs", head, "denied-or-missing", "storage.objects.get"),
        ("gs", put, "access-denied", "storage.objects.create"),
        ("gs", listing, "access-denied", "storage.objects.list"),
        ("gs", delete, "access-denied", "storage.objects.delete"),
        ("az", get, "access-denied", "Storage Blob Data Reader"),
        ("az", head, "access-denied", "Storage Blob Data Reader"),
        ("az", put, "access-denied", "Storage Blob Data Contributor"),
        ("az", listing, "access-denied", "Storage Blob Data Reader"),
        ("az", delete, "access-denied", "Storage Blob Data Contributor"),
    ],
)
def test_a_denial_names_the_right_of_the_request_itself(
    scheme: str, act: Callable[[Store], object], code: str, right: str
) -> None:
    error = refused(scheme, act, 403, DENIED)
    assert error.code == code
    assert right in error.message
    assert "the credentials of THE_KEY" in error.message


def test_google_says_that_it_may_not_exist() -> None:
    body = xml("AccessDenied", "Access denied.", f"<Details>{MAYBE}</Details>")
    assert refused("gs", get, 403, body).code == "denied-or-missing"


def test_one_key_of_a_bulk_delete_is_denied() -> None:
    one = f"<Error><Key>{KEY}</Key><Code>AccessDenied</Code><Message>No</Message></Error>"
    error = refused("s3", delete, 200, f"<DeleteResult>{one}</DeleteResult>".encode())
    assert error.code == "access-denied"
    assert "(200 AccessDenied: No)" in error.message


@pytest.mark.parametrize("scheme", ALL)
@pytest.mark.parametrize("act", [get, put, listing, delete])
def test_a_missing_bucket_is_told_from_a_missing_object(scheme: str, act: Callable[[Store], object]) -> None:
    code = "ContainerNotFound" if scheme == "az" else "NoSuchBucket"
    error = refused(scheme, act, 404, xml(code, "It does not exist"))
    assert isinstance(error, NotFoundError)
    assert error.code == "no-store"
    assert "127.0.0.1:" in error.message
    assert "--create-store" in error.hint


@pytest.mark.parametrize("scheme", ALL)
def test_a_missing_object_is_no_missing_bucket(scheme: str) -> None:
    word = "BlobNotFound" if scheme == "az" else "NoSuchKey"
    for act, body in ((get, xml(word)), (head, b""), (delete, xml(word))):
        if (scheme, act) != ("az", delete):  # its bulk answer has another form
            assert refused(scheme, act, 404, body).code == "no-object"


@pytest.mark.parametrize("scheme", ALL)
@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, xml("Unauthorized", "Unauthorized"), "bad-credentials"),
        (403, xml("SignatureDoesNotMatch", "no"), "bad-credentials"),
        (403, xml("RequestTimeTooSkewed", "no"), "clock-skew"),
        (400, xml("ExpiredToken", "no"), "expired-credentials"),
        (501, xml("NotImplemented", "Header 'x-amz-checksum-crc32' not implemented"), "checksum-refused"),
        (404, b"<html><title>Not here</title></html>", "html-body"),
        (403, b"denied destination", "html-body"),
        (407, b"", "login-page"),
        (429, b"slow", "rate-limited"),
        (503, xml("SlowDown", "Reduce your request rate"), "rate-limited"),
        (500, xml("InternalError", "Oops"), "server-error"),
        (502, b"<html><title>Bad gateway</title></html>", "server-error"),
        (400, b"", "store-failed"),
    ],
)
@pytest.mark.parametrize("act", [get, put, listing, delete])
def test_the_same_refusal_is_read_from_every_request(
    scheme: str, status: int, body: bytes, code: str, act: Callable[[Store], object]
) -> None:
    assert refused(scheme, act, status, body).code == code


@pytest.mark.parametrize("act", [get, head, put, listing, delete])
def test_a_redirect_that_names_no_address_is_a_wrong_region(act: Callable[[Store], object]) -> None:
    error = refused("s3", act, 301, xml("PermanentRedirect"), x_amz_bucket_region="eu-west-1")
    assert error.code == "wrong-region"
    assert "not in us-east-1" in error.message
    assert "curl -sI https://s3.amazonaws.com/models" in error.hint


def test_a_malformed_header_names_the_region() -> None:
    body = xml("AuthorizationHeaderMalformed", "the region 'us-east-1' is wrong; expecting 'eu-west-1'")
    error = refused("s3", get, 400, body)
    assert error.code == "wrong-region"
    assert 'region = "eu-west-1"' in error.hint


@pytest.mark.parametrize("act", [get, put, listing])
def test_a_redirect_to_a_login_is_no_store(act: Callable[[Store], object]) -> None:
    error = refused("s3", act, 302, location="/login")
    assert error.code == "login-page"


@pytest.mark.parametrize(
    ("scheme", "act"),
    [("s3", put), ("s3", delete), ("gs", get), ("az", head), ("az", listing), ("az", delete)],
)
def test_a_page_with_status_200_is_found_where_obstore_minds(
    scheme: str, act: Callable[[Store], object]
) -> None:
    error = refused(scheme, act, 200, b"<html><title>Sign in</title></html>")
    assert error.code == "html-body"


def test_a_whole_object_where_a_part_was_asked_for() -> None:
    error = refused("s3", lambda store: obstore.get_range(store, KEY, start=0, end=9), 200, b"x" * 100)
    assert error.code == "range-ignored"


def test_nobody_listens() -> None:
    port = dead_port()
    for act in (get, put, listing):
        error = blamed(s3(f"http://127.0.0.1:{port}"), act)
        assert error.code == "unreachable"
        assert error.message == f"reading a manifest: 127.0.0.1:{port}: nobody listens there"


def test_a_dead_proxy_is_named() -> None:
    port = dead_port()
    error = blamed(s3("http://s3.example.invalid", proxy_url=f"http://127.0.0.1:{port}"))
    assert error.code == "unreachable"
    assert f"s3.example.invalid (127.0.0.1:{port}): nobody listens there" in error.message


def test_a_proxy_that_wants_a_password() -> None:
    refusal = b"HTTP/1.1 407 No\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n"
    with talker(says(refusal)) as port:
        for url in ("http://s3.example.invalid", "https://s3.example.invalid"):
            error = blamed(s3(url, proxy_url=f"http://127.0.0.1:{port}"))
            assert error.code == "login-page"
            assert "HTTPS_PROXY" in error.hint


def test_a_name_without_an_address() -> None:
    error = blamed(s3("http://nowhere.invalid"))
    assert error.code == "dns-failed"
    assert "the name nowhere.invalid cannot be resolved" in error.message


def test_an_address_with_a_password_in_it_is_not_repeated() -> None:
    error = blamed(s3(f"http://user:hush@127.0.0.1:{dead_port()}"))
    assert error.code == "unreachable"


@pytest.mark.parametrize("act", [get, listing])
def test_http_must_be_allowed(act: Callable[[Store], object]) -> None:
    error = blamed(s3("http://127.0.0.1:1", allow_http=False), act)
    assert isinstance(error, UsageError)
    assert error.code == "plain-http"
    assert "allow_http = true" in error.hint


def test_silence_is_a_timeout() -> None:
    with talker(stays_silent) as port:
        error = blamed(s3(f"http://127.0.0.1:{port}", timeout="200ms"))
    assert error.code == "timed-out"
    assert f"127.0.0.1:{port} did not answer in time" in error.message


def test_silence_in_the_middle_of_a_stream_is_a_timeout() -> None:
    with talker(hangs_in_the_middle) as port:
        assert blamed(s3(f"http://127.0.0.1:{port}", timeout="200ms"), stream).code == "timed-out"


@pytest.mark.parametrize(
    ("talk", "why"),
    [
        (says(b""), "the connection ended before an answer came"),
        (says(BEGUN), "the connection ended before all bytes had come"),
        (says(b"SSH-2.0-OpenSSH_9\r\n"), "does not speak HTTP"),
        (resets, "the connection was reset"),
    ],
)
def test_a_connection_that_breaks(talk: Callable[[Any], None], why: str) -> None:
    with talker(talk) as port:
        error = blamed(s3(f"http://127.0.0.1:{port}"), stream)
    assert error.code == "unreachable"
    assert why in error.message


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.mark.parametrize(
    ("trusted", "host", "days", "why"),
    [
        (False, "127.0.0.1", (-1, 1), "nobody that this machine trusts has signed its certificate"),
        (True, "other.example", (-1, 1), "its certificate is for another name"),
        (True, "127.0.0.1", (-3, -2), "its certificate has expired"),
        (True, "127.0.0.1", (2, 3), "its certificate is not valid yet"),
    ],
)
def test_a_certificate_that_proves_nothing(
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    trusted: bool,
    host: str,
    days: tuple[int, int],
    why: str,
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    with talker(authority.server(host, days)) as port:
        error = blamed(s3(f"https://127.0.0.1:{port}"))
    assert error.code == "tls-failed"
    assert error.message == f"reading a manifest: no safe connection to 127.0.0.1:{port}: {why}"


def test_a_certificate_that_is_trusted_leads_to_the_store(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    with talker(authority.server()) as port:
        assert blamed(s3(f"https://127.0.0.1:{port}")).code == "no-object"


@pytest.mark.parametrize(
    ("talk", "why"),
    [
        (says(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"), "it does not speak TLS"),
        (says(b""), "it ended the connection instead of speaking TLS"),
    ],
)
def test_https_to_a_plain_server(talk: Callable[[Any], None], why: str) -> None:
    with talker(talk) as port:
        error = blamed(s3(f"https://127.0.0.1:{port}"))
    assert error.code == "tls-failed"
    assert error.message.endswith(why)


@contextmanager
def without_credentials(scheme: str, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store that asks the metadata server, which the environment moves to loopback."""
    options: Any = {"allow_http": True}
    with ExitStack() as stack:
        stack.callback(monkeypatch.undo)
        if scheme == "s3":
            yield S3Store(
                "models",
                metadata_endpoint=url,
                client_options=options,
                retry_config=NO_RETRY,
                region="us-east-1",
            )
        elif scheme == "gs":
            monkeypatch.setenv("GCE_METADATA_HOST", url.removeprefix("http://"))
            monkeypatch.setenv("GCE_METADATA_IP", url.removeprefix("http://"))
            yield GCSStore("models", client_options=options, retry_config=NO_RETRY)
        else:
            msi = f"{url}/metadata/identity/oauth2/token"
            yield AzureStore(
                "models", account_name="a", msi_endpoint=msi, client_options=options, retry_config=NO_RETRY
            )


@pytest.mark.parametrize("scheme", ALL)
@pytest.mark.parametrize("status", [403, 404, 500])
def test_no_credentials_at_all(scheme: str, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with grumbler(status) as server, without_credentials(scheme, server.url, monkeypatch) as store:
        error = blamed(store, scheme=scheme)
        assert server.asked
    assert error.code == "no-credentials"
    assert "looked for THE_KEY, and the metadata server of a cloud machine gave none either" in error.message
    assert 'env = "PREFIX"' in error.hint


def test_half_of_a_key_is_no_key() -> None:
    def act(_: Store) -> object:
        return S3Store("models", access_key_id="AKIA")

    error = blamed(s3("http://127.0.0.1:1"), act)
    assert error.code == "no-credentials"
    assert "the SecretAccessKey is missing" in error.message


def test_credentials_that_cannot_be_read(tmp_path: Path) -> None:
    broken = tmp_path / "account.json"
    broken.write_text("{}")

    def gone(_: Store) -> object:
        return GCSStore("models", service_account_path=str(tmp_path / "gone.json"))

    def empty(_: Store) -> object:
        return GCSStore("models", service_account_path=str(broken))

    def garbled(_: Store) -> object:
        return AzureStore("models", account_name="a", account_key="***")

    store = s3("http://127.0.0.1:1")
    for act, scheme in ((gone, "gs"), (empty, "gs"), (garbled, "az")):
        error = blamed(store, act, scheme)
        assert error.code == "bad-credentials"
        assert "THE_KEY" in error.hint


def test_a_token_server_that_minds_the_clock() -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    secret = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    body = b'{"error":"invalid_grant","error_description":"Token must be in a reasonable timeframe."}'
    with grumbler(400, body) as server:
        account = {"gcs_base_url": server.url, "token_uri": f"{server.url}/token", "client_email": "a@b"}
        key = json.dumps(account | {"private_key": secret.decode(), "private_key_id": "k"})
        store = GCSStore(
            "models", service_account_key=key, client_options={"allow_http": True}, retry_config=NO_RETRY
        )
        assert blamed(store, scheme="gs").code == "clock-skew"


def test_a_wrong_client_secret_of_azure() -> None:
    body = b'{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."}'
    with grumbler(401, body) as server:
        store = AzureStore(
            "models",
            account_name="acct",
            client_id="c",
            client_secret="hush",
            tenant_id="t",
            authority_host=server.url,
            endpoint=f"{server.url}/acct",
            client_options={"allow_http": True},
            retry_config=NO_RETRY,
        )
        assert blamed(store, scheme="az").code == "bad-credentials"


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (GenericError("Generic S3 error: the moon is full\nand more"), "store-failed", ": the moon is full"),
        (GenericError(""), "store-failed", ": GenericError"),
        (ValueError("see https://a:hush@b/c?sig=hush"), "store-failed", ": see https://b/c"),
        (FileNotFoundError("gone"), "no-object", "has no v2/m/manifests/1"),
    ],
)
def test_what_is_not_recognised_is_told_in_its_own_words(error: Exception, code: str, words: str) -> None:
    found = from_obstore(error, place("s3"), "reading a manifest", KEY)
    assert found.code == code
    assert found.message.endswith(words) or code == "no-object"
    assert words in found.message
    assert isinstance(found, NotFoundError if code == "no-object" else UnavailableError)


def test_a_key_cannot_pass_for_a_cause() -> None:
    with grumbler(418, b"no") as server, pytest.raises(GenericError) as caught:
        obstore.get(s3(server.url), "dns error/BadScheme/UnknownIssuer")
    assert from_obstore(caught.value, place("s3"), "reading a blob", "k").code == "store-failed"
    with pytest.raises(GenericError) as caught:
        obstore.get(s3(f"http://127.0.0.1:{dead_port()}"), "BadScheme/InvalidCertificate")
    assert from_obstore(caught.value, place("s3"), "reading a blob", "k").code == "unreachable"
