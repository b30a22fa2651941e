"""The clients that a bucket is spoken to with, made from its location and nobody's global state.

Variables are the platforms' own: ``AWS_*`` (AWS SDKs and tools reference, "Settings reference"),
``GOOGLE_APPLICATION_CREDENTIALS`` (Google Cloud, "Application Default Credentials") and
``AZURE_STORAGE_*`` (Azure CLI configuration). A location's own prefix stands in their place.
"""

from __future__ import annotations

import configparser
import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from lading.core.errors import UnavailableError, UsageError
from lading.plumbing.addresses import is_loopback
from lading.plumbing.sigv4 import Keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from obstore.store import AzureStore, ClientConfig, GCSStore, RetryConfig, S3Store

    from lading.core.location import Location

RETRY: Final[RetryConfig] = {
    "max_retries": 5,
    "retry_timeout": timedelta(seconds=60),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=5), "base": 2},
}
NEVER: Final[RetryConfig] = {"max_retries": 0}


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
        UsageError: ``plain-http``.
        UnavailableError: ``no-credentials``, where its own variables are not set.
    """
    environ, begin = location.environ, location.env or "AWS"

    def variable(*names: str) -> str | None:
        return next((value for name in names if (value := environ.get(f"{begin}_{name}"))), None)

    endpoint = location.endpoint or variable("ENDPOINT_URL_S3", "ENDPOINT_URL")
    if endpoint:
        _check_http(endpoint, location)
    keys, source = _variables(location, begin), f"{begin}_ACCESS_KEY_ID"
    if keys is None:
        keys, source = (None, "") if location.env else _profile(environ)
    region = location.region or variable("REGION", "DEFAULT_REGION") or _profile_region(location)
    return S3(location.bucket, location.prefix, endpoint, region or "us-east-1", keys, source)


def s3_client(found: S3, location: Location, retry: RetryConfig = RETRY) -> S3Store:
    """A client for an S3 bucket; without static credentials it asks the machine's own role."""
    from obstore.store import S3Store

    options: dict[str, Any] = {}
    if found.endpoint:
        options["endpoint"] = found.endpoint
    else:
        options["virtual_hosted_style_request"] = "." not in found.bucket
    keys = found.keys
    if keys is not None:
        options["credential_provider"] = lambda: {
            "access_key_id": keys.access_key_id,
            "secret_access_key": keys.secret,
            "token": keys.token or None,
            "expires_at": None,
        }
    return S3Store(
        found.bucket,
        prefix=found.prefix or None,
        region=found.region,
        client_options=_options(found.endpoint, location),
        retry_config=retry,
        **options,
    )


def gcs_client(location: Location, retry: RetryConfig = RETRY) -> GCSStore:
    """A client for a bucket of Google Cloud Storage.

    Raises:
        UnavailableError: ``no-credentials``, where the file that a variable names cannot be read.
    """
    from obstore.store import GCSStore

    name = f"{location.env or 'GOOGLE'}_APPLICATION_CREDENTIALS"
    path = location.environ.get(name)
    options: dict[str, Any] = {}
    base = location.endpoint
    if path:
        document = google_file(path, name)
        own = "private_key" in document
        options["service_account" if own else "application_credentials"] = path
        base = base or document.get("gcs_base_url")
    if location.endpoint:
        options["base_url"] = location.endpoint
    if base:
        _check_http(base, location)
    return GCSStore(
        location.bucket,
        prefix=location.prefix or None,
        client_options=_options(base, location),
        retry_config=retry,
        **options,
    )


