"""Who acts, and from where, as the environment says it."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import sys

import pytest

from lading.plumbing.person import actor, context

GITHUB = {
    "GITHUB_ACTOR": "octocat",
    "GITHUB_REPOSITORY": "acme/models",
    "GITHUB_RUN_ID": "17",
    "GITHUB_SHA": "c0ffee",
}
GITLAB = {
    "GITLAB_CI": "true",
    "GITLAB_USER_LOGIN": "tanuki",
    "CI_JOB_URL": "https://gitlab.example/acme/models/-/jobs/9",
    "CI_COMMIT_SHA": "c0ffee",
}


@pytest.mark.parametrize(
    ("environ", "who", "where"),
    [
        (
            GITHUB,
            "octocat",
            {"ci": "github", "run": "https://github.com/acme/models/actions/runs/17", "commit": "c0ffee"},
        ),
        (
            GITHUB | {"GITHUB_SERVER_URL": "https://git.example"},
            "octocat",
            {"ci": "github", "run": "https://git.example/acme/models/actions/runs/17", "commit": "c0ffee"},
        ),
        (GITLAB, "tanuki", {"ci": "gitlab", "run": GITLAB["CI_JOB_URL"], "commit": "c0ffee"}),
        ({"GITLAB_CI": "true", "GITLAB_USER_LOGIN": "tanuki"}, "tanuki", {"ci": "gitlab"}),
    ],
    ids=["GitHub", "a GitHub of one's own", "GitLab", "GitLab, saying little"],
)
def test_a_ci_names_its_user_its_run_and_the_commit(
    environ: dict[str, str], who: str, where: dict[str, str]
) -> None:
    assert actor(environ) == who
    assert context(environ) == where


def test_elsewhere_it_is_the_user_and_the_machine() -> None:
    assert actor({}) == f"{getpass.getuser()}@{socket.gethostname()}"
    assert context({}) == {}
    assert context({"GITHUB_REPOSITORY": "acme/models"}) == {}, "a variable that somebody set is no run"


def test_what_is_no_text_in_the_environment_becomes_one() -> None:
    assert actor({"GITHUB_ACTOR": "ad\udcffa"}) == "ad?a"
    assert context(GITLAB | {"CI_COMMIT_SHA": "\udcff"})["commit"] == "?"


NAMELESS = """
import os
from lading.plumbing.person import actor
os.setuid(54321)
print(actor({}))
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root becomes a user without a name")
def test_a_user_without_a_name_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    done = subprocess.run([sys.executable, "-c", NAMELESS], capture_output=True, text=True, check=True)
    assert done.stdout == f"unknown@{socket.gethostname()}\n"
