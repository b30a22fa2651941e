"""Where a store keeps what: the keys of manifests and blobs, as a registry answers them.

The layout is that of design section 3.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lading.core.image import media_type
from lading.core.names import check_name, is_version
from lading.core.objects import Kind

if TYPE_CHECKING:
    from lading.core.digest import Digest

ROOT: Final = "v2/"
PARTS: Final = frozenset({"blobs", "manifests", "referrers", "tags"})
"""The folders of a model that hold its own things; every other folder in it is part of a longer name."""
BLOB: Final = Kind()


def model_folder(name: str) -> str:
    """The folder of a model."""
    return f"{ROOT}{check_name(name)}/"


def manifests_folder(name: str) -> str:
    """The folder of a model's manifests: versions, digests, stages and referrers."""
    return f"{model_folder(name)}manifests/"


def manifest_key(name: str, reference: str) -> str:
    """The key of the manifest under a version, a digest or a stage."""
    return f"{manifests_folder(name)}{reference}"


def blobs_folder(name: str) -> str:
    """The folder of a model's blobs."""
    return f"{model_folder(name)}blobs/"


def blob_key(name: str, digest: Digest) -> str:
    """The key of a blob."""
    return f"{blobs_folder(name)}{digest}"


def manifest_kind(raw: bytes, *, changes: bool = False) -> Kind:
    """What web servers are told of a manifest, so that container tools can pull from them.

    The media type is the manifest's own (OCI image specification 1.1, "Image Manifest Property
    Descriptions"); one that says none is an index where it lists manifests.
    """
    return Kind(media_type(raw), changes)


def stays(key: str) -> bool:
    """Whether the manifest under a key never changes, as those of versions, digests and referrers."""
    folder, _, label = key.rpartition("/")
    if not folder.endswith("/manifests"):
        return True
    return label.startswith("sha256:") or (is_version(label) and not label.startswith("sha256-"))
