"""Answers as S3, R2, MinIO, Google and Azure give them, told apart."""

from __future__ import annotations

import pytest

from lading.core.errors import LadingError, NotFoundError, UnavailableError
from lading.stores.blame import Place, answered

S3 = Place("s3", "s3://models/team", "models", None, "us-east-1", "AWS_ACCESS_KEY_ID")
R2 = Place(
    "s3", "s3://models/team", "models", "https://0f.r2.cloudflarestorage.com", "us-west-2", "R2_ACCESS_KEY_ID"
)
GS = Place("gs", "gs://models", "models", credentials="GOOGLE_APPLICATION_CREDENTIALS")
AZ = Place("az", "az://models", "models", credentials="AZURE_STORAGE_ACCOUNT_KEY")
KEY = "v2/m/manifests/1"
READING, WRITING, LISTING = "reading a manifest", "writing a blob", "listing versions"


def xml(code: str, message: str = "", more: str = "") -> bytes:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f"{head}<Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>".encode()


def detail(text: str) -> str:
    return f"<AuthenticationErrorDetail>{text}</AuthenticationErrorDetail>"


def why(
    place: Place, status: int, body: bytes = b"", doing: str = READING, **headers: str
) -> tuple[str, LadingError]:
    error = answered(
        place, status, {name.replace("_", "-"): value for name, value in headers.items()}, body, doing, KEY
    )
    assert error.message.startswith(f"{doing}: ")
    return error.code, error


NOT_MINE = (
    "User: arn:aws:iam::1:user/ci is not authorized to perform: {} on resource: "
    '"arn:aws:s3:::models" because no identity-based policy allows the {} action'
)
MAYBE = (
    "ci@p.iam.gserviceaccount.com does not have storage.objects.get access to the Google Cloud Storage "
    "object. Permission 'storage.objects.get' denied on resource (or it may not exist)."
)


