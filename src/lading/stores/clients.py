"""The clients that a bucket is spoken to with, made from its location and nobody's global state.

Variables are the platforms' own: ``AWS_*`` (AWS SDKs and tools reference, "Settings reference") and
``GOOGLE_APPLICATION_CREDENTIALS`` (Google Cloud, "Application Default Credentials"). A location's own prefix
stands in their place. obstore reads the environment by itself, so whatever must not come from there is said.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from lading.core.errors import UnavailableError, UsageError
from lading.core.redaction import redacted
from lading.plumbing.addresses import is_loopback
from lading.plumbing.proxies import proxy_of
from lading.plumbing.sigv4 import Keys
from lading.plumbing.urls import has_extras
from lading.stores import profiles

if TYPE_CHECKING:
    from obstore.store import ClientConfig, GCSStore, RetryConfig, S3Store

    from lading.core.location import Location

RETRY: Final[RetryConfig] = {
    "max_retries": 5,
    "retry_timeout": timedelta(seconds=60),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=5), "base": 2},
}
GOOGLE: Final = "https://storage.googleapis.com"
_BEFORE_A_KEY: Final = ("GOOGLE_BEARER_TOKEN", "GOOGLE_SERVICE_ACCOUNT_KEY")
_BEFORE_A_USER: Final = ("GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH")
"""What obstore reads in the environment and takes in the place of a file that it is given."""
_REGION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
CLEAN: Final = re.compile(r"[!-~]*")


@dataclass(frozen=True, slots=True)
class S3:
    """An S3 bucket: where it is and what to show at its door.

    Attributes:
        keys: static credentials; None leaves it to what the machine's own role offers.
        source: where the credentials come from, for messages.
    """

    bucket: str
    prefix: str
    endpoint: str | None
    region: str
    keys: Keys | None
    source: str


def s3(location: Location) -> S3:
    """What ``location`` and its variables say of an S3 bucket.

    Raises:
        UsageError: ``plain-http``, ``bad-endpoint``, ``bad-region``.
        UnavailableError: ``no-credentials``, where its own variables are not set, or the profile that
            ``AWS_PROFILE`` names has no keys; ``bad-credentials``, where they cannot be sent.
    """
    environ, begin = location.environ, location.env or "AWS"

    def variable(*names: str) -> str | None:
        return next((value for name in names if (value := environ.get(f"{begin}_{name}"))), None)

    endpoint = location.endpoint or variable("ENDPOINT_URL_S3", "ENDPOINT_URL")
    if endpoint:
        check_endpoint(endpoint, location)
    keys, source = _variables(location, begin), f"{begin}_ACCESS_KEY_ID"
    if keys is None and not location.env:
        keys, source = profiles.keys(environ, location.url)
    if keys is not None:
        _check_keys(keys, source, location)
    region = location.region or variable("REGION", "DEFAULT_REGION")
    region = region or (None if location.env else profiles.region(environ)) or "us-east-1"
    if not _REGION.fullmatch(region):
        raise UsageError(
            "bad-region",
            f"{location.url}: '{region}' is no name of a region",
            hint='write region = "eu-west-1", or AWS_REGION=eu-west-1; R2 has "auto"',
        )
    return S3(location.bucket, location.prefix, endpoint, region, keys, source)


def s3_client(found: S3, location: Location) -> S3Store:
    """A client for an S3 bucket that asks the machine's own role for credentials."""
    from obstore.store import S3Store

    options: dict[str, Any] = {}
    if found.endpoint:
        options["aws_endpoint_url_s3"] = found.endpoint  # which goes before every other name of it
    else:
        options["virtual_hosted_style_request"] = "." not in found.bucket
    return S3Store(
        found.bucket,
        prefix=found.prefix or None,
        region=found.region,
        client_options=client_options(found.endpoint, location),
        retry_config=RETRY,
        **options,
    )


def gcs_client(location: Location) -> GCSStore:
    """A client for a bucket of Google Cloud Storage.

    Raises:
        UnavailableError: ``no-credentials``, where the file that a variable names cannot be read, or a
            variable of its own is not set.
        UsageError: ``two-credentials``, ``plain-http``, ``bad-endpoint``.
    """
    from obstore.store import GCSStore

    name = f"{location.env or 'GOOGLE'}_APPLICATION_CREDENTIALS"
    path = location.environ.get(name)
    options: dict[str, Any] = {}
    base = location.endpoint
    if path:
        document = google_file(path, name)
        own = "private_key" in document
        _check_alone(name, _BEFORE_A_KEY if own else _BEFORE_A_KEY + _BEFORE_A_USER, location)
        options["service_account" if own else "application_credentials"] = path
        options["skip_signature"] = False
        base = base or document.get("gcs_base_url")
    elif location.env:
        raise no_credentials(location, name)
    if base:
        check_endpoint(base, location)
    if path or base:
        options["base_url"] = base or GOOGLE
    return GCSStore(
        location.bucket,
        prefix=location.prefix or None,
        client_options=client_options(base, location),
        retry_config=RETRY,
        **options,
    )


