"""What every test gets: no environment of the machine's own, no network but loopback."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import socket_allow_hosts

from tests import counts

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ("tests.servers.fixtures", "tests.discretion")

CLEARED: Final = frozenset(
    {"CI", "GITLAB_CI", "CIRCLECI", "BUILDKITE", "JENKINS_URL", "TF_BUILD", "TRAVIS", "DRONE"}
    | {"DYNO", "FLY_APP_NAME", "FLY_MACHINE_ID", "K_SERVICE", "K_REVISION", "CLOUD_RUN_JOB"}
    | {"KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "INVOCATION_ID", "PORT", "container"}
    | {"GOOGLE_APPLICATION_CREDENTIALS", "GH_TOKEN", "HF_TOKEN", "HF_HOME", "MODEL_VERSION"}
    | {"XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"}
    | {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "SOURCE_DATE_EPOCH"}
    | {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
    | {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
)
CLEARED_PREFIXES: Final = (
    "LADING_", "PYTHON", "GITHUB_", "GITLAB_", "RUNNER_", "CI_", "HEROKU_", "FLY_",
    "AWS_", "GOOGLE_", "AZURE_", "GCP_", "R2_",
)  # fmt: skip
LOOPBACK: Final = ["127.0.0.1", "::1"]

settings.register_profile(
    "lading",
    max_examples=counts.EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],  # these machines are shared
)
settings.load_profile("lading")


# A shell that starts the tests in the background makes them, and all their children, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Take away every marker of where the tests run, and give them a home of their own, with a cache."""
    for name in list(os.environ):
        if name in CLEARED or name.startswith(CLEARED_PREFIXES):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("LADING_CACHE_DIR", str(home / "cache"))
    socket_allow_hosts(LOOPBACK, allow_unix_socket=True)
    return home / "cache"
