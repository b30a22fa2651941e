"""ONNX graphs, built with onnx.helper and skl2onnx, on the real onnxruntime."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from lading.core.errors import IntegrityError, UsageError
from lading.core.signature import Signature, Tensor, TensorSpec
from lading.formats.onnx import Onnx

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FORMAT = Onnx()
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
Value = tuple[str, int, "list[int | str] | None"]


def graph(
    nodes: list[Any], inputs: list[Value], outputs: list[Value], weights: Sequence[TensorProto] = ()
) -> ModelProto:
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(*value) for value in outputs],
        list(weights),
    )
    return helper.make_model(made, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def weighted(rows: int | str = "n") -> ModelProto:
    weight = numpy_helper.from_array(np.arange(6, dtype="float32").reshape(3, 2), "w")
    return graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        [("x", FLOAT, [rows, 3])],
        [("y", FLOAT, [rows, 2])],
        [weight],
    )


def two_inputs() -> ModelProto:
    nodes = [
        helper.make_node("Cast", ["count"], ["c"], to=FLOAT),
        helper.make_node("Mul", ["price", "c"], ["total"]),
        helper.make_node("Identity", ["city"], ["place"]),
    ]
    inputs: list[Value] = [
        ("price", FLOAT, ["n", 1]),
        ("count", INT64, ["n", 1]),
        ("city", TensorProto.STRING, ["n"]),
    ]
    return graph(nodes, inputs, [("total", FLOAT, ["n", 1]), ("place", TensorProto.STRING, ["n"])])


def echo(kind: int, shape: list[int | str] | None) -> ModelProto:
    return graph([helper.make_node("Identity", ["x"], ["y"])], [("x", kind, shape)], [("y", kind, shape)])


def loaded(model: ModelProto, folder: Path) -> object:
    path = folder / "model.onnx"
    FORMAT.save(model, path)
    with path.open("rb") as entry:
        return FORMAT.load(entry, path)


def refused(model: object, example: object) -> UsageError:
    with pytest.raises(UsageError) as caught:
        FORMAT.predict(model, FORMAT.tensors(model, example))
    return caught.value


def test_a_saved_graph_loads_and_gives_its_product(tmp_path: Path) -> None:
    model = loaded(weighted(), tmp_path)
    inputs = FORMAT.tensors(model, [[1, 0, 0], [0, 1, 0]])
    assert inputs == (Tensor("x", "FP32", (2, 3), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)),)
    outputs = FORMAT.predict(model, inputs)
    assert outputs == (Tensor("y", "FP32", (2, 2), (0.0, 1.0, 2.0, 3.0)),)
    x, y = TensorSpec("x", "FP32", (-1, 3)), TensorSpec("y", "FP32", (-1, 2))
    assert FORMAT.signature(model, inputs, outputs) == Signature((x,), (y,))


def test_bytes_are_saved_as_they_are(tmp_path: Path) -> None:
    raw = weighted().SerializeToString()
    FORMAT.save(raw, tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx").read_bytes() == raw


def test_what_is_no_graph_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="LogisticRegression") as caught:
        FORMAT.save(LogisticRegression(), tmp_path / "m.onnx")
    assert caught.value.code == "bad-model"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "example",
    [
        {"city": ["a", "b"], "price": [1.5, 2], "count": [2, 3]},
        pd.DataFrame({"price": [1.5, 2.0], "count": [2, 3], "city": ["a", "b"]}),
        [{"price": 1.5, "count": 2, "city": "a"}, {"price": 2.0, "count": 3, "city": "b"}],
        {"price": [[1.5], [2.0]], "count": np.array([[2], [3]], "int8"), "city": np.array(["a", "b"])},
    ],
)
def test_named_inputs_come_in_the_order_and_types_of_the_graph(example: object, tmp_path: Path) -> None:
    model = loaded(two_inputs(), tmp_path)
    inputs = FORMAT.tensors(model, example)
    assert [(tensor.name, tensor.datatype, tensor.shape) for tensor in inputs] == [
        ("price", "FP32", (2, 1)),
        ("count", "INT64", (2, 1)),
        ("city", "BYTES", (2,)),
    ]
    total, place = FORMAT.predict(model, inputs)
    assert total == Tensor("total", "FP32", (2, 1), (3.0, 6.0))
    assert place == Tensor("place", "BYTES", (2,), ("a", "b"))


@pytest.mark.parametrize(
    ("example", "told"),
    [
        ([[1.0, 2.0]], "[-1, 3], got FP64 [1, 2]"),
        ([1.0, 2.0, 3.0], "[-1, 3], got FP64 [3]"),
        ([["a", "b", "c"]], "numbers (FP32), got BYTES"),
        ([[True, True, True]], "numbers (FP32), got BOOL"),
        ([[1e300, 0, 0]], "1e+300"),
        ({"z": [[1.0, 2.0, 3.0]]}, "expected the inputs ['x'], got ['z']"),
        (pd.DataFrame({"a": [1.0], "b": [1.0], "c": [1.0]}), "expected the inputs ['x']"),
    ],
)
def test_a_wrong_input_says_what_was_expected(example: object, told: str, tmp_path: Path) -> None:
    error = refused(loaded(weighted(), tmp_path), example)
    assert error.code == "bad-input"
    assert told in error.message


def test_a_missing_input_is_named(tmp_path: Path) -> None:
    error = refused(loaded(two_inputs(), tmp_path), {"price": [1.0]})
    assert "['price', 'count', 'city'], got ['price']" in error.message


def test_lengths_that_only_the_run_can_compare(tmp_path: Path) -> None:
    model = graph(
        [helper.make_node("Add", ["a", "b"], ["y"])],
        [("a", FLOAT, ["n"]), ("b", FLOAT, ["m"])],
        [("y", FLOAT, ["n"])],
    )
    error = refused(loaded(model, tmp_path), {"a": [1.0, 2.0], "b": [1.0, 2.0, 3.0]})
    assert error.code == "bad-input"
    assert "'a' FP32 [2], 'b' FP32 [3]" in error.message


@pytest.mark.parametrize(
    ("kind", "datatype", "values"),
    [
        (TensorProto.BOOL, "BOOL", [True, False]),
        (TensorProto.UINT8, "UINT8", [0, 255]),
        (TensorProto.INT32, "INT32", [-1, 1]),
        (TensorProto.FLOAT16, "FP16", [0.5, 2.0]),
        (TensorProto.DOUBLE, "FP64", [0.1, -2.0]),
        (TensorProto.STRING, "BYTES", ["é", ""]),
    ],
)
def test_every_datatype_goes_through(kind: int, datatype: str, values: list[Any], tmp_path: Path) -> None:
    model = loaded(echo(kind, ["n"]), tmp_path)
    inputs = FORMAT.tensors(model, values)
    assert FORMAT.predict(model, inputs) == (Tensor("y", datatype, (2,), tuple(values)),)


def test_a_rank_that_the_graph_does_not_tell_comes_from_the_example(tmp_path: Path) -> None:
    model = loaded(echo(FLOAT, None), tmp_path)
    inputs = FORMAT.tensors(model, [[1.0, 2.0]])
    signature = FORMAT.signature(model, inputs, FORMAT.predict(model, inputs))
    assert (signature.inputs[0].shape, signature.outputs[0].shape) == ((-1, -1), (-1, -1))


def test_an_answer_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    model = graph([helper.make_node("Log", ["x"], ["y"])], [("x", FLOAT, ["n"])], [("y", FLOAT, ["n"])])
    assert refused(loaded(model, tmp_path), [0.0]).code == "not-finite"


def test_bfloat16_is_refused_by_name(tmp_path: Path) -> None:
    error = refused(loaded(echo(TensorProto.BFLOAT16, ["n"]), tmp_path), [1.0])
    assert error.code == "bad-datatype"
    assert "BF16" in error.message


@pytest.mark.parametrize("labels", [[0, 1, 2], ["c", "a", "b"]])
def test_a_converted_classifier_gives_its_probabilities_as_a_matrix(
    labels: list[Any], tmp_path: Path
) -> None:
    rows, places = load_iris(return_X_y=True)
    own = LogisticRegression(max_iter=1000).fit(rows, np.array(labels)[places])
    model = loaded(to_onnx(own, rows[:1].astype("float32")), tmp_path)  # with ZipMap
    inputs = FORMAT.tensors(model, rows[::10])
    outputs = FORMAT.predict(model, inputs)
    label, probability = outputs
    assert list(label.data) == own.predict(rows[::10]).tolist()
    assert (probability.datatype, probability.shape) == ("FP32", (15, 3))
    np.testing.assert_allclose(
        np.reshape(probability.data, probability.shape), own.predict_proba(rows[::10]), atol=1e-5
    )
    specs = FORMAT.signature(model, inputs, outputs).outputs
    assert [(spec.datatype, spec.shape) for spec in specs] == [(label.datatype, (-1,)), ("FP32", (-1, 3))]


def test_a_sequence_of_tensors_is_refused_by_name(tmp_path: Path) -> None:
    model = graph([helper.make_node("SequenceConstruct", ["x"], ["many"])], [("x", FLOAT, ["n"])], [])
    model.graph.output.append(helper.make_tensor_sequence_value_info("many", FLOAT, None))
    error = refused(loaded(model, tmp_path), [1.0])
    assert error.code == "bad-datatype"
    assert "'many' is a sequence" in error.message


def test_an_input_that_is_no_tensor_is_refused_by_name(tmp_path: Path) -> None:
    model = graph([helper.make_node("SequenceLength", ["many"], ["n"])], [], [("n", INT64, [])])
    model.graph.input.append(helper.make_tensor_sequence_value_info("many", FLOAT, None))
    error = refused(loaded(model, tmp_path), [1.0])
    assert error.code == "bad-datatype"
    assert "'many' is a seq(tensor(float))" in error.message


def broken(raw: bytes, path: Path) -> IntegrityError:
    with pytest.raises(IntegrityError) as caught:
        FORMAT.load(io.BytesIO(raw), path)
    return caught.value


def unknown_node() -> bytes:
    model = weighted()
    model.graph.node[0].op_type = "NoSuchOperator"
    raw: bytes = model.SerializeToString()
    return raw


@pytest.mark.parametrize(
    "raw",
    [b"", b"\0", b"<!DOCTYPE html>", weighted().SerializeToString()[:-9], unknown_node()],
    ids=["empty", "zero", "html", "truncated", "unknown node"],
)
def test_a_broken_file_is_an_integrity_error(raw: bytes, tmp_path: Path) -> None:
    assert broken(raw, tmp_path / "m.onnx").code == "broken-onnx"


def test_a_graph_from_the_future_is_version_skew(tmp_path: Path) -> None:
    newer, format_of_tomorrow = weighted(), weighted()
    newer.opset_import[0].version = 999
    format_of_tomorrow.ir_version = 999
    for model in (newer, format_of_tomorrow):
        error = broken(model.SerializeToString(), tmp_path / "m.onnx")
        assert error.code == "version-skew"
        assert "onnxruntime" in error.hint


def external(folder: Path) -> Path:
    folder.mkdir()
    path = folder / "m.onnx"
    onnx.save(weighted(), path, save_as_external_data=True, location="w.bin", size_threshold=0)
    return path


def test_weights_in_a_file_of_their_own_are_read_beside_the_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = external(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    raw = path.read_bytes()
    model = FORMAT.load(io.BytesIO(raw), path.relative_to(tmp_path))
    assert FORMAT.predict(model, FORMAT.tensors(model, [[1.0, 0.0, 0.0]]))[0].data == (0.0, 1.0)


def test_weights_elsewhere_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = external(tmp_path / "model")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (path.parent / "w.bin").rename(elsewhere / "w.bin")
    monkeypatch.chdir(elsewhere)  # where onnxruntime looks for the weights of a graph that came as bytes
    error = broken(path.read_bytes(), path)
    assert error.code == "broken-onnx"
    assert "folder" in error.hint
    (path.parent / "w.bin").symlink_to(elsewhere / "w.bin")
    assert "links" in broken(path.read_bytes(), path).hint
