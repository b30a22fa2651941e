"""``lading diff``: what a new version changes, told from the bills and block lists of two."""

from __future__ import annotations

import pytest

from lading import api
from lading.core.bill import Bill, BlobRef, Metadata
from tests.cargo import digest, entry, fill, noise
from tests.yard import Yard, refusal

OTHER = "file://elsewhere"
BODY = noise(400_000)


def describe(yard: Yard, about: Metadata) -> None:
    """Say in the model's own bill what the next push shall take from it."""
    bill = Bill.write("m", "0.1", [entry("a.bin")], BlobRef(digest("blocks"), 60), about)
    (yard.folder / "model" / "lading.json").write_bytes(bill.raw)


@pytest.fixture
def two(yard: Yard) -> Yard:
    """m:1.0 and m:2.0, which changes, adds, removes, moves and keeps a file, in a store alone."""
    folder = yard.model({"a.bin": BODY, "gone.bin": b"gone", "kept.bin": b"kept", "old.bin": noise(9000, 2)})
    packages = {"numpy": "1.26.4", "scipy": "1.14.0"}
    about = Metadata(
        metrics={"accuracy": 0.91}, params={"C": 1}, environment={"python": "3.11.7", "packages": packages}
    )
    describe(yard, about)
    yard.push("m:1.0")
    fill(folder, {"a.bin": BODY[:200_000] + b"more" + BODY[200_000:], "came.bin": b"came"})
    (folder / "gone.bin").unlink()
    (folder / "old.bin").rename(folder / "new.bin")
    packages = {"numpy": "2.1.0", "scipy": "1.14.0"}
    about = Metadata(
        metrics={"accuracy": 0.93, "f1": 0.5},
        params={"C": "1"},
        description="A longer text, which no column can hold without pushing others away.",
        environment={"python": "3.11.7", "packages": packages},
    )
    describe(yard, about)
    yard.push("m:2.0")
    yard.forget("model")
    return yard


def test_two_versions_for_scripts(two: Yard) -> None:
    done = two.run("diff", "m:1.0", "m:2.0", "--json")
    assert (done.status, done.err) == (0, "")
    told = done.document
    assert (told["a"]["name"], told["a"]["version"], told["b"]["version"]) == ("m", "1.0", "2.0")
    assert told["b"]["digest"] == str(api.show("m:2.0", project=two.folder).digest)
    assert told["same"] is False
    files = told["files"]
    assert [each["path"] for each in files["added"]] == ["came.bin"]
    assert [each["path"] for each in files["removed"]] == ["gone.bin"]
    assert [(each["path"], each["size"]) for each in files["changed"]] == [("a.bin", [400_000, 400_004])]
    assert [(each["from"], each["path"], each["size"]) for each in files["moved"]] == [
        ("old.bin", "new.bin", 9000)
    ]
    assert files["equal"] == 1
    assert told["metadata"] == {
        "description": {"new": "A longer text, which no column can hold without pushing others away."},
        "environment": {"packages": {"numpy": {"old": "1.26.4", "new": "2.1.0"}}},
        "metrics": {
            "accuracy": {"old": 0.91, "new": 0.93, "change": pytest.approx(0.02)},
            "f1": {"new": 0.5},
        },
        "params": {"C": {"old": 1, "new": "1"}},
    }


def test_a_small_change_in_a_large_file_leaves_most_blocks_shared(two: Yard) -> None:
    blocks = two.say("diff", "m:1.0", "m:2.0", "--json").document["blocks"]
    assert blocks["shared"] + blocks["new"] == 400_004 + 4 + 4 + 9000
    assert 8 < blocks["new"] < 200_000
    assert blocks["shared"] > 200_000


def test_two_versions_for_people(two: Yard) -> None:
    done = two.say("diff", "m:1.0", "m:2.0")
    blocks = two.say("diff", "m:1.0", "m:2.0", "--json").document["blocks"]
    bills = [api.show(f"m:{version}", project=two.folder).digest.short for version in ("1.0", "2.0")]
    assert (done.status, done.err) == (0, "")
    shared, new = (f"{blocks[key] / 1024:.1f} KiB" for key in ("shared", "new"))
    assert done.out.splitlines() == [
        "m:1.0 -> m:2.0: they differ",
        f"  bill     {bills[0]} -> {bills[1]}",
        "  size     399.4 KiB -> 399.4 KiB",
        f"  blocks   {shared} shared, {new} new",
        "  files    1 changed, 1 added, 1 removed, 1 moved, 1 equal",
        "",
        "FILE                CHANGE   OLD        NEW",
        "a.bin               changed  390.6 KiB  390.6 KiB",
        "came.bin            added    -          4 B",
        "gone.bin            removed  4 B        -",
        "old.bin -> new.bin  moved    8.8 KiB    8.8 KiB",
        "",
        "METADATA                    OLD     NEW",
        "environment.packages.numpy  1.26.4  2.1.0",
        "metrics.accuracy            0.91    0.93 (+0.02)",
        "metrics.f1                  -       0.5",
        'params.C                    1       "1"',
        "",
        "description",
        "  old  -",
        "  new  A longer text, which no column can hold without pushing others away.",
    ]


