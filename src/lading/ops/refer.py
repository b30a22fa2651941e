"""Referrers: manifests that speak of a version's manifest, as another form of it or a signature does.

The truth is one object for each, created once. What registries' clients ask for, the index under the
fallback tag, is a projection of these (design, section 3.3; OCI distribution specification 1.1, "Referrers
Tag Schema").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lading.core import layout
from lading.core.digest import Digest
from lading.core.errors import IntegrityError
from lading.core.image import MAX_MANIFEST_BYTES
from lading.core.projections import Referrer, fallback_key, referrer_key, referrers_folder, referrers_index
from lading.ops.project import settle

if TYPE_CHECKING:
    from lading.core.objects import Objects
    from lading.core.ports import WritableStore


def attach(store: WritableStore, model: str, subject: Digest, raw: bytes) -> Digest:
    """Store a manifest that refers to ``subject``; the same again is a success.

    Args:
        store: where both lie; the blobs that the manifest names are there already.
        model: their model.
        subject: the digest of the manifest that is spoken of.
        raw: the manifest that speaks.

    Returns:
        Its digest, under which clients fetch it.

    Raises:
        IntegrityError: ``bad-manifest``, where other bytes lie there.
    """
    digest = Digest.of(raw)
    found = Referrer.parse(raw, f"the referrer {digest} of {model}")
    kind = layout.manifest_kind(raw)
    key = referrer_key(model, subject, digest)
    if not (store.create_manifest(model, str(digest), raw) and store.objects.create(key, raw, kind)):
        raise IntegrityError("bad-manifest", f"{store.url} holds other bytes under {digest} of {model}")
    index = layout.manifest_kind(referrers_index([found]), changes=True)
    settle(
        store.objects,
        fallback_key(model, subject),
        lambda: referrers_index(referrers(store.objects, model, subject)),
        index,
    )
    return digest


def referrers(objects: Objects, model: str, subject: Digest) -> list[Referrer]:
    """What refers to a manifest, from the truth.

    Raises:
        IntegrityError: ``bad-manifest``, ``wrong-digest``.
    """
    found = []
    for each in objects.entries(referrers_folder(model, subject)).objects:
        raw = objects.get(each.key, MAX_MANIFEST_BYTES + 1)
        digest = Digest.of(raw or b"")
        if each.key != referrer_key(model, subject, digest):
            raise IntegrityError("wrong-digest", f"{objects.url}: {each.key} holds bytes with {digest}")
        found.append(Referrer.parse(raw or b"", f"{objects.url}: {each.key}"))
    return found
