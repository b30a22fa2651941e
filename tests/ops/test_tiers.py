"""Bytes may come from any tier; meanings come from the store alone."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from lading import api
from tests.cargo import fill, noise
from tests.yard import Yard, files_of, refusal

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024 * 1024
FILES = {"a.bin": noise(3 * MIB), "b.bin": noise(50_000, 2)}


@pytest.fixture
def tiered(yard: Yard) -> Yard:
    """A project with a near tier and a store that both have the version."""
    yard.settings(f'store = "file://{yard.store}"', f'tiers = ["file://{near(yard)}"]')
    yard.model(FILES)
    yard.push("m:1.0")
    shutil.copytree(yard.store, near(yard))
    yard.forget("model")
    return yard


def near(yard: Yard) -> Path:
    return yard.folder.parent / "near"


def blobs(root: Path) -> list[Path]:
    """The blobs, the largest first."""
    return sorted((root / "v2" / "m" / "blobs").iterdir(), key=lambda blob: -blob.stat().st_size)


def flip_middle(blob: Path) -> None:
    content = bytearray(blob.read_bytes())
    content[len(content) // 2] ^= 1
    blob.write_bytes(content)


def test_the_first_tier_gives_the_bytes_and_the_result_says_so(tiered: Yard) -> None:
    for blob in blobs(tiered.store)[:2]:
        blob.unlink()  # the store itself decides the meaning and is asked for no file
    (pulled,) = tiered.pull("m:1.0")
    assert pulled.tier == f"file://{near(tiered)}"
    assert files_of(tiered.folder / "model") == FILES


@pytest.mark.parametrize("broken", ["gone", "no manifest", "no blobs", "other content"])
def test_the_second_tier_gives_what_the_first_cannot(tiered: Yard, broken: str) -> None:
    if broken == "gone":
        shutil.rmtree(near(tiered))
    elif broken == "no manifest":
        shutil.rmtree(near(tiered) / "v2" / "m" / "manifests")
    elif broken == "no blobs":
        for blob in blobs(near(tiered))[:2]:
            blob.unlink()
    else:
        shutil.rmtree(near(tiered))
        fill(tiered.folder / "model", {**FILES, "b.bin": b"of another trainer"})
        tiered.push("m:1.0", to=f"file://{near(tiered)}")
        tiered.forget("model")
    (pulled,) = tiered.pull("m:1.0")
    assert pulled.tier == f"file://{tiered.store}"
    assert files_of(tiered.folder / "model") == FILES


def test_a_tier_that_fails_in_the_middle_of_a_file_is_left_there(tiered: Yard) -> None:
    flip_middle(blobs(near(tiered))[0])
    (pulled,) = tiered.pull("m:1.0")
    assert pulled.tier == f"file://{near(tiered)}", "the tier of the first byte"
    assert pulled.fetched == sum(map(len, FILES.values())), "no block came twice"
    assert files_of(tiered.folder / "model") == FILES


def test_where_every_tier_is_damaged_each_cause_is_listed(tiered: Yard) -> None:
    for root in (near(tiered), tiered.store):
        flip_middle(blobs(root)[0])
    code, status, message, _ = refusal(lambda: tiered.pull("m:1.0"))
    assert (code, status) == ("tiers-failed", 4)
    assert f"file://{near(tiered)}: " in message
    assert f"file://{tiered.store}: " in message
    assert message.count("is not what the bill says") == 2


def test_where_the_tiers_fail_each_in_its_own_way_they_are_unavailable(tiered: Yard) -> None:
    flip_middle(blobs(near(tiered))[0])
    blobs(tiered.store)[0].unlink()
    code, status, message, _ = refusal(lambda: tiered.pull("m:1.0"))
    assert (code, status) == ("tiers-failed", 5)
    assert "is not what the bill says" in message
    assert "lacks the blob" in message


def test_a_tier_never_decides_what_a_name_means(tiered: Yard) -> None:
    fill(tiered.folder / "model", {"a.bin": b"new"})
    tiered.push("m:2.0", to=f"file://{near(tiered)}")
    tiered.forget("model")
    assert tiered.pull("m")[0].version == "1.0"
    assert refusal(lambda: tiered.pull("m:2.0"))[:2] == ("no-version", 3)


def test_what_the_lock_pins_needs_no_answer_from_the_store_where_the_bill_is_cached(tiered: Yard) -> None:
    api.lock(project=tiered.folder)
    tiered.pull("m")
    shutil.rmtree(tiered.folder / "model")
    shutil.rmtree(tiered.store)
    shutil.rmtree(near(tiered))
    (pulled,) = tiered.pull("m")
    assert (pulled.tier, pulled.fetched) == ("cache", 0)
    assert files_of(tiered.folder / "model") == FILES


def test_what_the_lock_pins_comes_from_a_tier_though_the_store_is_gone(tiered: Yard) -> None:
    api.lock(project=tiered.folder)
    tiered.forget("model")
    shutil.rmtree(tiered.store)
    (pulled,) = tiered.pull("m")
    assert pulled.tier == f"file://{near(tiered)}"
    assert files_of(tiered.folder / "model") == FILES
    tiered.forget("model")
    shutil.rmtree(near(tiered))
    code, status, message, _ = refusal(lambda: tiered.pull("m"))
    assert (code, status) == ("tiers-failed", 3)
    assert message.count("there is no store at file://") == 2


def test_another_model_under_the_pinned_version_in_a_tier_is_passed_over(tiered: Yard) -> None:
    api.lock(project=tiered.folder)
    fill(tiered.folder / "model", {"a.bin": b"other"})
    shutil.rmtree(near(tiered))
    tiered.push("m:1.0", to=f"file://{near(tiered)}")
    tiered.forget("model")
    assert tiered.pull("m")[0].tier == f"file://{tiered.store}"
    assert files_of(tiered.folder / "model") == FILES


def test_a_tier_of_the_network_is_passed_over_where_the_network_is_forbidden(
    tiered: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LADING_OFFLINE", "1")
    monkeypatch.setenv("LADING_TIERS", "s3://models")
    assert tiered.pull("m:1.0")[0].tier == f"file://{tiered.store}"
    tiered.forget("model")
    blobs(tiered.store)[0].unlink()
    code, status, message, _ = refusal(lambda: tiered.pull("m:1.0"))
    assert (code, status) == ("tiers-failed", 5)
    assert "s3://models: s3://models needs the network, which LADING_OFFLINE forbids" in message


def test_one_store_said_on_the_command_line_is_the_only_one(tiered: Yard) -> None:
    blobs(tiered.store)[0].unlink()
    assert refusal(lambda: tiered.pull("m:1.0", store=f"file://{tiered.store}"))[:2] == ("no-blob", 3)


def test_the_environment_goes_before_the_settings(tiered: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LADING_STORE", f"file://{near(tiered)}")
    monkeypatch.setenv("LADING_TIERS", f" file://{tiered.store} ,file://{near(tiered)}")
    assert tiered.pull("m:1.0")[0].tier == f"file://{tiered.store}"