def test_a_version_and_itself(two: Yard) -> None:
    done = two.say("diff", "m:1.0", "m:1.0", "--json")
    assert (done.status, done.document["same"], done.document["metadata"]) == (0, True, {})
    assert done.document["blocks"]["new"] == 0
    lines = two.say("diff", "m:1.0", "m:1.0").out.splitlines()
    assert (lines[0], len(lines)) == ("m:1.0 -> m:1.0: no difference", 5)
    assert lines[-1] == "  files    0 changed, 0 added, 0 removed, 0 moved, 4 equal"


def test_the_same_model_may_be_described_differently(yard: Yard) -> None:
    yard.model({"a.bin": b"a"})
    yard.push("m:1.0")
    describe(yard, Metadata(license="MIT"))
    yard.push("m:1.1")
    lines = yard.say("diff", "m:1.0", "m:1.1").out.splitlines()
    assert lines[0] == "m:1.0 -> m:1.1: the same model, described differently"
    assert lines[5:] == ["", "METADATA  OLD  NEW", "license   -    MIT"]


def test_signatures_are_told_tensor_by_tensor(yard: Yard) -> None:
    yard.model({"a.bin": b"a"})
    signature = '\n[models.m.signature]\noutputs = [{ name = "y", datatype = "INT64", shape = [-1] }]\n'
    inputs = "inputs = [{ name = %s, datatype = 'FP32', shape = [-1, 4] }]\n"
    settings = (yard.folder / "lading.toml").read_text()
    for version, name in (("1.0", '"x"'), ("2.0", r'"\u001b[2J"')):
        (yard.folder / "lading.toml").write_text(settings + signature + inputs % name)
        yard.push(f"m:{version}")
    done = yard.say("diff", "m:1.0", "m:2.0")
    assert done.out.startswith("m:1.0 -> m:2.0: they differ\n")
    assert done.out.splitlines()[-2:] == [
        "METADATA          OLD            NEW",
        r'signature.inputs  x FP32[-1, 4]  "\u001b[2J" FP32[-1, 4]',
    ]


def test_what_a_bill_says_cannot_reach_the_terminal(yard: Yard) -> None:
    yard.model({"a.bin": b"a"})
    yard.push("m:1.0")
    describe(yard, Metadata(params={"\x1b[2J": "\x1b[31m\nred"}))
    yard.push("m:1.1")
    done = yard.say("diff", "m:1.0", "m:1.1")
    assert "\x1b" not in done.out
    assert r"\u001b[31m\nred" in done.out.splitlines()[-1]


def test_each_may_be_typed_with_its_store(yard: Yard) -> None:
    folder = yard.model({"a.bin": b"one"})
    yard.push("m:1.0")
    fill(folder, {"a.bin": b"three"})
    yard.push("m:1.0", to=OTHER)
    api.lock(project=yard.folder)
    found = api.diff("m:1.0", f"{OTHER}//m:1.0", project=yard.folder)
    assert [(old.size, new.size) for old, new in found.changed] == [(3, 5)]
    assert api.diff("m", "m", store=OTHER, project=yard.folder).new.size == 5
    code, status, *_ = refusal(
        lambda: api.diff(f"{OTHER}//m", "m", store="file://third", project=yard.folder)
    )
    assert (code, status) == ("bad-reference", 2)


def test_two_models_can_be_compared(two: Yard) -> None:
    two.model({"a.bin": BODY}, name="n", path="other")
    two.push("n:1.0")
    told = two.say("diff", "m:1.0", "n:1.0", "--json").document
    assert (told["b"]["name"], told["files"]["equal"], told["blocks"]["new"]) == ("n", 1, 0)


def test_no_file_is_read(two: Yard) -> None:
    """Only what the first layers hold is asked for, however large the models are."""
    largest = {blob.name for blob in two.blobs() if blob.stat().st_size > 100_000}
    seen = two.watched("diff", "m:1.0", "m:2.0")
    read = {path.rpartition("/")[2] for kind, path in seen if kind == "read"}
    wrote = [path for kind, path in seen if kind != "read"]
    assert len(largest) == 2
    assert (largest & read, wrote) == (set(), [])
    assert read & {blob.name for blob in two.blobs()}


def test_a_version_that_is_not_there(two: Yard) -> None:
    done = two.say("diff", "m:1.0", "m:9.9", "--json")
    assert (done.status, done.document["error"]["code"]) == (3, "no-version")
    assert two.say("diff", "m:1.0").status == 2
