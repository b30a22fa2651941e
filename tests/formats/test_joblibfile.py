"""joblib files: what real models need, and what hostile ones try."""

# ruff: noqa: ANN401 - models and arrays of any type

from __future__ import annotations

import builtins
import contextlib
import gzip
import io
import os
import pickle
import random
import struct
import sys
import zlib
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joblib.numpy_pickle import NumpyArrayWrapper
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from lading.core.errors import IntegrityError, LadingError, PolicyError, UnavailableError, UsageError
from lading.formats import unpickle
from lading.formats.allowlist import AllowList
from lading.formats.joblibfile import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ALLOWED = AllowList.builtin()
COMPRESSIONS = ["zlib", "gzip", "bz2", "lzma", "xz", "lz4"]

_RNG = np.random.RandomState(0)
X = _RNG.normal(size=(90, 4))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
TEXT = ["red apples fall", "green apples grow", "red leaves fall slowly"] * 30
TABLE = pd.DataFrame({"n": X[:, 0], "m": X[:, 1], "c": pd.Series(["a", "b", "c"] * 30, dtype=object)})
CATEGORIES = np.column_stack([np.arange(90) % 5, X])


def models() -> dict[str, tuple[Any, Any]]:
    columns = ColumnTransformer([("n", StandardScaler(), ["n", "m"]), ("c", OneHotEncoder(), ["c"])])
    by_category = HistGradientBoostingClassifier(max_iter=4, categorical_features=[0], early_stopping=True)
    grid = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0], "solver": ["lbfgs"]}, cv=2)
    return {
        "LogisticRegression": (LogisticRegression().fit(X, Y), X),
        "RandomForest": (RandomForestClassifier(5, random_state=0).fit(X, Y), X),
        "HistGradientBoosting": (HistGradientBoostingClassifier(max_iter=4).fit(X, Y), X),
        "HistGradientBoosting on categories": (by_category.fit(CATEGORIES, Y), CATEGORIES),
        "Tfidf Pipeline": (make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXT, Y), TEXT),
        "KMeans": (KMeans(3, n_init=1, random_state=np.random.RandomState(0)).fit(X), X),
        "ColumnTransformer": (make_pipeline(columns, LogisticRegression()).fit(TABLE, Y), TABLE),
        "GridSearchCV": (grid.fit(X, Y), X),
    }


MODELS = models()


def dumped(value: object, compress: Any = 0, protocol: int | None = None) -> bytes:
    stream = io.BytesIO()
    joblib.dump(value, stream, compress=compress, protocol=protocol)
    return stream.getvalue()


def loads(data: bytes) -> Any:
    return load(io.BytesIO(data), ALLOWED)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", MODELS)
def test_a_model_predicts_the_same_after_a_plain_pickle(name: str, protocol: int) -> None:
    model, features = MODELS[name]
    data = pickle.dumps(model, protocol)
    expected = model.predict(features)
    for reader in (unpickle.load, load):
        assert np.array_equal(reader(io.BytesIO(data), ALLOWED).predict(features), expected)  # type: ignore[attr-defined]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", MODELS)
def test_a_model_predicts_the_same_after_joblib(name: str, protocol: int) -> None:
    model, features = MODELS[name]
    loaded = loads(dumped(model, protocol=protocol))
    assert np.array_equal(loaded.predict(features), model.predict(features))


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("name", MODELS)
def test_a_model_predicts_the_same_after_every_compression(name: str, compression: str) -> None:
    model, features = MODELS[name]
    loaded = loads(dumped(model, (compression, 1)))
    assert np.array_equal(loaded.predict(features), model.predict(features))


@pytest.mark.parametrize("mode", ["r", "c"])
@pytest.mark.parametrize("name", MODELS)
def test_a_model_predicts_the_same_from_mapped_memory(name: str, mode: Any, tmp_path: Path) -> None:
    model, features = MODELS[name]
    path = tmp_path / "model.joblib"
    joblib.dump(model, path)
    with path.open("rb") as stream:
        loaded: Any = load(stream, ALLOWED, mmap_path=path, mmap_mode=mode)
    assert np.array_equal(loaded.predict(features), model.predict(features))


