from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.core.errors import UsageError
from lading.core.signature import DATATYPES, Golden, Signature, Tensor, TensorSpec, flatten
from lading.core.table import Table

SPECS = st.builds(
    TensorSpec,
    st.text(min_size=1, max_size=5),
    st.sampled_from(sorted(DATATYPES)),
    st.lists(st.integers(-1, 5), max_size=4).map(tuple),
)
SIGNATURES = st.builds(
    Signature, st.lists(SPECS, max_size=3).map(tuple), st.lists(SPECS, max_size=3).map(tuple)
)
TENSORS = st.lists(st.integers(0, 3), max_size=3).flatmap(
    lambda shape: st.builds(
        Tensor,
        st.text(min_size=1, max_size=5),
        st.sampled_from(["INT64", "FP32"]),
        st.just(tuple(shape)),
        st.lists(st.integers(0, 9), min_size=math.prod(shape), max_size=math.prod(shape)).map(tuple),
    )
)


def _table(document: dict[str, Any]) -> Table:
    return Table(document, "here")


def _output(*data: object, datatype: str = "FP32", name: str = "y") -> Tensor:
    return Tensor(name, datatype, (len(data),), data)


@given(SIGNATURES)
def test_a_signature_reads_back_from_its_document(signature: Signature) -> None:
    assert Signature.parse(_table(signature.document())) == signature


@given(st.lists(TENSORS, max_size=2).map(tuple), st.lists(TENSORS, max_size=2).map(tuple))
def test_a_golden_example_reads_back_from_its_document(
    inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]
) -> None:
    golden = Golden(inputs, outputs, relative=0.5, absolute=0.25)
    assert Golden.parse(_table(golden.document())) == golden
    assert golden.difference(outputs) is None


def test_a_signature_may_have_no_outputs() -> None:
    assert Signature.parse(_table({"inputs": []})) == Signature((), ())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": None}, "here: 'name' is missing"),
        ({"name": 1}, "here: 'name' must be text; got 1"),
        ({"datatype": None}, "here: 'datatype' is missing"),
        ({"datatype": "fp32"}, "here: unknown datatype 'fp32'"),
        ({"shape": None}, "here: 'shape' is missing"),
        ({"shape": "2"}, "here: 'shape' must be a list of lengths, -1 where one is free; got '2'"),
        ({"shape": [-2]}, "here: 'shape' must be a list of lengths, -1 where one is free; got [-2]"),
        ({"shape": [1.0]}, "here: 'shape' must be a list of lengths, -1 where one is free; got [1.0]"),
        ({"shape": [True]}, "here: 'shape' must be a list of lengths, -1 where one is free; got [True]"),
        ({"dtype": "FP32"}, "here: unknown key 'dtype'"),
    ],
)
def test_a_broken_tensor_spec_is_told_what_is_wrong(change: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        TensorSpec.parse(_table({"name": "x", "datatype": "FP32", "shape": [-1, 4]} | change))
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("shape", "admitted"),
    [((3, 4), True), ((0, 4), True), ((3, 5), False), ((3,), False), ((3, 4, 1), False), ((), False)],
)
def test_a_spec_admits_the_shapes_that_fit(shape: tuple[int, ...], *, admitted: bool) -> None:
    assert TensorSpec("x", "FP32", (-1, 4)).admits(shape) is admitted


def test_nested_data_is_read_in_row_major_order() -> None:
    document = {"name": "x", "datatype": "INT64", "shape": [2, 2], "data": [[1, 2], [3, 4]]}
    assert Tensor.parse(_table(document)) == Tensor("x", "INT64", (2, 2), (1, 2, 3, 4))


def test_a_scalar_is_a_tensor_of_no_dimensions() -> None:
    assert Tensor.parse(_table({"name": "x", "datatype": "FP32", "shape": [], "data": 2.5})).data == (2.5,)


