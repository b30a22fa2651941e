"""``lading verify URL/``: what is there, missing and different, without reading where checksums suffice."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from lading import api
from lading.core.bill import Bill, BlobRef, Metadata
from lading.core.errors import UsageError
from lading.core.location import Location
from lading.core.objects import Entries, Found, Kind
from lading.ops.plain import Prover, read_bill, survey, verify_prefix
from lading.stores.memory import Memory, open_store
from tests.cargo import digest, entry, fill, noise
from tests.forge import genuine
from tests.yard import Yard, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lading.ops.verify import Verified

FILES = {"a.bin": noise(30_000), "sub/b.bin": noise(9000, 2), "empty": b""}
SIZE = 39_000
MIB = 1024 * 1024


@pytest.fixture
def url(yard: Yard, tmp_path: Path) -> str:
    """The URL of a prefix whose objects have ETags as S3 gives them, with m:1.0 in it."""
    yard.stock(FILES)
    api.export("m:1.0", f"memory://{tmp_path}", project=yard.folder)
    return f"memory://{tmp_path}/"


def shelf(url: str, folder: Path) -> Memory:
    objects = open_store(Location(url.rstrip("/")), folder).objects
    assert isinstance(objects, Memory)
    return objects


def put(objects: Memory, files: dict[str, bytes]) -> None:
    for key, content in files.items():
        objects.replace(key, content, Kind())


def bill_of(files: dict[str, bytes]) -> bytes:
    listed = [entry(path, content) for path, content in files.items()]
    return Bill.write("m", "1.0", listed, BlobRef(digest("blocks"), 60), Metadata()).raw


def told(verified: Verified) -> dict[str, str]:
    return {each.path: each.problem for each in verified.problems}


def test_nothing_is_read_where_a_copy_has_the_etag(yard: Yard, url: str) -> None:
    done = yard.say("verify", url, "--json")
    assert (done.status, done.document) == (
        0,
        {"ok": True, "anchor": "none", "checked": 3, "problems": [], "read": 0},
    )
    assert yard.say("verify", url).out == "ok: 3 files checked, 0 problems, anchor: none, 0 B read\n"


def test_the_declared_place_is_a_copy_too_and_its_word_alone_is_none(yard: Yard, url: str) -> None:
    yard.pull("m:1.0")
    yard.forget()
    assert api.verify(url, project=yard.folder).read == 0
    fill(yard.folder / "model", {"a.bin": noise(30_000, 7)})
    verified = api.verify(url, project=yard.folder)
    assert (verified.ok, verified.read) == (True, 30_000)


def test_without_a_copy_all_is_read(yard: Yard, url: str) -> None:
    yard.forget()
    verified = api.verify(url, project=yard.folder)
    assert (verified.ok, verified.read) == (True, SIZE)


def test_every_kind_of_difference_is_found(yard: Yard, url: str, tmp_path: Path) -> None:
    objects = shelf(url, tmp_path)
    put(objects, {"a.bin": FILES["a.bin"][:-1], "sub/b.bin": noise(9000, 3), "new": b"x", ".git/HEAD": b"x"})
    objects.delete("empty")
    done = yard.say("verify", url, "--json")
    assert (done.status, done.document["read"]) == (1, 9000)
    found = {each["path"]: each for each in done.document["problems"]}
    assert {path: each["problem"] for path, each in found.items()} == {
        "a.bin": "truncated",
        "sub/b.bin": "different",
        "empty": "missing",
        "new": "extra",
    }
    assert (found["a.bin"]["expected"], found["a.bin"]["got"]) == ("30000 bytes", "29999 bytes")
    assert found["sub/b.bin"]["got"] == f"sha256:{hashlib.sha256(noise(9000, 3)).hexdigest()}"


def test_an_object_that_grew(yard: Yard, url: str, tmp_path: Path) -> None:
    put(shelf(url, tmp_path), {"empty": b"x"})
    assert told(api.verify(url, project=yard.folder)) == {"empty": "different"}


def test_the_anchor_is_the_lock_where_it_pins_the_bill(yard: Yard, url: str) -> None:
    assert refusal(lambda: api.verify(url, require="lock", project=yard.folder))[0] == "weak-anchor"
    api.lock(project=yard.folder)
    assert api.verify(url, require="lock", project=yard.folder).anchor == "lock"


def test_a_folder_by_its_url_has_no_etags_and_is_read(yard: Yard, tmp_path: Path) -> None:
    yard.stock(FILES)
    api.export("m:1.0", tmp_path / "out", project=yard.folder)
    verified = api.verify(f"file://{tmp_path}/out/", project=yard.folder)
    assert (verified.ok, verified.checked, verified.read) == (True, 3, SIZE)
    assert told(api.verify(f"file://{tmp_path}/out//", project=yard.folder)) == {}


def test_a_url_without_a_slash_at_its_end_is_a_reference_as_ever(yard: Yard) -> None:
    yard.stock(FILES)
    verified = api.verify(f"file://{yard.store}/m:1.0", project=yard.folder)
    assert (verified.ok, verified.read) == (True, None)


def test_several_bills_below_one_prefix_and_a_block_list(yard: Yard) -> None:
    from lading.core.layers import open_first_layer

    genuine(FILES).publish(yard.store)
    blobs = (blob.read_bytes() for blob in yard.blobs())
    bill, blocks = open_first_layer(next(blob for blob in blobs if b"LADBLKS1" in blob))
    whole = {**FILES, "lading.json": bill, "lading.blocks": blocks}
    shared = {"x.lading.json": bill_of({"x.pkl": b"x"}), "x.pkl": b"x", "y.txt": b"y"}
    objects = Memory("memory://several")
    put(objects, {f"one/{path}": content for path, content in whole.items()})
    put(objects, {f"one/inner/{path}": content for path, content in whole.items()})
    put(objects, {f"two/{path}": content for path, content in shared.items()})
    verified = verify_prefix(objects, {}, lambda *_: ())
    assert (told(verified), verified.checked) == ({}, 7)

    put(objects, {"one/lading.blocks": blocks[::-1], "one/inner/z": b"z", "two/x.pkl": b"y"})
    assert told(verify_prefix(objects, {}, lambda *_: ())) == {
        "one/lading.blocks": "different",
        "one/inner/z": "extra",
        "two/x.pkl": "different",
    }


def test_a_bill_that_somebody_edited(yard: Yard, url: str, tmp_path: Path) -> None:
    put(shelf(url, tmp_path), {"lading.json": b"{} "})
    verified = api.verify(url, project=yard.folder)
    assert (told(verified), verified.anchor) == ({"lading.json": "not-canonical"}, "none")


def test_without_a_bill_what_is_there_is_told(yard: Yard, tmp_path: Path) -> None:
    fill(tmp_path / "out", {f"{number}.pkl": b"x" for number in range(7)})
    code, status, message, hint = refusal(lambda: api.verify(f"file://{tmp_path}/out/", project=yard.folder))
    assert (code, status) == ("no-bill", 3)
    assert message.endswith("it holds 0.pkl, 1.pkl, 2.pkl, 3.pkl, 4.pkl and 2 more")
    assert hint == f"lading verify file://{tmp_path}/out/ --as NAME:VERSION compares it with a version"
    nothing = refusal(lambda: api.verify(f"file://{tmp_path}/missing/", project=yard.folder))
    assert (nothing[0], nothing[2].endswith("it holds nothing at all")) == ("no-bill", True)


def test_what_was_uploaded_by_hand_is_held_against_the_versions_that_should_be_there(
    yard: Yard, tmp_path: Path
) -> None:
    content = {"nb": noise(5000), "engine": noise(6000, 2)}
    for name, data in content.items():
        fill(yard.folder, {f"data/{name}.pkl": data})
        yard.declare(name, f"data/{name}.pkl")
    yard.push("nb:1.0", "engine:2.0")
    objects = shelf(f"memory://{tmp_path}", tmp_path)
    put(objects, {"nb.pkl": content["nb"], "engine.pkl": content["engine"]})

    words = ("verify", f"memory://{tmp_path}", "--as", "nb:1.0", "--as", "engine:2.0", "--json")
    done = yard.say(*words)
    assert (done.status, done.document["checked"], done.document["read"]) == (0, 2, 0)
    assert told(api.verify(f"memory://{tmp_path}/", as_=["nb:1.0"], project=yard.folder)) == {
        "engine.pkl": "extra"
    }
    put(objects, {"nb.pkl": noise(5000, 9)})
    objects.delete("engine.pkl")
    done = yard.say(*words)
    assert {each["path"]: each["problem"] for each in done.document["problems"]} == {
        "nb.pkl": "different",
        "engine.pkl": "missing",
    }

    api.lock("nb", project=yard.folder)
    digest = api.show("nb:1.0", project=yard.folder).digest
    folder = str(yard.folder / "data")
    assert told(api.verify(folder, as_=["nb", "engine:2.0"], project=yard.folder)) == {}
    assert api.verify(folder, as_=["nb"], project=yard.folder).anchor == "lock"
    assert api.verify(folder, as_=[f"nb@{digest}"], project=yard.folder).anchor == "digest"
    assert api.verify(folder, as_=["nb", "engine"], project=yard.folder).anchor == "none"


def test_words_that_do_not_go_together(yard: Yard, url: str, tmp_path: Path) -> None:
    assert refusal(lambda: api.verify(as_=["m:1.0"], project=yard.folder))[:2] == ("usage", 2)
    assert refusal(lambda: api.verify(url, load=True, project=yard.folder))[:2] == ("usage", 2)
    missing = str(tmp_path / "missing")
    assert refusal(lambda: api.verify(missing, as_=["m:1.0"], project=yard.folder))[:2] == ("no-file", 3)


class Parted(Memory):
    """Objects that were uploaded in parts, and have ETags as S3 gives these."""

    def __init__(self, part: int) -> None:
        super().__init__("memory://parted")
        self._part = part

    def entries(self, folder: str, after: str = "") -> Entries:
        listed = super().entries(folder, after)
        return Entries(listed.folders, tuple(map(self._tagged, listed.objects)))

    def _tagged(self, found: Found) -> Found:
        raw = self.get(found.key, found.size) or b""
        parts = [raw[start : start + self._part] for start in range(0, len(raw), self._part)]
        digests = b"".join(hashlib.md5(part).digest() for part in parts)
        tag = f"{hashlib.md5(digests).hexdigest()}-{len(parts)}"
        return Found(found.key, found.size, found.modified_s, tag)


@pytest.mark.parametrize(
    ("part", "read"),
    [(5 * MIB, 0), (8 * MIB, 0), (6 * MIB, 0), (17 * MIB, 0), (20 * MIB, 0), (17 * MIB - 1000, 17 * MIB)],
)
def test_an_upload_in_parts_is_known_by_the_usual_lengths_of_parts(
    tmp_path: Path, part: int, read: int
) -> None:
    content = noise(MIB) * 17
    objects = Parted(part)
    put(objects, {"a.bin": content})
    fill(tmp_path, {"a.bin": content})
    prover = Prover(objects, lambda _, each: [tmp_path / each.path])
    (found,) = objects.entries("").objects
    assert prover.difference("a.bin", "m", entry("a.bin", content), found) is None
    assert prover.read == read


@pytest.mark.parametrize("etag", ["", "0x8DB123", "F" * 32, "f" * 32, f"{'f' * 32}-0", f"{'f' * 32}-1"])
def test_a_tag_that_says_nothing_leaves_it_to_the_bytes(tmp_path: Path, etag: str) -> None:
    objects = Memory("memory://tags")
    put(objects, {"a.bin": b"abc"})
    fill(tmp_path, {"a.bin": b"abc"})
    prover = Prover(objects, lambda _, each: [tmp_path / each.path])
    assert prover.difference("a.bin", "m", entry("a.bin", b"abc"), Found("a.bin", 3, 0.0, etag)) is None
    assert prover.read == 3


def test_an_object_that_goes_away_while_the_prefix_is_verified() -> None:
    prover = Prover(Memory("memory://gone"), lambda *_: ())
    found = prover.difference("a.bin", "m", entry("a.bin"), Found("a.bin", 1, 0.0))
    assert found is not None
    assert found.problem == "missing"
    code, status, message, _ = refusal(lambda: read_bill(prover.objects, "lading.json"))
    assert (code, status, message) == ("no-object", 3, "memory://gone has no lading.json")


class Unlistable(Memory):
    """Objects as a web server has them: they can be asked for and not listed."""

    def __init__(self, code: str = "cannot-list") -> None:
        super().__init__("memory://web")
        self._code = code

    def entries(self, folder: str, after: str = "") -> Entries:
        raise UsageError(self._code, f"{folder}{after} cannot be listed")


def test_a_web_server_is_asked_for_what_its_bill_lists() -> None:
    objects = Unlistable()
    assert refusal(lambda: survey(objects))[0] == "cannot-list"
    assert refusal(lambda: survey(Unlistable("denied")))[0] == "denied"
    raw = bill_of({"a.bin": b"a", "b.bin": b"b"})
    put(objects, {"lading.json": raw, "a.bin": b"a", "other": b"x"})
    verified = verify_prefix(objects, {}, lambda *_: ())
    assert told(verified) == {"b.bin": "missing"}


class Odd(Memory):
    """Objects of which some keys have ``//`` in them, which are listed as a part without a name."""

    def entries(self, folder: str, after: str = "") -> Entries:
        listed = super().entries(folder, after)
        return Entries(("", *listed.folders), listed.objects)


def test_a_part_of_a_key_without_a_name_is_not_followed_for_ever() -> None:
    objects = Odd("memory://odd")
    put(objects, {"a/b.bin": b"x"})
    assert list(survey(objects).objects) == ["a/b.bin"]


def test_keys_that_stand_for_folders_are_no_files() -> None:
    objects = Memory("memory://marks")
    put(objects, {"": b"", "sub/": b"", "sub/b.bin": b"x"})
    assert list(survey(objects).objects) == ["sub/b.bin"]


def test_a_large_object_is_read_in_pieces() -> None:
    class Counting(Memory):
        def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
            for piece in super().read(key, start, end):
                assert len(piece) <= MIB
                yield piece

    objects = Counting("memory://pieces")
    raw = bill_of({"a.bin": noise(3 * MIB)})
    put(objects, {"lading.json": raw, "a.bin": noise(3 * MIB)})
    verified = verify_prefix(objects, {}, lambda *_: ())
    assert (verified.ok, verified.read) == (True, 3 * MIB)
