"""Run every benchmark and write ``benchmarks/RESULTS.md``."""

from __future__ import annotations

import datetime as dt
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BENCHMARKS = {"Start-up": "startup.py"}


def main() -> None:
    """Run them one after another; each prints a Markdown table."""
    commit = _said(["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"])
    day = dt.datetime.now(dt.UTC).date()
    parts = [
        "# Results of `make bench`\n",
        (
            f"{day}, {commit}, {platform.system()} {platform.machine()}, {os.cpu_count()} shared cores, "
            f"CPython {platform.python_version()}. Medians of interleaved runs of whole processes; ratios "
            "carry over to other machines, seconds do not.\n"
        ),
    ]
    for title, file in BENCHMARKS.items():
        parts.append(f"## {title}\n\n{_said([sys.executable, str(HERE / file)])}\n")
    (HERE / "RESULTS.md").write_text("\n".join(parts))
    print("\n".join(parts))


def _said(command: list[str]) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


if __name__ == "__main__":
    main()
