"""Programs of the machine: found, run, started and ended."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"
"""Debian's own programs, whatever else a machine has in front of them."""
NOBODY: Final = 65534
_RUN_S: Final = 60
_READY_S: Final = 20
_END_S: Final = 10


def need(tool: str) -> str:
    """Where a program is; a test that needs one that is missing fails and says what installs it."""
    found = shutil.which(tool, path=PATH)
    assert found, f"{tool} is not installed: .ci/run installs what tests/components/packages.txt lists"
    return found


def need_root() -> None:
    """Fail where this process may not mount, or become another user."""
    assert os.geteuid() == 0, "the component tests mount file systems and change users: run them as root"


def run(tool: str, *words: object, environ: Mapping[str, str] | None = None) -> str:
    """What a program prints; a program that fails makes the test fail, with all that it said."""
    done = subprocess.run(
        [need(tool), *map(str, words)],
        env={"PATH": PATH, **(environ or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_RUN_S,
        check=False,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == 0, (
        f"{tool} {' '.join(map(str, words))}\nended with {done.returncode}\n{out}{err}"
    )
    return out


@contextmanager
def server(words: list[str], log: Path, ready: Callable[[], bool]) -> Iterator[None]:
    """A process in a group of its own that is ready when the block begins, and gone when it ends."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            words,
            env={"PATH": PATH, "HOME": str(log.parent)},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + _READY_S
        while not ready():
            late = process.poll() is not None or time.monotonic() > until
            assert not late, f"{words[0]} is not ready; its log:\n{log.read_text('utf-8', 'replace')}"
            time.sleep(0.02)
        yield
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process with a group of its own: asked first, then killed with what is left of its group."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(_END_S)


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether something takes connections on that port of 127.0.0.1."""
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def unmount_below(folder: Path) -> None:
    """Unmount all that is mounted at or below a folder, the deepest first."""
    lines = Path("/proc/self/mounts").read_text("utf-8").splitlines()
    places = [Path(line.split(" ")[1].replace("\\040", " ")) for line in lines]
    for place in reversed([each for each in places if each.is_relative_to(folder)]):
        run("umount", place)
