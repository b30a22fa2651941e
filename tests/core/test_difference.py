from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.core.bill import Bill, BlobRef, Metadata
from lading.core.blocks import BlockList
from lading.core.canonical import encode
from lading.core.difference import ABSENT, Change, Difference, compare
from lading.core.digest import Digest
from lading.core.signature import Golden, Signature, Tensor, TensorSpec
from tests.cargo import blocks_of, entry

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXTS = st.sampled_from(["a", "b", "old", "\x00"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from([0.5, 1.0, 1e308, -1e308]) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=5,
)
TABLES = st.dictionaries(TEXTS, VALUES, max_size=3)
METADATA = st.builds(
    Metadata,
    format=st.none() | TEXTS,
    license=st.none() | TEXTS,
    environment=TABLES,
    metrics=TABLES,
    params=TABLES,
    mock=st.booleans(),
    extra=st.dictionaries(TEXTS.map("x-".__add__), VALUES, max_size=2),
)
FILES = st.dictionaries(
    st.sampled_from(["a", "b", "c/d", "c/e", "f"]),
    st.sampled_from([b"", b"1", b"1111", b"11112222", b"22223333", b"3333"]),
    min_size=1,
)
Version = tuple[Bill, BlockList]


def version(
    files: Mapping[str, bytes], about: Metadata | None = None, label: str = "1.0", length: int = 4
) -> Version:
    """A version whose files are cut into blocks of ``length``."""
    paths = sorted(files, key=str.encode)
    blocks = BlockList(tuple(blocks_of(files[path], length) for path in paths))
    raw = blocks.encode()
    entries = [entry(path, files[path]) for path in paths]
    bill = Bill.write("m", label, entries, BlobRef(Digest.of(raw), len(raw)), about or Metadata())
    return bill, blocks


def between(old: Version, new: Version) -> Difference:
    return compare(*old, *new)


VERSIONS = st.builds(version, FILES, METADATA, length=st.sampled_from([1, 4]))


@given(VERSIONS)
def test_a_version_does_not_differ_from_itself(one: Version) -> None:
    found = between(one, one)
    assert found.same
    assert (found.added, found.removed, found.changed, found.moved, found.metadata) == ((), (), (), (), ())
    assert (found.equal, found.shared_bytes, found.new_bytes) == (len(one[0].files), one[0].size, 0)
    assert found.document()["metadata"] == {}


@given(VERSIONS, VERSIONS)
def test_the_other_way_round_is_the_opposite(one: Version, two: Version) -> None:
    there, back = between(one, two), between(two, one)
    assert (there.added, there.removed) == (back.removed, back.added)
    assert {pair[::-1] for pair in there.changed} == set(back.changed)
    assert {pair[::-1] for pair in there.moved} == set(back.moved)
    assert (there.same, there.equal) == (back.same, back.equal)
    assert [(each.path, each.new, each.old) for each in there.metadata] == [
        (each.path, each.old, each.new) for each in back.metadata
    ]


@given(VERSIONS, VERSIONS)
def test_every_file_and_every_byte_is_told_once(one: Version, two: Version) -> None:
    found = between(one, two)
    assert found.shared_bytes + found.new_bytes == two[0].size
    assert min(found.shared_bytes, found.new_bytes) >= 0
    both = len(found.changed) + len(found.moved) + found.equal
    assert len(found.removed) + both == len(one[0].files)
    assert len(found.added) + both == len(two[0].files)


@given(VERSIONS, VERSIONS)
def test_nothing_is_told_only_where_the_bills_say_the_same(one: Version, two: Version) -> None:
    found = between(one, two)
    files = found.added or found.removed or found.changed or found.moved
    assert (not files) == (one[0].files == two[0].files)
    documents = [encode(bill.metadata.document(), "it") for bill, _ in (one, two)]
    assert (not found.metadata) == (documents[0] == documents[1])
    assert not found.same or not files


@given(VERSIONS, VERSIONS)
def test_what_is_told_makes_the_new_metadata_of_the_old(one: Version, two: Version) -> None:
    """Each change is put where it says; what is left of the old then speaks as the new."""
    told = between(one, two)
    document = one[0].metadata.document()
    for change in told.metadata:
        put(document, change)
    assert pruned(document) == pruned(two[0].metadata.document())
    encode(told.document(), "it")  # nothing but JSON, and no infinity


def put(document: dict[str, Any], change: Change) -> None:
    *tables, key = change.path
    for table in tables:
        document[table] = document = dict(document.get(table, {}))
    if change.new is ABSENT:
        del document[key]
    else:
        document[key] = change.new


def pruned(value: object) -> object:
    """Without the tables that removals emptied."""
    if not isinstance(value, dict):
        return value
    kept = {key: pruned(item) for key, item in value.items()}
    return {key: item for key, item in kept.items() if item != {}}


def test_files_added_removed_changed_moved_and_equal() -> None:
    old = version({"a": b"1111", "gone": b"2222", "kept": b"3", "old/m": b"4444"})
    new = version({"a": b"11110", "came": b"5555", "kept": b"3", "new/m": b"4444"})
    files = between(old, new).document()["files"]
    assert files == {
        "added": [{"path": "came", "size": 4, "sha256": entry("", b"5555").digest.hex}],
        "removed": [{"path": "gone", "size": 4, "sha256": entry("", b"2222").digest.hex}],
        "changed": [
            {
                "path": "a",
                "size": [4, 5],
                "sha256": [entry("", content).digest.hex for content in (b"1111", b"11110")],
            }
        ],
        "moved": [{"path": "new/m", "size": 4, "sha256": entry("", b"4444").digest.hex, "from": "old/m"}],
        "equal": 1,
    }


def test_a_copy_is_added_and_only_one_of_two_can_have_moved() -> None:
    copied = between(version({"a": b"1"}), version({"a": b"1", "b": b"1"}))
    assert ([each.path for each in copied.added], copied.moved) == (["b"], ())
    found = between(version({"a": b"1"}), version({"b": b"1", "c": b"1"}))
    assert [(old.path, new.path) for old, new in found.moved] == [("a", "b")]
    assert [each.path for each in found.added] == ["c"]


def test_an_empty_file_does_not_move() -> None:
    found = between(version({"a": b"", "x": b"x"}), version({"b": b"", "x": b"x"}))
    assert ([e.path for e in found.added], [e.path for e in found.removed]) == (["b"], ["a"])


def test_blocks_are_shared_across_files() -> None:
    old = version({"a": b"11112222", "b": b"3333"})
    new = version({"a": b"111144443333", "c": b"2222555"})
    found = between(old, new)
    assert (found.shared_bytes, found.new_bytes) == (12, 7)


def test_an_equal_file_is_shared_however_it_was_cut() -> None:
    files = {"a": b"11112222"}
    found = between(version(files, length=4), version(files, length=3))
    assert (found.shared_bytes, found.same, found.metadata) == (8, True, ())


def test_metadata_is_told_key_by_key() -> None:
    old = Metadata(
        format="onnx",
        license="MIT",
        environment={"python": "3.11.7", "packages": {"numpy": "1.26.4", "scipy": "1.14", "zope.event": "5"}},
        metrics={"accuracy": 0.5, "rounds": 3, "note": "x", "flag": False, "lost": 1},
        params={"C": 1, "depth": None},
        lineage={"git_commit": "abc"},
    )
    new = Metadata(
        format="onnx",
        description="better",
        environment={"python": "3.12.1", "packages": {"numpy": "2.0.0", "zope.event": "5", "onnx": "1.17"}},
        metrics={"accuracy": 0.75, "rounds": 2, "note": "y", "flag": True, "f1": 0.5},
        params={"C": True, "depth": 3},
        lineage={"git_commit": "abc"},
    )
    found = between(version({"a": b"1"}, old), version({"a": b"1"}, new))
    assert found.same
    assert found.document()["metadata"] == {
        "description": {"new": "better"},
        "environment": {
            "packages": {
                "numpy": {"old": "1.26.4", "new": "2.0.0"},
                "onnx": {"new": "1.17"},
                "scipy": {"old": "1.14"},
            },
            "python": {"old": "3.11.7", "new": "3.12.1"},
        },
        "license": {"old": "MIT"},
        "metrics": {
            "accuracy": {"old": 0.5, "new": 0.75, "change": 0.25},
            "f1": {"new": 0.5},
            "flag": {"old": False, "new": True},
            "lost": {"old": 1},
            "note": {"old": "x", "new": "y"},
            "rounds": {"old": 3, "new": 2, "change": -1},
        },
        "params": {"C": {"old": 1, "new": True}, "depth": {"old": None, "new": 3}},
    }


def test_a_change_too_large_for_a_number_is_left_out() -> None:
    change = Change(("metrics", "loss"), -1e308, 1e308)
    assert change.amount is None
    assert change.document() == {"old": -1e308, "new": 1e308}


@pytest.mark.parametrize(
    ("old", "new"),
    [({}, None), (None, {}), ({}, []), ({"b": 1}, 1), ({"b": 1}, ABSENT), ({}, ABSENT), ([1], [True])],
)
def test_tables_beside_other_values(old: object, new: object) -> None:
    about = [Metadata(params={"z": 0} | ({} if value is ABSENT else {"a": value})) for value in (old, new)]
    (change,) = between(version({"a": b"1"}, about[0]), version({"a": b"1"}, about[1])).metadata
    wanted = (("params", "a", "b"), 1) if (old, new) == ({"b": 1}, ABSENT) else (("params", "a"), old)
    assert (change.path, change.old, change.new) == (*wanted, new)


def test_signature_and_golden_example() -> None:
    def about(length: int, answer: int) -> Metadata:
        return Metadata(
            signature=Signature((TensorSpec("x", "FP32", (-1, length)),), (TensorSpec("y", "INT64", (-1,)),)),
            golden=Golden((Tensor("x", "FP32", (1,), (1,)),), (Tensor("y", "INT64", (1,), (answer,)),)),
        )

    one, other = about(4, 1), about(5, 2)
    found = between(version({"a": b"1"}, one), version({"a": b"1"}, other))
    assert not found.same
    told = found.document()["metadata"]
    assert told["signature"] == {
        "inputs": {
            "old": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}],
            "new": [{"name": "x", "datatype": "FP32", "shape": [-1, 5]}],
        }
    }
    assert one.golden is not None
    assert told["golden"]["old"] == str(Digest.of(encode(one.golden.document(), "it")))
    assert told["golden"]["old"] != told["golden"]["new"]

    bare = between(version({"a": b"1"}), version({"a": b"1"}, one)).document()["metadata"]
    assert set(bare["signature"]) == {"inputs", "outputs"}
    assert set(bare["golden"]) == set(bare["signature"]["inputs"]) == {"new"}


def test_versions_are_named_by_their_bills() -> None:
    old, new = version({"a": b"1"}), version({"a": b"1"}, label="2.0")
    document = between(old, new).document()
    assert document["a"] == {"name": "m", "version": "1.0", "digest": str(old[0].digest)}
    assert document["b"] == {"name": "m", "version": "2.0", "digest": str(new[0].digest)}
    assert (document["same"], document["blocks"]) == (True, {"shared": 1, "new": 0})
    assert list(document) == ["a", "b", "same", "files", "blocks", "metadata"]
    assert json.loads(json.dumps(document)) == document
