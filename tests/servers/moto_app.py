"""The process that ``s3.py`` starts: moto in IAM mode, with its conditional writes made atomic.

    python moto_app.py PORT

moto looks whether a key is free and stores it a moment later, so that two creating requests can both succeed
(one round of 100 with 20 threads that switch often; other requests ended with 500). Here one lock lets one
request at a time through. ``PUT /-/bucket/<name>`` makes a bucket and ``POST /-/user`` a user with the policy
that is its body, both without a signature.
"""

from __future__ import annotations

import io
import json
import os
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from werkzeug.wsgi import ClosingIterator

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

ACCOUNT: Final = "123456789012"


class App:
    """A WSGI application in front of moto's own."""

    def __init__(self, moto: WSGIApplication) -> None:
        self._moto = moto
        self._guard = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        # Read first: a client that sends slowly, or is frozen, must not hold the lock.
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        if len(body) < length:
            return _told(start, "400 Bad Request", b"")  # the client died: nothing of it counts
        environ["wsgi.input"] = io.BytesIO(body)
        path = environ["PATH_INFO"]
        with self._guard:
            if path == "/-/user":
                return _told(start, "200 OK", new_user(body.decode()))
            if path.startswith("/-/bucket/"):
                return _told(start, "200 OK", new_bucket(path.removeprefix("/-/bucket/")))
            with closing(ClosingIterator(self._moto(environ, start))) as answer:
                return list(answer)


def _told(start: StartResponse, status: str, body: bytes) -> list[bytes]:
    start(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def new_user(policy: str) -> bytes:
    """Make a user who may do what a policy says."""
    from moto.iam.models import iam_backends

    iam, name = iam_backends[ACCOUNT]["aws"], f"user-{uuid4().hex}"
    iam.create_user("us-east-1", name)
    iam.put_user_policy(name, "only", policy)
    key = iam.create_access_key(name)
    return json.dumps([key.access_key_id, key.secret_access_key]).encode()


def new_bucket(name: str) -> bytes:
    """Make a bucket."""
    from moto.s3.models import s3_backends

    s3_backends[ACCOUNT]["aws"].create_bucket(name, "us-east-1")
    return b"[]"


def main(port: int) -> None:
    """Serve until the process is ended."""
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import run_simple

    app = App(DomainDispatcherApplication(create_backend_app))
    run_simple("127.0.0.1", port, app, threaded=True, request_handler=MotoRequestHandler)


if __name__ == "__main__":
    os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = (
        "0"  # moto reads it when it is imported; else nobody is checked
    )
    main(int(sys.argv[1]))
