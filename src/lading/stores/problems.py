"""The errors that every store reports in the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lading.core.errors import IntegrityError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lading.core.digest import Digest


def no_version(url: str, name: str, reference: str, known: Iterable[str]) -> NotFoundError:
    """A manifest is not there."""
    versions = ", ".join(sorted(known))
    there = f"it has {versions}" if versions else f"it has no model '{name}'"
    label = reference if reference.startswith("sha256:") else f"{name}:{reference}"
    return NotFoundError(
        "no-version",
        f"{url} has no {label}; {there}",
        hint=f"lading list {name}"
        if versions
        else "lading list shows what is declared; lading push publishes it",
    )


def no_object(url: str, key: str) -> NotFoundError:
    """An object is not there."""
    return NotFoundError("no-object", f"{url} has no {key}", hint=f"lading verify {url}")


def no_blob(url: str, name: str, digest: Digest) -> NotFoundError:
    """A blob that a manifest names is not there."""
    return NotFoundError(
        "no-blob",
        f"{url} lacks the blob {digest} of {name}",
        hint="push the version again: lading push --repair",
    )


def truncated(url: str, digest: Digest, got: int, expected: int) -> IntegrityError:
    """A blob ends too soon."""
    return IntegrityError(
        "truncated-blob",
        f"the blob {digest} in {url} ends at byte {got}, expected at least {expected}",
        hint="the store's copy is cut short; push the version again: lading push --repair",
    )


def changed(name: str, expected: tuple[int, Digest], got: tuple[int, Digest]) -> IntegrityError:
    """The bytes sent were not those announced."""
    return IntegrityError(
        "changed-while-read",
        f"a file of {name} changed while it was packed: expected {expected[0]} bytes with {expected[1]}, "
        f"got {got[0]} with {got[1]}; nothing was published",
        hint="wait until its writer is done, then push again",
    )
