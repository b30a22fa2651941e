"""``lading export``: a version's plain files with their bill, for those who do not have lading."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from lading import api
from lading.core.errors import ConflictError
from lading.core.location import Location
from lading.core.reference import Reference
from lading.ops.export import export
from lading.stores.memory import Memory, open_store
from lading.wiring import Pulling, Workspace
from tests.cargo import fill, noise
from tests.yard import Notes, Yard, drafts, files_of, refusal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lading.core.objects import Kind

FILES = {"a.bin": noise(3_000_000), "sub/b.bin": noise(9000, 2), "empty": b""}
SIZE = 3_009_000


@pytest.fixture
def stocked(yard: Yard) -> Yard:
    """A project whose store has m:1.0."""
    return yard.stock(FILES)


def shelf(url: str, folder: Path) -> Memory:
    """The objects behind a ``memory://`` URL."""
    objects = open_store(Location(url), folder).objects
    assert isinstance(objects, Memory)
    return objects


def test_the_files_lie_plainly_in_a_folder_with_their_bill_and_nothing_else(
    stocked: Yard, tmp_path: Path
) -> None:
    done = api.export("m:1.0", tmp_path / "out", project=stocked.folder)
    bill = api.show("m:1.0", project=stocked.folder)
    assert (done.name, done.version, done.digest) == ("m", "1.0", str(bill.digest))
    assert (done.dest, done.files, done.size) == (str(tmp_path / "out"), 3, SIZE)
    assert (done.uploaded, done.reused) == (SIZE, 0)
    there = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*")}
    assert there == {*FILES, "sub", "lading.json"}
    assert files_of(tmp_path / "out") == FILES
    assert (tmp_path / "out" / "lading.json").read_bytes() == bill.raw
    assert api.verify(str(tmp_path / "out"), project=stocked.folder).ok


def test_the_same_again_sends_nothing_and_reads_no_object_whose_etag_says_enough(
    stocked: Yard, tmp_path: Path
) -> None:
    url = f"memory://{tmp_path}"
    assert api.export("m:1.0", url, project=stocked.folder).uploaded == SIZE
    again = api.export("m:1.0", url, project=stocked.folder)
    assert (again.uploaded, again.reused, again.dest) == (0, SIZE, url)


def test_a_url_and_a_folder_are_the_same_place(stocked: Yard, tmp_path: Path) -> None:
    folder = tmp_path / "one two%20ä"
    api.export("m:1.0", folder, project=stocked.folder)
    done = api.export(
        "m:1.0",
        f"file://{tmp_path}/one two%2520ä/",
        store=str(f"file://{stocked.store}"),
        project=stocked.folder,
    )
    assert (done.uploaded, files_of(folder)) == (0, FILES)


def test_an_export_that_broke_off_is_taken_up(stocked: Yard, tmp_path: Path) -> None:
    fill(tmp_path / "out", {"a.bin": FILES["a.bin"]})
    done = api.export("m:1.0", tmp_path / "out", project=stocked.folder)
    assert (done.uploaded, done.reused) == (9000, 3_000_000)


def test_a_damaged_file_below_the_bill_is_mended(stocked: Yard, tmp_path: Path) -> None:
    api.export("m:1.0", tmp_path / "out", project=stocked.folder)
    fill(tmp_path / "out", {"sub/b.bin": noise(9000, 3)})
    done = api.export("m:1.0", tmp_path / "out", project=stocked.folder)
    assert (done.uploaded, files_of(tmp_path / "out")) == (9000, FILES)


@pytest.mark.parametrize("content", [b"mine", noise(9000, 3)], ids=["another size", "the same size"])
def test_a_file_of_that_name_that_nobody_vouches_for_is_not_replaced(
    stocked: Yard, tmp_path: Path, content: bytes
) -> None:
    fill(tmp_path / "out", {"sub/b.bin": content})
    code, status, message, _ = refusal(lambda: api.export("m:1.0", tmp_path / "out", project=stocked.folder))
    assert (code, status) == ("export-taken", 6)
    assert "in: sub/b.bin; nothing was written" in message
    assert files_of(tmp_path / "out") == {"sub/b.bin": content}


