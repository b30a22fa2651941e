"""What every released lading wrote is still read: formats are promises."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from lading import api
from lading.core.errors import ConflictError

FIXTURES = Path(__file__).parent / "fixtures"
BILLS = {
    ("format-1", "1.0.0"): "sha256:ae8a86c2f8e9997ace7df30542519bff48bfc0c4894852d910b08a223e674f91",
    ("format-1", "1.0.1"): "sha256:7de8fd8d11bf409dda571f02eb3dd059c5b1776a2664b0d17f46da56eb566b9d",
}
WEIGHTS = hashlib.sha256(bytes(range(256)) * 4200).hexdigest()


@pytest.mark.parametrize(("fixture", "version"), list(BILLS))
def test_a_version_of_that_format_is_pulled_and_verified(tmp_path: Path, fixture: str, version: str) -> None:
    project = shutil.copytree(FIXTURES / fixture, tmp_path / "project")
    (pulled,) = api.pull(f"coast/gull:{version}", into=tmp_path / "out", project=project)
    assert pulled.digest == BILLS[fixture, version]
    assert hashlib.sha256((tmp_path / "out" / "weights.bin").read_bytes()).hexdigest() == WEIGHTS
    assert (tmp_path / "out" / "parts" / "vocabulary-ä.txt").read_text("utf-8") == "grün\n"
    assert (tmp_path / "out" / "empty").read_bytes() == b""
    assert api.verify(f"coast/gull:{version}", str(tmp_path / "out"), project=project).ok


@pytest.mark.parametrize("fixture", ["format-1"])
def test_a_place_and_a_lock_of_that_format_are_understood(tmp_path: Path, fixture: str) -> None:
    project = shutil.copytree(FIXTURES / fixture, tmp_path / "project")
    shutil.rmtree(project / "store")
    verified = api.verify(require="lock", project=project)
    assert (verified.ok, verified.anchor, verified.checked) == (True, "lock", 3)
    assert api.in_place(project=project) == []


def test_the_newest_format_is_what_lading_writes_today(tmp_path: Path) -> None:
    project = shutil.copytree(FIXTURES / "format-1", tmp_path / "project")
    (pushed,) = api.push("coast/gull:1.0.0", to="file://another", project=project)
    assert pushed.digest == BILLS["format-1", "1.0.0"]
    one, other = (project / store / "v2/coast/gull/manifests/1.0.0" for store in ("store", "another"))
    assert one.read_bytes() == other.read_bytes()
    (project / "models/gull/empty").write_text("no more")
    with pytest.raises(ConflictError):
        api.push("coast/gull:1.0.0", project=project)
