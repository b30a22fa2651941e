"""Push: pack a version and publish it; blobs first, the version's manifest last, nothing ever replaced."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from lading.core import modelpack
from lading.core.blocks import average_for, usable_average
from lading.core.digest import Digest
from lading.core.errors import ConflictError, IntegrityError, LadingError, NotFoundError, UsageError
from lading.core.prefix import few
from lading.core.versions import highest, next_version, version_key
from lading.ops.ledger import record
from lading.ops.pack import Shape, describe, image, read_contents
from lading.ops.project import project
from lading.ops.refer import attach
from lading.ops.sweep import wait
from lading.ops.version import open_version

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.core.bill import Bill
    from lading.core.blocks import BlockList
    from lading.core.ports import Clock, Progress, WritableStore
    from lading.ops.ledger import Author, Ledger
    from lading.ops.metadata import Description
    from lading.ops.pack import Blob, Contents, Image
    from lading.plumbing.tree import Tree


_WEAK: Final = (
    "is weak: it replaces what it was asked to create, so two who push one version at once may both succeed, "
    "and it holds no ledger"
)


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did.

    Attributes:
        digest: the bill's, which is the version's identity.
        uploaded: the bytes of blobs that were sent.
        reused: the bytes of blobs that were there already.
        manifest: the digest of the manifest that the version names.
        modelpack: the digest of the ModelPack artifact's manifest, where one was asked for.
    """

    name: str
    version: str
    digest: str
    files: int
    size: int
    uploaded: int
    reused: int
    seconds: float
    manifest: str
    modelpack: str | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """What to publish.

    Attributes:
        shape: which images to make of it.
        repair: whether blobs that are there already are read, proven and replaced where they are wrong.
    """

    name: str
    version: str
    tree: Tree
    description: Description
    shape: Shape = field(default_factory=Shape)
    repair: bool = False


def push(release: Release, store: WritableStore, progress: Progress, clock: Clock, author: Author) -> Pushed:
    """Publish a version; the same again under its version is a success that uploads nothing.

    Then the ledger says so and the projections show it, except in a weak store, which can hold no ledger.

    Raises:
        ConflictError: ``version-taken``, where the version exists with other content.
        UsageError: ``bad-version``, where another version differs by case alone.
        IntegrityError: ``broken-ledger``, ``bad-event``: it is published, and the ledger cannot say so.
    """
    began = clock.now()
    name, version = release.name, release.version
    versions = store.versions(name)
    _check_case(version, versions)
    progress.start(f"{name}:{version}", sum(size for _, size in release.tree.files))
    stored = _stored(release, versions, store)
    average = stored.average if stored else _average(release, versions, store)
    contents = read_contents(release.tree, average, progress)
    metadata, left_out = release.description.of(contents.files)
    if left_out:
        progress.note(f"{release.tree.root}: {left_out}")
    bill = contents.bill(name, version, metadata)
    if stored:
        bill = _agree(bill, stored.bill, store)
        contents = replace(contents, blocks=stored.blocks)  # the bill that stands names these
    made = image(contents, bill, release.shape)
    sender = _Sender(release, store, lambda: wait(store.objects, name, clock, progress.note))
    sent = sender.secure(made, new=stored is None)
    if stored is None and not store.create_manifest(name, version, made.tagged):
        made = _second(made, contents, release, store)
        again = sender.secure(made, new=False)
        sent = replace(again, uploaded=sent.uploaded + again.uploaded, reused=sent.reused)
    if sent.artifact is not None:
        attach(store, name, sent.subject, sent.artifact)
    ledger = _announce(made.bill, versions, store, author, clock)
    if ledger is None:
        progress.note(f"{store.url} {_WEAK}")
    project(store, name, ledger, {*versions, version})
    return Pushed(
        name=name,
        version=version,
        digest=str(made.bill.digest),
        files=len(made.bill.files),
        size=made.bill.size,
        uploaded=sent.uploaded,
        reused=sent.reused,
        seconds=clock.now() - began,
        manifest=str(sent.subject),
        modelpack=None if sent.artifact is None else str(Digest.of(sent.artifact)),
    )


@dataclass(frozen=True, slots=True)
class _Stored:
    bill: Bill
    blocks: BlockList
    average: int


@dataclass(frozen=True, slots=True)
class _Sent:
    """What was sent.

    Attributes:
        uploaded: the bytes of blobs that were sent.
        reused: the bytes of blobs that were there already.
        subject: the digest of the manifest that the version names, or is to name.
        artifact: the manifest of the ModelPack artifact that refers to it, where one was asked for.
    """

    uploaded: int
    reused: int
    subject: Digest
    artifact: bytes | None


