"""The HTTP side: health and predictions, over the models of one server."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from lading import __version__
from lading.core.errors import LadingError, NotFoundError, UnavailableError, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lading.serving.models import Models

MAX_BODY_BYTES = 16 * 1024 * 1024

_STATUS: dict[type[LadingError], int] = {UsageError: 422, NotFoundError: 404, UnavailableError: 503}


def create(models: Models) -> FastAPI:
    """The application. It answers at once, with 503 until every model is loaded."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        models.start()
        yield

    app = FastAPI(title="lading", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)

    @app.get("/health")
    @app.get("/health/ready")
    async def health() -> JSONResponse:
        return JSONResponse(models.status(), 200 if models.ready else 503)

    @app.get("/health/live")
    async def live() -> JSONResponse:
        return JSONResponse({"status": "alive"})

    @app.post("/predict")
    async def predict(request: Request) -> Response:
        return JSONResponse((await run_in_threadpool(models.predict, await _body(request))).document())

    @app.exception_handler(LadingError)
    async def refuse(_: Request, error: LadingError) -> JSONResponse:
        said = {"code": error.code, "message": error.message, "hint": error.hint}
        return JSONResponse({"error": said}, _STATUS.get(type(error), 500))

    return app


async def _body(request: Request) -> dict[str, Any]:
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > MAX_BODY_BYTES:
            raise UsageError(
                "body-too-large",
                f"the request's body is longer than {MAX_BODY_BYTES} bytes",
                hint="send less at once",
            )
    try:
        body = json.loads(received)
    except (ValueError, RecursionError) as error:
        raise UsageError("bad-input", f"the request's body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise UsageError(
            "bad-input", "the request's body is not a JSON object", hint='send {"inputs": [[...]]}'
        )
    return body
