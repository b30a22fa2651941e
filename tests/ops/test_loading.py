"""save and load where the file, the bill or the machine is not as it was."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import lading
from lading import api
from lading.core.bill import Bill
from lading.core.errors import IntegrityError
from lading.core.signature import Golden, Tensor
from lading.formats import open_format
from lading.ops.load import load
from lading.ops.save import environment
from tests.cargo import fill
from tests.yard import Notes, files_of, refusal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.yard import Yard

ROWS = np.array([[5.1, 3.5], [6.2, 2.9], [4.7, 3.2], [6.9, 3.1]])


def classifier() -> LogisticRegression:
    return LogisticRegression().fit(ROWS, [0, 1, 0, 1])


def test_a_file_that_changed_after_it_was_placed_is_not_loaded(tmp_path: Path) -> None:
    bill = lading.save(classifier(), tmp_path / "m.joblib", example=ROWS)
    assert load(tmp_path, bill, open_format).predict({"inputs": ROWS.tolist()}).outputs[0].data == (
        0,
        1,
        0,
        1,
    )

    content = bytearray((tmp_path / "m.joblib").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "m.joblib").write_bytes(content)
    with pytest.raises(IntegrityError) as caught:
        load(tmp_path, bill, open_format)
    assert (caught.value.code, caught.value.hint) == ("bad-file", "lading ensure m")
    assert f"{tmp_path / 'm.joblib'} differs from the bill" in caught.value.message
    assert f"expected {bill.files[0].digest}, got sha256:" in caught.value.message


def test_a_golden_example_that_the_model_refuses_is_one_that_it_does_not_reproduce(tmp_path: Path) -> None:
    bill = lading.save(classifier(), tmp_path / "m.joblib", example=ROWS)
    golden = bill.metadata.golden
    assert golden is not None
    three = Tensor(golden.inputs[0].name, "FP64", (1, 3), (1.0, 2.0, 3.0))
    forged = Bill.write(
        bill.name,
        bill.version,
        bill.files,
        bill.blocks,
        replace(bill.metadata, golden=Golden((three,), golden.outputs)),
    )
    with pytest.raises(IntegrityError) as caught:
        load(tmp_path, forged, open_format)
    assert caught.value.code == "golden-differs"
    assert "does not give its golden output: " in caught.value.message
    assert "[1, 3]" in caught.value.message
    assert "scikit-learn" in caught.value.hint


def test_several_files_of_which_none_is_said_to_be_the_model(yard: Yard) -> None:
    yard.model({"a.bin": b"a", "b.bin": b"b"})
    yard.push("m:1.0")
    code, status, message, hint = refusal(lambda: lading.load("m:1.0", project=yard.folder))
    assert (code, status) == ("no-entry", 2)
    assert message == "m:1.0 does not say which of its 2 files to load"
    assert hint == "set entry and format in [models.m] and push a new version"
    assert lading.path("m", project=yard.folder) == yard.folder / "model"


def test_a_package_that_is_not_installed_is_left_out_of_the_environment() -> None:
    found = environment(("numpy", "lading-no-such-package"))
    assert found["packages"] == {"numpy": np.__version__}


def test_saving_without_git_records_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    words = ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"]
    subprocess.run(["git", "-C", tmp_path, *words], check=True)
    with_git = lading.save(classifier(), tmp_path / "m.joblib").metadata.lineage
    assert len(with_git["git_commit"]) == 40

    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    without = lading.save(classifier(), tmp_path / "m.joblib").metadata.lineage
    assert without == {"command": with_git["command"]}


def test_a_picture_from_elsewhere_is_copied_beside_the_model(tmp_path: Path) -> None:
    fill(tmp_path, {"figures/confusion.svg": b"<svg/>"})
    folder = tmp_path / "models"
    folder.mkdir()
    bill = lading.save(classifier(), folder / "m.joblib", plot=tmp_path / "figures" / "confusion.svg")
    assert [entry.path for entry in bill.files] == ["m.joblib", "m.svg"]
    assert files_of(folder)["m.svg"] == b"<svg/>"
    assert (tmp_path / "figures" / "confusion.svg").read_bytes() == b"<svg/>"


def test_a_picture_that_lies_there_already_stays_as_it_is(tmp_path: Path) -> None:
    fill(tmp_path, {"m.png": b"picture"})
    before = (tmp_path / "m.png").stat()
    for plot in (str(tmp_path / "m.png"), tmp_path / ".." / tmp_path.name / "m.png"):
        bill = lading.save(classifier(), tmp_path / "m.joblib", plot=plot)
        assert [entry.path for entry in bill.files] == ["m.joblib", "m.png"]
    after = (tmp_path / "m.png").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_plot_in_a_models_own_folder_is_a_file_of_the_version(yard: Yard) -> None:
    fill(yard.folder, {"model/m.png": b"picture"})
    yard.declare("m", "model")
    target = yard.folder / "model" / "m.joblib"
    lading.save(classifier(), target, plot=yard.folder / "model" / "m.png", metrics={"accuracy": 1.0})
    yard.push("m:1.0")
    bill = api.show("m:1.0", project=yard.folder)
    assert [entry.path for entry in bill.files] == ["m.joblib", "m.png"]
    assert json.loads(bill.raw)["metrics"] == {"accuracy": 1}


def test_a_file_beside_the_declared_models_gets_a_bill_of_its_own(yard: Yard) -> None:
    yard.declare("one", "one.joblib")
    yard.declare("two", "two.joblib")
    for file, name in (("two.joblib", "two"), ("three.joblib", "three")):
        assert lading.save(classifier(), yard.folder / file).name == name
        assert (yard.folder / f"{name}.lading.json").is_file()


def test_what_was_said_of_one_file_does_not_travel_with_another_that_took_its_part(yard: Yard) -> None:
    folder = yard.folder / "model"
    fill(folder, {"notes.txt": b"n"})
    yard.declare("m", "model")
    lading.save(classifier(), folder / "old.joblib", metrics={"accuracy": 1.0}, example=ROWS)
    (folder / "old.joblib").unlink()
    joblib.dump(LogisticRegression(C=0.5).fit(ROWS, [1, 0, 1, 0]), folder / "new.joblib")

    heard = Notes()
    yard.push("m:1.0", progress=heard)
    about = api.show("m:1.0", project=yard.folder).metadata
    assert (about.entry, about.format) == ("new.joblib", "joblib")
    assert (about.golden, about.metrics, about.lineage, about.environment) == (None, {}, {}, {})
    (said,) = heard.said
    assert f"{folder}: old.joblib left the model since its bill was written: the metrics" in said
    assert list(lading.load("m", project=yard.folder).predict(ROWS)) == [1, 0, 1, 0]


def test_what_was_said_of_one_entry_does_not_speak_of_the_one_that_lading_toml_names(yard: Yard) -> None:
    folder = yard.folder / "model"
    fill(folder, {"notes.txt": b"n"})
    yard.declare("m", "model", entry="new.joblib")
    lading.save(classifier(), folder / "old.joblib", metrics={"accuracy": 1.0}, example=ROWS)
    joblib.dump(LogisticRegression(C=0.5).fit(ROWS, [1, 0, 1, 0]), folder / "new.joblib")

    heard = Notes()
    yard.push("m:1.0", progress=heard)
    about = api.show("m:1.0", project=yard.folder).metadata
    assert (about.entry, about.format, about.golden, about.metrics) == ("new.joblib", "joblib", None, {})
    assert [said.partition(": ")[2].partition(":")[0] for said in heard.said] == [
        "old.joblib is not the entry any more"
    ]