@dataclass(frozen=True, slots=True)
class _Sender:
    """Sends what a version needs so that it stays, whoever removes blobs meanwhile."""

    release: Release
    store: WritableStore
    wait: Callable[[], None]

    def secure(self, made: Image, *, new: bool) -> _Sent:
        """Send the blobs, and create the manifests that name them by their digests: see ``lading.ops.sweep``.

        The blobs of a version that has its name are safe since before it got it.

        Args:
            made: the version.
            new: whether the version does not have its name yet.
        """
        tagged = made.tagged if new else self.store.manifest(self.release.name, self.release.version)
        subject, artifact = describe(tagged), None
        if made.modelpack is not None:
            artifact = modelpack.manifest(made.modelpack, made.layers, subject)
        uploaded, reused = self._send(made.blobs, repair=self.release.repair)
        if not new and artifact is None:
            return _Sent(uploaded, reused, subject.digest, None)
        for raw in filter(None, (*(made.manifests if new else ()), artifact)):
            self._create(raw)
        self.wait()
        again, _ = self._send(made.blobs, repair=False)
        return _Sent(uploaded + again, reused, subject.digest, artifact)

    def _send(self, blobs: tuple[Blob, ...], *, repair: bool) -> tuple[int, int]:
        name, store = self.release.name, self.store
        uploaded = reused = 0
        for blob in blobs:
            there = store.blob_size(name, blob.digest) == blob.size
            if there and not (repair and _damaged(blob, name, store)):
                reused += blob.size
            else:
                store.put_blob(name, blob.digest, blob.size, blob.chunks())
                uploaded += blob.size
        return uploaded, reused

    def _create(self, raw: bytes) -> None:
        name, reference = self.release.name, str(Digest.of(raw))
        if not self.store.create_manifest(name, reference, raw):
            raise IntegrityError(
                "bad-manifest", f"{self.store.url} holds other bytes under {reference} of {name}"
            )


def _announce(
    bill: Bill, before: list[str], store: WritableStore, author: Author, clock: Clock
) -> Ledger | None:
    """Say in the ledger what was pushed, now and by others before; None where the store can hold none."""
    if not store.objects.strong():
        return None
    try:
        return record(store, bill, before, author, clock)
    except LadingError as error:
        with suppress(LadingError):
            project(store, bill.name, None)
        said = f"{bill.name}:{bill.version} is published with the bill {bill.digest}"
        raise type(error)(
            error.code, f"{said}, but the ledger cannot say so: {error.message}", hint=error.hint
        ) from error


def _check_case(version: str, versions: list[str]) -> None:
    for other in versions:
        if other != version and other.lower() == version.lower():
            raise UsageError(
                "bad-version",
                f"'{version}' and '{other}', which is there already, differ by case alone",
                hint=f"use '{other}' or another version",
            )


def _stored(release: Release, versions: list[str], store: WritableStore) -> _Stored | None:
    """The bill under this version, and the block size it was cut with, or None where there is none."""
    if release.version not in versions:
        return None
    try:
        found = open_version(store, release.name, release.version)
    except LadingError:
        if not release.repair:
            raise
        return None  # what lies there cannot be read; the manifest decides whether ours is the same
    average = found.blocks.average
    if not usable_average(average):
        average = average_for(found.bill.size)
    return _Stored(found.bill, found.blocks, average)


def _average(release: Release, versions: list[str], store: WritableStore) -> int:
    """The block size of the model's other versions: another one would destroy the delta."""
    for version in sorted(versions, key=version_key, reverse=True):
        with suppress(LadingError):  # a damaged older version must not stop a new one
            average = open_version(store, release.name, version).blocks.average
            if usable_average(average):
                return average
    return average_for(sum(size for _, size in release.tree.files))


def _agree(ours: Bill, theirs: Bill, store: WritableStore) -> Bill:
    """The bill that stands: theirs, if it speaks of the same model."""
    if ours.same(theirs):
        return theirs
    raise ConflictError(
        "version-taken",
        f"{store.url} has {theirs.name}:{theirs.version} with other content ({_difference(ours, theirs)}): "
        f"its bill is {theirs.digest}, yours would be {ours.digest}",
        hint=f"push it under a new version: lading push {ours.name}:{_next(ours, store)}",
    )


def _difference(ours: Bill, theirs: Bill) -> str:
    here = {entry.path: entry.digest for entry in ours.files}
    there = {entry.path: entry.digest for entry in theirs.files}
    paths = sorted(path for path in here.keys() | there.keys() if here.get(path) != there.get(path))
    if paths:
        return f"different files: {few(paths)}"
    keys = ("format", "entry", "signature", "golden", "mock")
    changed = [key for key in keys if getattr(ours.metadata, key) != getattr(theirs.metadata, key)]
    return f"the same files, different in the bill: {', '.join(changed)}"


def _next(bill: Bill, store: WritableStore) -> str:
    return next_version(highest(store.versions(bill.name)) or bill.version)


def _damaged(blob: Blob, name: str, store: WritableStore) -> bool:
    whole = hashlib.sha256()
    with suppress(NotFoundError):  # it was removed since; what was read of it has another digest
        for chunk in store.read(name, blob.digest, 0, blob.size):
            whole.update(chunk)
    return whole.hexdigest() != blob.digest.hex


def _second(made: Image, contents: Contents, release: Release, store: WritableStore) -> Image:
    """What to publish where another writer was first: its bill stands, if it is the same."""
    winner = open_version(store, release.name, release.version)
    bill = _agree(made.bill, winner.bill, store)
    return image(replace(contents, blocks=winner.blocks), bill, release.shape)
