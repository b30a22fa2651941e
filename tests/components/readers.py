"""The container tools that read a version from a registry, each down to a folder of model files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.components.tools import run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.components.servers import Docker, Podman


@dataclass(frozen=True, slots=True)
class Engines:
    """What keeps images: Docker's and podman's storage."""

    docker: Docker
    podman: Podman


def skopeo(destination: str, image: str, *options: str) -> None:
    """Copy an image from a registry to where skopeo's transport says."""
    words = ["--src-tls-verify=false", *options, f"docker://{image}", destination]
    run("skopeo", "copy", "-q", *words, environ={"HOME": "/nonexistent"})


def with_skopeo_oci(_: Engines, image: str, folder: Path) -> Path:
    """``skopeo copy`` to an OCI layout, whose layers are unpacked with tar."""
    skopeo(f"oci:{folder}/layout:it", image)
    layout = folder / "layout"
    manifest = layout / "blobs" / _path(_json(layout / "index.json")["manifests"][0]["digest"])
    return _unpack([layout / "blobs" / _path(each) for each in layers(_json(manifest))], folder / "root")


def with_skopeo_dir(_: Engines, image: str, folder: Path) -> Path:
    """``skopeo copy`` to a plain folder, whose layers are unpacked with tar."""
    skopeo(f"dir:{folder}/layout", image)
    digests = layers(_json(folder / "layout" / "manifest.json"))
    return _unpack([folder / "layout" / each.partition(":")[2] for each in digests], folder / "root")


def with_docker(engines: Engines, image: str, folder: Path) -> Path:
    """``docker pull``, then ``docker cp`` from a container that never ran."""
    docker = engines.docker
    docker("pull", "-q", image)
    container = docker("create", image).strip()
    docker("cp", f"{container}:/models", folder / "models")
    docker("rm", container)
    docker("rmi", image)
    return folder / "models"


def with_buildkit(engines: Engines, image: str, folder: Path) -> Path:
    """``COPY --from=`` in a Dockerfile, built by BuildKit and exported as files."""
    context = folder / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(f"FROM scratch\nCOPY --from={image} /models /srv/models\n")
    out = folder / "out"
    engines.docker("build", "-q", "-o", out, context, environ={"DOCKER_BUILDKIT": "1"})
    return out / "srv" / "models"


def with_podman(engines: Engines, image: str, folder: Path) -> Path:
    """``podman pull``, then ``podman cp`` from a container that never ran."""
    podman = engines.podman
    podman("pull", "-q", "--tls-verify=false", image)
    container = podman("create", "--network=none", image).strip()
    podman("cp", f"{container}:/models", folder / "models")
    podman("rm", container)
    podman("rmi", image)
    return folder / "models"


READERS: Final[Mapping[str, Callable[[Engines, str, Path], Path]]] = {
    "skopeo oci": with_skopeo_oci,
    "skopeo dir": with_skopeo_dir,
    "docker": with_docker,
    "buildkit": with_buildkit,
    "podman": with_podman,
}
"""Each takes an image, such as ``127.0.0.1:80/acme/x:1.0``, and an empty folder; gives the model's."""


def layers(manifest: Mapping[str, Any]) -> list[str]:
    """The digests of a manifest's layers, in order."""
    return [layer["digest"] for layer in manifest["layers"]]


def _path(digest: str) -> str:
    return digest.replace(":", "/", 1)


def _json(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_bytes())
    return document


def _unpack(archives: list[Path], root: Path) -> Path:
    root.mkdir()
    for archive in archives:
        run("tar", "-x", "-f", archive, "-C", root)
    return root / "models"
