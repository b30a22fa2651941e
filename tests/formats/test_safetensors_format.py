"""Safetensors files against the library's own reader."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from lading.core.errors import IntegrityError, UsageError
from lading.core.signature import TensorSpec
from lading.formats.safetensors import Safetensors

Arrays: TypeAlias = "dict[str, np.ndarray[Any, Any]]"
FORMAT = Safetensors()
WEIGHTS = {
    "w": np.arange(6, dtype="float32").reshape(2, 3),
    "half": np.array([1.5], dtype="float16"),
    "b": np.array(7, dtype="int64"),
    "mask": np.array([True, False]),
    "none": np.zeros((0, 4), dtype="uint8"),
}


def load(raw: bytes) -> Arrays:
    return cast("Arrays", FORMAT.load(io.BytesIO(raw), Path("weights.safetensors")))


def crafted(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def part(dtype: object, shape: object, offsets: object) -> dict[str, Any]:
    return {"x": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


def same(got: Arrays, want: Arrays) -> None:
    assert got.keys() == want.keys()
    for name, array in want.items():
        assert got[name].dtype == array.dtype.newbyteorder("=")
        assert got[name].shape == array.shape
        np.testing.assert_array_equal(got[name], array)


def test_what_is_saved_loads_equal_here_and_in_the_library(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    FORMAT.save(WEIGHTS, path)
    same(load(path.read_bytes()), WEIGHTS)
    same(safetensors.numpy.load_file(path), WEIGHTS)
    assert [found.name for found in tmp_path.iterdir()] == ["weights.safetensors"]


def test_what_the_library_writes_loads_with_its_metadata_left_out() -> None:
    same(load(safetensors.numpy.save(WEIGHTS, metadata={"format": "np"})), WEIGHTS)
    same(load(safetensors.numpy.save({})), {})


def test_arrays_that_lie_otherwise_in_memory_keep_their_values(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    base = np.arange(12, dtype="float32").reshape(3, 4)
    odd = {"turned": base.T, "stepped": base[:, ::2], "foreign": base.astype(">f4")}
    FORMAT.save(odd, path)
    same(safetensors.numpy.load_file(path), odd)


def test_loaded_arrays_can_be_written_to() -> None:
    assert load(safetensors.numpy.save(WEIGHTS))["w"].flags.writeable


def test_the_signature_lists_the_arrays_by_name() -> None:
    signature = FORMAT.signature(WEIGHTS, (), ())
    assert signature.inputs == ()
    assert signature.outputs == (
        TensorSpec("b", "INT64", ()),
        TensorSpec("half", "FP16", (1,)),
        TensorSpec("mask", "BOOL", (2,)),
        TensorSpec("none", "UINT8", (0, 4)),
        TensorSpec("w", "FP32", (2, 3)),
    )


def test_nothing_in_it_predicts() -> None:
    with pytest.raises(UsageError, match="nothing in it predicts") as caught:
        FORMAT.predict(WEIGHTS, ())
    assert caught.value.code == "no-predict"
    with pytest.raises(UsageError) as caught:
        FORMAT.tensors(WEIGHTS, [1.0])
    assert caught.value.code == "no-predict"


class Torchlike:
    def numpy(self) -> None: ...


@pytest.mark.parametrize(
    "model",
    [
        [np.zeros(1)],
        {1: np.zeros(1)},
        {"w": Torchlike()},
        {"w": [1.0]},
        {"w": np.array(["a"])},
        {"w": np.array([1j])},
        {"w": np.array([None])},
    ],
)
def test_what_it_cannot_hold_is_refused_and_the_old_file_stays(model: object, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"old")
    with pytest.raises(UsageError) as caught:
        FORMAT.save(model, path)
    assert caught.value.code == "bad-model"
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "C64"])
def test_types_that_numpy_does_not_have_are_named(dtype: str) -> None:
    with pytest.raises(UsageError, match=f"'x' is {dtype}") as caught:
        load(crafted(part(dtype, [1], [0, 2]), b"\0\0"))
    assert caught.value.code == "bad-datatype"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"short",
        b"<!DOCTYPE html><html>not found</html>",
        (1 << 40).to_bytes(8, "little") + b"{}",
        crafted(b"{"),
        crafted(b"\xff"),
        crafted([]),
        crafted({"x": 1}),
        crafted({"x": {"dtype": "F32"}}),
        crafted(b"[" * 100_000),
        crafted(part("X9", [1], [0, 1]), b"\0"),
        crafted(part("F32", [1], [0, 8]), b"\0" * 8),
        crafted(part("F32", [2], [4, 12]), b"\0" * 12),
        crafted(part("F32", [1], [0, 4]), b"\0" * 8),
        crafted(part("F32", [1], [0, 4]), b""),
        crafted(part("F32", [-1, -1], [0, 4]), b"\0" * 4),
        crafted(part("F32", [True], [0, 4]), b"\0" * 4),
        crafted(part("F32", 1, [0, 4]), b"\0" * 4),
        crafted(part("F32", [1], [0, 4, 4]), b"\0" * 4),
        crafted(part("F32", [1 << 60, 0], [0, 1])),
        crafted(part([], [1], [0, 4]), b"\0" * 4),
        crafted({name: {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]} for name in "ab"}, b"\0\0"),
    ],
)
def test_a_broken_file_is_an_integrity_error_as_in_the_library(raw: bytes) -> None:
    with pytest.raises(IntegrityError) as caught:
        load(raw)
    assert caught.value.code == "broken-safetensors"
    with pytest.raises(safetensors.SafetensorError):
        safetensors.numpy.load(raw)


@pytest.mark.parametrize(
    "raw",
    [
        crafted(
            b'{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'
        ),
        crafted(part("U8", [1 << 70, 0], [0, 0])),
        crafted(part("U8", [0] * 70, [0, 0])),
    ],
    ids=["a name twice", "a length beyond memory", "too many axes"],
)
def test_what_numpy_or_a_reader_would_trip_over_is_broken_too(raw: bytes) -> None:
    with pytest.raises(IntegrityError) as caught:
        load(raw)
    assert caught.value.code == "broken-safetensors"


class Shrinking(io.BytesIO):
    """A file that loses its end between the look at its size and the reading."""

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - as in io
        del buffer
        return 0


def test_a_file_that_ends_while_it_is_read_is_broken() -> None:
    with pytest.raises(IntegrityError, match="cut short") as caught:
        FORMAT.load(Shrinking(safetensors.numpy.save(WEIGHTS)), Path("w"))
    assert caught.value.code == "broken-safetensors"


@given(st.data())
def test_damage_anywhere_gives_arrays_or_a_lading_error(data: st.DataObject) -> None:
    raw = bytearray(safetensors.numpy.save(WEIGHTS))
    cut = data.draw(st.integers(0, len(raw)))
    place, value = data.draw(st.integers(0, len(raw) - 1)), data.draw(st.integers(0, 255))
    raw[place] = value
    with suppress(IntegrityError, UsageError):
        assert isinstance(load(bytes(raw[:cut])), dict)
