"""predict and demo through the real command line, and show of a model that says much about itself."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import lading
from lading import api
from tests.cargo import fill
from tests.yard import COMMAND, Yard, files_of

if TYPE_CHECKING:
    from pathlib import Path

ROWS = np.array([[5.1, 3.5], [6.2, 2.9], [4.7, 3.2], [6.9, 3.1]])
ASKED = '{"inputs": [[5.1, 3.5], [6.9, 3.1]]}'
DEMO_S = 180


@pytest.fixture
def trained(yard: Yard) -> Yard:
    """A project with a classifier of two flowers, pushed and locked."""
    target = yard.folder / "models" / "flowers.joblib"
    target.parent.mkdir()
    model = LogisticRegression().fit(ROWS, [0, 1, 0, 1])
    params = {"C": 1.0, "solver": {"name": "lbfgs"}}
    lading.save(model, target, example=ROWS, metrics={"accuracy": 0.75}, params=params)
    yard.declare("flowers", "models/flowers.joblib", license="MIT", description="two flowers")
    yard.push("flowers:1.0")
    api.lock(project=yard.folder)
    return yard


def test_a_prediction_reads_the_standard_input(trained: Yard) -> None:
    for words in (("flowers",), ("flowers:1.0", "--input", "-")):
        asking = trained.start("predict", *words, stdin=subprocess.PIPE)
        out, err = asking.communicate(ASKED, timeout=60)
        assert (asking.returncode, err) == (0, "")
        first, label, probability = out.splitlines()
        assert (first, label) == ("flowers:1.0", "label INT64[2]: [0, 1]")
        assert probability.startswith("probability FP64[2, 2]: [0.")


def test_a_prediction_as_json_says_which_model_spoke(trained: Yard) -> None:
    fill(trained.folder, {"asked.json": ASKED.encode()})
    done = trained.say("predict", "flowers", "--input", "asked.json", "--json")
    document = done.document
    assert (done.status, done.err) == (0, "")
    assert (document["model"], document["version"], document["mock"]) == ("flowers", "1.0", False)
    assert document["digest"] == str(api.show("flowers:1.0", project=trained.folder).digest)
    label, probability = document["outputs"]
    assert label == {"name": "label", "datatype": "INT64", "shape": [2], "data": [0, 1]}
    assert (probability["shape"], len(probability["data"])) == ([2, 2], 4)


@pytest.mark.parametrize(
    ("content", "code", "status", "said"),
    [
        (b"{", "bad-input", 2, "asked.json is not JSON: "),
        (b'{"inputs": ["caf\xe9"]}', "bad-input", 2, "asked.json is not JSON: "),
        (b"[" * 100_000, "bad-input", 2, "asked.json is not JSON: "),
        (b"[[5.1, 3.5]]", "bad-input", 2, "asked.json is not a JSON object"),
        (b"{}", "bad-input", 2, "'inputs' is missing"),
        (b'{"inputs": [[1.0]]}', "bad-input", 2, "expected [-1, 2], got FP64 [1, 1]"),
        (None, "no-file", 3, "asked.json cannot be read: No such file or directory"),
    ],
    ids=[
        "cut off",
        "not UTF-8",
        "endlessly nested",
        "a list",
        "without inputs",
        "of another shape",
        "missing",
    ],
)
def test_a_request_that_is_none(
    trained: Yard, content: bytes | None, code: str, status: int, said: str
) -> None:
    if content is not None:
        fill(trained.folder, {"asked.json": content})
    done = trained.say("predict", "flowers", "--input", "asked.json", "--json")
    error = done.document["error"]
    assert (done.status, error["code"]) == (status, code)
    assert said in error["message"]


def test_show_tells_what_the_trainer_said(trained: Yard) -> None:
    bill = api.show("flowers:1.0", project=trained.folder)
    lines = trained.say("show", "flowers:1.0").out.splitlines()
    assert lines[:2] == ["flowers:1.0", f"  bill     {bill.digest}"]
    for line in (
        "  format   joblib",
        "  entry    flowers.joblib",
        "  license  MIT",
        "  description two flowers",
        "  metrics: accuracy 0.75",
        "  params: C 1, solver.name lbfgs",
        "  inputs: input FP64[-1, 2]",
        "  outputs: label INT64[-1], probability FP64[-1, 2]",
    ):
        assert line in lines
    (environment,) = (line for line in lines if line.startswith("  environment: "))
    assert f"packages.numpy {np.__version__}" in environment
    assert "python 3." in environment
    assert lines[-1].split() == ["flowers.joblib", *lines[2].split()[1:], bill.files[0].digest.short]


def demo(folder: Path) -> dict[str, object]:
    words = [*COMMAND, "demo", "--dir", str(folder), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=DEMO_S)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def test_the_demo_plays_the_main_job_through_and_again(tmp_path: Path) -> None:
    folder = tmp_path / "play"
    first = demo(folder)
    assert first == {"folder": str(folder), "model": "digits:1.0.0", "prediction": [2], "equal": True}
    assert api.verify(project=folder).anchor == "lock"
    fill(folder, {"left.txt": b"of the first time"})

    assert demo(folder) == first
    assert not (folder / "left.txt").exists(), "the folder of an earlier demo is made anew"
    assert set(files_of(folder / "models")) == {"digits.joblib"}
    assert api.list_versions("digits", project=folder) == ("1.0.0",)


def test_the_demo_does_not_touch_a_folder_that_is_not_its_own(yard: Yard, tmp_path: Path) -> None:
    fill(tmp_path, {"mine/thesis.txt": b"years of work"})
    done = yard.run("demo", "--dir", str(tmp_path / "mine"))
    assert (done.status, done.out) == (2, "")
    assert f"{tmp_path / 'mine'} is there and is not an earlier demo's" in done.err
    assert "[not-a-demo]" in done.err
    assert "lading demo --dir ANOTHER_FOLDER" in done.err
    assert files_of(tmp_path / "mine") == {"thesis.txt": b"years of work"}
