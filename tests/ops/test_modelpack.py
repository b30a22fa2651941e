"""The same blobs a second time, as a CNCF ModelPack artifact."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lading import api
from lading.core.digest import Digest
from tests.cargo import noise

if TYPE_CHECKING:
    from tests.yard import Yard

MIB = 1024 * 1024
FILES = {"big.bin": noise(MIB + 1), "small.bin": b"small"}


def config(yard: Yard, descriptor: dict[str, Any]) -> dict[str, Any]:
    raw = (yard.store / "v2" / "m" / "blobs" / descriptor["digest"]).read_bytes()
    assert (str(Digest.of(raw)), len(raw)) == (descriptor["digest"], descriptor["size"])
    document = json.loads(raw)
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize(
    ("keys", "said", "settings"),
    [
        ({}, {}, {}),
        (
            {"license": "Apache-2.0", "description": "tells ham from spam", "format": "safetensors"},
            {"licenses": ["Apache-2.0"], "description": "tells ham from spam"},
            {"format": "safetensors"},
        ),
    ],
    ids=["nothing but the files", "with license, description and format"],
)
def test_the_artifact_is_the_images_layers_under_a_config_of_its_own(
    yard: Yard, keys: dict[str, str], said: dict[str, object], settings: dict[str, str]
) -> None:
    yard.model(FILES)
    yard.settings()
    yard.declare("m", "model", **keys)
    (pushed,) = yard.push("m:1.0", modelpack=True)
    image = yard.manifest("1.0")
    assert pushed.modelpack is not None
    artifact = yard.manifest(pushed.modelpack)
    assert artifact == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.cncf.model.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.cncf.model.config.v1+json",
            "digest": artifact["config"]["digest"],
            "size": artifact["config"]["size"],
        },
        "layers": [
            {**layer, "mediaType": "application/vnd.cncf.model.weight.v1.tar"} for layer in image["layers"]
        ],
        "subject": {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": pushed.manifest,
            "size": (yard.manifests / "1.0").stat().st_size,
        },
    }
    assert len(artifact["layers"]) == 3
    assert config(yard, artifact["config"]) == {
        "descriptor": {"name": "m", "version": "1.0", **said},
        "config": settings,
        "modelfs": {
            "type": "layers",
            "diffIds": config(yard, image["config"])["rootfs"]["diff_ids"],
        },
    }


def test_the_artifact_lies_under_its_digest_and_no_version_names_it(yard: Yard) -> None:
    yard.model(FILES)
    (plain,) = yard.push("m:1.0")
    assert plain.modelpack is None
    blobs = set(yard.blobs())

    (pushed,) = yard.push("m:1.0", modelpack=True)
    assert (pushed.digest, pushed.manifest) == (plain.digest, plain.manifest)
    raw = (yard.manifests / str(pushed.modelpack)).read_bytes()
    assert str(Digest.of(raw)) == pushed.modelpack
    assert api.list_versions("m", project=yard.folder) == ("1.0",)
    (added,) = set(yard.blobs()) - blobs
    assert added.name == json.loads(raw)["config"]["digest"]
    assert pushed.uploaded == added.stat().st_size

    (again,) = yard.push("m:1.0", modelpack=True)
    assert (again.modelpack, again.uploaded) == (pushed.modelpack, 0)
    yard.forget("model")
    assert yard.pull("m:1.0")[0].digest == plain.digest


def test_clients_find_the_artifact_among_the_referrers_of_the_version(yard: Yard) -> None:
    yard.model(FILES)
    (pushed,) = yard.push("m:1.0", modelpack=True, platforms=("linux/amd64", "linux/arm64"))
    subject = Digest.parse(pushed.manifest)
    assert yard.manifest(f"sha256-{subject.hex}") == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": pushed.modelpack,
                "size": (yard.manifests / str(pushed.modelpack)).stat().st_size,
                "artifactType": "application/vnd.cncf.model.manifest.v1+json",
            }
        ],
    }
    truth = yard.store / "v2" / "m" / "referrers" / subject.hex / f"{pushed.modelpack}.json"
    assert truth.read_bytes() == (yard.manifests / str(pushed.modelpack)).read_bytes()
    assert yard.manifest(str(pushed.modelpack))["subject"]["mediaType"].endswith("index.v1+json")


def test_the_command_line_tells_the_artifacts_digest(yard: Yard) -> None:
    yard.model(FILES)
    document = yard.say("push", "m:1.0", "--modelpack", "--json").document
    assert yard.manifest(document["modelpack"])["artifactType"].endswith("model.manifest.v1+json")
