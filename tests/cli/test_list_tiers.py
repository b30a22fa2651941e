"""``lading list N --tiers``: which tiers hold which version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cargo import fill, noise
from tests.ops.test_probe import nobody

if TYPE_CHECKING:
    from pathlib import Path

    from tests.yard import Yard

FILES = {"a.bin": noise(5000)}


@pytest.fixture
def near(tmp_path: Path) -> str:
    return f"file://{tmp_path}/near"


def held(yard: Yard) -> dict[str, list[str]]:
    done = yard.say("list", "m", "--tiers", "--json")
    assert (done.status, done.document["name"]) == (0, "m")
    return {each["version"]: [tier["holds"] for tier in each["tiers"]] for each in done.document["versions"]}


def test_each_version_names_the_tiers_that_hold_it(yard: Yard, near: str) -> None:
    yard.settings(f'tiers = ["{near}"]')
    yard.model(FILES)
    yard.push("m:1.0")
    yard.push("m:1.0", to=near)
    fill(yard.folder / "model", {"b.bin": b"b"})
    yard.push("m:1.1")
    assert held(yard) == {"1.1": ["no", "yes"], "1.0": ["yes", "yes"]}
    assert yard.say("list", "m", "--tiers").out.splitlines() == [
        "VERSION  HOLDS  TIER",
        f"1.1      no     {near}",
        "1.1      yes    file://.lading/store",
        f"1.0      yes    {near}",
        "1.0      yes    file://.lading/store",
    ]


def test_a_tier_that_holds_other_content_under_the_version(yard: Yard, near: str) -> None:
    yard.settings(f'tiers = ["{near}"]')
    yard.model(FILES)
    yard.push("m:1.0", to=near)
    fill(yard.folder / "model", {"a.bin": b"other"})
    yard.push("m:1.0")
    assert held(yard) == {"1.0": ["other", "yes"]}


def test_a_tier_that_cannot_be_asked(yard: Yard) -> None:
    yard.settings(f'tiers = ["{nobody()}"]')
    yard.model(FILES)
    yard.push("m:1.0")
    assert held(yard) == {"1.0": ["unknown", "yes"]}


def test_a_model_without_versions(yard: Yard) -> None:
    assert yard.say("list", "m", "--tiers").out == "m has no versions\n"


def test_a_name_is_needed(yard: Yard) -> None:
    done = yard.say("list", "--tiers", "--json")
    assert (done.status, done.document["error"]["code"]) == (2, "usage")
