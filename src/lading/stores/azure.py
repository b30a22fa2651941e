"""The client for a container of Azure Blob Storage.

Variables are those of Azure's command line and of its SDKs (``AZURE_STORAGE_*``); a location's own prefix
stands in their place.
"""

from __future__ import annotations

import re
from base64 import b64decode
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from lading.stores.clients import (
    CLEAN,
    RETRY,
    bad_credentials,
    check_endpoint,
    client_options,
    no_credentials,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from obstore.store import AzureStore

    from lading.core.location import Location

_ACCOUNT: Final = re.compile(r"[A-Za-z0-9-]+")


def azure_client(location: Location) -> AzureStore:
    """A client for a container of Azure Blob Storage.

    Raises:
        UnavailableError: ``no-credentials``, where no account is named, or a variable of its own is not set.
        UsageError: ``plain-http``, ``bad-endpoint``.
    """
    from obstore.store import AzureStore

    begin = location.env or "AZURE_STORAGE"
    account, shown, endpoint = _azure(location, begin)
    if not account or (location.env and not shown):
        raise no_credentials(location, f"{begin}_ACCOUNT_NAME and {begin}_ACCOUNT_KEY")
    _check(account, shown, location)
    options: dict[str, Any] = {"use_emulator": False}
    if endpoint:
        check_endpoint(endpoint, location)
    if shown:
        # What is given so goes before every credential of the environment.
        options |= {"credential_provider": lambda: {**shown, "expires_at": None}, "skip_signature": False}
        options["use_fabric_endpoint"] = False
        options["endpoint"] = endpoint or f"https://{account}.blob.core.windows.net"
    elif endpoint:
        options["endpoint"] = endpoint
    return AzureStore(
        location.bucket,
        prefix=location.prefix or None,
        account_name=account,
        client_options=client_options(endpoint, location),
        retry_config=RETRY,
        **options,
    )


def _azure(location: Location, begin: str) -> tuple[str | None, dict[str, str], str | None]:
    """The account, what to show, and the endpoint."""
    environ = location.environ
    said = _connection(environ.get(f"{begin}_CONNECTION_STRING", ""))

    def variable(*names: str) -> str | None:
        return next((value for name in names if (value := environ.get(f"{begin}_{name}"))), None)

    endpoint = location.endpoint or said.get("BlobEndpoint")
    account = variable("ACCOUNT_NAME", "ACCOUNT") or said.get("AccountName")
    if account and not endpoint and (suffix := said.get("EndpointSuffix")):
        endpoint = f"https://{account}.blob.{suffix}"
    if not account and "SharedAccessSignature" in said:  # then it is told by the host alone
        account = (urlsplit(endpoint or "").hostname or "").partition(".")[0]
    key = variable("ACCOUNT_KEY", "KEY") or said.get("AccountKey")
    token = variable("SAS_TOKEN") or said.get("SharedAccessSignature")
    shown = {"access_key": key} if key else {"sas_token": token.removeprefix("?")} if token else {}
    return account, shown, endpoint


def _check(account: str, shown: Mapping[str, str], location: Location) -> None:
    begin = location.env or "AZURE_STORAGE"
    if not _ACCOUNT.fullmatch(account):
        raise bad_credentials(location, f"{begin}_ACCOUNT_NAME are for an account that cannot be")
    with suppress(ValueError):
        b64decode(shown.get("access_key", ""), validate=True)
        if CLEAN.fullmatch(shown.get("sas_token", "")):
            return
    raise bad_credentials(location, f"{begin}_* are not written as Azure gives them")


def _connection(text: str) -> dict[str, str]:
    parts = (part.partition("=") for part in text.split(";") if part)
    return {name.strip(): value.strip() for name, _, value in parts}
