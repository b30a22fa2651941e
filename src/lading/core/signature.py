"""What a model takes and gives, and one example of it.

Datatypes and tensors are those of the Open Inference Protocol, version 2 (section "Tensor Data Types").
In ``extra``, each keeps the keys that this version of lading does not know.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.core.table import Table

DATATYPES: Final = frozenset(
    {"BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"}
    | {"FP16", "FP32", "FP64", "BF16", "BYTES"}
)
FLOATS: Final = frozenset({"FP16", "FP32", "FP64", "BF16"})
DYNAMIC: Final = -1


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output; ``shape`` holds -1 where a length is free."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, table: Table) -> Self:
        """Read ``{"name", "datatype", "shape"}``."""
        return cls(*_head(table), table.finish())

    def document(self) -> dict[str, Any]:
        """The JSON form that ``parse`` reads."""
        known = {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}
        return {**self.extra, **known}

    def admits(self, shape: tuple[int, ...]) -> bool:
        """Whether a tensor of ``shape`` fits."""
        return len(shape) == len(self.shape) and all(
            want in (DYNAMIC, got) for want, got in zip(self.shape, shape, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Signature:
    """The inputs and outputs of a model, in the order in which it takes and gives them."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, table: Table) -> Self:
        """Read ``{"inputs": [...], "outputs": [...]}``."""
        inputs = table.need("inputs", table.tables("inputs"))
        outputs = table.tables("outputs") or ()
        return cls(
            tuple(TensorSpec.parse(item) for item in inputs),
            tuple(TensorSpec.parse(item) for item in outputs),
            table.finish(),
        )

    def document(self) -> dict[str, Any]:
        """The JSON form that ``parse`` reads."""
        return {
            **self.extra,
            "inputs": [spec.document() for spec in self.inputs],
            "outputs": [spec.document() for spec in self.outputs],
        }


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor with its values flat, in row-major order; BYTES values are text."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: tuple[Any, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, table: Table) -> Self:
        """Read ``{"name", "datatype", "shape", "data"}``; nested ``data`` is flattened."""
        name, datatype, shape = _head(table)
        data = tuple(flatten(table.need("data", table.anything("data"))))
        extra = table.finish()
        if DYNAMIC in shape:
            raise table.fail(f"the shape of a tensor has no free length; got {list(shape)}")
        if math.prod(shape) != len(data):
            raise table.fail(f"shape {list(shape)} wants {math.prod(shape)} values, got {len(data)}")
        return cls(name, datatype, shape, data, extra)

    def document(self) -> dict[str, Any]:
        """The JSON form that ``parse`` reads."""
        return {
            **self.extra,
            "name": self.name,
            "datatype": self.datatype,
            "shape": list(self.shape),
            "data": list(self.data),
        }


@dataclass(frozen=True, slots=True)
class Golden:
    """Example inputs with the outputs that they must give.

    A float agrees when it is within ``absolute + relative * |expected|``; everything else must be equal.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    relative: float = 1e-4
    absolute: float = 1e-6
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, table: Table) -> Self:
        """Read ``{"inputs", "outputs", "tolerance": {"absolute", "relative"}}``."""
        inputs = table.need("inputs", table.tables("inputs"))
        outputs = table.need("outputs", table.tables("outputs"))
        tolerance = table.need("tolerance", table.table("tolerance"))
        relative, absolute = _bound(tolerance, "relative"), _bound(tolerance, "absolute")
        kept = tolerance.finish()
        return cls(
            tuple(Tensor.parse(item) for item in inputs),
            tuple(Tensor.parse(item) for item in outputs),
            relative,
            absolute,
            table.finish() | ({"tolerance": kept} if kept else {}),
        )

    def document(self) -> dict[str, Any]:
        """The JSON form that ``parse`` reads."""
        tolerance = {"absolute": self.absolute, "relative": self.relative}
        return {
            **self.extra,
            "inputs": [tensor.document() for tensor in self.inputs],
            "outputs": [tensor.document() for tensor in self.outputs],
            "tolerance": {**self.extra.get("tolerance", {}), **tolerance},
        }

    def difference(self, got: tuple[Tensor, ...]) -> str | None:
        """How ``got`` differs from the outputs expected, in one sentence, or None where it agrees."""
        if len(got) != len(self.outputs):
            return f"expected {len(self.outputs)} outputs, got {len(got)}"
        for want, have in zip(self.outputs, got, strict=True):
            if (want.name, want.datatype, want.shape) != (have.name, have.datatype, have.shape):
                return (
                    f"expected '{want.name}' {want.datatype} {list(want.shape)}, "
                    f"got '{have.name}' {have.datatype} {list(have.shape)}"
                )
            for place, (expected, value) in enumerate(zip(want.data, have.data, strict=True)):
                if not self._agree(want.datatype, expected, value):
                    return f"'{want.name}' at {place}: expected {expected!r}, got {value!r}"
        return None

    def _agree(self, datatype: str, expected: object, value: object) -> bool:
        # The datatype decides, for JSON spells the float 1.0 as 1.
        if datatype in FLOATS and isinstance(expected, (int, float)) and isinstance(value, (int, float)):
            return abs(value - expected) <= self.absolute + self.relative * abs(expected)
        return expected == value


def flatten(value: object) -> list[Any]:
    """The values of nested lists in row-major order; a value that is no list is a list of one."""
    if not isinstance(value, (list, tuple)):
        return [value]
    flat: list[Any] = []
    for item in value:
        flat.extend(flatten(item))
    return flat


def _head(table: Table) -> tuple[str, str, tuple[int, ...]]:
    name = table.need("name", table.text("name"))
    datatype = table.need("datatype", table.text("datatype"))
    if datatype not in DATATYPES:
        raise table.fail(f"unknown datatype '{datatype}'", hint=f"known: {', '.join(sorted(DATATYPES))}")
    return name, datatype, _shape(table)


def _shape(table: Table) -> tuple[int, ...]:
    shape = table.need("shape", table.anything("shape"))
    if not isinstance(shape, list) or not all(type(n) is int and n >= DYNAMIC for n in shape):
        raise table.fail(f"'shape' must be a list of lengths, -1 where one is free; got {shape!r}")
    return tuple(shape)


def _bound(table: Table, key: str) -> float:
    value = table.need(key, table.anything(key))
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise table.fail(f"'{key}' must be a number, not negative; got {value!r}")
    return float(value)
