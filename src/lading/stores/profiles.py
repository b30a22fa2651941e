"""Profiles of AWS in the files that all its tools share.

AWS SDKs and tools reference, "Shared config and credentials files". Only keys and regions are read: for a
profile that logs in or assumes a role, ``aws configure export-credentials`` makes variables.
"""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lading.core.errors import UnavailableError
from lading.plumbing.sigv4 import Keys

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULT: Final = "default"


def keys(environ: Mapping[str, str], url: str) -> tuple[Keys | None, str]:
    """The keys of the profile, and where they are, for messages; None leaves it to the machine's own role.

    Raises:
        UnavailableError: ``no-credentials``, where ``AWS_PROFILE`` names a profile without keys: nobody who
            names one wants to be somebody else.
    """
    profile = environ.get("AWS_PROFILE") or _DEFAULT
    credentials, config = _credentials_file(environ), _config_file(environ)
    for path, section in ((credentials, profile), (config, _in_config(profile))):
        found = _section(path, section)
        key, secret = found.get("aws_access_key_id"), found.get("aws_secret_access_key")
        if key and secret:
            token = found.get("aws_session_token", "")
            return Keys(key, secret, token), f"the profile '{profile}' in {path}"
    if environ.get("AWS_PROFILE"):
        raise UnavailableError(
            "no-credentials",
            f"{url}: AWS_PROFILE is '{profile}', which has no keys in {credentials} or {config}",
            hint=f'eval "$(aws configure export-credentials --profile {profile} --format env)", '
            "or unset AWS_PROFILE",
        )
    return None, "the role of this machine"


def region(environ: Mapping[str, str]) -> str | None:
    """The region of the profile."""
    profile = environ.get("AWS_PROFILE") or _DEFAULT
    found = _section(_config_file(environ), _in_config(profile)).get("region")
    return found or _section(_credentials_file(environ), profile).get("region")


def _credentials_file(environ: Mapping[str, str]) -> str:
    return environ.get("AWS_SHARED_CREDENTIALS_FILE") or _home(environ, "credentials")


def _config_file(environ: Mapping[str, str]) -> str:
    return environ.get("AWS_CONFIG_FILE") or _home(environ, "config")


def _in_config(profile: str) -> str:
    return profile if profile == _DEFAULT else f"profile {profile}"


def _home(environ: Mapping[str, str], name: str) -> str:
    return str(Path(environ.get("HOME") or "/nonexistent", ".aws", name))


def _section(path: str, name: str) -> Mapping[str, str]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read(path, "utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        return {}
    return dict(parser.items(name)) if parser.has_section(name) else {}
