"""What a client needs to use a bucket, and the plain obstore client that proves a server with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from pathlib import Path

    from obstore.store import AzureStore, ClientConfig, GCSStore, RetryConfig, S3Store

HTTP: Final[ClientConfig] = {"allow_http": True, "timeout": "20s"}
ONCE: Final[RetryConfig] = {"max_retries": 0}
MARK: Final = "Hush5hush"
"""A part of every secret that tests make up: what shows it has shown a secret (see ``tests.discretion``)."""
_secrets: set[str] = {MARK}


def secret(name: str) -> str:
    """A secret that is recognised wherever it shows."""
    return f"{MARK}-{name}"


def kept_secret(text: str) -> str:
    """The same text, a secret that somebody else made up: from now on it must not show either."""
    _secrets.update({text, quote(text, safe="")})
    return text


def shown(told: str | bytes) -> list[str]:
    """The secrets in what was told."""
    raw = told.encode("utf-8", "replace") if isinstance(told, str) else told
    pattern = b"|".join(re.escape(each.encode()) for each in _secrets)
    return sorted({found.decode() for found in re.findall(pattern, raw)})


@dataclass(frozen=True, slots=True)
class S3Bucket:
    """A bucket of an S3, addressed by path."""

    endpoint: str
    bucket: str
    key_id: str
    secret: str = field(repr=False)
    region: str = "us-east-1"

    def by(self, user: tuple[str, str]) -> S3Bucket:
        """The same bucket with the key id and the secret of somebody else."""
        return replace(self, key_id=user[0], secret=user[1])

    def client(self, retry: RetryConfig = ONCE) -> S3Store:
        """A client that does not try again unless ``retry`` says so."""
        from obstore.store import S3Store

        return S3Store(
            self.bucket,
            endpoint=self.endpoint,
            region=self.region,
            access_key_id=self.key_id,
            secret_access_key=self.secret,
            virtual_hosted_style_request=False,
            client_options=HTTP,
            retry_config=retry,
        )


@dataclass(frozen=True, slots=True)
class GcsBucket:
    """A bucket of Google Cloud Storage; the key file also names the endpoint."""

    endpoint: str
    bucket: str
    service_account: Path
    project: str = "project"

    def client(self, retry: RetryConfig = ONCE) -> GCSStore:
        """A client that does not try again unless ``retry`` says so."""
        from obstore.store import GCSStore

        path = str(self.service_account)
        return GCSStore(self.bucket, service_account=path, client_options=HTTP, retry_config=retry)


@dataclass(frozen=True, slots=True)
class AzureContainer:
    """A container of Azure Blob Storage; ``key`` is the account's shared key."""

    endpoint: str
    container: str
    account: str
    key: str = field(repr=False)

    def client(self, retry: RetryConfig = ONCE) -> AzureStore:
        """A client that does not try again unless ``retry`` says so."""
        from obstore.store import AzureStore

        return AzureStore(
            self.container,
            account_name=self.account,
            account_key=self.key,
            endpoint=self.endpoint,
            client_options=HTTP,
            retry_config=retry,
        )
