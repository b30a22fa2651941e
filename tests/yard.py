"""A project with a store and a cache of its own, driven as its users drive it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lading import api
from lading.cli.app import run
from lading.core.digest import Digest
from lading.core.errors import LadingError
from lading.core.ports import Silence
from lading.plumbing.atomic import PREFIX
from tests.cargo import fill
from tests.servers.access import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

COMMAND = (sys.executable, "-m", "lading")
LONG_S = 60
"""When a child that does not end is given up."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str

    def __post_init__(self) -> None:
        assert shown(self.out + self.err) == []

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        assert self.out.count("\n") == 1, self.out
        document = json.loads(self.out)
        assert isinstance(document, dict)
        return document


@dataclass(frozen=True, slots=True)
class Yard:
    """One project's folder; the embedded store lies in it, the cache where the environment says."""

    folder: Path

    @property
    def store(self) -> Path:
        """The folder of the embedded store."""
        return self.folder / ".lading" / "store"

    @property
    def cache(self) -> Path:
        """The folder of the cache."""
        return Path(os.environ["LADING_CACHE_DIR"])

    def declare(self, name: str, path: str, *files: str, **keys: str) -> None:
        """Write ``[models.<name>]`` into ``lading.toml``."""
        keys = {"path": path, **keys}
        lines = [f'[models."{name}"]', *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
        if files:
            lines.append(f"files = {json.dumps(files)}")
        with (self.folder / "lading.toml").open("a", encoding="utf-8") as file:
            file.write("\n".join([*lines, ""]))

    def settings(self, *lines: str) -> None:
        """Begin ``lading.toml`` anew with these lines."""
        (self.folder / "lading.toml").write_text("".join(f"{line}\n" for line in lines), "utf-8")

    def model(self, files: Mapping[str, bytes], *, name: str = "m", path: str = "model") -> Path:
        """Put files in the folder ``path`` and declare it."""
        self.declare(name, path)
        return fill(self.folder / path, files)

    def stock(self, files: Mapping[str, bytes]) -> Yard:
        """Push files as m:1.0, and leave them in the store alone."""
        self.model(files)
        self.push("m:1.0")
        self.forget("model")
        return self

    def push(self, *references: str, **options: Any) -> list[Any]:  # noqa: ANN401 - as the api takes them
        """``api.push`` in this project."""
        return api.push(*references, project=self.folder, **options)

    def pull(self, *references: str, **options: Any) -> list[Any]:  # noqa: ANN401
        """``api.pull`` in this project."""
        return api.pull(*references, project=self.folder, **options)

    def run(self, *words: str, cwd: Path | None = None) -> Done:
        """Run the real command line and wait for its end."""
        done = subprocess.run(
            [*COMMAND, *words],
            cwd=cwd or self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=LONG_S,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def say(self, *words: str, cwd: Path | None = None) -> Done:
        """Run the command line in this process, which spares the start of another one."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(cwd or self.folder), redirect_stdout(out), redirect_stderr(err):
            status = run(list(words))
        return Done(status, out.getvalue(), err.getvalue())

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:  # noqa: ANN401 - Popen's own
        """Start the real command line."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([*COMMAND, *words], cwd=self.folder, text=True, **{**pipes, **options})

    def watched(self, *words: str) -> list[tuple[str, str]]:
        """Run the command line and return what it opened, wrote or asked of the network.

        The interpreter's own audit hooks see every file that is opened, by whichever library. Only what
        lies in this project or in the cache is told, and the network.
        """
        told = self.folder.with_name("told.json")
        roots = (str(self.folder), str(self.cache))
        done = subprocess.run(
            [sys.executable, "-B", "-c", _WATCH, str(told), json.dumps(roots), *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONG_S,
        )
        assert done.returncode == 0, done.stderr
        return [(kind, path) for kind, path in json.loads(told.read_text())]

    def forget(self, *paths: str) -> None:
        """Remove files and folders of the project, and the whole cache."""
        for path in [self.cache, *(self.folder / path for path in paths)]:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def blobs(self, name: str = "m") -> list[Path]:
        """The blobs of a model in the embedded store."""
        return sorted((self.store / "v2" / name / "blobs").iterdir())

    @property
    def manifests(self) -> Path:
        """The folder of the manifests of m in the embedded store."""
        return self.store / "v2" / "m" / "manifests"

    def manifest(self, reference: str) -> dict[str, Any]:
        """A manifest of m in the embedded store."""
        document = json.loads((self.manifests / reference).read_bytes())
        assert isinstance(document, dict)
        return document


class Notes(Silence):
    """Keeps what a person would see."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, message: str) -> None:
        self.said.append(message)


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder`` but lading's own, as a model has them."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lading.json" and not path.name.endswith(".lading.json")
    }


def drafts(*folders: Path) -> list[Path]:
    """The temporary files below ``folders``."""
    return [path for folder in folders for path in folder.rglob(f"{PREFIX}*")]


def damaged(blobs: Iterable[Path]) -> list[str]:
    """The names of files, called by their digest, whose content has another."""
    return [path.name for path in blobs if Digest.of(path.read_bytes()).hex != path.name[-64:]]


def refusal(act: Callable[[], object]) -> tuple[str, int, str, str]:
    """The code, exit status, message and hint with which ``act`` is refused."""
    with pytest.raises(LadingError) as caught:
        act()
    error = caught.value
    return error.code, error.exit_status, error.message, error.hint


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    """An empty project on the embedded store."""
    folder = tmp_path / "project"
    folder.mkdir()
    made = Yard(folder)
    made.settings()
    return made


_WATCH = """
import atexit, json, os, sys
told, roots, events = sys.argv[1], tuple(json.loads(sys.argv[2])), set()
CHANGING = {"os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod"}

def hook(event, args):
    if event.startswith("socket."):
        events.add(("network", str(args[:1])))
    elif event == "open" and isinstance(args[0], (str, bytes, os.PathLike)):
        path, flags = os.path.abspath(os.fsdecode(args[0])), args[2] or 0
        if path.startswith(roots):
            writing = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            events.add(("write" if writing else "read", path))
    elif event in CHANGING and str(args[0]).startswith(roots):
        events.add(("write", str(args[0])))

def tell():
    with open(told, "w") as file:
        json.dump(sorted(events), file)

from lading.cli.app import run
atexit.register(tell)
sys.addaudithook(hook)
sys.exit(run(sys.argv[3:]))
"""
