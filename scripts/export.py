"""Write ``requirements/*.txt`` from ``uv.lock``, so that pip alone installs what uv resolved.

``--check`` writes nothing and fails where a file is not what it would write.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Hatchling and editables build the project itself, without an isolated and therefore unpinned environment.
EXPORTS = {
    "demo": ["--no-dev", "--group", "build", "--extra", "sklearn", "--extra", "serve"],
    "dev": ["--all-groups", "--extra", "all"],
}


def export(words: list[str]) -> str:
    """The requirements of some extras and groups, with hashes."""
    uv = Path(sys.executable).with_name("uv")
    command = [uv, "export", "--frozen", "--no-emit-project", "--no-header", "--quiet", *words]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603


def main() -> int:
    """Write or check every file."""
    stale = []
    for name, words in EXPORTS.items():
        path = ROOT / "requirements" / f"{name}.txt"
        text = f"# Written by `make lock` from uv.lock; do not edit.\n{export(words)}"
        if "--check" not in sys.argv:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            stale.append(path.name)
    if stale:
        sys.stderr.write(f"not what uv.lock says: {', '.join(stale)}; run: make lock\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
