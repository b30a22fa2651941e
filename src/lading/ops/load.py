"""Load: a proven file to a model in memory, and the golden example that it must reproduce."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lading.core.errors import IntegrityError, LadingError, UsageError
from lading.core.signature import Tensor
from lading.core.table import Table
from lading.ops.place import Difference
from lading.plumbing.oserror import explained
from lading.plumbing.proof import hash_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lading.core.bill import Bill
    from lading.core.ports import Format
    from lading.ops.verify import Verified


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory, with the format that loaded it and the bill that it came with."""

    model: object
    format: Format
    bill: Bill

    def predict(self, request: Mapping[str, object]) -> Prediction:
        """What the model gives for a request.

        Args:
            request: ``{"inputs": [[...]]}``, or the tensors of the Open Inference Protocol:
                ``{"inputs": [{"name", "datatype", "shape", "data"}]}``.

        Raises:
            UsageError: ``bad-input``, ``no-predict``.
        """
        outputs = self.format.predict(self.model, self._inputs(request))
        return Prediction(
            self.bill.name, self.bill.version, str(self.bill.digest), self.bill.metadata.mock, outputs
        )

    def _inputs(self, request: Mapping[str, object]) -> tuple[Tensor, ...]:
        table = Table(request, "the request", UsageError, "bad-input")
        inputs = table.need("inputs", table.anything("inputs"))
        if isinstance(inputs, list) and inputs and all(isinstance(item, dict) for item in inputs):
            return tuple(Tensor.parse(item) for item in table.tables("inputs") or ())
        return self.format.tensors(self.model, inputs)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model said, and which model it was."""

    model: str
    version: str
    digest: str
    mock: bool
    outputs: tuple[Tensor, ...]

    def document(self) -> dict[str, Any]:
        """The JSON form, as the command line and the server give it."""
        return {
            "model": self.model,
            "version": self.version,
            "digest": self.digest,
            "mock": self.mock,
            "outputs": [tensor.document() for tensor in self.outputs],
        }


def load(root: Path, bill: Bill, open_format: Callable[[str], Format]) -> Loaded:
    """Load the entry of a version from the folder where its files lie, and run its golden example.

    The entry is hashed through the descriptor from which it is then loaded.

    Raises:
        UsageError: ``no-entry``, ``no-format``: the bill does not say what to load, or how.
        IntegrityError: ``bad-file``; ``golden-differs``; the file is broken.
        PolicyError: ``unsafe-pickle``.
    """
    form, entry = _how(bill, open_format)
    path = root / entry
    with explained("loading a model", path), path.open("rb") as file:
        expected = next(each.digest for each in bill.files if each.path == entry)
        got = hash_file(file)
        if got != expected:
            raise IntegrityError(
                "bad-file",
                f"{path} differs from the bill of {bill.name}:{bill.version}: expected {expected}, got {got}",
                hint=f"lading ensure {bill.name}",
            )
        file.seek(0)
        loaded = Loaded(form.load(file, path), form, bill)
    check_golden(loaded)
    return loaded


def verify_loads(verified: Verified, open_format: Callable[[str], Format]) -> Verified:
    """Really load what was verified; a model that does not load, or gives other outputs, is a problem.

    Raises:
        UsageError: ``no-entry``, ``no-format``, ``missing-extra``: it cannot be tried.
        PolicyError: ``unsafe-pickle``.
    """
    problems = []
    for root, bill in verified.bills:
        try:
            load(root, bill, open_format)
        except IntegrityError as error:
            entry = bill.metadata.entry or bill.name
            problems.append(Difference(entry, error.code, "a model that loads", error.message))
    return replace(verified, problems=(*verified.problems, *problems))


def check_golden(loaded: Loaded) -> None:
    """Run the golden example, where there is one.

    Raises:
        IntegrityError: ``golden-differs``, with the first value that differs.
    """
    golden = loaded.bill.metadata.golden
    if golden is None:
        return
    name = f"{loaded.bill.name}:{loaded.bill.version}"
    made_with = ", ".join(f"{k} {v}" for k, v in _packages(loaded.bill).items()) or "unknown versions"
    try:
        difference = golden.difference(loaded.format.predict(loaded.model, golden.inputs))
    except LadingError as error:
        difference = error.message
    if difference:
        raise IntegrityError(
            "golden-differs",
            f"{name} is loaded but does not give its golden output: {difference}",
            hint=f"it was made with {made_with}; compare with what is installed here",
        )


def _how(bill: Bill, open_format: Callable[[str], Format]) -> tuple[Format, str]:
    about = bill.metadata
    name = f"{bill.name}:{bill.version}"
    if about.entry is None:
        raise UsageError(
            "no-entry",
            f"{name} does not say which of its {len(bill.files)} files to load",
            hint=f"set entry and format in [models.{bill.name}] and push a new version",
        )
    if about.format is None:
        raise UsageError(
            "no-format",
            f"{name} does not say how to load '{about.entry}', and lading knows no format of that suffix",
            hint=f"load it yourself from lading.path('{bill.name}'), or set format in [models.{bill.name}]",
        )
    return open_format(about.format), about.entry


def _packages(bill: Bill) -> Mapping[str, object]:
    packages = bill.metadata.environment.get("packages")
    return packages if isinstance(packages, dict) else {}
