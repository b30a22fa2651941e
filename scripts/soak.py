"""The full counts of the issues, and the benchmarks; the summary goes to ``docs/soak.md``.

Every count is an environment variable, so a shell can ask for fewer: ``LADING_TEST_KILLS=20 make soak``.
"""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).parents[1]
COUNTS = {
    "LADING_TEST_KILLS": "100",
    "LADING_TEST_FAULTS": "500",
    "LADING_TEST_PAYLOAD_MIB": "256",
    "LADING_TEST_EXAMPLES": "500",
    "LADING_TEST_GC_ROUNDS": "200",
}


def main() -> int:
    """Run all tests with the full counts, then the benchmarks."""
    environ = {**COUNTS, **os.environ}
    environ.setdefault("LADING_TEST_SEED", str(int(time.time())))
    report = ROOT / ".pytest_cache" / "soak.xml"
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}"]
    status = subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode  # noqa: S603
    minutes = (time.monotonic() - began) / 60
    if status == 0:
        subprocess.run([sys.executable, "benchmarks/run.py"], cwd=ROOT, env=environ, check=True)
    _write(report, environ, minutes)
    return status


def _write(report: Path, environ: dict[str, str], minutes: float) -> None:
    suite = ET.parse(report).getroot()[0].attrib  # noqa: S314 - our own file
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    counts = "\n".join(f"| `{name}` | {environ[name]} |" for name in (*COUNTS, "LADING_TEST_SEED"))
    (ROOT / "docs" / "soak.md").write_text(
        "# The last soak\n\n"
        "What `make soak` ran last: every test with the full counts, on loopback and local disks.\n\n"
        f"- date: {dt.datetime.now(dt.UTC).date()}\n- commit: {commit}\n"
        f"- tests: {suite['tests']}, failures {suite['failures']}, errors {suite['errors']}, "
        f"skipped {suite['skipped']}\n- minutes: {minutes:.0f}\n\n"
        f"| count | value |\n|---|---|\n{counts}\n\nThe benchmarks of the same run: "
        "[benchmarks/RESULTS.md](../benchmarks/RESULTS.md).\n"
    )


if __name__ == "__main__":
    sys.exit(main())
