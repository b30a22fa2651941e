"""Tensors to arrays and back, and every form in which people hold an example."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from scipy import sparse

from lading.core.errors import UsageError
from lading.core.signature import Tensor
from lading.formats.arrays import as_arrays, cast, from_array, of_example, to_array

NUMBERS = ["bool", "float16", "float32", "float64"] + [
    f"{u}int{n}" for u in ("", "u") for n in (8, 16, 32, 64)
]


@given(
    st.sampled_from(NUMBERS).flatmap(
        lambda dtype: nps.arrays(dtype, nps.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    )
)
def test_an_array_survives_the_tensor_and_its_json(array: np.ndarray[Any, Any]) -> None:
    tensor = from_array("x", array, finite=False)
    again = to_array(Tensor(**json.loads(json.dumps(tensor.document()))))
    assert again.dtype == array.dtype
    assert again.shape == array.shape
    np.testing.assert_array_equal(again, array)


@given(nps.arrays("object", st.integers(0, 5), elements=st.text(max_size=5)))
def test_texts_survive(array: np.ndarray[Any, Any]) -> None:
    tensor = from_array("x", array)
    assert tensor.datatype == "BYTES"
    assert list(tensor.data) == array.tolist()


def test_texts_of_every_dtype_are_bytes() -> None:
    for array in (np.array(["a", "b"]), np.array([b"a", b"b"]), np.array(["a", "b"], dtype=object)):
        assert from_array("x", array) == Tensor("x", "BYTES", (2,), ("a", "b"))


def test_float32_becomes_the_float_of_its_exact_value() -> None:
    tensor = from_array("x", np.array([0.1], dtype="float32"))
    assert tensor.datatype == "FP32"
    assert tensor.data == (0.10000000149011612,)
    assert type(tensor.data[0]) is float


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_an_output_that_is_not_finite_is_refused_with_its_place(value: float) -> None:
    with pytest.raises(UsageError, match="'y' at 1") as caught:
        from_array("y", np.array([[0.0, value]]))
    assert caught.value.code == "not-finite"


@pytest.mark.parametrize(
    "array",
    [
        np.array([1j]),
        np.array(["2026-01-01"], dtype="M8[D]"),
        np.array([{}]),
        np.array(["a", 1], dtype=object),
    ],
)
def test_an_array_that_no_tensor_holds_is_refused(array: np.ndarray[Any, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        from_array("y", array)
    assert caught.value.code == "bad-datatype"


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        ("UINT8", 256),
        ("UINT8", -1),
        ("INT64", 2**64),
        ("INT64", 2**63),
        ("INT32", 1.5),
        ("FP32", 1e300),
        ("FP16", 1e6),
        ("FP64", "1.0"),
        ("FP64", True),
        ("BOOL", 1),
        ("BYTES", 1),
        ("INT8", None),
        ("BYTES", None),
        ("BYTES", b"\xff"),
    ],
)
def test_a_value_that_its_datatype_cannot_hold_is_refused(datatype: str, value: object) -> None:
    with pytest.raises(UsageError, match="'x'") as caught:
        to_array(Tensor("x", datatype, (1,), (value,)))
    assert caught.value.code == "bad-input"


def test_values_that_mean_the_same_are_taken() -> None:
    assert to_array(Tensor("x", "INT64", (2,), (1.0, 2))).tolist() == [1, 2]
    assert to_array(Tensor("x", "UINT64", (1,), (2**64 - 1,))).tolist() == [2**64 - 1]
    assert to_array(Tensor("x", "FP32", (2, 1), (1, 2.5))).tolist() == [[1.0], [2.5]]
    assert np.isnan(to_array(Tensor("x", "FP64", (1,), (None,))))[0]
    assert to_array(Tensor("x", "BYTES", (0, 3), ())).shape == (0, 3)


def test_bfloat16_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="BF16") as caught:
        to_array(Tensor("x", "BF16", (1,), (1.0,)))
    assert caught.value.code == "bad-datatype"


def test_negative_lengths_are_refused() -> None:
    with pytest.raises(UsageError, match="-1") as caught:
        to_array(Tensor("x", "FP64", (-1, -1), (1.0,)))
    assert caught.value.code == "bad-input"


@pytest.mark.parametrize(
    ("example", "dtype", "shape"),
    [
        (1.5, "float64", ()),
        ([[1, 2], [3, 4]], "int64", (2, 2)),
        ([[1.0, None]], "float64", (1, 2)),
        (["a", "b"], "object", (2,)),
        ("a", "object", ()),
        (np.zeros((2, 3), "float32"), "float32", (2, 3)),
        (pd.Series([1, 2]), "int64", (2,)),
        (sparse.csr_array(np.eye(2)), "float64", (2, 2)),
        (pd.DataFrame([[1.0, 2.0]]), "float64", (1, 2)),
        ([], "float64", (0,)),
    ],
)
def test_one_unnamed_example_is_called_input(example: object, dtype: str, shape: tuple[int, ...]) -> None:
    (item,) = as_arrays(example).items()
    assert (item[0], item[1].dtype, item[1].shape) == ("input", dtype, shape)


@pytest.mark.parametrize(
    "example",
    [
        pd.DataFrame({"age": [1, 2], "city": ["a", "b"]}),
        pd.DataFrame({"age": [1, 2], "city": pd.Categorical(["a", "b"])}),
        {"age": [1, 2], "city": ["a", "b"]},
        {"age": np.array([1, 2]), "city": np.array(["a", "b"])},
        [{"age": 1, "city": "a"}, {"age": 2, "city": "b"}],
        [Tensor("age", "INT64", (2,), (1, 2)), Tensor("city", "BYTES", (2,), ("a", "b"))],
        [
            {"name": "age", "datatype": "INT64", "shape": [2], "data": [1, 2], "parameters": {"a": 1}},
            {"name": "city", "datatype": "BYTES", "shape": [2], "data": ["a", "b"]},
        ],
    ],
)
def test_every_form_of_named_columns_gives_the_same(example: object) -> None:
    arrays = as_arrays(example)
    assert {name: (array.dtype, array.tolist()) for name, array in arrays.items()} == {
        "age": ("int64", [1, 2]),
        "city": ("object", ["a", "b"]),
    }


@pytest.mark.parametrize(
    "example",
    [
        [[1, 2], [3]],
        [[1, "a"]],
        ["a", None],
        [1j],
        {"x": object()},
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        [{"a": 1}, {"b": 1}],
        [{"name": "x", "datatype": "FP32", "shape": [2], "data": [1.0]}],
        [{"name": "x", "datatype": "FP31", "shape": [1], "data": [1.0]}],
        [Tensor("x", "BOOL", (1,), (True,)), Tensor("x", "BOOL", (1,), (True,))],
        pd.DataFrame({"when": pd.to_datetime(["2026-01-01"])}),
    ],
)
def test_what_is_no_example_is_refused(example: object) -> None:
    with pytest.raises(UsageError) as caught:
        as_arrays(example)
    assert caught.value.code == "bad-input"


def test_a_cast_keeps_values_or_refuses() -> None:
    assert cast("x", np.array([1, 2]), np.dtype("float32")).dtype == "float32"
    assert np.isnan(cast("x", np.array([math.nan]), np.dtype("float32")))[0]
    with pytest.raises(UsageError, match="nan in FP64"):
        cast("x", np.array([math.nan]), np.dtype("int64"))
    with pytest.raises(UsageError, match="truth values"):
        cast("x", np.array([1]), np.dtype("bool"))


def test_whole_numbers_of_any_size_are_guessed_or_refused() -> None:
    assert as_arrays(np.array([1, 2], dtype=object))["input"].dtype == "int64"
    with pytest.raises(UsageError, match="64 bits"):
        as_arrays([2**70])


def test_the_rows_of_an_example_are_free() -> None:
    assert of_example(Tensor("x", "FP32", (1, 2), (1.0, 2.0))).shape == (-1, 2)
    assert of_example(Tensor("x", "FP32", (), (1.0,))).shape == ()
