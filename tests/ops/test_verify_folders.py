"""verify and list on folders as images and projects have them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lading import api
from lading.core.bill import FileEntry
from lading.core.digest import Digest
from lading.core.layers import open_first_layer
from lading.ops.place import differences
from tests.cargo import fill, noise
from tests.forge import genuine
from tests.yard import files_of

if TYPE_CHECKING:
    from lading.ops.verify import Verified
    from tests.yard import Yard

FILES = {"a.bin": noise(3000), "sub/b.bin": b"b"}
UNREADABLE = Path("/proc/self/mem")
"""A regular file of no bytes on Linux whose reading fails for everybody, root too."""


def unpack(yard: Yard, folder: Path) -> None:
    """Lay out the version as an image that was unpacked has it: bill and block list beside the files."""
    forged = genuine(FILES)
    forged.publish(yard.store)
    bills = [blob for blob in yard.blobs() if b"LADBLKS1" in blob.read_bytes()]
    bill, blocks = open_first_layer(bills[0].read_bytes())
    fill(folder, {**FILES, "lading.json": bill, "lading.blocks": blocks})


def problems(verified: Verified) -> set[tuple[str, str]]:
    return {(each.path, each.problem) for each in verified.problems}


def test_a_block_list_beside_the_bill_is_compared_with_it(yard: Yard) -> None:
    folder = yard.folder / "models"
    unpack(yard, folder)
    verified = api.verify(str(folder), project=yard.folder)
    assert (verified.ok, verified.checked) == (True, 2)

    right = (folder / "lading.blocks").read_bytes()
    (folder / "lading.blocks").write_bytes(right[:-1] + bytes([right[-1] ^ 1]))
    (problem,) = api.verify(str(folder), project=yard.folder).problems
    assert (problem.path, problem.problem) == ("lading.blocks", "different")
    assert problem.expected == str(Digest.of(right))
    assert problem.got == str(Digest.of((folder / "lading.blocks").read_bytes()))


def test_a_models_folder_inside_another_is_judged_by_its_own_bill(yard: Yard) -> None:
    outer = yard.folder / "models"
    unpack(yard, outer)
    yard.model({"x.bin": b"x", "deep/y.bin": b"y"}, name="inner", path="models/inner")
    yard.push("inner:1.0")
    yard.forget("models/inner")
    yard.pull("inner:1.0")
    verified = api.verify(str(outer), project=yard.folder)
    assert (verified.ok, verified.checked) == (True, 4)

    fill(outer, {"inner/deep/more.bin": b"", "stray.bin": b""})
    verified = api.verify(str(outer), project=yard.folder)
    assert problems(verified) == {("inner/deep/more.bin", "extra"), ("stray.bin", "extra")}


def test_what_no_version_ever_holds_is_not_extra(yard: Yard) -> None:
    folder = yard.folder / "models"
    unpack(yard, folder)
    fill(folder, {".DS_Store": b"x", "sub/.DS_Store": b"x", "sub/__pycache__/a.pyc": b"x", "model.sig": b"x"})
    assert api.verify(str(folder), project=yard.folder).ok


@pytest.mark.skipif(not UNREADABLE.exists(), reason="only Linux has such a file")
def test_a_file_that_cannot_be_read_is_a_difference_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").symlink_to(UNREADABLE)
    empty = Digest.of(b"")
    (found,) = differences(tmp_path, (FileEntry("weights.bin", 0, empty),), None)
    assert (found.path, found.problem, found.expected) == ("weights.bin", "unreadable", str(empty))
    assert found.got == "Input/output error"


def test_a_declared_place_that_is_not_there_yet_is_what_the_version_says_it_is(yard: Yard) -> None:
    fill(yard.folder, {"bert-v1.5/a.bin": b"a", "bert-v1.5/b.bin": b"b", "llama": b"weights"})
    yard.declare("bert", "bert-v1.5")
    yard.declare("llama", "llama")
    yard.push("bert:1.0", "llama:1.0")
    yard.forget("bert-v1.5", "llama")

    bert, llama = yard.pull("bert:1.0", "llama:1.0")
    assert (bert.path, bert.root) == (yard.folder / "bert-v1.5", yard.folder / "bert-v1.5")
    assert (llama.path, llama.root) == (yard.folder / "llama", yard.folder)
    assert files_of(bert.root) == {"a.bin": b"a", "b.bin": b"b"}
    assert (bert.root / "lading.json").is_file()
    assert (yard.folder / "llama").read_bytes() == b"weights"
    assert (yard.folder / "llama.lading.json").is_file()
    api.lock(project=yard.folder)
    assert api.in_place(project=yard.folder) == []
    assert api.verify(project=yard.folder).checked == 3


def test_a_store_that_cannot_be_asked_leaves_a_question_mark_in_the_list(yard: Yard) -> None:
    yard.model({"a.bin": b"a"})
    manifests = yard.store / "v2" / "m" / "manifests"
    manifests.parent.mkdir(parents=True)
    manifests.symlink_to(manifests)  # a link to itself: neither there nor not there
    (listed,) = api.list_models(project=yard.folder)
    assert (listed.name, listed.present, listed.pushed) == ("m", True, None)
    done = yard.say("list")
    assert (done.status, done.out.splitlines()[1].split()) == (0, ["m", "yes", "-", "-", "?", "-"])
    assert yard.say("list", "m").status == 5
