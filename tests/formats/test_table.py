"""The format table and its protocol."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lading.core.errors import UsageError
from lading.formats import FORMATS, by_suffix, detect, open_format
from lading.formats.onnx import Onnx
from lading.formats.safetensors import Safetensors
from lading.formats.sklearn import Sklearn

if TYPE_CHECKING:
    from pathlib import Path

    from lading.core.ports import Format


def test_every_class_is_a_format() -> None:
    formats: list[Format] = [Sklearn("joblib"), Sklearn("pickle"), Onnx(), Safetensors()]
    assert [made.name for made in formats] == list(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_opens_by_its_name(name: str) -> None:
    made = open_format(name)
    assert made.name == name
    assert "numpy" in made.packages


@pytest.mark.parametrize(
    ("name", "model"), [("joblib", [1]), ("pickle", [1]), ("onnx", b"x"), ("safetensors", {"a": np.zeros(2)})]
)
def test_a_saved_file_honours_the_umask(name: str, model: object, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        open_format(name).save(model, tmp_path / "new" / "m")
    finally:
        os.umask(before)
    assert (tmp_path / "new" / "m").stat().st_mode & 0o777 == 0o644


def test_an_unknown_format_lists_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        open_format("hdf5")
    assert caught.value.code == "unknown-format"
    assert all(name in caught.value.hint for name in FORMATS)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("model.joblib", "joblib"),
        ("a/b.pkl", "pickle"),
        ("b.PICKLE", "pickle"),
        ("m.v2.onnx", "onnx"),
        ("w.safetensors", "safetensors"),
        ("onnx", None),
        ("model.onnx.data", None),
        ("folder.onnx/readme", None),
    ],
)
def test_a_suffix_names_a_format(path: str, name: str | None) -> None:
    assert by_suffix(path) == name


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        ([], (None, None)),
        (["a.joblib"], ("joblib", "a.joblib")),
        (["vocab.txt"], (None, "vocab.txt")),
        (["config.json", "m/model.onnx", "m/model.onnx.data"], ("onnx", "m/model.onnx")),
        (["a.onnx", "b.onnx"], (None, None)),
        (["a.txt", "b.txt"], (None, None)),
    ],
)
def test_the_entry_is_the_only_file_that_can_be_one(
    paths: list[str], found: tuple[str | None, str | None]
) -> None:
    assert detect(paths) == found


def test_the_table_and_the_formats_import_no_heavy_library() -> None:
    modules = ", ".join(sorted(set(FORMATS.values())))
    heavy = {"numpy", "sklearn", "scipy", "joblib", "pandas", "onnxruntime", "safetensors"}
    code = f"import sys, lading.formats, {modules}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_library_is_named_with_its_extra() -> None:
    code = (
        "import sys; sys.modules['onnxruntime'] = None\n"
        "import io, pathlib\n"
        "from lading.core.errors import UsageError\n"
        "from lading.formats import open_format\n"
        "try: open_format('onnx').load(io.BytesIO(b''), pathlib.Path('m.onnx'))\n"
        "except UsageError as error: print(error.code, error.hint)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "missing-extra pip install 'lading[onnx]'"
