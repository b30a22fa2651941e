"""A threaded HTTP/1.1 server on loopback whose answers are values, and which can be told to misbehave."""

from __future__ import annotations

import http
import re
import socket
import sys
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_END_S: Final = 10
_SMALL_BYTES: Final = 1 << 16
_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked; names of headers are in lower case, ``path`` is decoded and ``target`` is not."""

    method: str
    target: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a client is told.

    Attributes:
        cut: after how many bytes of the body the connection is closed; -1 is before the first of the head.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | memoryview = field(default=b"", repr=False)
    cut: int | None = None


if TYPE_CHECKING:
    When = Callable[[Request], bool]
    Answer = Callable[[Request], Reply]
    Act = Callable[[Request, Answer], Reply]
    Caught = socket.socket | tuple[bytes, socket.socket]
    Read = Callable[[int, int], bytes | memoryview]


def always(_request: Request) -> bool:
    """Every request."""
    return True


def reads(request: Request) -> bool:
    """Requests that read an object, or list."""
    return request.method in {"GET", "HEAD"}


def writes(request: Request) -> bool:
    """Requests that store an object whole."""
    return request.method == "PUT" and not request.query


def ranged(request: Request, size: int, read: Read, headers: Mapping[str, str]) -> Reply:
    """The whole, or the part of it that the request's ``Range`` names: 200, 206 or 416."""
    found = _RANGE.fullmatch(request.headers.get("range", ""))
    first, last = found.groups() if found else ("", "")
    start = int(first) if first else size - min(size, int(last)) if last else 0
    end = min(size, int(last) + 1) if first and last else size
    part = bool(first or last)
    if part and start >= end:
        return Reply(416, {"Content-Range": f"bytes */{size}"})
    told = {"Accept-Ranges": "bytes", "Content-Length": str(end - start), **headers}
    if part:
        told["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return Reply(206 if part else 200, told, b"" if request.method == "HEAD" else read(start, end))


@dataclass(slots=True)
class _Rule:
    when: When
    act: Act
    left: int | None


class WireServer(ABC):
    """A server on a free port of 127.0.0.1 between ``start`` and ``stop``, which ``with`` calls.

    What it is told to do wrong is decided by the first rule that fits a request; without one it is honest.

    Attributes:
        requests: every request so far, without its body.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._rules: list[_Rule] = []
        self._guard = threading.Lock()
        self._listener: _Listener | None = None

    @abstractmethod
    def answer(self, request: Request) -> Reply:
        """The honest answer; called by many threads at once."""

    @property
    def url(self) -> str:
        """``http://127.0.0.1:<port>``, without a slash at the end."""
        assert self._listener is not None, "the server is not running"
        return f"http://127.0.0.1:{self._listener.server_address[1]}"

    def start(self) -> Self:
        """Take requests from now on."""
        self._listener = _Listener(self.handle)
        threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Close every connection; a defect of the server itself that showed in between is raised here."""
        if self._listener is not None:
            listener, self._listener = self._listener, None
            listener.end()
            if listener.defects:
                raise listener.defects[0]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def handle(self, request: Request) -> Reply:
        """Record a request and answer it, honestly or not."""
        with self._guard:
            self.requests.append(replace(request, body=b""))
            rule = next((each for each in self._rules if each.left != 0 and each.when(request)), None)
            if rule is not None and rule.left is not None:
                rule.left -= 1
        return self.answer(request) if rule is None else rule.act(request, self.answer)

    def acts(self, act: Act, when: When = always, times: int | None = None) -> None:
        """Let ``act`` answer the requests that fit, the first ``times`` of them or for ever."""
        with self._guard:
            self._rules.append(_Rule(when, act, times))

    def behaves(self) -> None:
        """Be honest again, and forget the requests so far."""
        with self._guard:
            self._rules.clear()
            self.requests.clear()

    def html(self, body: bytes, when: When = reads, times: int | None = None) -> None:
        """Answer 200 with a page, as the login page of a proxy does."""
        self.acts(lambda *_: Reply(200, {"Content-Type": "text/html"}, body), when, times)

    def redirects_to(self, url: str, when: When = always, times: int | None = None) -> None:
        """Answer 302 to ``url``, or to the same path below it where it ends with a slash."""

        def act(request: Request, _honest: Answer) -> Reply:
            return Reply(302, {"Location": url + request.target[1:] if url.endswith("/") else url})

        self.acts(act, when, times)

    def cuts_after(self, sent: int, when: When = reads, times: int | None = None) -> None:
        """Close the connection after ``sent`` bytes of the body."""
        self.acts(lambda request, honest: replace(honest(request), cut=sent), when, times)


class _Listener(ThreadingMixIn, TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.defects: list[BaseException] = []
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Caught, client_address: tuple[str, int]) -> None:
        assert isinstance(request, socket.socket)
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Caught, client_address: tuple[str, int]) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._changed:
                self._open = {each for each in self._open if each is not request}
                self._changed.notify_all()

    def handle_error(self, request: Caught, client_address: tuple[str, int]) -> None:  # noqa: ARG002 - socketserver's names
        error = sys.exception()
        if error is not None and not isinstance(error, (ConnectionError, TimeoutError)):
            self.defects.append(error)

    def end(self) -> None:
        self.shutdown()
        self.server_close()
        with self._changed:
            for each in self._open:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the client was faster
            assert self._changed.wait_for(lambda: not self._open, _END_S), "a connection does not end"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener

    def _serve(self) -> None:
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return  # the client died while it sent: nothing of it counts
        request = Request(
            self.command,
            self.path,
            unquote(path),
            dict(parse_qsl(query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            body,
        )
        self._send(self.server.answer(request))

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815 - http.server's names

    def _send(self, reply: Reply) -> None:
        if reply.cut == -1:
            self.close_connection = True
            return
        size = len(reply.body)
        named = dict(reply.headers) if reply.status == 204 else {"Content-Length": str(size), **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} {http.HTTPStatus(reply.status).phrase}"]
        head = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in named.items()), "", ""])
        body = b"" if self.command == "HEAD" or reply.status in {204, 304} else memoryview(reply.body)
        if reply.cut is not None:
            body, self.close_connection = body[: reply.cut], True
        if len(body) < _SMALL_BYTES:
            self.connection.sendall(head.encode("latin-1") + body)
        else:
            self.connection.sendall(head.encode("latin-1"))
            self.connection.sendall(body)

    def log_message(self, *_: object) -> None:
        pass