def google_file(path: str, name: str) -> dict[str, Any]:
    """The credentials file that the variable ``name`` names.

    Raises:
        UnavailableError: ``no-credentials``.
    """
    try:
        document = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UnavailableError(
            "no-credentials",
            f"{name} names {path}, which cannot be read as a credentials file: {type(error).__name__}",
            hint=f"point {name} at a service account's JSON file",
        ) from None
    return document if isinstance(document, dict) else {}


def _variables(location: Location, begin: str) -> Keys | None:
    names = (f"{begin}_ACCESS_KEY_ID", f"{begin}_SECRET_ACCESS_KEY")
    key, secret = (location.environ.get(name) for name in names)
    if key and secret:
        return Keys(key, secret, location.environ.get(f"{begin}_SESSION_TOKEN") or "")
    if location.env:
        raise no_credentials(location, " and ".join(names))
    return None


def no_credentials(location: Location, names: str) -> UnavailableError:
    """The error for variables that are not set."""
    return UnavailableError(
        "no-credentials",
        f"{location.url}: there are no credentials for it: {names} are not set",
        hint=f"set {names}; lading env --probe shows what each store says",
    )


def _check_keys(keys: Keys, source: str, location: Location) -> None:
    """Refuse what no header can carry, before a message quotes it: mostly a line end out of a file."""
    if not all(map(CLEAN.fullmatch, (keys.access_key_id, keys.secret, keys.token))):
        raise bad_credentials(location, f"{source} hold a space, a line end or a letter that is not ASCII")


def bad_credentials(location: Location, what: str) -> UnavailableError:
    """The error for credentials that cannot be right; ``what`` does not quote them."""
    return UnavailableError(
        "bad-credentials",
        f"{location.url}: the credentials of {what}",
        hint="set them again, without spaces, quotes and line ends",
    )


def _check_alone(name: str, others: tuple[str, ...], location: Location) -> None:
    other = next((each for each in others if location.environ.get(each)), None)
    if other is not None:
        raise UsageError(
            "two-credentials",
            f"{location.url}: {name} names a credentials file, and {other} is set too, which goes before it",
            hint=f"unset {other}",
        )


def check_endpoint(endpoint: str, location: Location) -> None:
    """Refuse what is no address of a service, or may be overheard.

    Raises:
        UsageError: ``bad-endpoint``, ``plain-http``.
    """
    parts = urlsplit(endpoint)
    said = f" {redacted(endpoint)}" if "://" in endpoint else ""  # else no part of it is known to be harmless
    if parts.scheme not in {"http", "https"} or not parts.hostname or has_extras(parts):
        raise UsageError(
            "bad-endpoint",
            f"{location.url}: its endpoint{said} is no address of a service: expected https://HOST, "
            "without user, password and query",
            hint='write endpoint = "https://..." in the [stores.X] table of lading.toml',
        )
    if parts.scheme == "http" and not (location.allow_http or is_loopback(parts.hostname)):
        raise UsageError(
            "plain-http",
            f"{location.url}: its endpoint {parts.scheme}://{parts.netloc} is elsewhere and has no TLS",
            hint="use https://, or say allow_http = true in the [stores.X] table of lading.toml",
        )


def client_options(endpoint: str | None, location: Location) -> ClientConfig:
    """What obstore is told of connections.

    Raises:
        UsageError: ``bad-proxy``.
    """
    plain = endpoint is not None and endpoint.startswith("http://")
    options: dict[str, Any] = {
        "allow_http": plain,
        "connect_timeout": "10s",
        "read_timeout": "60s",
        "timeout": "12h",
    }
    environ = location.environ
    proxy_of(endpoint or GOOGLE, environ)  # refuses what is no proxy; obstore finds it by the same names
    name = "HTTP_PROXY" if plain else "HTTPS_PROXY"
    if proxy := environ.get(name.lower()) or environ.get(name):
        options["proxy_url"] = proxy
        if excluded := environ.get("no_proxy") or environ.get("NO_PROXY"):
            options["proxy_excludes"] = excluded
    return options  # type: ignore[return-value] # a mapping of those keys
