"""The errors for what a cloud store, or something in its place, answered.

Each function takes what was asked and what was answered; which of them applies is decided in
``lading.stores.blame``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lading.core.errors import LadingError, NotFoundError, UnavailableError
from lading.stores.asked import Right

if TYPE_CHECKING:
    from lading.stores.asked import Asked
    from lading.stores.reply import Reply

_PERFORM: Final = re.compile(r"not authorized to perform: (s3:\w+)")
_PROBE: Final = "lading env --probe tells which"
_NO_REASON: Final = "; no reason came with it, so it may also be a wrong key or a wrong clock"


def denied(asked: Asked, reply: Reply) -> LadingError:
    """The store said no: for certain, or in the way in which it also hides what is missing.

    S3 answers 403 for a missing key to who may not list the bucket
    (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html), and then names ``s3:ListBucket``
    where it names a right at all, as quoted in
    https://github.com/schubergphilis/terraform-aws-mcaf-securityhub-findings-manager/pull/64; a message that
    names ``s3:GetObject`` is a plain denial. Google says "or it may not exist", as quoted in
    https://github.com/discord/discord-example-app/issues/60.
    """
    return _unsure(asked, reply) if _hides(asked, reply) else _certain(asked, reply)


def _hides(asked: Asked, reply: Reply) -> bool:
    reading = asked.right is Right.READ
    if asked.place.scheme == "gs":
        return "may not exist" in f"{reply.message} {reply.detail}" or (reading and reply.bare)
    named = _PERFORM.search(reply.message)
    return asked.place.scheme == "s3" and reading and (named is None or named.group(1) == "s3:ListBucket")


def _certain(asked: Asked, reply: Reply) -> LadingError:
    named = _PERFORM.search(reply.message)
    needed = named.group(1) if named else asked.needed
    return UnavailableError(
        "access-denied",
        f"{asked.doing}: {asked.place.url} refused {asked.thing}; {asked.who} must have {needed} "
        f"({reply.said}){_NO_REASON if reply.bare else ''}",
        hint=f"grant {needed} on {asked.place.bucket}" + (f"; {_PROBE}" if reply.bare else ""),
    )


def _unsure(asked: Asked, reply: Reply) -> LadingError:
    if asked.place.scheme == "s3":
        hint = (
            f"grant s3:ListBucket on {asked.place.bucket}: then a missing key is 404, and a 403 is a denial"
        )
    else:
        # That a caller who may list gets 404 for a missing object is unverified for Google.
        hint = f"check the name, and grant {asked.needed} and storage.objects.list on {asked.place.bucket}"
    return UnavailableError(
        "denied-or-missing",
        f"{asked.doing}: {asked.place.url} refused {asked.thing}: it is not there, or {asked.who} lack "
        f"{asked.needed}; the store does not tell which ({reply.said}){_NO_REASON if reply.bare else ''}",
        hint=hint + (f"; {_PROBE}" if reply.bare else ""),
    )


def wrong_region(asked: Asked, reply: Reply) -> LadingError:
    """The bucket is elsewhere than the request was signed for."""
    place = asked.place
    elsewhere = f"in the region {reply.region}" if reply.region else "in another region"
    region = reply.region or "..."
    hint = f'region = "{region}" in the [stores.X] table, or AWS_REGION={region}'
    if not reply.region and "amazonaws" in (place.endpoint or "amazonaws"):
        hint = (
            f"curl -sI https://s3.amazonaws.com/{place.bucket} names it (x-amz-bucket-region); then " + hint
        )
    return UnavailableError(
        "wrong-region",
        f"{asked.doing}: the bucket {place.bucket} of {place.url} is {elsewhere}, "
        f"not in {place.region or 'the one asked'} ({reply.said})",
        hint=hint,
    )


def clock_skew(asked: Asked, reply: Reply) -> LadingError:
    """A signature is valid for minutes, so the clock of this machine decides."""
    now = f"; the store's clock says {reply.date}" if reply.date else ""
    return UnavailableError(
        "clock-skew",
        f"{asked.doing}: {asked.place.url} refused the request because this machine's clock is wrong{now} "
        f"({reply.said})",
        hint="compare with date -u and set the clock, such as timedatectl set-ntp true; "
        "a container has its host's clock",
    )


def expired(asked: Asked, reply: Reply) -> LadingError:
    """The credentials were right once."""
    return UnavailableError(
        "expired-credentials",
        f"{asked.doing}: {asked.who} for {asked.place.url} have expired ({reply.said})",
        hint="get new ones, such as aws sso login, gcloud auth application-default login, az login, or a new "
        "SAS token; then run the command again",
    )


def bad_credentials(asked: Asked, reply: Reply) -> LadingError:
    """The store does not know them, or the secret does not fit.

    R2 shows a checksum that it does not take as "Unauthorized" too
    (https://github.com/amd/gaia/pull/3029), so a refused write says so.
    """
    hint = (
        f"check {asked.place.credentials or 'them'}: key and secret belong together, without spaces or quotes"
    )
    if reply.code == "Unauthorized" and asked.right is Right.WRITE:
        hint += "; if reading works with them, unset AWS_CHECKSUM_ALGORITHM"
    return UnavailableError(
        "bad-credentials",
        f"{asked.doing}: {asked.place.url} does not accept {asked.who} ({reply.said})",
        hint=hint,
    )


def checksum_refused(asked: Asked, reply: Reply) -> LadingError:
    """R2 and others do not take every checksum header, nor chunks signed one by one.

    Sources: https://developers.cloudflare.com/r2/api/s3/api/ (checksum types);
    https://github.com/cloudflare/cloudflare-docs/pull/19236 ("Header 'x-amz-checksum-crc32' ...");
    https://github.com/soto-project/soto/issues/643 ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD").
    """
    return UnavailableError(
        "checksum-refused",
        f"{asked.doing}: {asked.place.url} does not take the checksum sent with {asked.thing} "
        f"({reply.said}); the credentials are not the cause",
        hint="unset AWS_CHECKSUM_ALGORITHM; for boto3: AWS_REQUEST_CHECKSUM_CALCULATION=when_required",
    )


def no_store(asked: Asked, reply: Reply) -> LadingError:
    """The bucket or container is not there."""
    kind = "container" if asked.place.scheme == "az" else "bucket"
    return NotFoundError(
        "no-store",
        f"{asked.doing}: {asked.place.url}: {asked.server} has no {kind} {asked.place.bucket} ({reply.said})",
        hint="check its name and the endpoint; lading push --create-store makes it",
    )


def no_object(asked: Asked, reply: Reply) -> LadingError:
    """One object is not there; stores say it in their own words where they know what it was."""
    return NotFoundError("no-object", f"{asked.doing}: {asked.place.url} has no {asked.thing} ({reply.said})")


def html_body(asked: Asked, reply: Reply) -> LadingError:
    """Something answered that is no store."""
    what = "a web page" if reply.title is not None else "something that is no store's answer"
    shown = f" titled '{reply.title}'" if reply.title else ""
    return UnavailableError(
        "html-body",
        f"{asked.doing}: {asked.server} sent {what}{shown} instead of {asked.thing} ({reply.said})",
        hint="check the endpoint in the [stores.X] table, and HTTPS_PROXY: another server answers there",
    )


def login_page(asked: Asked, reply: Reply) -> LadingError:
    """A proxy wants somebody to log in (status 407, or 511 of RFC 6585, or a redirect, or its page)."""
    shown = f", a page titled '{reply.title}'" if reply.title else ""
    return UnavailableError(
        "login-page",
        f"{asked.doing}: a proxy or login page answered instead of {asked.server} ({reply.said}{shown})",
        hint="log in to the network, or give the proxy's name and password in HTTPS_PROXY; "
        "NO_PROXY lists what must not go through it",
    )


def timed_out(asked: Asked, reply: Reply) -> LadingError:
    """The store gave up waiting for us."""
    return UnavailableError(
        "timed-out",
        f"{asked.doing}: {asked.server} waited too long for {asked.thing} ({reply.said})",
        hint="run the command again; it takes up where it stopped",
    )


def rate_limited(asked: Asked, reply: Reply) -> LadingError:
    """Too many requests for now."""
    return UnavailableError(
        "rate-limited",
        f"{asked.doing}: {asked.place.url} asks to slow down ({reply.said})",
        hint="run the command again in a minute; it takes up where it stopped",
    )


def server_error(asked: Asked, reply: Reply) -> LadingError:
    """The store itself failed."""
    return UnavailableError(
        "server-error",
        f"{asked.doing}: {asked.server} failed at {asked.thing} ({reply.said})",
        hint="run the command again; if it stays so, look at the store's status page",
    )


def failed(asked: Asked, reply: Reply) -> LadingError:
    """Nothing is known of this one."""
    why = ": no reason came with it; the region or an old token may be it" if reply.bare else ""
    return UnavailableError(
        "store-failed",
        f"{asked.doing}: {asked.place.url} refused {asked.thing} ({reply.said}){why}",
        hint="lading env --probe tries the store step by step",
    )
