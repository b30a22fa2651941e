"""Pushing, saying so, and removing what nothing needs, in every kind of store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lading.core.objects import Kind
from lading.ops.pack import Shape
from lading.ops.prune import Pruner, models
from lading.ops.sweep import DEAD_S
from tests.stores.contract import PARAMS
from tests.wharf import Ticker, Wharf, blobs, dangling, document, keys, litter, said, settled, whole

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stores.contract import StoreCase

AHEAD_S = 3600
"""Buckets tell the time to the second, so a blob and a notice may seem to be of one moment."""


@pytest.fixture(params=PARAMS)
def wharf(request: pytest.FixtureRequest, tmp_path: Path) -> Wharf:
    case: StoreCase = request.param
    return Wharf(case.make(request, tmp_path), tmp_path / "model")


def test_what_a_push_left_is_removed_and_no_version_is_harmed(wharf: Wharf) -> None:
    objects = wharf.store.objects
    rubbish = litter(wharf.store, b"left behind")
    objects.create("ledger/m/.sweeps/dead.json", b"{}", Kind())
    wharf.push("1.0", b"a", shape=Shape(modelpack=True))
    wharf.push("1.1", b"b")
    assert DEAD_S <= wharf.clock.seconds < DEAD_S + 5, "the first push waited, and took the notice away"
    assert [*models(objects)] == ["m"]

    pruner = Pruner(wharf.store, "m")
    assert {each.key.rpartition("/")[2] for each in pruner.find(4e9, 0)} == rubbish
    assert pruner.remove(Ticker(), -AHEAD_S).blobs == 1
    assert rubbish & blobs(objects) == set()
    assert pruner.find(4e9, 0) == []
    assert dangling(wharf.store) == set()
    assert whole(wharf.store) == {"1.0", "1.1"}
    assert not any(".sweeps" in key for key in keys(objects))

    if objects.strong():
        assert said(wharf.store) == [(1, "ada", "1.0", False), (2, "ada", "1.1", False)]
        settled(wharf.store)
    else:
        assert document(objects, "v2/m/tags/list")["tags"] == ["1.0", "1.1"]
        assert not any(key.startswith("ledger/") for key in keys(objects))
