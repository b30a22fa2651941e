"""The console script. ``--version`` is answered before anything heavy is imported."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and return its exit status."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from lading import __version__

        sys.stdout.write(f"lading {__version__}\n")
        return 0
    from lading.cli.app import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
