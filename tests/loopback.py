"""Web servers on loopback that answer as a test tells them, and remember what they were asked."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping

    Answer = Callable[["Handler"], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; the names of its headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]


@dataclass(slots=True)
class Site:
    """A server that runs."""

    host: str
    port: int
    scheme: str = "http"
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave together
    site: Site
    answer: Answer

    def setup(self) -> None:
        super().setup()
        self.site.connections += 1

    def handle_any(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.site.asked.append(Asked(self.command, self.path, headers))
        type(self).answer(self)

    do_GET = do_HEAD = do_POST = do_PUT = do_CONNECT = handle_any  # noqa: N815 - http.server's names

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer; ``content_type="text/html"`` becomes ``Content-Type: text/html``."""
        self.send_response(status)
        given = {name.replace("_", "-").title(): value for name, value in headers.items()}
        for name, value in {"Content-Length": str(len(body)), **given}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def redirect(self, location: str, status: int = 302) -> None:
        self.reply(status, b"over there", location=location)

    def reset(self) -> None:
        """End the connection with a reset."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.close_connection = True

    def ranged(self, content: bytes, **headers: str) -> None:
        """Answer with the range that was asked for, as a good server does."""
        said = self.headers.get("Range", "")
        if not said:
            self.reply(200, content, **headers)
            return
        first, _, last = said.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last) + 1, len(content))
        if start >= len(content):
            self.reply(416, b"", content_range=f"bytes */{len(content)}")
            return
        there = f"bytes {start}-{end - 1}/{len(content)}"
        self.reply(206, content[start:end], content_range=there, **headers)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that hangs up is what many tests are about


@contextmanager
def site(answer: Answer, host: str = "127.0.0.1", context: ssl.SSLContext | None = None) -> Iterator[Site]:
    """A server that answers each request by calling ``answer`` with its handler."""
    kind = type("Told", (Handler,), {"answer": staticmethod(answer)})
    with _Server((host, 0), kind) as server:
        found = Site(host, server.server_port, "https" if context else "http")
        kind.site = found  # type: ignore[attr-defined]
        if context is not None:
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


@dataclass(slots=True)
class Ear:
    """A listener that says nothing; ``heard`` is what came in, connection by connection."""

    host: str
    port: int
    heard: list[bytes] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)


@contextmanager
def ear(host: str = "127.0.0.1", says: bytes | None = None) -> Iterator[Ear]:
    """A listener; where ``says`` is given it answers whatever it hears with that, and hangs up."""
    with socket.create_server((host, 0)) as server:
        found = Ear(host, server.getsockname()[1])

        def listen() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    heard = connection.recv(65536)
                    found.heard.append(heard)
                    if says is None:
                        while connection.recv(65536):
                            pass
                    else:
                        connection.sendall(says)
                found.done.set()

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def closed_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
