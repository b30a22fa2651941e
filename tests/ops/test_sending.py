"""What a push does where the store, the files or the metadata are not as they were."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lading import api
from lading.core.bill import Metadata
from lading.core.blocks import Block, BlockList
from lading.core.errors import UsageError
from lading.core.ports import Silence
from lading.ops.pack import Contents
from lading.ops.version import open_version
from lading.stores.directory import DirectoryStore
from tests.cargo import blocks_of, entry, fill, noise
from tests.forge import genuine
from tests.yard import Yard, drafts, files_of, refusal

if TYPE_CHECKING:
    from lading.ops.push import Pushed

MIB = 1024 * 1024
CONTENT = noise(5000)


def average(yard: Yard, version: str) -> int:
    """The average block size that the stored block list names."""
    return open_version(DirectoryStore("file://x", yard.store), "m", version).blocks.average


def forge(yard: Yard, version: str, average_bytes: int) -> None:
    """Put a version of ``CONTENT`` into the store whose block list names that average."""
    blocks = BlockList((blocks_of(CONTENT, 1000),), average_bytes)
    forged = genuine({"a.bin": CONTENT}, version=version).with_bill(entry="a.bin").with_blocks(blocks)
    forged.publish(yard.store, version=version)


def test_a_file_that_shrinks_between_reading_and_sending(yard: Yard) -> None:
    folder = yard.model({"a.bin": noise(MIB)})

    class Cut(Silence):
        def advance(self, done_bytes: int) -> None:  # noqa: ARG002
            (folder / "a.bin").write_bytes(noise(1000))

    code, status, message, _ = refusal(lambda: yard.push("m:1.0", progress=Cut()))
    assert (code, status) == ("changed-while-read", 4)
    assert str(folder / "a.bin") in message
    assert refusal(lambda: yard.pull("m:1.0"))[1] == 3
    assert drafts(yard.folder) == []


def test_a_model_whose_block_list_would_be_too_large() -> None:
    blocks = BlockList(((Block(1, bytes(32)),) * 2_000_000,))
    contents = Contents(Path("model"), (entry("a.bin"),), blocks, ())
    with pytest.raises(UsageError) as caught:
        contents.bill("m", "1.0", Metadata())
    assert caught.value.code == "model-too-large"
    assert "the block list of m:1.0 would have 72000020 bytes; at most 67108864" in caught.value.message
    assert "split the model" in caught.value.hint


def test_a_new_version_is_cut_as_the_newest_that_can_be_read_and_says_something_sensible(yard: Yard) -> None:
    yard.model({"a.bin": CONTENT})
    forge(yard, "1.0", 32768)
    forge(yard, "1.1", 65536)
    forge(yard, "1.2", 7)
    forge(yard, "1.3", 131072)
    (yard.manifests / "1.3").write_bytes(b"damaged")
    yard.push("m:2.0")
    assert average(yard, "2.0") == 65536


def test_where_no_version_says_anything_sensible_the_size_decides(yard: Yard) -> None:
    yard.model({"a.bin": CONTENT})
    forge(yard, "1.0", 7)
    yard.push("m:2.0")
    assert average(yard, "2.0") == 32768


def test_the_same_model_again_under_a_version_that_another_writer_cut_otherwise(yard: Yard) -> None:
    folder = yard.model({"a.bin": CONTENT})
    forge(yard, "1.0", 7)
    theirs = api.show("m:1.0", project=yard.folder).digest
    blobs = yard.blobs()
    (pushed,) = yard.push("m:1.0")
    assert (pushed.digest, pushed.uploaded) == (str(theirs), 0)
    assert yard.blobs() == blobs
    (pushed,) = yard.push("m:1.0", modelpack=True)
    artifact = yard.manifest(str(pushed.modelpack))
    assert {layer["digest"] for layer in artifact["layers"]} < {blob.name for blob in blobs}
    assert average(yard, "1.0") == 7
    yard.forget("model")
    yard.pull("m:1.0")
    assert files_of(folder) == {"a.bin": CONTENT}


def test_a_damaged_version_is_not_pushed_over_unless_it_is_to_be_repaired(yard: Yard) -> None:
    yard.model({"a.bin": CONTENT})
    (pushed,) = yard.push("m:1.0")
    for blob in yard.blobs():
        blob.write_bytes(bytes(blob.stat().st_size))
    code, status, _, hint = refusal(lambda: yard.push("m:1.0"))
    assert (code, status) == ("wrong-digest", 4)
    assert "--repair" in hint
    (repaired,) = yard.push("m:1.0", repair=True)
    assert (repaired.digest, repaired.reused) == (pushed.digest, 0)
    assert api.verify("m:1.0", project=yard.folder).ok


def test_other_words_about_the_same_model_leave_the_version_as_it_is(yard: Yard) -> None:
    yard.model({"a.bin": CONTENT})
    (first,) = yard.push("m:1.0")
    yard.settings()
    yard.declare("m", "model", license="MIT", description="better words")
    (again,) = yard.push("m:1.0")
    assert (again.digest, again.uploaded) == (first.digest, 0)
    assert api.show("m:1.0", project=yard.folder).metadata.license is None


SIGNATURE = """
[models.m.signature]
inputs = [{ name = "x", datatype = "FP32", shape = [-1, 2] }]
"""


def test_what_changes_how_the_same_files_are_used_is_named(yard: Yard) -> None:
    yard.model({"a.bin": CONTENT, "b.bin": b"b"})
    yard.push("m:1.0")
    yard.settings()
    yard.declare("m", "model", entry="b.bin", format="joblib")
    with (yard.folder / "lading.toml").open("a") as file:
        file.write(SIGNATURE)
    code, status, message, hint = refusal(partial(yard.push, "m:1.0"))
    assert (code, status) == ("version-taken", 6)
    assert (
        "m:1.0 with other content (the same files, different in the bill: format, entry, signature)"
        in message
    )
    assert "lading push m:" in hint


class Overtaken(Silence):
    """Lets another project push while ours is reading its files."""

    def __init__(self, other: Yard) -> None:
        self.other = other
        self.pushed: list[Pushed] = []

    def advance(self, done_bytes: int) -> None:  # noqa: ARG002
        if not self.pushed:
            self.pushed = self.other.push("m:1.0")


@pytest.fixture
def other(yard: Yard) -> Yard:
    """A second project on the same store, whose words about the same model differ."""
    made = Yard(yard.folder.with_name("other"))
    made.folder.mkdir()
    made.settings(f'store = "file://{yard.store}"')
    made.declare("m", "model", license="MIT")
    return made


def test_the_same_model_under_other_words_from_a_writer_who_was_first(yard: Yard, other: Yard) -> None:
    yard.model({"a.bin": CONTENT})
    fill(other.folder / "model", {"a.bin": CONTENT})
    hear = Overtaken(other)
    (ours,) = yard.push("m:1.0", progress=hear, modelpack=True)
    (theirs,) = hear.pushed
    assert (ours.digest, ours.manifest) == (theirs.digest, theirs.manifest)
    assert api.show("m:1.0", project=yard.folder).metadata.license == "MIT"
    artifact = yard.manifest(str(ours.modelpack))
    assert [layer["digest"] for layer in artifact["layers"]] == [
        layer["digest"] for layer in yard.manifest("1.0")["layers"]
    ]


def test_another_model_from_a_writer_who_was_first(yard: Yard, other: Yard) -> None:
    yard.model({"a.bin": CONTENT})
    fill(other.folder / "model", {"a.bin": b"other"})
    hear = Overtaken(other)
    code, status, message, _ = refusal(lambda: yard.push("m:1.0", progress=hear))
    assert (code, status) == ("version-taken", 6)
    assert f"(different files: a.bin): its bill is {hear.pushed[0].digest}" in message
    assert str(api.show("m:1.0", project=yard.folder).digest) == hear.pushed[0].digest


def test_a_manifest_that_was_overwritten_under_its_digest(yard: Yard) -> None:
    yard.model({"a.bin": CONTENT})
    (pushed,) = yard.push("m:1.0")
    manifests = yard.manifests
    (manifests / "1.0").unlink()
    (manifests / pushed.manifest).write_bytes(b"{}")
    code, status, message, _ = refusal(lambda: yard.push("m:1.0"))
    assert (code, status) == ("bad-manifest", 4)
    assert f"holds other bytes under {pushed.manifest} of m" in message
    assert not (manifests / "1.0").exists()


def test_an_entry_in_the_settings_that_is_not_among_the_files(yard: Yard) -> None:
    fill(yard.folder, {"model/a.bin": b"a", "model/b.bin": b"b"})
    yard.declare("m", "model", entry="c.onnx")
    code, status, message, hint = refusal(lambda: yard.push("m:1.0"))
    assert (code, status) == ("no-entry", 2)
    assert "[models.m] names the entry 'c.onnx', which is not among its files: a.bin, b.bin" in message
    assert "set entry in [models.m]" in hint


def test_an_entry_that_was_renamed_since_the_bill_was_written(yard: Yard) -> None:
    folder = yard.model({"a.onnx": b"model", "notes.txt": b"n"})
    yard.push("m:1.0")
    yard.forget("model")
    yard.pull("m:1.0")
    assert api.show("m:1.0", project=yard.folder).metadata.entry == "a.onnx"
    (folder / "a.onnx").rename(folder / "b.joblib")
    yard.push("m:2.0")
    about = api.show("m:2.0", project=yard.folder).metadata
    assert (about.entry, about.format) == ("b.joblib", "joblib")


def test_a_bill_of_another_model_in_the_folder_says_nothing_of_this_one(yard: Yard) -> None:
    yard.declare("m", "model", license="MIT")
    fill(yard.folder, {"model/a.bin": b"a"})
    yard.push("m:1.0")
    yard.forget("model")
    yard.pull("m:1.0")
    yard.settings()
    yard.declare("n", "model")
    yard.push("n:1.0")
    assert api.show("n:1.0", project=yard.folder).metadata.license is None


def test_blocks_are_no_part_of_what_two_bills_must_agree_in(yard: Yard) -> None:
    forged = genuine({"a.bin": CONTENT})
    other = forged.with_blocks(BlockList((blocks_of(CONTENT, 500),)))
    forged.publish(yard.store)
    other.publish(yard.store, version="2.0")
    store = DirectoryStore("file://x", yard.store)
    one, two = (open_version(store, "m", version).bill for version in ("1.0", "2.0"))
    assert one.digest != two.digest
    assert one.same(two)
