from __future__ import annotations

import pytest

from lading.core.digest import Digest
from lading.core.errors import UsageError
from lading.core.lock import Pin
from lading.core.project import Model
from lading.core.reference import Reference
from lading.core.resolution import Wanted, resolve
from tests.cargo import ABC, EMPTY

BILL, MANIFEST = Digest(ABC), Digest(EMPTY)
PIN = Pin("1.0", BILL, MANIFEST, 42)
PINNED = Wanted("m", "lock", version="1.0", bill=BILL, manifest=MANIFEST)
UNDECIDED = Model("m", "m.onnx")
ASKS_1 = Model("m", "m.onnx", version="1.0")
ASKS_2 = Model("m", "m.onnx", version="2.0")
FOLLOWS_2 = Model("m", "m.onnx", version="2.0", follow=True)
STAGED = Model("m", "m.onnx", stage="production")


@pytest.mark.parametrize(
    ("reference", "model", "pin", "wanted"),
    [
        # a bare name: the lock's pin, else what lading.toml asks, else the highest
        ("m", None, None, Wanted("m", "highest")),
        ("m", UNDECIDED, None, Wanted("m", "highest")),
        ("m", ASKS_1, None, Wanted("m", "lading.toml", version="1.0")),
        ("m", STAGED, None, Wanted("m", "lading.toml", stage="production")),
        ("m", None, PIN, PINNED),
        ("m", UNDECIDED, PIN, PINNED),
        ("m", ASKS_1, PIN, PINNED),
        ("m", FOLLOWS_2, PIN, Wanted("m", "lading.toml", version="2.0")),
        ("m", FOLLOWS_2, None, Wanted("m", "lading.toml", version="2.0")),
        ("m", STAGED, PIN, Wanted("m", "lading.toml", stage="production")),
        # what a person typed decides, and the lock proves the version that it pins
        ("m:1.0", None, None, Wanted("m", "reference", version="1.0")),
        ("m:1.0", ASKS_2, PIN, PINNED),
        ("m:1.0", STAGED, PIN, PINNED),
        ("m:2.0", ASKS_1, PIN, Wanted("m", "reference", version="2.0")),
        ("m:staging", STAGED, PIN, Wanted("m", "reference", stage="staging")),
        (f"m@sha256:{EMPTY}", ASKS_1, PIN, Wanted("m", "reference", bill=Digest(EMPTY))),
        # with its own store a reference is not the project's
        ("s3://b/m", ASKS_1, PIN, Wanted("m", "highest")),
        ("s3://b/m", STAGED, None, Wanted("m", "highest")),
        ("s3://b/m", ASKS_2, PIN, Wanted("m", "highest")),
        ("s3://b/m:1.0", ASKS_2, PIN, Wanted("m", "reference", version="1.0")),
    ],
)
def test_what_a_reference_means(reference: str, model: Model | None, pin: Pin | None, wanted: Wanted) -> None:
    assert resolve(Reference.parse(reference), model, pin) == wanted


@pytest.mark.parametrize("model", [None, UNDECIDED, ASKS_1, ASKS_2, FOLLOWS_2, STAGED])
def test_frozen_takes_the_lock_whatever_lading_toml_says(model: Model | None) -> None:
    assert resolve(Reference("m"), model, PIN, frozen=True) == PINNED


@pytest.mark.parametrize("model", [None, ASKS_1, STAGED])
def test_frozen_without_a_pin_is_refused(model: Model | None) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(Reference("m"), model, None, frozen=True)
    assert (caught.value.code, caught.value.message) == ("not-locked", "'m' is not in lading.lock")
    assert caught.value.hint == "lading lock m"


def test_a_version_that_differs_from_the_lock_is_refused_naming_both() -> None:
    with pytest.raises(UsageError) as caught:
        resolve(Reference("m"), ASKS_2, PIN)
    assert caught.value.code == "lock-differs"
    assert caught.value.message == "lading.toml asks for m:2.0, lading.lock pins m:1.0"
    assert caught.value.hint == "lading lock m takes what lading.toml asks; --frozen takes the lock"


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (PINNED, "m:1.0"),
        (Wanted("m", "reference", stage="production"), "m:production"),
        (Wanted("m", "reference", bill=BILL), f"m@sha256:{ABC}"),
        (Wanted("m", "highest"), "m"),
    ],
)
def test_what_is_wanted_is_written_as_a_reference(wanted: Wanted, text: str) -> None:
    assert str(wanted) == text
    assert str(Reference.parse(text)) == text
