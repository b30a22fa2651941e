"""Which error an answer of a cloud store means: values in, a decision out.

S3 and its kin, Google and Azure say the same in different words, and different things in the same
words. Where the source of a word could not be read, it is marked unverified.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lading.stores import refusals
from lading.stores.asked import Right

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lading.core.errors import LadingError
    from lading.stores.asked import Asked
    from lading.stores.reply import Reply

    Verdict = Callable[[Asked, Reply], LadingError]

# S3: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
# R2: https://developers.cloudflare.com/r2/api/error-codes
# Google: https://cloud.google.com/storage/docs/xml-api/reference-status and .../json_api/v1/status-codes
# Azure: https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
# Servers that give tokens: RFC 6749, section 5.2
_CODES: Final[Mapping[Verdict, str]] = {
    refusals.clock_skew: "RequestTimeTooSkewed",
    refusals.expired: "ExpiredToken ExpiredTokenException TokenRefreshRequired ExpiredRequest",
    refusals.bad_credentials: """
        InvalidAccessKeyId SignatureDoesNotMatch Unauthorized InvalidToken InvalidSecurity
        AuthorizationHeaderMalformed AuthenticationFailed AuthenticationRequired
        InvalidAuthenticationInfo NoAuthenticationInformation CredentialsNotSupported authError required
        invalid_grant invalid_client""",
    refusals.denied: """
        AccessDenied AllAccessDisabled AuthorizationFailure AuthorizationPermissionMismatch
        AuthorizationProtocolMismatch AuthorizationResourceTypeMismatch AuthorizationServiceMismatch
        AuthorizationSourceIPMismatch InsufficientAccountPermissions AccountIsDisabled
        PublicAccessNotPermitted KeyBasedAuthenticationNotPermitted forbidden""",
    refusals.no_store: "NoSuchBucket ContainerNotFound",
    refusals.no_object: "NoSuchKey NoSuchVersion BlobNotFound",
    refusals.timed_out: "RequestTimeout",
    refusals.rate_limited: """
        SlowDown ServerBusy TooManyRequests TooMuchConcurrency RequestLimitExceeded Throttling
        rateLimitExceeded userRateLimitExceeded""",
    refusals.server_error: "InternalError ServiceUnavailable OperationTimedOut backendError",
}
_BY_CODE: Final = {code: verdict for verdict, codes in _CODES.items() for code in codes.split()}
_BY_STATUS: Final[Mapping[int, Verdict]] = {
    **dict.fromkeys((301, 302, 303, 307, 308), refusals.login_page),
    401: refusals.bad_credentials,
    403: refusals.denied,
    408: refusals.timed_out,
    429: refusals.rate_limited,
    # 501 is not a fault that passes.
    **dict.fromkeys((500, *range(502, 600)), refusals.server_error),
}
_PROXY_LOGIN: Final = frozenset({407, 511})
_DENIED: Final = frozenset({401, 403})
_MISSING: Final = 404
_MOVED: Final = 301
_SERVER_BUSY: Final = frozenset({429, *range(500, 600)})
_SIGNED_WRONG: Final = frozenset({307, 400})
# Of R2: https://github.com/jeessy2/backup-x/issues/127; InvalidRegion of MinIO:
# https://github.com/minio/minio-go/issues/677
_REGION: Final = frozenset(
    {"PermanentRedirect", "IllegalLocationConstraintException", "InvalidRegionName", "InvalidRegion"}
)
_CHECKSUM_CODES: Final = frozenset({"NotImplemented", "InvalidArgument", "InvalidRequest", "Unauthorized"})
_CHECKSUM: Final = re.compile(
    r"x-amz-(sdk-)?checksum|STREAMING-(AWS4|UNSIGNED)|x-amz-trailer|aws-chunked|non-default checksum",
    re.IGNORECASE,
)
# Azure: https://github.com/Azure/azure-sdk-for-js/issues/5433; the second is Google's, the third Azure's
# (both unverified).
_CLOCK: Final = re.compile(
    r"Request date header too old|reasonable timeframe|assertion is not within its valid"
)
# Azure: https://github.com/microsoft/AzureStorageExplorer/issues/3219; the rest is unverified.
_EXPIRED: Final = re.compile(
    r"not valid in the specified time frame|Signed expiry time|token is expired|has expired"
    r"|expired or revoked|AADSTS7000222"
)


def judge(asked: Asked, reply: Reply) -> LadingError:
    """The error for an answer: plain words before codes, codes before statuses."""
    for fits, verdict in _WORDS:
        if fits(asked, reply):
            return verdict(asked, reply)
    return _BY_CODE.get(reply.code, _by_status(asked, reply))(asked, reply)


def _login(_: Asked, reply: Reply) -> bool:
    return reply.status in _PROXY_LOGIN or (reply.login and reply.status not in _SERVER_BUSY)


def _page(_: Asked, reply: Reply) -> bool:
    # A failing or busy store may send a page itself.
    return reply.title is not None and reply.status not in _SERVER_BUSY


def _checksum(_: Asked, reply: Reply) -> bool:
    return reply.code in _CHECKSUM_CODES and bool(_CHECKSUM.search(reply.message))


def _elsewhere(asked: Asked, reply: Reply) -> bool:
    if asked.place.scheme != "s3":
        return False
    told = reply.region not in {"", asked.place.region}
    bare = reply.status == _MOVED and not reply.location
    return reply.code in _REGION or bare or (told and reply.status in _SIGNED_WRONG)


def _skewed(_: Asked, reply: Reply) -> bool:
    return bool(_CLOCK.search(f"{reply.message} {reply.detail}"))


def _expired(_: Asked, reply: Reply) -> bool:
    refused = reply.status in _DENIED or reply.status in _SIGNED_WRONG
    return refused and bool(_EXPIRED.search(f"{reply.message} {reply.detail}"))


_WORDS: Final[tuple[tuple[Callable[[Asked, Reply], bool], Verdict], ...]] = (
    (_login, refusals.login_page),
    (_page, refusals.html_body),
    (_checksum, refusals.checksum_refused),
    (_elsewhere, refusals.wrong_region),
    (_skewed, refusals.clock_skew),
    (_expired, refusals.expired),
)


def _by_status(asked: Asked, reply: Reply) -> Verdict:
    if reply.foreign and reply.status in _DENIED:
        return refusals.html_body
    if reply.status == _MISSING:
        about_it = asked.right is Right.LIST or (asked.right is Right.WRITE and not reply.code)
        return refusals.no_store if about_it else refusals.no_object
    return _BY_STATUS.get(reply.status, refusals.failed)