ARRAYS = {
    "C order": np.arange(60.0).reshape(3, 4, 5),
    "F order": np.asfortranarray(np.arange(60.0).reshape(3, 4, 5)),
    "no order": np.arange(60).reshape(3, 4, 5)[:, ::2, ::-1],
    "no dimensions": np.array(7),
    "no elements": np.zeros((0, 4)),
    "big endian": np.arange(5, dtype=">f8"),
    "records": np.array([(1, 2.0), (3, 4.0)], dtype=[("a", "i4"), ("b", "f8")]),
    "foreign records": np.array([(1, 2.0), (3, 4.0)], dtype=[("a", ">i4"), ("b", "<f8")]),
    "strings": np.array(["abc", "d"]),
    "empty strings": np.array([b"", b""]),
    "dates": np.array(["2020-01-01"], "M8[ns]"),
    "objects": np.array(["a", None, {"b": (1, 2)}], dtype=object),
    "objects in F order": np.asfortranarray(np.array([["a", 1], [None, 2.5]], dtype=object)),
    "a matrix": np.arange(4).reshape(2, 2).view(np.matrix),
}


@pytest.mark.parametrize("compress", [0, 3])
@pytest.mark.parametrize("name", ARRAYS)
def test_every_kind_of_array_comes_back(name: str, compress: int) -> None:
    array = ARRAYS[name]
    before, loaded, after = loads(dumped(["before", array, "after"], compress))
    assert (before, after) == ("before", "after")
    assert type(loaded) is type(array)
    assert loaded.dtype == array.dtype.newbyteorder("=")
    assert np.array_equal(loaded, array)
    assert loaded.flags.writeable


def test_a_memory_map_that_was_saved_comes_back_as_an_array(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "data", dtype="f8", mode="w+", shape=(4,))
    mapped[:] = range(4)
    loaded = loads(dumped([mapped]))[0]
    assert type(loaded) is np.ndarray
    assert loaded.tolist() == [0, 1, 2, 3]
    assert loads(pickle.dumps(mapped)).tolist() == [0, 1, 2, 3]


def test_fortran_order_is_kept() -> None:
    assert loads(dumped(ARRAYS["F order"])).flags.f_contiguous


def test_a_mapped_array_shares_the_file_and_is_read_only(tmp_path: Path) -> None:
    path = tmp_path / "a.joblib"
    joblib.dump([np.arange(1000), ARRAYS["F order"]], path)
    with path.open("rb") as stream:
        loaded: Any = load(stream, ALLOWED, mmap_path=path)
    numbers, fortran = loaded
    assert numbers.base is not None
    assert not numbers.flags.writeable
    assert np.array_equal(fortran, ARRAYS["F order"])
    with path.open("rb") as stream:
        copied = load(stream, ALLOWED, mmap_path=path, mmap_mode="c")[0]  # type: ignore[index]
    copied[0] = 5
    assert joblib.load(path)[0][0] == 0


def test_a_stream_in_memory_is_mapped_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "a.joblib"
    path.write_bytes(dumped(np.arange(1000)))
    assert load(io.BytesIO(path.read_bytes()), ALLOWED, mmap_path=path)[3] == 3  # type: ignore[index]


def test_mapping_another_file_than_the_stream_is_refused(tmp_path: Path) -> None:
    path, other = tmp_path / "a", tmp_path / "b"
    joblib.dump(np.arange(1000), path)
    other.write_bytes(path.read_bytes())
    with path.open("rb") as stream, pytest.raises(IntegrityError) as changed:
        load(stream, ALLOWED, mmap_path=other)
    assert changed.value.code == "file-changed"


