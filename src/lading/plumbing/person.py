"""Who runs this program, in words for people."""

from __future__ import annotations

import getpass
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def actor(environ: Mapping[str, str]) -> str:
    """Whom a ledger names: the user of a CI, else ``user@host``.

    Variables: GitHub Actions, "Default environment variables"; GitLab, "Predefined CI/CD variables".
    """
    for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN"):
        if found := environ.get(name):
            return _text(found)
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = "unknown"
    return _text(f"{user}@{socket.gethostname()}")


def context(environ: Mapping[str, str]) -> dict[str, Any]:
    """From where: the run and the commit of a CI; empty elsewhere."""
    repository, number = environ.get("GITHUB_REPOSITORY"), environ.get("GITHUB_RUN_ID")
    if repository and number:
        server = environ.get("GITHUB_SERVER_URL", "https://github.com")
        run = f"{server}/{repository}/actions/runs/{number}"
        found = {"ci": "github", "run": run, "commit": environ.get("GITHUB_SHA")}
    elif environ.get("GITLAB_CI"):
        found = {"ci": "gitlab", "run": environ.get("CI_JOB_URL"), "commit": environ.get("CI_COMMIT_SHA")}
    else:
        return {}
    return {key: _text(value) for key, value in found.items() if value}


def _text(value: str) -> str:
    """``value`` as an event can hold it: what is no UTF-8 in the environment becomes ``?``."""
    return value.encode("utf-8", "replace").decode()
