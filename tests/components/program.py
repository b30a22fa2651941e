"""The command line of lading, as a program of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from tests.components.tools import PATH

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Document = dict[str, Any]
_RUN_S: Final = 120


@dataclass(frozen=True, slots=True)
class Program:
    """``lading`` of the running interpreter, in a project, with nothing of this machine's environment.

    Attributes:
        folder: the working folder.
        environ: its whole environment, except PATH.
        through: the words that run it, such as ``setpriv`` with a user.
    """

    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    through: tuple[str, ...] = ()
    umask: int = 0o022

    def __call__(self, *words: object, status: int = 0) -> Document:
        """What a command says with ``--json``, after it ended with ``status``."""
        with self.begin(*words) as process:
            out, err = process.communicate(timeout=_RUN_S)
        return self.said(process.returncode, out, err, status)

    def error(self, *words: object, status: int) -> Document:
        """The error that a command ends with."""
        error: Document = self(*words, status=status)["error"]
        return error

    def begin(self, *words: object) -> subprocess.Popen[bytes]:
        """A command that runs."""
        return subprocess.Popen(
            [*self.through, sys.executable, "-m", "lading", *map(str, words), "--json"],
            cwd=self.folder,
            env={"PATH": PATH, **self.environ},
            umask=self.umask,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def said(self, status: int, out: bytes, err: bytes, expected: int) -> Document:
        """The document in what a command printed."""
        assert status == expected, f"lading ended with {status}:\n{out.decode()}{err.decode()}"
        document: Document = json.loads(out)
        return document

    def with_(self, **environ: str) -> Program:
        """The same with more in its environment."""
        return replace(self, environ={**self.environ, **environ})


def project(folder: Path, cache: Path, store: str | None = None) -> Program:
    """A new project in ``folder``, with its cache in ``cache``."""
    folder.mkdir(parents=True, exist_ok=True)
    program = Program(folder, {"LADING_CACHE_DIR": str(cache), "HOME": str(folder.parent)})
    program("init", *(["--store", store] if store else []))
    return program
