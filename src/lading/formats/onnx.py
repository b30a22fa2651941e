"""ONNX graphs, run by onnxruntime on the processor."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from lading.core.errors import IntegrityError, UsageError
from lading.core.signature import DYNAMIC, Signature, Tensor, TensorSpec
from lading.formats.arrays import (
    UNNAMED,
    as_arrays,
    bad_input,
    cast,
    described,
    dtype_of,
    from_array,
    of_example,
)
from lading.formats.extras import needs
from lading.plumbing import atomic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lading.formats.arrays import Array

_TENSOR: Final = re.compile(r"tensor\((\w+)\)")
_FLOATS: Final = {"float": "FP32", "double": "FP64", "float16": "FP16", "bfloat16": "BF16"}
_DATATYPES: Final = (
    {"string": "BYTES", "bool": "BOOL"}
    | _FLOATS
    | {f"{sign}int{bits}": f"{sign}int{bits}".upper() for sign in ("", "u") for bits in (8, 16, 32, 64)}
)
# Without it onnxruntime reads the weights of a graph that came as bytes from the working directory,
# where nothing is proven (tried on 1.31).
_WEIGHTS_FOLDER: Final = "session.model_external_initializers_file_folder_path"
_ERRORS_ONLY: Final = 3
_REFUSALS: Final = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoModel", "NoSuchFile")
_MORE_REFUSALS: Final = ("NotImplemented", "RuntimeException")
_PLACE_IN_SOURCE: Final = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")


@dataclass(frozen=True, slots=True)
class Onnx:
    """Models are ``onnxruntime.InferenceSession``; inputs and outputs are those of the graph."""

    name: str = "onnx"
    packages: Sequence[str] = ("onnxruntime", "numpy")

    def load(self, entry: BinaryIO, path: Path) -> object:
        """A session on the graph in ``entry``.

        Weights that lie in files of their own are read from the folder of ``path``, which
        onnxruntime does not leave, by links neither. Peak memory is the file three times; once when
        it is loaded.

        Raises:
            IntegrityError: ``broken-onnx``; ``version-skew``, the graph is newer than onnxruntime.
            UsageError: ``missing-extra``.
        """
        ort = needs("onnxruntime", "onnx")
        options = ort.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        options.add_session_config_entry(_WEIGHTS_FOLDER, str(path.parent.absolute()))
        try:
            session: Any = ort.InferenceSession(entry.read(), options, providers=["CPUExecutionProvider"])
        except _refusals() as error:
            raise _unloadable(error) from error
        session._model_bytes = None  # noqa: SLF001 - it keeps the file for other providers, of which none come
        return session

    def save(self, model: object, path: Path) -> None:
        """Write an ``onnx.ModelProto``, or the bytes of one, to ``path``, whole or not at all."""
        raw = model.SerializeToString() if hasattr(model, "SerializeToString") else model
        if not isinstance(raw, bytes):
            message = f"an ONNX file holds an onnx.ModelProto or its bytes, not {type(model).__name__}"
            hint = "convert the model first, such as with skl2onnx.to_onnx or torch.onnx.export"
            raise UsageError("bad-model", message, hint=hint)
        atomic.write(path, raw)

    def tensors(self, model: object, example: object) -> tuple[Tensor, ...]:
        """The example as the graph's inputs, in its order and with its datatypes."""
        arrays = _fitted(model, as_arrays(example))
        return tuple(from_array(name, array, finite=False) for name, array in arrays.items())

    def signature(self, model: object, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Signature:
        """What the graph declares; what it leaves open is taken from the example."""
        session: Any = model
        return Signature(
            tuple(_declared(*pair) for pair in zip(session.get_inputs(), inputs, strict=True)),
            tuple(_declared(*pair) for pair in zip(session.get_outputs(), outputs, strict=True)),
        )

    def predict(self, model: object, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Every output of the graph; a sequence of maps (ZipMap) becomes a matrix, a column per key."""
        session: Any = model
        feed = _fitted(model, as_arrays(list(inputs)))
        try:
            values = session.run(None, feed)
        except _refusals() as error:
            given = ", ".join(f"'{name}' {described(array)}" for name, array in feed.items())
            raise UsageError("bad-input", f"the graph cannot run on {given}: {_words(error)}") from error
        names = [node.name for node in session.get_outputs()]
        return tuple(from_array(name, _dense(name, value)) for name, value in zip(names, values, strict=True))


def open_format(name: str) -> Onnx:
    """The format of that name."""
    return Onnx(name)


def _refusals() -> tuple[type[Exception], ...]:
    state = needs("onnxruntime.capi.onnxruntime_pybind11_state", "onnx")
    return tuple(getattr(state, name) for name in (*_REFUSALS, *_MORE_REFUSALS))


def _words(error: Exception) -> str:
    return _PLACE_IN_SOURCE.sub("", str(error).strip())


def _unloadable(error: Exception) -> IntegrityError:
    words = _words(error)
    if (
        "Unsupported model IR version" in words
        or "opset" in words
        or type(error).__name__ == "NotImplemented"
    ):
        message = f"this onnxruntime is too old for the model: {words}"
        return IntegrityError("version-skew", message, hint="pip install --upgrade onnxruntime")
    if "escapes model directory" in words:
        hint = (
            "put the files of weights themselves beside the graph: onnxruntime follows no links to elsewhere"
        )
    elif "External data" in words:
        hint = "declare the model as a folder, so that its files of weights travel with it"
    else:
        hint = "compare the file with its bill, and fetch or save it again"
    return IntegrityError("broken-onnx", f"onnxruntime cannot load the model: {words}", hint=hint)


def _spec(node: Any) -> TensorSpec:  # noqa: ANN401 - onnxruntime's NodeArg
    match = _TENSOR.fullmatch(node.type)
    if match is None or match[1] not in _DATATYPES:
        message = f"'{node.name}' is a {node.type}, which no tensor of the Open Inference Protocol holds"
        raise UsageError("bad-datatype", message, hint="export the model with plain tensors")
    shape = tuple(length if isinstance(length, int) else DYNAMIC for length in node.shape)
    return TensorSpec(node.name, _DATATYPES[match[1]], shape)


def _declared(node: Any, example: Tensor) -> TensorSpec:  # noqa: ANN401
    if not _TENSOR.fullmatch(node.type):
        return of_example(example)
    spec = _spec(node)
    # onnxruntime says [] for a scalar and for a rank that the graph does not tell.
    return TensorSpec(spec.name, spec.datatype, spec.shape or (DYNAMIC,) * len(example.shape))


def _fitted(model: object, arrays: Mapping[str, Array]) -> dict[str, Array]:
    nodes = model.get_inputs()  # type: ignore[attr-defined]
    names = [node.name for node in nodes]
    if len(names) == 1 and list(arrays) == [UNNAMED]:
        arrays = {names[0]: arrays[UNNAMED]}
    if set(arrays) != set(names):
        one = (
            "give one array, such as frame.to_numpy()"
            if len(names) == 1
            else "give a mapping from these names"
        )
        message = f"expected the inputs {names}, got {list(arrays)}"
        raise UsageError("bad-input", message, hint=one)
    return {node.name: _fit(_spec(node), arrays[node.name]) for node in nodes}


def _fit(spec: TensorSpec, array: Array) -> Array:
    if array.ndim == 1 and len(spec.shape) == 2 and spec.shape[1] == 1:  # noqa: PLR2004 - a column as a matrix
        array = array.reshape(-1, 1)
    if spec.shape and not spec.admits(array.shape):
        raise bad_input(spec.name, f"{spec.datatype} {list(spec.shape)}", described(array))
    return cast(spec.name, array, dtype_of(spec.datatype))


def _dense(name: str, value: Any) -> Array:  # noqa: ANN401 - an array, or lists of what ONNX has besides
    np = needs("numpy", "onnx")
    if isinstance(value, list):
        keys = sorted(value[0]) if value and isinstance(value[0], dict) else []
        if not keys or any(row.keys() != value[0].keys() for row in value):
            message = f"the output '{name}' is a sequence, which no tensor holds"
            raise UsageError("bad-datatype", message, hint="export the model with plain tensors as outputs")
        value = np.array([[row[key] for key in keys] for row in value], dtype="float32")
    made: Array = np.asarray(value)
    return made
