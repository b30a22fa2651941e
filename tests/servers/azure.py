"""Azure Blob Storage: Azurite, Microsoft's emulator, in memory.

It comes from npm and is installed once, outside the repository, by ``python -m tests.servers.azure``.

    with azurite(folder) as server:
        container = server.new_container("models")
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.request import ProxyHandler, Request, build_opener

from tests.components.tools import free_port, listens, need, server
from tests.servers.access import AzureContainer, kept_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT: Final = "devstoreaccount1"
KEY: Final = kept_secret(
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
"""The account and the key that Azurite's documentation gives to everyone."""
WRONG_KEY: Final = base64.b64encode(bytes(64)).decode()
_LOCKED: Final = Path(__file__).parent / "azurite"
_VERSION: Final = "2023-11-03"


def _home() -> Path:
    # Read when the tests are collected: each test gets a home of its own.
    digest = hashlib.sha256((_LOCKED / "package-lock.json").read_bytes()).hexdigest()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / f"lading-azurite-{digest[:12]}"


HOME: Final = _home()
"""Where it is installed; another lock file is another folder."""
_MAIN: Final = HOME / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"


@dataclass(frozen=True, slots=True)
class Azurite:
    """A running emulator, with its one account."""

    endpoint: str

    def new_container(self, name: str) -> AzureContainer:
        """A container that was not there."""
        path = f"/{ACCOUNT}/{name}"
        headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": _VERSION}
        headers["Authorization"] = _shared_key(path, headers)
        url = f"{self.endpoint}/{name}?restype=container"
        # A body of no bytes would make urllib name a content type, which would have to be signed.
        with build_opener(ProxyHandler({})).open(
            Request(url, None, headers, method="PUT"), timeout=30
        ) as told:
            assert told.status == 201
        return AzureContainer(self.endpoint, name, ACCOUNT, KEY)


def _shared_key(path: str, headers: dict[str, str]) -> str:
    """The signature of a PUT without a body that creates a container.

    Authorize with Shared Key: verb, eleven standard headers (none here), the x-ms headers, the resource.
    """
    named = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    text = "PUT" + "\n" * 12 + named + f"/{ACCOUNT}{path}\nrestype:container"
    mac = hmac.digest(base64.b64decode(KEY), text.encode(), "sha256")
    return f"SharedKey {ACCOUNT}:{base64.b64encode(mac).decode()}"


@contextmanager
def azurite(folder: Path) -> Iterator[Azurite]:
    """Start it, with its log in ``folder``; it takes 1.5 s and holds everything in memory."""
    assert _MAIN.exists(), "Azurite is not installed: .ci/run does it, with python -m tests.servers.azure"
    port = free_port()
    words = [need("node"), str(_MAIN), "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    words += ["--inMemoryPersistence", "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    with server(words, folder / "azurite.log", lambda: listens(port)):
        yield Azurite(f"http://127.0.0.1:{port}/{ACCOUNT}")


def install() -> None:
    """Install exactly what the lock file says, unless it is there; no package runs a script."""
    if _MAIN.exists():
        return
    npm = shutil.which("npm")
    assert npm, "npm is not installed: .ci/run installs it"
    HOME.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_LOCKED / name, HOME / name)
    words = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(words, cwd=HOME, check=True)


if __name__ == "__main__":
    install()
