"""What registries' clients read in a store, as it follows from the truth (design, section 3.3).

Each is a pure function of what it shows, with one spelling for equal contents, so that a projector knows by
comparing bytes whether it is done. Formats: OCI distribution specification 1.1, "Listing Tags" and "Referrers
Tag Schema".
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from lading.core import canonical
from lading.core.digest import Digest
from lading.core.errors import IntegrityError
from lading.core.event import ledger_folder
from lading.core.image import INDEX_TYPE, MANIFEST_TYPE, Descriptor, read_json
from lading.core.versions import version_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lading.core.ledger import Head

MAX_TAGGED_VERSIONS: Final = 1000


@dataclass(frozen=True, slots=True)
class Referrer:
    """A manifest that speaks of another one, such as a signature or evidence.

    Attributes:
        descriptor: the referrer's own manifest.
        artifact_type: its ``artifactType``.
        annotations: those of its manifest.
    """

    descriptor: Descriptor
    artifact_type: str
    annotations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, raw: bytes, what: str) -> Self:
        """Read what a list of referrers says of a manifest.

        Its type is its ``artifactType``, else the media type of its config (specification, "Listing
        Referrers").

        Raises:
            IntegrityError: ``bad-manifest``.
        """
        table = read_json(raw, what, "bad-manifest")
        config = table.table("config")
        media_type = table.text("mediaType") or MANIFEST_TYPE
        artifact_type = table.text("artifactType") or (config and config.text("mediaType")) or media_type
        annotations = table.table("annotations")
        return cls(
            Descriptor(media_type, Digest.of(raw), len(raw)),
            artifact_type,
            {} if annotations is None else {key: str(value) for key, value in annotations.data.items()},
        )

    def document(self) -> dict[str, Any]:
        """Its descriptor in a list of referrers."""
        said = self.descriptor.document() | {"artifactType": self.artifact_type}
        return said | ({"annotations": dict(self.annotations)} if self.annotations else {})


def tags_list(name: str, versions: Iterable[str], stages: Iterable[str]) -> bytes:
    """The answer to ``GET /v2/<name>/tags/list``: all stages and the newest 1,000 versions."""
    newest = sorted(set(versions), key=version_key)[-MAX_TAGGED_VERSIONS:]
    # The specification wants lexical order without regard to case; the tag itself settles what that leaves.
    tags = sorted({*newest, *stages}, key=lambda tag: (tag.lower(), tag))
    return canonical.encode({"name": name, "tags": tags}, f"the tags of {name}")


def tags(raw: bytes, what: str) -> list[str]:
    """The tags in such an answer, of whichever registry.

    Raises:
        IntegrityError: ``bad-tags``.
    """
    try:
        found = json.loads(raw)["tags"] or []
        if all(isinstance(tag, str) for tag in found):
            return list(found)
    except (ValueError, KeyError, TypeError):
        pass
    raise IntegrityError("bad-tags", f"{what} is no list of tags", hint="lading push heals it")


def head_json(head: Head) -> bytes:
    """What ``head.json`` says of a ledger that ends there."""
    return head.encode()


def referrers_index(referrers: Iterable[Referrer]) -> bytes:
    """The index of a manifest's referrers, for clients that ask by the fallback tag."""
    listed = {referrer.descriptor.digest: referrer for referrer in referrers}
    document = {
        "schemaVersion": 2,
        "mediaType": INDEX_TYPE,
        "manifests": [listed[digest].document() for digest in sorted(listed)],
    }
    return canonical.encode(document, "the index of referrers")


def tags_key(model: str) -> str:
    """Where the list of tags lies."""
    return f"v2/{model}/tags/list"


def head_key(model: str) -> str:
    """Where the hint to a ledger's end lies."""
    return f"{ledger_folder(model)}head.json"


def referrers_folder(model: str, subject: Digest) -> str:
    """The common beginning of the keys of what refers to the manifest ``subject``."""
    return f"v2/{model}/referrers/{subject.hex}/"


def referrer_key(model: str, subject: Digest, digest: Digest) -> str:
    """Where the manifest ``digest``, which refers to ``subject``, lies."""
    return f"{referrers_folder(model, subject)}{digest}.json"


def fallback_key(model: str, subject: Digest) -> str:
    """Where the index of the referrers of ``subject`` lies, under the specification's fallback tag."""
    return f"v2/{model}/manifests/sha256-{subject.hex}"
