from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.core import canonical
from lading.core.bill import MAX_BILL_BYTES, Bill, BlobRef, FileEntry, Metadata, parse_or_none
from lading.core.digest import Digest
from lading.core.errors import IntegrityError, UsageError
from lading.core.signature import Golden, Signature, Tensor, TensorSpec
from tests import cargo
from tests.cargo import ABC, EMPTY, digest, entry
from tests.core import words

BLOCKS = BlobRef(Digest(ABC), 60)
SIGNATURE = Signature((TensorSpec("x", "FP32", (-1, 4)),), (TensorSpec("y", "INT64", (-1,)),))
GOLDEN = Golden((Tensor("x", "FP32", (1, 2), (1.5, 2)),), (Tensor("y", "INT64", (1,), (3,)),))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
MAPPINGS = st.dictionaries(TEXTS, TEXTS | st.integers(0, 9) | st.floats(0, 1e20), max_size=2)
METADATA = st.builds(
    Metadata,
    format=st.none() | TEXTS,
    entry=st.none() | st.just("a/model.onnx"),
    signature=st.none() | st.just(SIGNATURE),
    golden=st.none() | st.just(GOLDEN),
    environment=MAPPINGS,
    metrics=MAPPINGS,
    params=MAPPINGS,
    lineage=MAPPINGS,
    license=st.none() | TEXTS,
    description=st.none() | TEXTS,
    mock=st.booleans(),
    extra=st.dictionaries(TEXTS.map("x-".__add__), TEXTS, max_size=2),
)
FILES = [FileEntry("a/model.onnx", 3, Digest(ABC)), FileEntry("b", 0, Digest(EMPTY)), entry("\u00e4")]


def _document() -> dict[str, Any]:
    """A small bill as a JSON document, for tests to break."""
    document: dict[str, Any] = json.loads(cargo.bill("a", "b").raw)
    return document


def _broken(document: dict[str, Any]) -> IntegrityError:
    """The error that reading a document gives, written canonically though wrong."""
    raw = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    with pytest.raises(IntegrityError) as caught:
        Bill.parse(raw)
    assert parse_or_none(raw) is None
    return caught.value


@given(words.names, words.versions, METADATA, st.permutations(FILES))
def test_a_bill_reads_back_from_its_bytes(
    name: str, version: str, metadata: Metadata, files: list[FileEntry]
) -> None:
    bill = Bill.write(name, version, files, BLOCKS, metadata)
    assert Bill.parse(bill.raw) == bill
    assert (bill.name, bill.version, bill.blocks) == (name, version, BLOCKS)
    assert bill.files == tuple(FILES)
    assert bill.metadata == metadata


@given(METADATA, st.permutations(FILES))
def test_the_order_in_which_files_come_does_not_matter(metadata: Metadata, files: list[FileEntry]) -> None:
    bills = [Bill.write("m", "1", some, BLOCKS, metadata) for some in (files, FILES)]
    assert bills[0].digest == bills[1].digest


def test_the_bytes_of_a_bill_are_these() -> None:
    metadata = Metadata(format="onnx", entry="m", metrics={"accuracy": 0.9375})
    bill = Bill.write("acme/m", "1.0", [FileEntry("m", 3, Digest(ABC))], BLOCKS, metadata)
    assert bill.raw.decode() == (
        f'{{"blocks":{{"sha256":"{ABC}","size":60}},"entry":"m",'
        f'"files":[{{"path":"m","sha256":"{ABC}","size":3}}],"format":"onnx","lading":1,'
        '"metrics":{"accuracy":0.9375},"mock":false,"name":"acme/m","version":"1.0"}'
    )
    assert bill.digest == Digest.of(bill.raw)
    assert bill.size == 3


def test_files_are_in_the_order_of_their_utf8_bytes() -> None:
    paths = ["Z", "a-b", "a.b", "a/b", "a0", "\u00e4", "\ufb33", "\U0001f600"]
    shuffled = random.Random(2).sample(paths, len(paths))
    assert [file.path for file in cargo.bill(*shuffled).files] == paths


def test_unknown_keys_are_kept_and_written_again() -> None:
    document = _document() | {"x-team": {"owner": "acme"}}
    bill = Bill.parse(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())
    assert bill.metadata.extra == {"x-team": {"owner": "acme"}}
    again = Bill.write(bill.name, bill.version, bill.files, bill.blocks, bill.metadata)
    assert again.raw == bill.raw


