"""With what a store would be asked, by name and never by value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lading.core.redaction import redacted
from lading.stores.clients import s3

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.core.location import Location

_ROLE: Final = "the role of this machine"
# What obstore reads by itself where lading gives it no credentials; the names are those of the documentation
# of its S3Config, GCSConfig and AzureConfig.
_AWS: Final = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_GOOGLE: Final = (
    "GOOGLE_BEARER_TOKEN",
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_PATH",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
)
_AZURE: Final = ("AZURE_STORAGE_TOKEN", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE")
_GCLOUD: Final = ".config/gcloud/application_default_credentials.json"


@dataclass(frozen=True, slots=True)
class Access:
    """What requests carry and where they go.

    Attributes:
        credentials: the name of where they come from, or None where none are used.
        endpoint: the address of the service, where it is not the platform's own.
        region: the region that requests are signed for, where one is known.
    """

    credentials: str | None = None
    endpoint: str | None = None
    region: str | None = None


def access(location: Location) -> Access:
    """How the store there would be asked; nobody is asked yet.

    Raises:
        LadingError: what is wrong with the settings, as opening the store says it too.
    """
    endpoint, region, environ = location.endpoint, location.region, location.environ
    credentials = None
    if location.scheme == "s3":
        found = s3(location)
        endpoint, region = found.endpoint, found.region
        credentials = found.source if found.keys else _set(environ, _AWS) or _ROLE
    elif location.scheme == "gs":
        begin = location.env or "GOOGLE"
        own = _set(environ, (f"{begin}_APPLICATION_CREDENTIALS", *_GOOGLE))
        credentials = own or _gcloud(environ) or _ROLE
    elif location.scheme == "az":
        begin = location.env or "AZURE_STORAGE"
        names = [f"{begin}_{name}" for name in ("ACCOUNT_KEY", "CONNECTION_STRING", "SAS_TOKEN")]
        credentials = _set(environ, (*names, *_AZURE)) or _ROLE
    return Access(credentials, redacted(endpoint) if endpoint else None, region)


def _set(environ: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if environ.get(name)), None)


def _gcloud(environ: Mapping[str, str]) -> str | None:
    """The file that ``gcloud auth application-default login`` writes, where it is there."""
    path = Path(environ.get("HOME") or "/nonexistent", _GCLOUD)
    return str(path) if path.is_file() else None
