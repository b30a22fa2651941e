"""How long the command line takes to start, against bare Python and another command line.

Whole processes, interleaved, medians. The peer, the AWS command line, lives in an environment of its own.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

PEERS = Path(__file__).parents[1] / ".venv" / "peers"
AWS = "awscli==1.46.2"
ROUNDS = int(os.environ.get("LADING_BENCH_ROUNDS", "15"))


def main() -> None:
    """Print a Markdown table of ratios."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        environ = {**os.environ, "LADING_CACHE_DIR": str(project / "cache")}
        _project(project, environ)
        python = [sys.executable, "-c"]
        lading = [str(Path(sys.executable).with_name("lading"))]
        commands = {
            "python -c pass": [*python, "pass"],
            "import lading": [*python, "import lading"],
            "lading --version": [*lading, "--version"],
            "lading ensure (warm, one model)": [*lading, "ensure", "-q", "--project", folder],
            "aws --version": [str(_aws()), "--version"],
        }
        medians = _medians(commands, environ)
    bare, aws = medians["python -c pass"], medians["aws --version"]
    print("| command | median s | x bare Python | x `aws --version` |\n|---|---|---|---|")
    for name, seconds in medians.items():
        print(f"| `{name}` | {seconds:.3f} | {seconds / bare:.2f} | {seconds / aws:.2f} |")


def _project(folder: Path, environ: dict[str, str]) -> None:
    (folder / "model.bin").write_bytes(os.urandom(1 << 20))
    for words in (
        ["init"],
        ["add", str(folder / "model.bin"), "--name", "m"],
        ["push", "m:1"],
        ["lock"],
        ["ensure"],
    ):
        command = [sys.executable, "-m", "lading", *words, "-q", "--project", str(folder)]
        subprocess.run(command, check=True, env=environ)


def _aws() -> Path:
    home = PEERS / "aws"
    if not (home / "bin" / "aws").exists():
        venv.create(home, with_pip=True)
        subprocess.run([home / "bin" / "pip", "install", "-q", AWS], check=True)
    return home / "bin" / "aws"


def _medians(commands: dict[str, list[str]], environ: dict[str, str]) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(ROUNDS + 1):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environ)
            if number:  # the first round warms the caches
                taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


if __name__ == "__main__":
    main()