def test_mapping_a_file_that_is_not_there_is_an_error_of_the_tree(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        load(io.BytesIO(dumped([1])), ALLOWED, mmap_path=tmp_path / "absent")


def wrapper(array: Any, **changes: Any) -> bytes:
    """A joblib file of one array whose header says something else."""
    header = NumpyArrayWrapper(type(array), array.shape, "C", array.dtype, allow_mmap=True)
    vars(header).update(changes)
    stream = io.BytesIO()
    stream.write(pickle.dumps(header, 2)[:-1])
    if changes.get("numpy_array_alignment_bytes", 16) is not None:
        padding = 16 - (stream.tell() + 1) % 16
        stream.write(bytes([padding]) + b"\xff" * padding)
    stream.write(array.tobytes() + b".")
    return stream.getvalue()


def test_files_of_joblib_1_0_and_1_1_have_no_padding(tmp_path: Path) -> None:
    data = wrapper(np.arange(5), numpy_array_alignment_bytes=None)
    assert loads(data).tolist() == [0, 1, 2, 3, 4]
    (tmp_path / "a").write_bytes(data)
    with (tmp_path / "a").open("rb") as stream:
        assert load(stream, ALLOWED, mmap_path=tmp_path / "a").tolist() == [0, 1, 2, 3, 4]  # type: ignore[attr-defined]


HEADERS: dict[str, dict[str, Any]] = {
    "more than there is": {"shape": (2**40,)},
    "more than there can be": {"shape": (2**62, 2**62)},
    "a negative length": {"shape": (-1,)},
    "a length that is text": {"shape": ("5",)},
    "no shape": {"shape": 5},
    "too many dimensions": {"shape": (1,) * 65},
    "objects that are not there": {"dtype": np.dtype("O")},
    "no dtype": {"dtype": "f8"},
    "another class": {"subclass": list},
    "another order": {"order": "K"},
    "an alignment that is text": {"numpy_array_alignment_bytes": "16"},
}


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("header", HEADERS)
def test_a_header_that_lies_is_refused(header: str, mapped: bool, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(wrapper(np.arange(5.0), **HEADERS[header]))
    with path.open("rb") as stream, pytest.raises(IntegrityError) as failure:
        load(stream, ALLOWED, mmap_path=path if mapped else None)
    assert failure.value.code == "broken-pickle"


def test_an_array_of_objects_that_is_not_what_its_header_says_is_refused() -> None:
    array = np.array(["a", "b"], dtype=object)
    honest = dumped(array)
    assert np.array_equal(loads(honest), array)
    inner = pickle.dumps(array, 5)
    assert honest.count(inner) == 1
    for other in (np.array(["a"], dtype=object), ["a", "b"], np.arange(2)):
        with pytest.raises(IntegrityError):
            loads(honest.replace(inner, pickle.dumps(other, 5)))


class Payload:
    """Pickles to a call that makes a directory."""

    def __init__(self, mark: Path, function: Any = os.system) -> None:
        self.mark, self.function = mark, function

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        made = {os.system: f"mkdir {self.mark}", os.mkdir: str(self.mark)}
        return self.function, (made.get(self.function, f"__import__('os').mkdir({str(self.mark)!r})"),)


def objects(payload: Payload) -> Any:
    array = np.empty(2, dtype=object)
    array[:] = ["harmless", payload]
    return array


def nested(payload: Payload) -> Any:
    return [np.arange(100), objects(payload), np.arange(3)]


PLACES: dict[str, Callable[[Payload], Any]] = {
    "a value": lambda payload: [payload],
    "between arrays": lambda payload: [np.arange(100), payload, np.arange(3)],
    "an array of objects": objects,
    "an array of objects between arrays": nested,
    "an array of objects in one": lambda payload: objects(objects(payload)),
    "a model's attribute": lambda payload: KMeans(n_clusters=payload),
}


@pytest.mark.parametrize("compress", [0, *((name, 1) for name in COMPRESSIONS), "mapped"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("function", [os.system, os.mkdir, builtins.eval])
def test_a_payload_leaves_no_mark_wherever_it_lies(
    place: str, compress: Any, function: Any, tmp_path: Path
) -> None:
    mark, path = tmp_path / "mark", tmp_path / "model"
    mapped = compress == "mapped"
    model = PLACES[place](Payload(mark, function))
    path.write_bytes(dumped(model, 0 if mapped else compress))
    with path.open("rb") as stream, pytest.raises(PolicyError) as refusal:
        load(stream, ALLOWED, mmap_path=path if mapped else None)
    assert refusal.value.code == "unsafe-pickle"
    assert not mark.exists()
    joblib.load(io.BytesIO(dumped(model)))  # not the file: joblib leaves lz4 files half open on Python 3.13
    assert mark.exists()  # so the payload was a real one


@pytest.mark.parametrize("prefix", [b"ZF0x10              ", b"ZF"])
def test_files_of_joblib_0_9_are_refused_with_a_hint(prefix: bytes) -> None:
    with pytest.raises(UsageError) as refusal:
        loads(prefix + zlib.compress(b"N."))
    assert refusal.value.code == "old-joblib"
    assert "joblib" in refusal.value.hint


@pytest.mark.parametrize("name", ["NDArrayWrapper", "ZNDArrayWrapper"])
@pytest.mark.parametrize("module", ["joblib.numpy_pickle", "joblib.numpy_pickle_compat"])
def test_arrays_in_files_beside_are_refused(module: str, name: str) -> None:
    with pytest.raises(UsageError):
        loads(f"c{module}\n{name}\n.".encode())


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_compressed_file_that_is_cut_or_changed_is_an_integrity_error(compression: str) -> None:
    data = dumped(np.random.RandomState(0).normal(size=3000), (compression, 1))
    for cut in (len(data) // 2, len(data) - 1, 7):
        with pytest.raises(IntegrityError):
            loads(data[:cut])


@pytest.mark.parametrize("compression", ["zlib", "gzip", "bz2", "xz"])
def test_a_checksum_that_does_not_match_is_found(compression: str) -> None:
    data = bytearray(dumped(np.arange(3000.0), (compression, 1)))
    data[-9 if compression in {"gzip", "bz2"} else -3 if compression == "zlib" else len(data) // 2] ^= 0xFF
    with pytest.raises(IntegrityError):
        loads(bytes(data))


def test_a_compressed_file_with_something_behind_the_object_is_refused() -> None:
    with pytest.raises(IntegrityError):
        loads(gzip.compress(pickle.dumps([1]) + b"more"))


def test_an_empty_file_is_an_integrity_error(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    with path.open("rb") as stream, pytest.raises(IntegrityError):
        load(stream, ALLOWED, mmap_path=path)


def test_the_reader_starts_where_the_stream_is() -> None:
    stream = io.BytesIO(b"junk" + dumped([1, 2]))
    stream.seek(4)
    assert load(stream, ALLOWED) == [1, 2]


def test_lz4_that_is_not_installed_is_named() -> None:
    data = dumped([1], ("lz4", 1))
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "lz4"}
    sys.modules["lz4"] = None  # type: ignore[assignment]
    try:
        with pytest.raises(UsageError) as missing:
            loads(data)
    finally:
        sys.modules.pop("lz4")
        sys.modules.update(hidden)
    assert (missing.value.code, missing.value.hint) == ("missing-extra", "pip install lz4")


def test_joblib_itself_is_not_needed_to_read() -> None:
    import subprocess

    program = (
        "import io, sys; from lading.formats.joblibfile import AllowList, load;"
        "load(io.BytesIO(sys.stdin.buffer.read()), AllowList.builtin()); print('joblib' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(
        [sys.executable, "-c", program],
        input=dumped([np.arange(5)]),
        capture_output=True,
        check=True,
        env=environment,
    )
    assert run.stdout == b"False\n"


SEEDS = [
    dumped(MODELS["RandomForest"][0].estimators_[0]),
    dumped(MODELS["GridSearchCV"][0]),
    dumped([ARRAYS["records"], ARRAYS["objects"], ARRAYS["dates"], np.random.RandomState(0)], protocol=2),
    dumped(MODELS["KMeans"][0], ("zlib", 1)),
    dumped(MODELS["Tfidf Pipeline"][0], ("gzip", 1)),
]


def mutated(seed: bytes, rng: random.Random) -> bytes:
    data = bytearray(seed)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data))
        match rng.randrange(5):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                del data[at : at + rng.randint(1, 16)]
            case 2:
                data[at:at] = rng.randbytes(rng.randint(1, 8))
            case 3:
                data[at : at + 4] = struct.pack("<I", rng.choice([0, 1, 2**31 - 1, 2**32 - 1]))
            case _:
                start = rng.randrange(len(data))
                data[at:at] = data[start : start + rng.randint(1, 32)]
        if not data:
            return b""
    return bytes(data)


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(range(len(SEEDS))), st.integers(0, 2**32))
def test_a_mutated_file_ends_in_a_result_or_an_error_of_the_tree(seed: int, number: int) -> None:
    with contextlib.suppress(LadingError):
        loads(mutated(SEEDS[seed], random.Random(number)))
