"""The application: the options that every command has, the groups, the exit statuses."""

from __future__ import annotations

import functools
import inspect
import os
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from lading.cli.out import Out
from lading.core.errors import LadingError, UsageError
from lading.core.redaction import redacted

_INTERRUPTED = 130
HELP = """Carry trained models from where they are made to where they run, and prove the bytes.

To tell apart: [bold]verify[/] reads bytes and compares them with their bill; [bold]ensure[/] fetches what is
missing or wrong; [bold]list[/] shows what is declared and where it stands; [bold]show[/] shows one version,
[bold]diff[/] what two do not share; [bold]env[/] shows what lading finds here and where each model would come
from, and [bold]env --probe[/] tries the stores.
"""

app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def group() -> None:
    """Keep commands apart by name though a room may have only one."""


_EVERYWHERE = {
    "as_json": (
        Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")],
        False,
    ),
    "quiet": (Annotated[bool, typer.Option("--quiet", "-q", help="Only warnings and errors.")], False),
    "verbose": (Annotated[bool, typer.Option("--verbose", "-v", help="Say more on stderr.")], False),
    "project": (
        Annotated[Path | None, typer.Option("--project", help="The folder of lading.toml.", metavar="DIR")],
        None,
    ),
}
COMMON = tuple(_EVERYWHERE)
"""The names of the parameters that every command has."""

Command = Callable[..., int | None]


def command(name: str, group: str) -> Callable[[Command], Command]:
    """Register a command, whose first parameter ``out`` stands for the options that every command has."""

    def register(function: Command) -> Command:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        common = [
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for key, (annotation, default) in _EVERYWHERE.items()
        ]

        @functools.wraps(function)
        def run_it(**words: Any) -> None:  # noqa: ANN401 - whatever the command takes
            out = Out(**{key: words.pop(key) for key in _EVERYWHERE})
            out.tail = _tail
            sys.exit(_guarded(out, functools.partial(function, out, **words)))

        keyword_only = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        parameters = [*keyword_only, *common]
        run_it.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run_it.__annotations__ = {each.name: each.annotation for each in parameters}
        app.command(name, rich_help_panel=group)(run_it)
        return function

    return register


ROOMS = {
    "list": "look",
    "show": "look",
    "history": "look",
    "diff": "look",
    "verify": "look",
    "env": "env",
    "init": "release",
    "add": "release",
    "push": "release",
    "lock": "release",
    "pull": "fetch",
    "ensure": "fetch",
    "export": "plain",
    "import": "plain",
    "predict": "run",
    "serve": "run",
    "demo": "run",
    "cache": "keep",
    "gc": "keep",
}
"""Where each command lives: a command imports its own room and no other."""

_tail: list[str] = []
"""What stood after ``--``: ``lading ensure`` runs it, and no parser may touch it."""


def run(argv: list[str]) -> int:
    """Run one command line and return its exit status."""
    _tail.clear()
    known = ROOMS.get(argv[0]) if argv else None
    for room in [known] if known else dict.fromkeys(ROOMS.values()):
        import_module(f"lading.cli.{room}")  # its commands register themselves
    if argv[:1] == ["ensure"] and "--" in argv:
        cut = argv.index("--")
        argv, _tail[:] = argv[:cut], argv[cut + 1 :]
    out = Out(as_json="--json" in argv, quiet=False, verbose=False, project=None)
    try:
        app(argv, standalone_mode=False)
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    except typer.TyperException as error:
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        if message.strip():  # else the help was asked for by saying nothing, and is shown already
            word = f"{argv[0]} " if argv[0] in ROOMS else ""
            out.error(UsageError("usage", message, hint=f"lading {word}--help"))
        return UsageError.exit_status
    except (KeyboardInterrupt, typer.Abort):
        return _INTERRUPTED
    return 0


def _guarded(out: Out, act: Callable[[], int | None]) -> int:
    try:
        return act() or 0
    except LadingError as error:
        out.error(error)
        return error.exit_status
    except KeyboardInterrupt:
        out.error(
            LadingError("interrupted", "interrupted", hint="the same command takes up where it stopped")
        )
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; nobody is left to tell. Typer would make it status 1.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - a bug, whatever it is
        if out.verbose:
            sys.stderr.write(redacted("".join(traceback.format_exception(error))))
        out.error(
            LadingError(
                "internal",
                f"a bug in lading: {type(error).__name__}: {error}",
                hint="run it again with -v and report the trace: see SECURITY.md and CONTRIBUTING.md",
            )
        )
        return LadingError.exit_status
