"""S3 with real signatures and IAM policies: moto in a process of its own, its writes made atomic.

    with moto(folder) as server:
        bucket = server.new_bucket("models")
        reader = bucket.by(server.user(policy("s3:GetObject")))

Ranged reads are slow here (moto copies the whole object first): no benchmarks against it.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.request import ProxyHandler, Request, build_opener

from tests.components.tools import free_port, listens, server
from tests.servers.access import S3Bucket, kept_secret, secret

if TYPE_CHECKING:
    from collections.abc import Iterator

_APP: Final = Path(__file__).parent / "moto_app.py"
WRONG: Final = ("AKIAIOSFODNN7EXAMPLE", secret("wrong"))
"""A key id and a secret that nobody has."""


def policy(*actions: str, resource: str = "*") -> str:
    """An IAM policy that allows these actions, such as ``s3:GetObject``, and nothing else."""
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@dataclass(frozen=True, slots=True)
class Moto:
    """A running S3; ``owner`` may do everything in it."""

    endpoint: str
    owner: tuple[str, str] = field(repr=False)

    def new_bucket(self, name: str) -> S3Bucket:
        """A bucket that was not there, with the owner's keys; every test takes a name of its own."""
        _ask(f"{self.endpoint}/-/bucket/{name}", "PUT", "")
        return S3Bucket(self.endpoint, name, *self.owner)

    def user(self, document: str) -> tuple[str, str]:
        """The key id and the secret of a new user, who may do what the policy says."""
        return _new_user(self.endpoint, document)


def _new_user(endpoint: str, document: str) -> tuple[str, str]:
    key_id, made_up = _ask(f"{endpoint}/-/user", "POST", document)
    return key_id, kept_secret(made_up)


def _ask(url: str, method: str, body: str) -> list[str]:
    request = Request(url, body.encode(), {"Content-Type": "application/json"}, method=method)
    with build_opener(ProxyHandler({})).open(request, timeout=30) as reply:
        told: list[str] = json.load(reply)
        return told


@contextmanager
def moto(folder: Path) -> Iterator[Moto]:
    """Start it, with its log in ``folder``; it is ready when the block begins and gone when it ends."""
    port = free_port()
    with server([sys.executable, "-P", str(_APP), str(port)], folder / "moto.log", lambda: listens(port)):
        url = f"http://127.0.0.1:{port}"
        yield Moto(url, _new_user(url, policy("s3:*")))
