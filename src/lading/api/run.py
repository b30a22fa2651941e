"""Verbs that make and run models: save, load, predict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lading.core.errors import UsageError
from lading.core.reference import Reference
from lading.formats import by_suffix, open_format
from lading.ops.load import load as load_model
from lading.ops.save import Training
from lading.ops.save import save as save_model
from lading.wiring import Pulling, Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.core.bill import Bill
    from lading.ops.load import Loaded, Prediction


def save(
    model: object,
    path: str | Path,
    *,
    example: object = None,
    metrics: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    plot: Any = None,  # noqa: ANN401 - a figure of any library, or a path
    format: str | None = None,  # noqa: A002 - the promised name
) -> Bill:
    """Write a model to ``path`` with a bill beside it; needs no project.

    Args:
        model: what was trained.
        path: the file to write; its suffix says the format.
        example: inputs that the model takes; with the outputs it gives now they become the golden
            example, which every later load must reproduce.
        metrics: numbers that speak for the model, such as ``{"accuracy": 0.93}``.
        params: what it was trained with.
        plot: a figure (anything with ``savefig``) or the path of a picture; it lies beside the model.
        format: a row of the format table, where the suffix does not say it.

    Raises:
        UsageError: ``unknown-format``, ``bad-model``, ``bad-input``, ``missing-extra``.
        PolicyError: ``unsafe-pickle``: what was written could not be loaded safely.
    """
    target = Path(path).absolute()
    chosen = format or by_suffix(target.name)
    if chosen is None:
        raise UsageError(
            "unknown-format",
            f"the suffix of {target.name} says no format that lading can write",
            hint="name the file .joblib, .onnx or .safetensors, or pass format=",
        )
    training = Training(example, metrics or {}, params or {}, plot)
    return save_model(model, target, Workspace.around(target).place_of(target), open_format(chosen), training)


def load(reference: str, *, project: Path | None = None) -> Any:  # noqa: ANN401 - a model of any library
    """The model in memory, ensured, proven, and its golden example reproduced."""
    return open_model(reference, project=project).model


def open_model(reference: str, *, project: Path | None = None) -> Loaded:
    """A model in memory that can be asked for predictions, with its format and bill.

    A version that the project does not ask for is placed in the cache's own folder.
    """
    work = Workspace.open(project)
    pulled = work.pull(Reference.parse(reference), Pulling(ask=False, aside="others"))
    return load_model(pulled.root, pulled.bill, open_format)


def predict(reference: str, request: Mapping[str, object], *, project: Path | None = None) -> Prediction:
    """What the model gives for one request; see ``Loaded.predict`` for its forms."""
    return open_model(reference, project=project).predict(request)