def test_another_version_keeps_its_place(stocked: Yard, tmp_path: Path) -> None:
    api.export("m:1.0", tmp_path / "out", project=stocked.folder)
    fill(stocked.folder / "model", {"a.bin": b"new"})
    stocked.push("m:1.1")
    code, status, message, _ = refusal(lambda: api.export("m:1.1", tmp_path / "out", project=stocked.folder))
    assert (code, status) == ("export-taken", 6)
    assert "holds m:1.0 " in message
    assert "m:1.1 " in message
    assert files_of(tmp_path / "out") == FILES


def test_a_bill_that_cannot_be_read_keeps_its_place_too(stocked: Yard, tmp_path: Path) -> None:
    fill(tmp_path / "out", {"lading.json": b"{}"})
    code, _, message, _ = refusal(lambda: api.export("m:1.0", tmp_path / "out", project=stocked.folder))
    assert (code, "holds a bill that cannot be read" in message) == ("export-taken", True)


def test_other_files_stay_and_are_named(stocked: Yard, tmp_path: Path) -> None:
    others = {"README.md": b"x", "sub/c": b"c", "x/lading.json": b"{}", "x/y": b"y"}
    fill(tmp_path / "out", others)
    heard = Notes()
    api.export("m:1.0", tmp_path / "out", project=stocked.folder, progress=heard)
    (said,) = heard.said
    assert said == f"{tmp_path / 'out'} also holds what is no part of m: README.md, sub/c; it stays there"
    assert all((tmp_path / "out" / path).read_bytes() == content for path, content in others.items())


class Busy(Memory):
    """Objects among which somebody else puts a bill while we are sending."""

    def put(self, key: str, size: int, chunks: Iterable[bytes], kind: Kind) -> None:
        super().put(key, size, chunks, kind)
        self.replace("lading.json", b"theirs", kind)


def test_a_bill_that_appears_meanwhile_is_not_replaced(stocked: Yard) -> None:
    work = Workspace.open(stocked.folder)
    pulled = work.pull(Reference("m", "1.0"), Pulling(aside="all"))
    objects = Busy("memory://busy")
    with pytest.raises(ConflictError, match=r"memory://busy holds a bill that cannot be read"):
        export(pulled, objects, objects.url, Notes(), lambda: 0.0)
    assert objects.get("lading.json", 100) == b"theirs"


def test_a_checkout_that_rotted_is_not_sent(stocked: Yard, tmp_path: Path) -> None:
    (pulled,) = stocked.pull(f"file://{stocked.store}//m:1.0")
    path = pulled.path / "sub/b.bin"
    before = path.stat()
    path.write_bytes(noise(9000, 3))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    work = Workspace.open(stocked.folder)
    objects = shelf(f"memory://{tmp_path}", tmp_path)
    code, status, message, hint = refusal(lambda: export(pulled, objects, "there", Notes(), lambda: 0.0))
    assert (code, status) == ("bad-file", 4)
    assert str(path) in message
    assert hint.startswith("lading cache --clear")
    assert work.store().versions("m") == ["1.0"]
    assert objects.head("sub/b.bin") is None
    assert objects.head("lading.json") is None, "a place with a bill is whole"


def test_no_draft_remains_in_the_folder(stocked: Yard, tmp_path: Path) -> None:
    fill(tmp_path / "out" / "sub", {".lading-draft-abandoned": b"x"})
    heard = Notes()
    api.export("m:1.0", tmp_path / "out", project=stocked.folder, progress=heard)
    assert (drafts(tmp_path / "out"), heard.said) == ([], [])


def test_words_on_the_command_line(stocked: Yard) -> None:
    done = stocked.say("export", "m:1.0", "../out", "--json")
    assert done.status == 0
    assert {key: done.document[key] for key in ("name", "version", "dest", "files", "size", "uploaded")} == {
        "name": "m",
        "version": "1.0",
        "dest": str(stocked.folder / "../out"),
        "files": 3,
        "size": SIZE,
        "uploaded": SIZE,
    }
    assert set(done.document) >= {"digest", "reused", "seconds"}
    said = stocked.say("export", "m:1.0", "../out")
    assert ": 3 files, 2.9 MiB: 0 B sent, 2.9 MiB there already, " in said.out
    assert stocked.say("export", "m:1.0", "ftp://there").status == 2
    assert stocked.say("export", "m:2.0", "../out").status == 3
