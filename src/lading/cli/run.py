"""Commands that run models: predict, serve, demo."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from lading import api
from lading.cli.app import command
from lading.cli.out import Out
from lading.core.errors import NotFoundError, UsageError

GROUP = "Run"


@command("predict", GROUP)
def predict(
    out: Out,
    reference: Annotated[str, typer.Argument(help="NAME, NAME:VERSION, ...", metavar="REF")],
    source: Annotated[
        str,
        typer.Option("--input", help='A JSON file, or -: {"inputs": [[...]]} or Open Inference Protocol.'),
    ] = "-",
) -> None:
    """Load a model and ask it once."""
    said = api.predict(reference, _request(source), project=out.project)
    document = said.document()
    lines = [f"{o['name']} {o['datatype']}{o['shape']}: {json.dumps(o['data'])}" for o in document["outputs"]]
    out.result(document, f"{said.model}:{said.version}" + (" (mock)" if said.mock else ""), *lines)


@command("serve", GROUP)
def serve(
    out: Out,
    references: Annotated[list[str], typer.Argument(help="The models to serve.", metavar="REF")],
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="The port; 0 takes a free one.")] = 8000,
) -> None:
    """Serve predictions over HTTP: /predict, /health, /health/live, /health/ready."""
    words = [sys.executable, "-m", "lading.serving", "--host", host, "--port", str(port), *references]
    if out.project is not None:
        words += ["--project", str(out.project)]
    # The server is another program on top of the same api; it takes this process over, signals and all.
    os.execv(sys.executable, words)  # noqa: S606


@command("demo", GROUP)
def demo(
    out: Out,
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Where to play; default: ./demo-project.", metavar="DIR")
    ] = None,
) -> None:
    """Play the main job through, from training to a prediction over HTTP."""
    from lading.cli.demo import play

    play(out, (folder or Path("demo-project")).absolute())


def _request(source: str) -> dict[str, object]:
    try:
        raw = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise NotFoundError("no-file", f"{source} cannot be read: {error.strerror}") from error
    try:
        request = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            "bad-input", f"{source} is not JSON: {error}", hint='write {"inputs": [[1.0, 2.0]]}'
        ) from error
    if not isinstance(request, dict):
        raise UsageError("bad-input", f"{source} is not a JSON object", hint='write {"inputs": [[1.0, 2.0]]}')
    return request
