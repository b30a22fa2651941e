"""Stores and caches whose bytes are not what they should be."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lading import api
from lading.core.blocks import BlockList
from lading.core.digest import Digest
from tests import counts
from tests.cargo import blocks_of, fill, noise
from tests.forge import Forged, genuine
from tests.yard import Yard, files_of, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MIB = 1024 * 1024
FILES = {
    "big.bin": noise(MIB + 17),
    "empty": b"",
    "small/a.bin": noise(40_000),
    "small/b.bin": noise(70_000, 2),
}


@pytest.fixture
def stocked(yard: Yard) -> Yard:
    """A project whose model is in the store, and nowhere else."""
    return yard.stock(FILES)


def placed(yard: Yard) -> dict[str, bytes]:
    return files_of(yard.folder / "model") if (yard.folder / "model").exists() else {}


def flip(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 1 << offset % 8
    path.write_bytes(content)


def offsets(blob: Path) -> Iterator[int]:
    size = blob.stat().st_size
    luck = random.Random(f"{counts.SEED} {blob.name}")
    yield from {0, size - 1, *(luck.randrange(size) for _ in range(counts.FAULTS // 4))}


def test_one_flipped_bit_anywhere_in_any_blob_is_found_and_nothing_is_placed(stocked: Yard) -> None:
    blobs = stocked.blobs()
    assert len(blobs) == 4
    for blob in blobs:
        for offset in offsets(blob):
            flip(blob, offset)
            code, status, message, hint = refusal(lambda: stocked.pull("m:1.0"))
            assert (code in {"bad-block", "wrong-digest"}, status) == (True, 4), (blob.name, offset)
            assert blob.name in message
            assert "--repair" in hint
            assert placed(stocked) == {}
            assert api.in_place(project=stocked.folder) != []
            flip(blob, offset)
            stocked.forget("model")
    assert stocked.pull("m:1.0")
    assert placed(stocked) == FILES


def test_a_blob_that_is_cut_short(stocked: Yard) -> None:
    for blob in stocked.blobs():
        content = blob.read_bytes()
        blob.write_bytes(content[: len(content) // 2])
        code, status, message, hint = refusal(lambda: stocked.pull("m:1.0"))
        assert (code, status) == ("truncated-blob", 4)
        assert blob.name in message
        assert "--repair" in hint
        assert placed(stocked) == {}
        blob.write_bytes(content)
        stocked.forget("model")


def test_a_blob_that_is_missing(stocked: Yard) -> None:
    for blob in stocked.blobs():
        content = blob.read_bytes()
        blob.unlink()
        code, status, message, hint = refusal(lambda: stocked.pull("m:1.0"))
        assert (code, status) == ("no-blob", 3)
        assert blob.name in message
        assert "--repair" in hint
        assert placed(stocked) == {}
        blob.write_bytes(content)
        stocked.forget("model")


def test_another_versions_manifest_in_the_place_of_the_right_one(stocked: Yard) -> None:
    fill(stocked.folder / "model", {**FILES, "small/a.bin": b"of 1.1"})
    stocked.push("m:1.1")
    stocked.forget("model")
    manifests = stocked.store / "v2" / "m" / "manifests"
    (manifests / "1.0").write_bytes((manifests / "1.1").read_bytes())
    code, status, message, _ = refusal(lambda: stocked.pull("m:1.0"))
    assert (code, status) == ("wrong-bill", 4)
    assert "asked for m:1.0" in message
    assert "m:1.1" in message
    assert placed(stocked) == {}


def test_another_models_version_in_the_place_of_the_right_one(yard: Yard) -> None:
    genuine({"a.bin": b"x"}, name="other").publish(yard.store, "m", "1.0")
    yard.declare("m", "model")
    assert refusal(lambda: yard.pull("m:1.0"))[:2] == ("wrong-bill", 4)


def headers_changed(forged: Forged) -> Forged:
    layer = bytearray(forged.layers[-1])
    layer[100:107] = b"0000700"  # the mode of the first header, a folder
    return replace(forged, layers=(*forged.layers[:-1], bytes(layer)))


def too_long(forged: Forged) -> Forged:
    return replace(forged, layers=(forged.layers[0] + bytes(512), *forged.layers[1:]))


def blocks_short(forged: Forged) -> Forged:
    blocks = BlockList.parse(forged.blocks)
    return forged.with_blocks(BlockList((blocks.files[0][:-1], *blocks.files[1:])))


def one_file_fewer_in_the_list(forged: Forged) -> Forged:
    return forged.with_blocks(BlockList(BlockList.parse(forged.blocks).files[1:]))


def another_list(forged: Forged) -> Forged:
    return replace(forged, blocks=forged.blocks[:-1] + bytes([forged.blocks[-1] ^ 1]))


def no_layer(forged: Forged) -> Forged:
    return replace(forged, layers=forged.layers[:-1])


def files(forged: Forged, number: int, **keys: Any) -> Forged:  # noqa: ANN401
    entries = [dict(each) for each in forged.document["files"]]
    entries[number] |= keys
    return forged.with_bill(files=entries)


def spaced(forged: Forged) -> Forged:
    import json

    return replace(forged, bill=json.dumps(forged.document, indent=1).encode())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (headers_changed, "bad-block"),
        (too_long, "bad-layer"),
        (no_layer, "bad-manifest"),
        (blocks_short, "bad-blocks"),
        (one_file_fewer_in_the_list, "bad-blocks"),
        (another_list, "bad-blocks"),
        (lambda f: replace(f, bill=b" " * (4 * MIB + 1)), "bill-too-large"),
        (spaced, "not-canonical"),
        (lambda f: f.with_bill(lading=2), "bad-bill"),
        (lambda f: f.with_bill(name="Other"), "bad-bill"),
        (lambda f: f.with_bill(version="latest"), "bad-bill"),
        (lambda f: f.with_bill(files=[]), "bad-bill"),
        (lambda f: f.with_bill(entry="not-there.bin"), "bad-bill"),
        (lambda f: files(f, 0, path="../escape.bin"), "bad-bill"),
        (lambda f: files(f, 0, path="/etc/escape.bin"), "bad-bill"),
        (lambda f: files(f, 0, path=".wh.a.bin"), "bad-bill"),
        (lambda f: files(f, 0, path="lading.json"), "bad-bill"),
        (lambda f: files(f, 1, path="BIG.bin"), "bad-bill"),
        (lambda f: files(f, 0, size=-1), "bad-bill"),
        (lambda f: files(f, 0, sha256="abc"), "bad-bill"),
        (lambda f: f.with_bill(version="9.9"), "wrong-bill"),
    ],
)
def test_a_version_that_somebody_forged(yard: Yard, change: Callable[[Forged], Forged], code: str) -> None:
    contents = {"big.bin": noise(MIB), "z.bin": noise(3000)}
    yard.declare("m", "model")
    change(genuine(contents)).publish(yard.store)
    found = refusal(lambda: yard.pull("m:1.0"))
    assert found[:2] == (code, 4), found
    assert placed(yard) == {}
    assert not (yard.folder.parent / "escape.bin").exists()


def test_the_genuine_version_of_those_forgeries_is_taken(yard: Yard) -> None:
    contents = {"big.bin": noise(MIB), "z.bin": noise(3000)}
    yard.declare("m", "model")
    genuine(contents).publish(yard.store)
    assert yard.pull("m:1.0")[0].fetched == MIB + 3000
    assert placed(yard) == contents


def test_right_blocks_of_another_file_than_the_bill_says(yard: Yard) -> None:
    """Bill and block list contradict each other: found before the file gets its final name."""
    contents = {"a.bin": noise(3000, 1), "b.bin": noise(3000, 2)}
    forged = genuine(contents)
    other = Digest.of(b"another file").hex
    files(forged, 1, sha256=other).publish(yard.store)
    yard.declare("m", "model")
    code, status, message, hint = refusal(lambda: yard.pull("m:1.0"))
    assert (code, status) == ("bad-file", 4)
    assert "'b.bin'" in message
    assert other in message
    assert "new version" in hint
    assert placed(yard) == {}
    named = [path.name for path in (yard.cache / "files").rglob("*") if path.is_file()]
    assert named == [Digest.of(contents["a.bin"]).hex]
    assert list((yard.cache / "partial").iterdir()) == []


def test_blocks_of_another_content_than_the_layer_holds(yard: Yard) -> None:
    forged = genuine({"a.bin": noise(3000, 1)})
    forged.with_blocks(BlockList((blocks_of(noise(3000, 2), 1000),))).publish(yard.store)
    yard.declare("m", "model")
    assert refusal(lambda: yard.pull("m:1.0"))[:2] == ("bad-block", 4)


def test_a_lock_that_pins_another_bill(stocked: Yard) -> None:
    pinned = api.lock(project=stocked.folder).pins["m"]
    path = stocked.folder / "lading.lock"
    path.write_text(path.read_text().replace(pinned.bill.hex, "a" * 64))
    for act in (lambda: stocked.pull("m"), lambda: api.ensure("m", project=stocked.folder)):
        code, status, message, hint = refusal(act)
        assert (code, status) == ("wrong-bill", 4)
        assert "a" * 64 in message
        assert str(pinned.bill) in message
        assert hint == "if that is intended: lading lock m"
    assert placed(stocked) == {}


def test_repair_heals_a_flipped_bit_in_any_blob(stocked: Yard) -> None:
    stocked.pull("m:1.0")
    for blob in stocked.blobs():
        flip(blob, blob.stat().st_size // 2)
        (pushed,) = stocked.push("m:1.0", repair=True)
        assert pushed.uploaded == blob.stat().st_size
        assert Digest.of(blob.read_bytes()).hex == blob.name[-64:]
        assert api.verify("m:1.0", project=stocked.folder).ok


def test_repair_heals_a_missing_and_a_truncated_blob(stocked: Yard) -> None:
    stocked.pull("m:1.0")
    for blob in stocked.blobs():
        content = blob.read_bytes()
        blob.unlink()
        stocked.push("m:1.0", repair=True)
        assert blob.read_bytes() == content
        blob.write_bytes(content[:-1])
        stocked.push("m:1.0", repair=True)
        assert blob.read_bytes() == content


def test_a_plain_push_sends_a_file_layer_that_is_missing(stocked: Yard) -> None:
    stocked.pull("m:1.0")
    largest = max(stocked.blobs(), key=lambda blob: blob.stat().st_size)
    content = largest.read_bytes()
    largest.unlink()
    (pushed,) = stocked.push("m:1.0")
    assert (pushed.uploaded, largest.read_bytes()) == (len(content), content)


def test_repair_puts_no_other_content_in_the_place_of_a_version(stocked: Yard) -> None:
    stocked.pull("m:1.0")
    fill(stocked.folder / "model", {"small/a.bin": b"other"})
    assert refusal(lambda: stocked.push("m:1.0", repair=True))[:2] == ("version-taken", 6)


def cached(yard: Yard, content: bytes) -> Path:
    hex_ = Digest.of(content).hex
    return yard.cache / "files" / hex_[:2] / hex_


@pytest.mark.parametrize("damage", [lambda c: b"X" + c[1:], lambda c: c[:-1], lambda _: b""])
def test_a_damaged_file_in_the_cache_heals_by_itself(stocked: Yard, damage: Callable[[bytes], bytes]) -> None:
    import shutil

    stocked.pull("m:1.0")
    shutil.rmtree(stocked.folder / "model")
    victim = cached(stocked, FILES["big.bin"])
    victim.write_bytes(damage(FILES["big.bin"]))
    (pulled,) = stocked.pull("m:1.0")
    assert pulled.fetched == len(FILES["big.bin"])
    assert placed(stocked) == FILES
    assert victim.read_bytes() == FILES["big.bin"]


def test_a_damaged_bill_in_the_cache_heals_by_itself(stocked: Yard) -> None:
    import shutil

    api.lock(project=stocked.folder)
    stocked.pull("m")
    for kept in (stocked.cache / "bills").iterdir():
        kept.write_bytes(b"{}")
    shutil.rmtree(stocked.folder / "model")
    stocked.pull("m")
    assert placed(stocked) == FILES


def test_stamps_that_are_damaged_cost_only_time(stocked: Yard) -> None:
    stocked.pull("m:1.0")
    for stamps in (stocked.cache / "stamps").iterdir():
        stamps.write_bytes(b"[not json")
    fill(stocked.folder / "model", {"small/a.bin": b"changed"})
    stocked.pull("m:1.0")
    assert placed(stocked) == FILES
