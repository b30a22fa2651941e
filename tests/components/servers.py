"""A plain web server over a directory store, and the container engines that read from it."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.components.tools import PATH, free_port, listens, need, run, server, unmount_below

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
INDEX: Final = "application/vnd.oci.image.index.v1+json"

_NGINX: Final = """
daemon off;
user nobody nogroup;
worker_processes 1;
pid {folder}/pid;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  server {{
    listen 127.0.0.1:{port};
    root {root};
    index index.html;
    location ~ ^/v2/.+/manifests/sha256- {{ types {{ }} default_type {index}; }}
    location ~ ^/v2/.+/manifests/ {{ types {{ }} default_type {manifest}; }}
    {indexes}
  }}
}}
"""
_PODMAN: Final = """
[containers]
default_ulimits = []
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


@contextmanager
def static_server(root: Path, folder: Path, indexes: Sequence[str] = ()) -> Iterator[str]:
    """Nginx as a static registry, its workers as ``nobody``; yields ``127.0.0.1:<port>``.

    Args:
        root: the directory store.
        folder: where nginx keeps its configuration and log.
        indexes: paths of the manifests that are indexes, such as ``/v2/x/manifests/1.0``.
    """
    port = free_port()
    exact = [f"location = {path} {{ types {{ }} default_type {INDEX}; }}" for path in indexes]
    text = _NGINX.format(
        folder=folder, root=root, port=port, manifest=MANIFEST, index=INDEX, indexes="\n    ".join(exact)
    )
    folder.mkdir(parents=True)
    (folder / "nginx.conf").write_text(text)
    words = [need("nginx"), "-c", f"{folder}/nginx.conf", "-p", str(folder), "-e", f"{folder}/error.log"]
    with server(words, folder / "log", lambda: listens(port)):
        yield f"127.0.0.1:{port}"


@dataclass(frozen=True, slots=True)
class Docker:
    """Docker Engine on a socket of its own."""

    host: str

    def __call__(self, *words: object, environ: Mapping[str, str] | None = None) -> str:
        """What the ``docker`` command prints."""
        home = self.host.removeprefix("unix://").removesuffix("/docker.sock")
        return run("docker", "-H", self.host, *words, environ={"HOME": home, **(environ or {})})


@contextmanager
def docker_engine(folder: Path) -> Iterator[Docker]:
    """Docker Engine without a network of its own; it may speak plain HTTP with loopback registries.

    ``folder`` must have a short path: sockets below it may have 108 bytes.
    """
    folder.mkdir(parents=True)
    host = f"unix://{folder}/docker.sock"
    words = [need("dockerd"), "-H", host, "-p", f"{folder}/pid"]
    words += ["--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"]
    words += ["--bridge=none", "--iptables=false", "--ip6tables=false", "--insecure-registry", "127.0.0.0/8"]
    asked = [need("docker"), "-H", host, "version"]

    def ready() -> bool:
        return subprocess.run(asked, env={"PATH": PATH}, capture_output=True, check=False).returncode == 0

    with server(words, folder / "log", ready):
        yield Docker(host)
    unmount_below(folder)


@dataclass(frozen=True, slots=True)
class Podman:
    """Podman with a storage of its own in ``folder``."""

    folder: Path

    def __call__(self, *words: object) -> str:
        """What the ``podman`` command prints."""
        own = [
            "--root",
            self.folder / "root",
            "--runroot",
            self.folder / "run",
            "--tmpdir",
            self.folder / "tmp",
        ]
        environ = {"HOME": str(self.folder), "CONTAINERS_CONF": str(self.folder / "containers.conf")}
        return run("podman", *own, *words, environ=environ)


@contextmanager
def podman_storage(folder: Path) -> Iterator[Podman]:
    """Podman's storage; what it mounted there is unmounted when the block ends."""
    folder.mkdir(parents=True)
    (folder / "containers.conf").write_text(_PODMAN)
    try:
        yield Podman(folder)
    finally:
        unmount_below(folder)