@pytest.mark.parametrize(
    ("shape", "data", "message"),
    [
        ([2], [1], "here: shape [2] wants 2 values, got 1"),
        ([0], [1], "here: shape [0] wants 0 values, got 1"),
        ([2, 2], [[1, 2], [3]], "here: shape [2, 2] wants 4 values, got 3"),
        ([], [], "here: shape [] wants 1 values, got 0"),
        ([1], None, "here: 'data' is missing"),
    ],
)
def test_a_tensor_whose_shape_disagrees_with_its_data_is_refused(
    shape: list[int], data: object, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        Tensor.parse(_table({"name": "x", "datatype": "FP32", "shape": shape, "data": data}))
    assert caught.value.message == message


@pytest.mark.parametrize(("shape", "data"), [([-1], [1]), ([-1, -1], [1]), ([0, -1], [])])
def test_a_tensor_has_no_free_length(shape: list[int], data: list[int]) -> None:
    with pytest.raises(UsageError, match="here: "):
        Tensor.parse(_table({"name": "x", "datatype": "FP32", "shape": shape, "data": data}))


@pytest.mark.parametrize(
    ("value", "flat"), [(1, [1]), ([], []), ([[], [1]], [1]), ((1, [2, (3,)]), [1, 2, 3]), ("ab", ["ab"])]
)
def test_lists_are_flattened(value: object, flat: list[object]) -> None:
    assert flatten(value) == flat


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ({"relative": 0.1}, "here tolerance: 'absolute' is missing"),
        ({"relative": -0.1, "absolute": 0}, "must be a number, not negative; got -0.1"),
        ({"relative": "1", "absolute": 0}, "must be a number, not negative; got '1'"),
        ({"relative": True, "absolute": 0}, "must be a number, not negative; got True"),
        ({"relative": math.inf, "absolute": 0}, "must be a number, not negative; got inf"),
        ({"relative": math.nan, "absolute": 0}, "must be a number, not negative; got nan"),
        ({"relative": 0, "absolute": 0, "rel": 1}, "unknown key 'rel'"),
    ],
)
def test_a_broken_tolerance_is_told_what_is_wrong(bounds: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Golden.parse(_table({"inputs": [], "outputs": [], "tolerance": bounds}))
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("datatype", "expected", "got", "difference"),
    [
        ("FP32", 1.0, 1.0, None),
        ("FP32", 1.0, 1.1, None),
        ("FP32", 1.0, 1.12, "'y' at 0: expected 1.0, got 1.12"),
        ("FP32", -100.0, -109.9, None),
        ("FP32", -100.0, -111.0, "'y' at 0: expected -100.0, got -111.0"),
        ("FP32", 0.0, 0.01, None),
        ("FP32", 0.0, 0.02, "'y' at 0: expected 0.0, got 0.02"),
        ("FP32", 100, 109.0, None),  # RFC 8785 spells 100.0 as 100, so that is what a bill gives
        ("FP32", 100.5, 101, None),  # and so does whoever answers in JSON
        ("FP32", 100, 101, None),
        ("FP32", 1.0, math.nan, "'y' at 0: expected 1.0, got nan"),
        ("FP32", 1.0, math.inf, "'y' at 0: expected 1.0, got inf"),
        ("FP32", 1.0, "1.0", "'y' at 0: expected 1.0, got '1.0'"),
        ("INT64", 100, 100, None),
        ("INT64", 100, 101, "'y' at 0: expected 100, got 101"),
        ("INT64", 100, 100.5, "'y' at 0: expected 100, got 100.5"),
        ("BOOL", True, False, "'y' at 0: expected True, got False"),
        ("BYTES", "cat", "cat", None),
        ("BYTES", "cat", "dog", "'y' at 0: expected 'cat', got 'dog'"),
    ],
)
def test_floats_agree_within_the_tolerance_and_all_else_must_be_equal(
    datatype: str, expected: object, got: object, difference: str | None
) -> None:
    golden = Golden((), (_output(expected, datatype=datatype),), relative=0.1, absolute=0.01)
    assert golden.difference((_output(got, datatype=datatype),)) == difference


@pytest.mark.parametrize(
    ("got", "difference"),
    [
        ((), "expected 1 outputs, got 0"),
        ((_output(1.0, 2.0), _output(1.0)), "expected 1 outputs, got 2"),
        ((_output(1.0, 2.0, name="z"),), "expected 'y' FP32 [2], got 'z' FP32 [2]"),
        ((_output(1.0, 2.0, datatype="FP64"),), "expected 'y' FP32 [2], got 'y' FP64 [2]"),
        ((_output(1.0),), "expected 'y' FP32 [2], got 'y' FP32 [1]"),
        ((_output(1.0, 3.0),), "'y' at 1: expected 2.0, got 3.0"),
    ],
)
def test_each_kind_of_difference_is_told_in_one_sentence(got: tuple[Tensor, ...], difference: str) -> None:
    assert Golden((), (_output(1.0, 2.0),)).difference(got) == difference
