from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.core.digest import Digest
from lading.core.errors import IntegrityError
from lading.core.image import (
    CONFIG_TYPE,
    INDEX_TYPE,
    LAYER_TYPE,
    MANIFEST_TYPE,
    MAX_MANIFEST_BYTES,
    Config,
    Descriptor,
    Manifest,
    index,
    index_entries,
)
from tests.cargo import ABC, EMPTY
from tests.core import words

ONE, TWO = Digest(ABC), Digest(EMPTY)
MANIFEST = Manifest(Descriptor(CONFIG_TYPE, ONE, 7), (Descriptor(LAYER_TYPE, TWO, 512),))
CONFIG = Config((ONE, TWO), TWO, "linux/arm64")
DESCRIPTORS = st.builds(Descriptor, st.text("abc/+.", max_size=9), words.digests, st.integers(0, 2**53 - 1))


def _changed(raw: bytes, *path: str | int, value: object) -> bytes:
    """The document with one value replaced."""
    document = json.loads(raw)
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(document).encode()


@given(DESCRIPTORS, st.lists(DESCRIPTORS, max_size=4).map(tuple))
def test_a_manifest_reads_back_from_its_bytes(config: Descriptor, layers: tuple[Descriptor, ...]) -> None:
    manifest = Manifest(config, layers)
    assert Manifest.parse(manifest.encode()) == manifest


@given(st.lists(words.digests, max_size=4).map(tuple), words.digests)
def test_a_config_reads_back_from_its_bytes(diff_ids: tuple[Digest, ...], bill: Digest) -> None:
    config = Config(diff_ids, bill, "linux/arm64")
    assert Config.parse(config.encode()) == config


@given(st.dictionaries(st.sampled_from(["linux/amd64", "linux/arm64", "linux/s390x"]), DESCRIPTORS))
def test_an_index_lists_its_manifests_by_platform(manifests: dict[str, Descriptor]) -> None:
    assert index_entries(index(manifests)) == tuple(manifests[platform] for platform in sorted(manifests))


def test_the_bytes_of_a_manifest_are_these() -> None:
    assert json.loads(MANIFEST.encode()) == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": f"sha256:{ABC}",
            "size": 7,
        },
        "layers": [
            {
                "mediaType": "application/vnd.oci.image.layer.v1.tar",
                "digest": f"sha256:{EMPTY}",
                "size": 512,
            }
        ],
    }


def test_the_bytes_of_a_config_are_these() -> None:
    assert json.loads(CONFIG.encode()) == {
        "architecture": "arm64",
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {"Cmd": ["/lading"], "Labels": {"dev.lading.bill": f"sha256:{EMPTY}"}},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{ABC}", f"sha256:{EMPTY}"]},
    }


def test_the_bytes_of_an_index_are_these() -> None:
    assert json.loads(index({"linux/arm64": Descriptor(MANIFEST_TYPE, ONE, 9)})) == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": f"sha256:{ABC}",
                "size": 9,
                "platform": {"os": "linux", "architecture": "arm64"},
            }
        ],
    }


def test_what_a_registry_adds_to_a_manifest_is_ignored() -> None:
    raw = _changed(MANIFEST.encode(), "layers", 0, "urls", value=["https://elsewhere.example/"])
    raw = _changed(raw, "annotations", value={"added": "by a registry"})
    assert Manifest.parse(raw) == MANIFEST
    assert raw != MANIFEST.encode()


@pytest.mark.parametrize(
    ("media_type", "gzipped"),
    [
        ("application/vnd.oci.image.layer.v1.tar", False),
        ("application/vnd.oci.image.layer.v1.tar+gzip", True),
        ("application/vnd.docker.image.rootfs.diff.tar", False),
        ("application/vnd.docker.image.rootfs.diff.tar.gzip", True),
    ],
)
def test_plain_and_gzip_layers_of_oci_and_docker_are_told_apart(media_type: str, *, gzipped: bool) -> None:
    assert Descriptor(media_type, ONE, 1).gzipped is gzipped