def test_unknown_keys_in_a_signature_and_a_golden_example_are_kept_too() -> None:
    spec = {"name": "x", "datatype": "FP32", "shape": [-1], "x-unit": "mm"}
    tensor = {"name": "x", "datatype": "FP32", "shape": [1], "data": [1], "x-unit": "mm"}
    document = _document() | {
        "signature": {"inputs": [spec], "outputs": [], "x-order": "any"},
        "golden": {
            "inputs": [tensor],
            "outputs": [],
            "tolerance": {"absolute": 0, "relative": 0, "x-ulps": 2},
            "x-seed": 7,
        },
    }
    bill = Bill.parse(canonical.encode(document, "a bill"))
    again = Bill.write(bill.name, bill.version, bill.files, bill.blocks, bill.metadata)
    assert again.raw == bill.raw


def test_an_unknown_key_cannot_take_the_place_of_a_known_one() -> None:
    bill = cargo.bill("m", metadata=Metadata(extra={"name": "other", "lading": 9, "mock": True}))
    assert (bill.name, bill.metadata.mock) == ("acme/m", False)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"lading": 2}, "the bill: it is written in format 2, this lading reads 1"),
        ({"lading": None}, "the bill: it is written in format None, this lading reads 1"),
        ({"lading": "1"}, "the bill: 'lading' must be a whole number; got '1'"),
        ({"lading": True}, "the bill: 'lading' must be a whole number, not negative; got True"),
        ({"name": None}, "the bill: 'name' is missing"),
        ({"name": 1}, "the bill: 'name' must be text; got 1"),
        ({"name": "M"}, "the bill: 'M' is not a model name"),
        ({"version": None}, "the bill: 'version' is missing"),
        ({"version": ["1"]}, "the bill: 'version' must be text; got ['1']"),
        ({"version": "production"}, "the bill: 'production' is not a version"),
        ({"files": None}, "the bill: 'files' is missing"),
        ({"files": []}, "the bill: it lists no files"),
        ({"files": {}}, "the bill: 'files' must be a list; got {}"),
        ({"files": ["a"]}, "the bill: 'files' must be a list of tables; got 'a' in it"),
        ({"blocks": None}, "the bill: 'blocks' is missing"),
        ({"blocks": 60}, "the bill: 'blocks' must be a table; got 60"),
        ({"blocks": {"size": 60}}, "the bill blocks: 'sha256' is missing"),
        ({"blocks": {"sha256": ABC}}, "the bill blocks: 'size' is missing"),
        ({"entry": "c"}, "the bill: its entry 'c' is not among its files"),
        ({"entry": 1}, "the bill: 'entry' must be text; got 1"),
        ({"format": 1}, "the bill: 'format' must be text; got 1"),
        ({"license": 1}, "the bill: 'license' must be text; got 1"),
        ({"description": 1}, "the bill: 'description' must be text; got 1"),
        ({"mock": 1}, "the bill: 'mock' must be true or false; got 1"),
        ({"metrics": []}, "the bill: 'metrics' must be a table; got []"),
        ({"params": 1}, "the bill: 'params' must be a table; got 1"),
        ({"lineage": "x"}, "the bill: 'lineage' must be a table; got 'x'"),
        ({"environment": 1}, "the bill: 'environment' must be a table; got 1"),
        ({"signature": {}}, "the bill signature: 'inputs' is missing"),
        ({"signature": {"inputs": [{"name": "x"}]}}, "the bill signature inputs[0]: 'datatype' is missing"),
        ({"golden": {}}, "the bill golden: 'inputs' is missing"),
    ],
)
def test_a_key_of_the_wrong_kind_is_named(change: dict[str, object], problem: str) -> None:
    error = _broken(_document() | change)
    assert error.code == "bad-bill"
    assert error.message.startswith(problem)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"path": None}, "the bill files[1]: 'path' is missing"),
        ({"path": 1}, "the bill files[1]: 'path' must be text; got 1"),
        ({"path": "b/../c"}, "the bill: 'b/../c' cannot be a model's file: '..' leads out"),
        ({"path": "lading.json"}, "the bill: 'lading.json' cannot be a model's file"),
        ({"path": "a"}, "the bill: 'a' and 'a' are one file"),
        ({"path": "a/b"}, "the bill: 'a' is a file, so 'a/b' cannot lie below it"),
        ({"path": "A"}, "the bill: its files are not in the order of their paths"),
        ({"size": None}, "the bill files[1]: 'size' is missing"),
        ({"size": -1}, "the bill files[1]: 'size' must be a whole number, not negative; got -1"),
        ({"size": 1.5}, "the bill files[1]: 'size' must be a whole number; got 1.5"),
        ({"size": "1"}, "the bill files[1]: 'size' must be a whole number; got '1'"),
        ({"size": True}, "the bill files[1]: 'size' must be a whole number, not negative; got True"),
        ({"sha256": None}, "the bill files[1]: 'sha256' is missing"),
        ({"sha256": "abc"}, "the bill files[1]: 'abc' is not a SHA-256 digest"),
        ({"sha256": ABC.upper()}, f"the bill files[1]: '{ABC.upper()}' is not a SHA-256 digest"),
        ({"sha256": f"sha256:{ABC}"}, f"the bill files[1]: 'sha256:{ABC}' is not a SHA-256 digest"),
    ],
)
def test_a_file_of_the_wrong_kind_is_named(change: dict[str, object], problem: str) -> None:
    document = _document()
    document["files"][1] |= change
    error = _broken(document)
    assert error.code == "bad-bill"
    assert error.message.startswith(problem)