@pytest.mark.parametrize(
    ("place", "status", "body", "doing", "code"),
    [
        (S3, 403, xml("AccessDenied", "Access Denied"), READING, "denied-or-missing"),
        (S3, 403, xml("AccessDenied", "Access Denied"), WRITING, "access-denied"),
        (S3, 403, xml("AccessDenied", "Access Denied"), LISTING, "access-denied"),
        (S3, 403, xml("AccessDenied", NOT_MINE.format(*["s3:ListBucket"] * 2)), READING, "denied-or-missing"),
        (S3, 403, xml("AccessDenied", NOT_MINE.format(*["s3:GetObject"] * 2)), READING, "access-denied"),
        (S3, 403, b"", READING, "denied-or-missing"),
        (
            GS,
            403,
            xml("AccessDenied", "Access denied.", f"<Details>{MAYBE}</Details>"),
            READING,
            "denied-or-missing",
        ),
        (GS, 403, xml("AccessDenied", "Access denied."), READING, "access-denied"),
        (GS, 403, b"", READING, "denied-or-missing"),
        (
            AZ,
            403,
            xml("AuthorizationPermissionMismatch", "This request is not authorized"),
            READING,
            "access-denied",
        ),
        (AZ, 403, xml("AuthorizationFailure", "This request is not authorized"), READING, "access-denied"),
        (
            AZ,
            409,
            xml("PublicAccessNotPermitted", "Public access is not permitted"),
            READING,
            "access-denied",
        ),
        (
            S3,
            403,
            xml("InvalidAccessKeyId", "The AWS Access Key Id does not exist"),
            READING,
            "bad-credentials",
        ),
        (S3, 403, xml("SignatureDoesNotMatch", "The request signature"), READING, "bad-credentials"),
        (R2, 401, xml("Unauthorized", "Unauthorized"), READING, "bad-credentials"),
        (GS, 401, b'{"error": {"code": 401, "message": "Invalid Credentials"}}', READING, "bad-credentials"),
        (
            GS,
            401,
            b'{"error": {"errors": [{"reason": "required"}], "message": "Login Required"}}',
            READING,
            "bad-credentials",
        ),
        (
            GS,
            400,
            b'{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}',
            READING,
            "bad-credentials",
        ),
        (AZ, 403, xml("AuthenticationFailed", "Server failed to authenticate"), READING, "bad-credentials"),
        (
            AZ,
            401,
            b'{"error": {"code": "InvalidAuthenticationInfo", "message": "m"}}',
            READING,
            "bad-credentials",
        ),
        (
            S3,
            400,
            xml("AuthorizationHeaderMalformed", "a non-empty Access Key (AKID) must be provided"),
            READING,
            "bad-credentials",
        ),
        (S3, 400, xml("ExpiredToken", "The provided token has expired."), READING, "expired-credentials"),
        (
            S3,
            400,
            xml("TokenRefreshRequired", "The provided token must be refreshed."),
            READING,
            "expired-credentials",
        ),
        (S3, 403, xml("AccessDenied", "Request has expired"), READING, "expired-credentials"),
        (
            AZ,
            403,
            xml(
                "AuthenticationFailed",
                "Server failed",
                detail("Signature not valid in the specified time frame: Start [Thu] - Expiry [Fri]"),
            ),
            READING,
            "expired-credentials",
        ),
        (
            R2,
            501,
            xml("NotImplemented", "Header 'x-amz-checksum-crc32' with value 'x' not implemented"),
            WRITING,
            "checksum-refused",
        ),
        (
            R2,
            501,
            xml("NotImplemented", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD not implemented"),
            WRITING,
            "checksum-refused",
        ),
        (
            R2,
            400,
            xml("InvalidArgument", "Invalid argument: x-amz-sdk-checksum-algorithm"),
            WRITING,
            "checksum-refused",
        ),
        (R2, 401, xml("Unauthorized", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"), WRITING, "checksum-refused"),
        (R2, 501, xml("NotImplemented", "Object lock is not implemented"), WRITING, "store-failed"),
        (S3, 404, xml("NoSuchBucket", "The specified bucket does not exist"), READING, "no-store"),
        (AZ, 404, xml("ContainerNotFound", "The specified container does not exist."), READING, "no-store"),
        (
            GS,
            404,
            b'{"error": {"code": 404, "message": "The specified bucket does not exist."}}',
            LISTING,
            "no-store",
        ),
        (S3, 404, b"", WRITING, "no-store"),
        (S3, 404, xml("NoSuchUpload", "The upload does not exist"), WRITING, "no-object"),
        (S3, 404, xml("NoSuchKey", "The specified key does not exist."), READING, "no-object"),
        (AZ, 404, xml("BlobNotFound", "The specified blob does not exist."), READING, "no-object"),
        (S3, 404, b"404 page not found", READING, "no-object"),
        (S3, 408, b"", READING, "timed-out"),
        (S3, 400, xml("RequestTimeout", "Your socket connection was not read from"), WRITING, "timed-out"),
        (S3, 503, xml("SlowDown", "Please reduce your request rate."), READING, "rate-limited"),
        (GS, 429, b"<html><title>429</title></html>", READING, "rate-limited"),
        (AZ, 503, xml("ServerBusy", "The server is busy."), READING, "rate-limited"),
        (S3, 500, xml("InternalError", "We encountered an internal error."), READING, "server-error"),
        (GS, 502, b"<!DOCTYPE html><title>Error 502 (Server Error)!!1</title>", READING, "server-error"),
        (S3, 200, xml("InternalError", "We encountered an internal error."), WRITING, "server-error"),
        (S3, 404, b"<html><head><title>404 Not Found</title></head></html>", READING, "html-body"),
        (S3, 200, b"\xef\xbb\xbf<!DOCTYPE html><title>Welcome to nginx!</title>", READING, "html-body"),
        (S3, 403, b"denied destination", READING, "html-body"),
        (S3, 407, b"", READING, "login-page"),
        (S3, 511, b"<html><title>Wi-Fi</title></html>", READING, "login-page"),
        (S3, 200, b"<html><title>Sign in to Corp</title></html>", READING, "login-page"),
        (S3, 200, b'<html><title>Corp</title><input type="password"></html>', READING, "login-page"),
        (S3, 302, b"", READING, "login-page"),
        (S3, 400, b"", READING, "store-failed"),
        (S3, 400, b'{"error": 5}', READING, "store-failed"),
        (S3, 400, b'{"error"', READING, "store-failed"),
        (S3, 418, xml("Teapot", "short and stout"), READING, "store-failed"),
    ],
)
def test_answers_are_told_apart(place: Place, status: int, body: bytes, doing: str, code: str) -> None:
    found, error = why(place, status, body, doing)
    assert found == code
    assert type(error) is (NotFoundError if code in {"no-store", "no-object"} else UnavailableError)
    assert error.hint or code == "no-object"
    assert str(status) in error.message


@pytest.mark.parametrize(
    ("place", "doing", "right"),
    [
        (S3, "writing a blob", "s3:PutObject"),
        (S3, "listing versions", "s3:ListBucket"),
        (S3, "deleting a blob", "s3:DeleteObject"),
        (GS, "creating an event", "storage.objects.create"),
        (GS, "removing a blob", "storage.objects.delete"),
        (AZ, "reading a blob", "Storage Blob Data Reader"),
        (AZ, "sending a blob", "Storage Blob Data Contributor"),
    ],
)
def test_a_denial_names_the_right_that_is_missing(place: Place, doing: str, right: str) -> None:
    code, error = why(place, 403, xml("AccessDenied", "no"), doing)
    assert code == "access-denied"
    assert f"the credentials of {place.credentials} must have" in error.message
    assert right in error.message
    assert right in error.hint
    assert "models" in error.hint


def test_denied_or_missing_says_both_and_what_would_tell_them_apart() -> None:
    _, error = why(S3, 403, xml("AccessDenied", "Access Denied"))
    assert error.message == (
        "reading a manifest: s3://models/team refused v2/m/manifests/1: it is not there, or the credentials "
        "of AWS_ACCESS_KEY_ID lack s3:GetObject; the store does not tell which "
        "(403 AccessDenied: Access Denied)"
    )
    assert "grant s3:ListBucket on models" in error.hint
    _, error = why(GS, 403, xml("AccessDenied", MAYBE))
    assert "storage.objects.list on models" in error.hint


def test_an_answer_without_a_body_says_that_it_may_be_more() -> None:
    _, error = why(S3, 403)
    assert "no reason came with it" in error.message
    assert "lading env --probe" in error.hint
    _, error = why(AZ, 403)
    assert error.code == "access-denied"
    assert "lading env --probe" in error.hint


def test_azure_says_its_code_in_a_header_where_there_is_no_body() -> None:
    assert why(AZ, 404, x_ms_error_code="ContainerNotFound")[0] == "no-store"
    assert why(AZ, 403, x_ms_error_code="AuthenticationFailed")[0] == "bad-credentials"


@pytest.mark.parametrize(
    ("place", "status", "body", "headers", "region"),
    [
        (S3, 301, xml("PermanentRedirect", "m"), {"x_amz_bucket_region": "eu-west-1"}, "eu-west-1"),
        (
            S3,
            301,
            xml("PermanentRedirect", "m", "<Endpoint>b.s3-eu-west-1.amazonaws.com</Endpoint>"),
            {},
            "eu-west-1",
        ),
        (
            S3,
            301,
            xml("PermanentRedirect", "m", "<Endpoint>b.s3.ap-south-1.amazonaws.com</Endpoint>"),
            {},
            "ap-south-1",
        ),
        (S3, 400, b"", {"X_Amz_Bucket_Region": "eu-west-1"}, "eu-west-1"),
        (
            S3,
            400,
            xml("AuthorizationHeaderMalformed", "the region 'us-east-1' is wrong; expecting 'eu-west-1'"),
            {},
            "eu-west-1",
        ),
        (
            S3,
            400,
            xml("AuthorizationHeaderMalformed", "the region is wrong", "<Region>nl-ams</Region>"),
            {},
            "nl-ams",
        ),
        (
            R2,
            400,
            xml("InvalidRegionName", "The region name 'us-west-2' is not valid. Must be one of: wnam, auto"),
            {},
            "auto",
        ),
    ],
)
def test_the_right_region_is_named(
    place: Place, status: int, body: bytes, headers: dict[str, str], region: str
) -> None:
    code, error = why(place, status, body, **headers)
    assert code == "wrong-region"
    assert f"in the region {region}, not in {place.region} " in error.message
    assert error.hint == f'region = "{region}" in the [stores.X] table, or AWS_REGION={region}'


def test_where_the_region_is_not_told_the_hint_says_who_knows() -> None:
    code, error = why(S3, 301)
    assert code == "wrong-region"
    assert error.hint.startswith("curl -sI https://s3.amazonaws.com/models names it")
    assert "curl" not in why(R2, 301)[1].hint


def test_a_redirect_to_another_address_is_no_wrong_region() -> None:
    assert why(S3, 301, location="https://elsewhere")[0] == "login-page"
    assert why(S3, 307, location="https://sso.corp/login")[0] == "login-page"
    assert why(GS, 301)[0] == "login-page"


def test_the_region_that_was_asked_is_not_the_wrong_one() -> None:
    assert why(S3, 400, xml("InvalidRequest", "m"), x_amz_bucket_region="us-east-1")[0] == "store-failed"


@pytest.mark.parametrize(
    ("place", "status", "body", "date"),
    [
        (
            S3,
            403,
            xml(
                "RequestTimeTooSkewed",
                "The difference is too large.",
                "<RequestTime>20250901T162148Z</RequestTime><ServerTime>2025-09-03T16:21:50Z</ServerTime>",
            ),
            "2025-09-03T16:21:50Z",
        ),
        (
            S3,
            403,
            xml("RequestTimeTooSkewed", "The difference is too large."),
            "Sat, 21 Nov 2026 10:00:00 GMT",
        ),
        (
            AZ,
            403,
            xml(
                "AuthenticationFailed",
                "Server failed to authenticate the request.",
                detail("Request date header too old: 'Fri, 04 Oct 2019'"),
            ),
            "Sat, 21 Nov 2026 10:00:00 GMT",
        ),
        (
            GS,
            400,
            b'{"error":"invalid_grant","error_description":"Token must be in a reasonable timeframe."}',
            "Sat, 21 Nov 2026 10:00:00 GMT",
        ),
    ],
)
def test_a_wrong_clock_is_told_with_the_stores_time(
    place: Place, status: int, body: bytes, date: str
) -> None:
    code, error = why(place, status, body, Date="Sat, 21 Nov 2026 10:00:00 GMT")
    assert code == "clock-skew"
    assert f"the store's clock says {date} " in error.message
    assert "date -u" in error.hint


def test_unauthorized_of_a_write_hints_at_checksums() -> None:
    assert "AWS_CHECKSUM_ALGORITHM" in why(R2, 401, xml("Unauthorized"), WRITING)[1].hint
    assert "AWS_CHECKSUM_ALGORITHM" not in why(R2, 401, xml("Unauthorized"))[1].hint


def test_a_page_is_told_by_its_title() -> None:
    _, error = why(S3, 200, b"<html><TITLE>\n Caf&eacute;\n <b>guest</b> </TITLE></html>")
    assert error.message == (
        "reading a manifest: s3://models/team sent a web page titled 'Caf\u00e9 guest' "
        "instead of v2/m/manifests/1 (200)"
    )
    assert "a web page instead" in why(S3, 404, content_type="text/html; charset=utf-8")[1].message


def test_a_missing_bucket_names_the_command_that_makes_it() -> None:
    assert "lading push --create-store" in why(S3, 404, xml("NoSuchBucket"))[1].hint


def test_a_request_about_the_bucket_itself_names_it() -> None:
    body = xml("AccessDenied", "Access Denied")
    assert "refused the bucket models;" in answered(S3, 403, {}, body, LISTING, "").message
    assert "refused the container models;" in answered(AZ, 403, {}, body, LISTING, "").message


def test_nothing_secret_is_repeated() -> None:
    body = xml(
        "SignatureDoesNotMatch",
        "see https://key:hush@s3.example/b?X-Amz-Signature=hush and sig=hush&amp;se=1",
        "<AWSAccessKeyId>hush</AWSAccessKeyId><StringToSign>hush</StringToSign>",
    )
    more = detail("The MAC signature 'hush' is wrong")
    for place, sent in ((S3, body), (AZ, xml("AuthenticationFailed", "no", more))):
        _, error = why(place, 403, sent)
        assert "hush" not in error.message + error.hint
    _, error = why(Place("s3", "s3://b", "b", "https://me:hush@s3.example"), 500)
    assert "hush" not in error.message


def test_long_messages_are_cut() -> None:
    _, error = why(S3, 418, xml("Teapot", "short and stout " * 100))
    assert len(error.message) < 500
    assert "..." in error.message


def test_a_body_that_is_cut_short_or_binary_is_read_as_far_as_it_goes() -> None:
    assert why(S3, 404, xml("NoSuchBucket", "The specified")[:70])[0] == "no-store"
    assert why(S3, 500, bytes(range(256)))[0] == "server-error"