@pytest.mark.parametrize(
    "media_type", ["application/vnd.oci.image.layer.v1.tar+zstd", "", "text/html", CONFIG_TYPE]
)
def test_a_layer_of_another_type_is_refused(media_type: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        _ = Descriptor(media_type, ONE, 1).gzipped
    assert caught.value.code == "bad-layer"
    assert f"is of type '{media_type}'" in caught.value.message
    assert caught.value.hint == "copy the image again without zstd compression"


@pytest.mark.parametrize(
    "media_type", [INDEX_TYPE, "application/vnd.docker.distribution.manifest.list.v2+json"]
)
def test_an_index_of_oci_or_docker_without_manifests_is_empty(media_type: str) -> None:
    assert index_entries(json.dumps({"mediaType": media_type}).encode()) == ()


@pytest.mark.parametrize("media_type", [INDEX_TYPE, None])
def test_what_lists_manifests_is_an_index_whether_it_says_so_or_not(media_type: str | None) -> None:
    entries = [Descriptor(MANIFEST_TYPE, ONE, 9).document()]
    document = {"mediaType": media_type, "manifests": entries}
    assert index_entries(json.dumps(document).encode()) == (Descriptor(MANIFEST_TYPE, ONE, 9),)


def test_a_manifest_is_no_index() -> None:
    assert index_entries(MANIFEST.encode()) is None


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (("config",), None, "the manifest: 'config' is missing"),
        (("config",), "x", "the manifest: 'config' must be a table; got 'x'"),
        (("layers",), None, "the manifest: 'layers' is missing"),
        (("layers",), {}, "the manifest: 'layers' must be a list; got {}"),
        (("layers", 0), 1, "the manifest: 'layers' must be a list of tables; got 1 in it"),
        (("layers", 0, "digest"), None, "the manifest layers[0]: 'digest' is missing"),
        (("layers", 0, "digest"), f"md5:{ABC}", "the manifest layers[0]: 'digest': 'md5:"),
        (("layers", 0, "size"), -1, "the manifest layers[0]: 'size' must be a whole number"),
        (("layers", 0, "size"), 1e400, "the manifest layers[0]: 'size' must be a whole number; got inf"),
        (("layers", 0, "mediaType"), None, "the manifest layers[0]: 'mediaType' is missing"),
    ],
)
def test_a_broken_manifest_is_told_what_is_wrong(
    path: tuple[str | int, ...], value: object, problem: str
) -> None:
    with pytest.raises(IntegrityError) as caught:
        Manifest.parse(_changed(MANIFEST.encode(), *path, value=value))
    assert caught.value.code == "bad-manifest"
    assert caught.value.message.startswith(problem)


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (("rootfs",), None, "the image config: 'rootfs' is missing"),
        (("rootfs", "diff_ids"), None, "the image config rootfs: 'diff_ids' is missing"),
        (("rootfs", "diff_ids"), [1], "the image config rootfs: 'diff_ids' must be a list of texts; got 1"),
        (("rootfs", "diff_ids"), ["x"], "the image config: 'x' is not a digest"),
        (("config",), None, "the image config: it has no label dev.lading.bill: this image was not packed"),
        (("config", "Labels"), None, "the image config: it has no label dev.lading.bill"),
        (("config", "Labels"), {}, "the image config: it has no label dev.lading.bill"),
        (("config", "Labels"), [], "the image config config: 'Labels' must be a table; got []"),
        (("config", "Labels", "dev.lading.bill"), "x", "the image config config Labels: 'dev.lading.bill': "),
        (("os",), 1, "the image config: 'os' must be text; got 1"),
    ],
)
def test_a_broken_config_is_told_what_is_wrong(
    path: tuple[str | int, ...], value: object, problem: str
) -> None:
    with pytest.raises(IntegrityError) as caught:
        Config.parse(_changed(CONFIG.encode(), *path, value=value))
    assert caught.value.code == "bad-config"
    assert caught.value.message.startswith(problem)


@pytest.mark.parametrize(
    "raw", [b"", b"<html>", b"\xff\xfe", b"[" * 100_000, b"9" * 5000, b"[]", b"null", b"1"]
)
def test_what_is_no_json_object_is_neither_manifest_nor_index_nor_config(raw: bytes) -> None:
    codes = []
    for read in (Manifest.parse, index_entries, Config.parse):
        with pytest.raises(IntegrityError) as caught:
            read(raw)
        codes.append(caught.value.code)
    assert codes == ["bad-manifest", "bad-manifest", "bad-config"]


def test_a_manifest_over_four_mib_is_refused_before_it_is_read() -> None:
    with pytest.raises(IntegrityError, match="the manifest has 4194305 bytes; at most 4194304"):
        Manifest.parse(b" " * (MAX_MANIFEST_BYTES + 1))