@pytest.mark.parametrize("raw", [b"[]", b"1", b"null", b'"lading"'])
def test_what_is_no_object_is_no_bill(raw: bytes) -> None:
    with pytest.raises(IntegrityError, match="the bill is not a JSON object"):
        Bill.parse(raw)


def test_a_bill_that_an_editor_touched_is_refused() -> None:
    with pytest.raises(IntegrityError) as caught:
        Bill.parse(cargo.bill().raw + b"\n")
    assert caught.value.code == "not-canonical"


def test_a_bill_over_four_mib_is_neither_written_nor_read() -> None:
    long = Metadata(description="x" * MAX_BILL_BYTES)
    with pytest.raises(UsageError, match="container tools stop at 4194304") as written:
        cargo.bill(metadata=long)
    with pytest.raises(IntegrityError, match="the bill has 4194305 bytes; at most 4194304") as read:
        Bill.parse(b" " * (4 * 1024 * 1024 + 1))
    assert (written.value.code, read.value.code) == ("bill-too-large", "bill-too-large")


@pytest.mark.parametrize(
    ("files", "metadata", "code"),
    [
        ([], Metadata(), "bad-bill"),
        ([entry("a")], Metadata(entry="b"), "bad-bill"),
        ([entry("../a")], Metadata(), "bad-path"),
        ([entry("a\udcff")], Metadata(), "bad-path"),
        ([entry("a"), entry("A")], Metadata(), "path-collision"),
        ([entry("a")], Metadata(metrics={"loss": float("nan")}), "not-json"),
        ([entry("a")], Metadata(params={"model": object()}), "not-json"),
        ([FileEntry("a", 2**53, Digest(ABC))], Metadata(), "not-json"),
    ],
)
def test_what_a_bill_cannot_hold_is_a_usage_error(
    files: list[FileEntry], metadata: Metadata, code: str
) -> None:
    with pytest.raises(UsageError) as caught:
        Bill.write("m", "1", files, BLOCKS, metadata)
    assert caught.value.code == code


@pytest.mark.parametrize(("name", "version", "code"), [("M", "1", "bad-name"), ("m", "prod", "bad-version")])
def test_a_bill_has_a_name_and_a_version(name: str, version: str, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        Bill.write(name, version, [entry("a")], BLOCKS, Metadata())
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        (Metadata(), Metadata(), True),
        (Metadata(license="MIT"), Metadata(), True),
        (Metadata(metrics={"a": 1}, params={"b": 2}, lineage={"c": 3}), Metadata(description="d"), True),
        (Metadata(extra={"x": 1}), Metadata(environment={"python": "3.11"}), True),
        (Metadata(format="onnx"), Metadata(), False),
        (Metadata(entry="m"), Metadata(), False),
        (Metadata(signature=SIGNATURE), Metadata(), False),
        (Metadata(golden=GOLDEN), Metadata(), False),
        (Metadata(mock=True), Metadata(), False),
    ],
)
def test_two_bills_are_the_same_by_what_decides_how_a_model_predicts(
    one: Metadata, two: Metadata, *, same: bool
) -> None:
    first, second = (cargo.bill("m", metadata=metadata) for metadata in (one, two))
    assert first.same(second) is same
    assert second.same(first) is same


def test_the_same_under_another_version_and_other_blocks_is_the_same() -> None:
    files = [entry("m")]
    one = Bill.write("a", "1", files, BLOCKS, Metadata())
    two = Bill.write("b", "2", files, BlobRef(digest("other"), 9), Metadata())
    assert one.same(two)
    assert not one.same(Bill.write("a", "1", [entry("m", b"y")], BLOCKS, Metadata()))
