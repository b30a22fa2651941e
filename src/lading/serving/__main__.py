"""``python -m lading.serving``: the process behind ``lading serve``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lading.core.errors import LadingError, UsageError


def main() -> int:
    """Serve until told to stop; the exit status is 0 after a stop by signal."""
    parser = argparse.ArgumentParser(prog="lading serve")
    parser.add_argument("references", nargs="+")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--project", type=Path)
    words = parser.parse_args()
    try:
        _serve(words.references, words.host, words.port, words.project)
    except LadingError as error:
        sys.stderr.write(f"lading: {error.message} [{error.code}]\n  hint: {error.hint}\n")
        return error.exit_status
    return 0


def _serve(references: list[str], host: str, port: int, project: Path | None) -> None:
    try:
        import uvicorn
    except ImportError as error:
        raise UsageError(
            "missing-extra", "serving needs FastAPI and uvicorn", hint="pip install 'lading[serve]'"
        ) from error
    from lading.serving.app import create
    from lading.serving.models import Models

    app = create(Models.of(references, project))
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False, server_header=False)


if __name__ == "__main__":
    sys.exit(main())