def azure_client(location: Location, retry: RetryConfig = RETRY) -> AzureStore:
    """A client for a container of Azure Blob Storage.

    Raises:
        UnavailableError: ``no-credentials``, where no account is named.
    """
    from obstore.store import AzureStore

    begin = location.env or "AZURE_STORAGE"
    said = _connection(location.environ.get(f"{begin}_CONNECTION_STRING", ""))
    account = location.environ.get(f"{begin}_ACCOUNT_NAME") or said.get("AccountName")
    key = location.environ.get(f"{begin}_ACCOUNT_KEY") or said.get("AccountKey")
    endpoint = location.endpoint or said.get("BlobEndpoint")
    if not account:
        raise _no_credentials(location, f"{begin}_ACCOUNT_NAME and {begin}_ACCOUNT_KEY")
    options: dict[str, Any] = {"account_key": key} if key else {}
    if token := location.environ.get(f"{begin}_SAS_TOKEN"):
        options["sas_key"] = token
    if endpoint:
        _check_http(endpoint, location)
        options["endpoint"] = endpoint
    return AzureStore(
        location.bucket,
        prefix=location.prefix or None,
        account_name=account,
        client_options=_options(endpoint, location),
        retry_config=retry,
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
        raise _no_credentials(location, " and ".join(names))
    return None


def _no_credentials(location: Location, names: str) -> UnavailableError:
    return UnavailableError(
        "no-credentials",
        f"{location.url}: there are no credentials for it: {names} are not set",
        hint=f"set {names}; lading env --probe shows what each store says",
    )


def _profile(environ: Mapping[str, str]) -> tuple[Keys | None, str]:
    """The keys of the profile in the shared credentials file, where it has some, and what to call it."""
    default = _home(environ, "credentials")
    path = environ.get("AWS_SHARED_CREDENTIALS_FILE") or default
    profile = environ.get("AWS_PROFILE") or "default"
    found = _section(path, profile)
    key, secret = found.get("aws_access_key_id"), found.get("aws_secret_access_key")
    if not key or not secret:
        return None, "the role of this machine"
    return Keys(key, secret, found.get("aws_session_token", "")), f"the profile '{profile}' in {path}"


def _profile_region(location: Location) -> str | None:
    if location.env:
        return None
    profile = location.environ.get("AWS_PROFILE") or "default"
    path = location.environ.get("AWS_CONFIG_FILE") or _home(location.environ, "config")
    name = profile if profile == "default" else f"profile {profile}"
    return _section(path, name).get("region")


def _home(environ: Mapping[str, str], name: str) -> str:
    return str(Path(environ.get("HOME") or "/nonexistent", ".aws", name))


def _section(path: str, name: str) -> Mapping[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read(path, "utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        return {}
    return dict(parser.items(name)) if parser.has_section(name) else {}


def _connection(text: str) -> dict[str, str]:
    parts = (part.partition("=") for part in text.split(";") if part)
    return {name.strip(): value.strip() for name, _, value in parts}


def _check_http(endpoint: str, location: Location) -> None:
    parts = urlsplit(endpoint)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(
            "bad-endpoint",
            f"'{endpoint}' is no address of a service: expected https://HOST",
            hint='write endpoint = "https://..." in the [stores.X] table of lading.toml',
        )
    if parts.scheme == "http" and not (location.allow_http or is_loopback(parts.hostname)):
        raise UsageError(
            "plain-http",
            f"{location.url}: its endpoint {parts.scheme}://{parts.netloc.rpartition('@')[2]} has no TLS and "
            "is on another machine",
            hint="use https://, or say allow_http = true in the [stores.X] table of lading.toml",
        )


def _options(endpoint: str | None, location: Location) -> ClientConfig:
    plain = endpoint is not None and endpoint.startswith("http://")
    options: dict[str, Any] = {
        "allow_http": plain,
        "connect_timeout": "10s",
        "read_timeout": "60s",
        "timeout": "12h",
    }
    environ = location.environ
    name = "HTTP_PROXY" if plain else "HTTPS_PROXY"
    if proxy := environ.get(name.lower()) or environ.get(name):
        options["proxy_url"] = proxy
        if excluded := environ.get("no_proxy") or environ.get("NO_PROXY"):
            options["proxy_excludes"] = excluded
    return options  # type: ignore[return-value] # a mapping of those keys
