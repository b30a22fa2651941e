"""The same blobs a second time, as a CNCF ModelPack artifact (design, section 3.2).

Config and manifest differ from the image's, the layers are shared. Media types: ``specs-go/v1/mediatype.go``
and ``schema/config-schema.json`` of github.com/modelpack/model-spec.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lading.core import canonical
from lading.core.image import MANIFEST_TYPE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.core.bill import Bill
    from lading.core.digest import Digest
    from lading.core.image import Descriptor

ARTIFACT_TYPE: Final = "application/vnd.cncf.model.manifest.v1+json"
CONFIG_TYPE: Final = "application/vnd.cncf.model.config.v1+json"
LAYER_TYPE: Final = "application/vnd.cncf.model.weight.v1.tar"


def config(bill: Bill, diff_ids: Sequence[Digest]) -> bytes:
    """The artifact's config."""
    about = bill.metadata
    descriptor: dict[str, Any] = {"name": bill.name, "version": bill.version}
    if about.license is not None:
        descriptor["licenses"] = [about.license]
    if about.description is not None:
        descriptor["description"] = about.description
    document = {
        "descriptor": descriptor,
        "config": {} if about.format is None else {"format": about.format},
        "modelfs": {"type": "layers", "diffIds": [str(digest) for digest in diff_ids]},
    }
    return canonical.encode(document, "the ModelPack config")


def manifest(config_descriptor: Descriptor, layers: Sequence[Descriptor], subject: Descriptor) -> bytes:
    """The artifact's manifest, over the layers of the image ``subject``, which it refers to.

    So clients find it among the referrers of the version (OCI distribution specification 1.1).
    """
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": ARTIFACT_TYPE,
        "config": config_descriptor.document(),
        "layers": [layer.document() | {"mediaType": LAYER_TYPE} for layer in layers],
        "subject": subject.document(),
    }
    return canonical.encode(document, "the ModelPack manifest")
