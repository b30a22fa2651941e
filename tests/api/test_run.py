"""save, push, pull, load, predict and verify --load, on real models."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

import lading
from lading import api
from lading.core.bill import UNRELEASED, Bill
from lading.core.errors import IntegrityError, LadingError, PolicyError, UsageError

IRIS_LIKE = np.array([[5.1, 3.5], [6.2, 2.9], [4.7, 3.2], [6.9, 3.1]])


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    api.init()
    return folder


def classifier() -> LogisticRegression:
    return LogisticRegression().fit(IRIS_LIKE, [0, 1, 0, 1])


def published(project: Path, name: str = "flowers", file: str = "flowers.joblib") -> Path:
    path = project / "models" / file
    path.parent.mkdir(exist_ok=True)
    lading.save(classifier(), path, example=IRIS_LIKE, metrics={"accuracy": 1.0}, params={"C": 1.0})
    api.add(path, name)
    api.push(f"{name}:1.0.0")
    api.lock(name)
    return path


def test_save_writes_a_bill_that_says_what_only_the_trainer_knows(tmp_path: Path) -> None:
    bill = lading.save(
        classifier(),
        tmp_path / "flowers.joblib",
        example=IRIS_LIKE,
        metrics={"accuracy": 1.0},
        params={"C": 1},
    )
    assert Bill.parse((tmp_path / "flowers.lading.json").read_bytes()).digest == bill.digest
    about = bill.metadata
    assert (bill.name, bill.version, about.format, about.entry) == (
        "flowers",
        UNRELEASED,
        "joblib",
        "flowers.joblib",
    )
    assert about.signature is not None
    assert about.signature.inputs[0].shape == (-1, 2)
    assert about.golden is not None
    assert about.golden.outputs[0].data == (0, 1, 0, 1)
    assert (dict(about.metrics), dict(about.params)) == ({"accuracy": 1.0}, {"C": 1})
    assert about.environment["packages"]["numpy"] == np.__version__


def test_save_records_the_commit_and_never_the_arguments(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import lading, numpy as np, sys\nfrom sklearn.linear_model import LogisticRegression\n"
        "m = LogisticRegression().fit(np.eye(2), [0, 1])\nprint(lading.save(m, 'm.joblib').raw.decode())\n"
    )
    for words in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    done = subprocess.run(
        [sys.executable, script, "--token=hush"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    lineage = json.loads(done.stdout)["lineage"]
    assert lineage["command"] == "train.py"
    assert len(lineage["git_commit"]) == 40
    assert "hush" not in done.stdout


def test_a_plot_becomes_a_file_of_the_model(tmp_path: Path) -> None:
    class Figure:
        def savefig(self, path: str) -> None:
            Path(path).write_bytes(b"\x89PNG picture")

    bill = lading.save(classifier(), tmp_path / "m.joblib", plot=Figure())
    assert [entry.path for entry in bill.files] == ["m.joblib", "m.png"]
    with pytest.raises(UsageError) as caught:
        lading.save(classifier(), tmp_path / "m.joblib", plot="nowhere.png")
    assert caught.value.code == "bad-plot"


def test_a_model_comes_back_and_predicts_as_it_did(project: Path) -> None:
    path = published(project)
    shutil.rmtree(path.parent)
    api.cache(clear=True)
    model = lading.load("flowers")
    assert list(model.predict(IRIS_LIKE)) == [0, 1, 0, 1]
    assert lading.path("flowers") == path
    said = lading.predict("flowers", {"inputs": [[5.1, 3.5]]})
    assert (said.outputs[0].name, said.outputs[0].data) == ("label", (0,))
    assert said.outputs[1].shape == (1, 2)
    assert said.mock is False
    assert api.verify("models", load=True).anchor == "lock"


def test_metadata_of_the_saved_model_is_in_the_pushed_bill(project: Path) -> None:
    published(project)
    about = api.show("flowers:1.0.0").metadata
    assert (about.format, about.metrics, about.golden is not None) == ("joblib", {"accuracy": 1.0}, True)


def test_metrics_of_an_older_training_do_not_travel_with_a_newer_file(project: Path) -> None:
    path = published(project)
    import joblib

    joblib.dump(LogisticRegression(C=0.5).fit(IRIS_LIKE, [1, 0, 1, 0]), path)
    api.push("flowers:1.1.0")
    about = api.show("flowers:1.1.0").metadata
    assert (about.metrics, about.golden, about.lineage) == ({}, None, {})


def test_a_load_that_gives_other_outputs_than_the_golden_ones_is_an_error(project: Path) -> None:
    path = project / "m.joblib"
    lading.save(classifier(), path, example=IRIS_LIKE)
    bill = Bill.parse((project / "m.lading.json").read_bytes())
    assert bill.metadata.golden is not None
    forged = bill.raw.replace(b'"data":[0,1,0,1]', b'"data":[0,1,0,0]')
    assert forged != bill.raw
    (project / "m.lading.json").write_bytes(forged)
    (problem,) = api.verify(str(project), load=True).problems
    assert (problem.path, problem.problem) == ("m.joblib", "golden-differs")
    assert "'label' at 3: expected 0, got 1" in problem.got
    api.add("m.joblib", "m")
    api.push("m:1.0.0")
    with pytest.raises(IntegrityError) as caught:
        lading.load("m:1.0.0")
    assert caught.value.code == "golden-differs"
    assert "scikit-learn" in caught.value.hint
    assert [each.problem for each in api.verify("m:1.0.0", load=True).problems] == ["golden-differs"]


def test_another_version_than_the_projects_is_loaded_beside_and_leaves_the_place_alone(project: Path) -> None:
    path = published(project)
    api.ensure()
    first = path.read_bytes()
    lading.save(LogisticRegression(C=0.1).fit(IRIS_LIKE, [1, 0, 1, 0]), path)
    api.push("flowers:2.0.0")
    api.ensure()
    assert path.read_bytes() == first
    assert list(lading.load("flowers:2.0.0").predict(IRIS_LIKE)) == [1, 0, 1, 0]
    assert "checkouts" in str(lading.path("flowers:2.0.0"))
    assert api.verify("flowers:2.0.0", load=True).ok
    assert path.read_bytes() == first
    assert list(lading.load("flowers").predict(IRIS_LIKE)) == [0, 1, 0, 1]


def test_several_files_a_model_and_several_models_a_service(project: Path) -> None:
    texts, labels = ["good film", "bad film", "good day", "bad day"], [1, 0, 1, 0]
    data = project / "data"
    data.mkdir()
    engine = TfidfVectorizer().fit(texts)
    lading.save(engine, data / "feature_engine.pkl", example=texts)
    lading.save(MultinomialNB().fit(engine.transform(texts), labels), data / "optimized_multinomial_nb.pkl")
    api.add("data/feature_engine.pkl", "engine")
    api.add("data/optimized_multinomial_nb.pkl", "classifier")
    api.push("engine:1.0.0", "classifier:1.0.0")
    api.lock()
    shutil.rmtree(data)
    api.cache(clear=True)
    api.ensure()
    loaded = lading.load("classifier").predict(lading.load("engine").transform(["good"]))
    assert list(loaded) == [1]
    assert sorted(path.name for path in data.iterdir()) == [
        "classifier.lading.json",
        "engine.lading.json",
        "feature_engine.pkl",
        "optimized_multinomial_nb.pkl",
    ]


def test_a_text_pipeline_is_asked_with_texts(project: Path) -> None:
    texts = ["good film", "bad film", "good day", "bad day"]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, ["up", "down", "up", "down"])
    lading.save(model, project / "mood.joblib", example=texts)
    api.add("mood.joblib", "mood")
    api.push("mood:1")
    said = lading.predict("mood", {"inputs": ["good", "bad"]})
    assert said.outputs[0].data == ("up", "down")
    oip = {"inputs": [{"name": "input", "datatype": "BYTES", "shape": [1], "data": ["bad"]}]}
    assert lading.predict("mood", oip).outputs[0].data == ("down",)


class Payload:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch pwned",)


def test_a_pickle_that_runs_code_is_refused_at_save_and_at_load(project: Path) -> None:
    import joblib

    with pytest.raises(PolicyError) as caught:
        lading.save(Payload(), project / "evil.joblib")
    assert caught.value.code == "unsafe-pickle"
    assert not (project / "evil.joblib").exists()
    joblib.dump(Payload(), project / "evil.joblib")
    api.add("evil.joblib", "evil")
    api.push("evil:1")
    with pytest.raises(PolicyError) as caught:
        lading.load("evil")
    assert caught.value.code == "unsafe-pickle"
    assert ("system" in caught.value.message, (project / "pwned").exists()) == (True, False)


def test_a_model_of_unknown_format_says_how_to_go_on(project: Path) -> None:
    (project / "agent.zip").write_bytes(b"PK opaque")
    api.add("agent.zip", "agent")
    api.push("agent:1")
    with pytest.raises(UsageError) as caught:
        lading.load("agent")
    assert (caught.value.code, "lading.path('agent')" in caught.value.hint) == ("no-format", True)


def test_a_signature_and_a_licence_declared_in_lading_toml_reach_the_bill(project: Path) -> None:
    path = published(project)
    with (project / "lading.toml").open("a") as file:
        file.write(
            'license = "MIT"\ndescription = "two flowers"\n[models.flowers.signature]\n'
            'inputs = [{ name = "petals", datatype = "FP64", shape = [-1, 2] }]\n'
        )
    api.push("flowers:2.0.0")
    about = api.show("flowers:2.0.0").metadata
    assert about.signature is not None
    assert (about.license, about.description, about.signature.inputs[0].name) == (
        "MIT",
        "two flowers",
        "petals",
    )
    assert path.exists()


@pytest.mark.parametrize(
    ("name", "code"), [("model.exe", "unknown-format"), ("blobs.joblib", None), ("...joblib", "bad-name")]
)
def test_the_file_name_says_format_and_name_where_no_project_does(
    tmp_path: Path, name: str, code: str | None
) -> None:
    if code is None:
        assert lading.save(classifier(), tmp_path / name).name == "my-blobs"
        return
    with pytest.raises(LadingError) as caught:
        lading.save(classifier(), tmp_path / name)
    assert caught.value.code == code
