"""The console script. ``--version`` is answered before anything heavy is imported."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run the command line and return its exit status."""
    try:
        status = _main(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:  # while modules are still being imported
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _main(argv: list[str]) -> int:
    if argv in (["--version"], ["-V"]):
        from lading import __version__

        sys.stdout.write(f"lading {__version__}\n")
        return 0
    from lading.cli.app import run

    return run(argv)


if __name__ == "__main__":
    sys.exit(main())
