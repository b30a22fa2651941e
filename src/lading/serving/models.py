"""The models of one server: loaded in the background, so that it answers from its first moment."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lading import api
from lading.core.errors import LadingError, NotFoundError, UnavailableError, UsageError
from lading.core.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lading.ops.load import Loaded, Prediction


@dataclass(slots=True)
class Models:
    """The models, and how far their loading is.

    Attributes:
        completed: whether loading has ended, well or not.
        duration_s: how long it has taken.
        error: what made it fail, in one sentence for a person, or None.
    """

    references: Sequence[str]
    project: Path | None = None
    completed: bool = False
    duration_s: float = 0.0
    error: str | None = None
    loaded: dict[str, Loaded] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, references: Sequence[str], project: Path | None = None) -> Models:
        """The models of these references, not loaded yet.

        Raises:
            UsageError: a reference that cannot be read, or one name twice.
        """
        names = [Reference.parse(text).name for text in references]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise UsageError(
                "bad-reference", f"'{twice.pop()}' is to be served twice", hint="name each model once"
            )
        return cls(references, project)

    def start(self) -> None:
        """Begin to load in the background."""
        self._began = time.monotonic()
        threading.Thread(target=self._load, name="lading-load", daemon=True).start()

    @property
    def ready(self) -> bool:
        """Whether every model is loaded."""
        return self.completed and self.error is None

    @property
    def mock(self) -> bool:
        """Whether any of the models is a stand-in."""
        return any(each.bill.metadata.mock for each in self.loaded.values())

    def status(self) -> dict[str, object]:
        """The body of ``/health``."""
        duration = self.duration_s if self.completed else time.monotonic() - self._began
        return {
            "status": "ok" if self.ready else "error" if self.error else "loading",
            "model_loaded": self.ready,
            "models": {
                name: {"version": each.bill.version, "digest": str(each.bill.digest)}
                for name, each in self.loaded.items()
            },
            "load_status": {
                "completed": self.completed,
                "load_duration": round(duration, 3),
                "error": self.error,
            },
            "mock": self.mock,
        }

    def predict(self, request: Mapping[str, object]) -> Prediction:
        """What the model named by ``model``, or the only one, gives for a request.

        Raises:
            UnavailableError: ``not-ready``.
            NotFoundError: ``not-served``.
            UsageError: ``bad-input``.
        """
        if not self.ready:
            raise UnavailableError("not-ready", self.error or "the model is still being loaded")
        name = request.get("model")
        if name is None and len(self.loaded) > 1:
            known = ", ".join(self.loaded)
            raise UsageError(
                "bad-input", f"'model' is missing: this server has {known}", hint="name one of them"
            )
        if not isinstance(name, (str, type(None))):
            raise UsageError("bad-input", f"'model' must be text; got {name!r}")
        if name is not None and name not in self.loaded:
            raise NotFoundError(
                "not-served", f"{name!r} is not served here; served: {', '.join(self.loaded)}"
            )
        chosen = self.loaded[name] if name is not None else next(iter(self.loaded.values()))
        return chosen.predict(request)

    def _load(self) -> None:
        try:
            for reference in self.references:
                self.loaded[Reference.parse(reference).name] = api.open_model(reference, project=self.project)
        except LadingError as error:
            self.error = f"{error.message} [{error.code}]"
        except Exception as error:
            self.error = f"{type(error).__name__} while loading; see the server's log"
            raise
        finally:
            self.duration_s = time.monotonic() - self._began
            self.completed = True
