"""Versions as registries and copying tools hand them on: recompressed, and for several platforms."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from lading import api
from lading.core.digest import Digest
from lading.core.image import LAYER_TYPE
from tests.cargo import noise
from tests.yard import files_of, refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.yard import Yard

MIB = 1024 * 1024
FILES = {
    "big.bin": noise(MIB + 17),
    "empty": b"",
    "small/a.bin": noise(40_000),
    "small/b.bin": noise(70_000, 2),
}


def recompress(yard: Yard, change: Callable[[bytes], bytes] = bytes) -> list[Path]:
    """Put gzip layers in the place of the plain ones, as a registry may; the config stays."""
    manifests, blobs = (yard.store / "v2" / "m" / kind for kind in ("manifests", "blobs"))
    document = json.loads((manifests / "1.0").read_bytes())
    made = []
    for layer in document["layers"]:
        plain = blobs / layer["digest"]
        packed = gzip.compress(change(plain.read_bytes()), 1, mtime=0)
        plain.unlink()
        digest = str(Digest.of(packed))
        (blobs / digest).write_bytes(packed)
        layer |= {"mediaType": f"{LAYER_TYPE}+gzip", "digest": digest, "size": len(packed)}
        made.append(blobs / digest)
    (manifests / "1.0").write_text(json.dumps(document))
    return made


@pytest.fixture
def stocked(yard: Yard) -> Yard:
    """A project whose model is in the store, and nowhere else."""
    return yard.stock(FILES)


def test_recompressed_layers_are_read_as_the_same_version(stocked: Yard) -> None:
    before = api.show("m:1.0", project=stocked.folder).digest
    recompress(stocked)
    (pulled,) = stocked.pull("m:1.0")
    assert pulled.digest == str(before)
    assert files_of(stocked.folder / "model") == FILES
    assert api.verify("m:1.0", project=stocked.folder).ok


def test_one_file_of_many_is_read_out_of_a_recompressed_layer(stocked: Yard) -> None:
    recompress(stocked)
    stocked.pull("m:1.0")
    stocked.forget("model/small/b.bin")
    (pulled,) = stocked.pull("m:1.0")
    assert pulled.fetched == len(FILES["small/b.bin"])
    assert files_of(stocked.folder / "model") == FILES


def test_the_last_of_many_files_is_read_out_of_a_recompressed_layer(yard: Yard) -> None:
    files = {f"{number}.bin": noise(900_000, number) for number in range(4)}
    folder = yard.model(files)
    yard.push("m:1.0")
    recompress(yard)
    yard.pull("m:1.0")
    yard.forget("model/3.bin")
    assert yard.pull("m:1.0")[0].fetched == 900_000
    assert files_of(folder) == files


def test_a_flipped_bit_in_a_recompressed_layer_is_found(stocked: Yard) -> None:
    for number, layer in enumerate(recompress(stocked)):
        content = bytearray(layer.read_bytes())
        content[len(content) // 2] ^= 1
        layer.write_bytes(content)
        code, status, _, _ = refusal(lambda: stocked.pull("m:1.0"))
        assert (code in {"bad-layer", "bad-block", "wrong-digest"}, status) == (True, 4), number
        content[len(content) // 2] ^= 1
        layer.write_bytes(content)
        stocked.forget("model")


def test_a_recompressed_layer_of_other_bytes_is_found(stocked: Yard) -> None:
    recompress(stocked, lambda layer: layer[:-1] + b"x")
    assert refusal(lambda: stocked.pull("m:1.0"))[1] == 4


def test_a_recompressed_layer_that_never_ends_is_not_read_to_the_end(stocked: Yard) -> None:
    recompress(stocked, lambda layer: layer + bytes(80 * MIB))
    code, status, _, _ = refusal(lambda: stocked.pull("m:1.0"))
    assert (code, status) == ("too-large", 4)


def test_a_version_for_several_platforms_is_one_version(yard: Yard) -> None:
    folder = yard.model(FILES)
    (pushed,) = yard.push("m:1.0", platforms=("linux/amd64", "linux/arm64"))
    document = yard.manifest("1.0")
    assert [each["platform"]["architecture"] for each in document["manifests"]] == ["amd64", "arm64"]
    yard.forget("model")
    assert yard.pull("m:1.0")[0].digest == pushed.digest
    assert files_of(folder) == FILES
    (again,) = yard.push("m:1.0", platforms=("linux/amd64", "linux/arm64"))
    assert (again.uploaded, again.digest) == (0, pushed.digest)
