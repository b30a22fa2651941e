"""How a person names a version: ``name:version``, ``name:stage``, ``name@sha256:<bill digest>``.

In one string with its store: ``//`` ends the store (``s3://bucket/prefix//acme/m:1.0``); without
it the name is the last path segment for ``file``, ``http`` and ``https``, and for every other scheme
all that follows the bucket, container or host (design, section 2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from lading.core.digest import Digest
from lading.core.errors import UsageError
from lading.core.location import check_url
from lading.core.names import check_name, check_stage, check_version, is_version

_PATH_SCHEMES = frozenset({"file", "http", "https"})


@dataclass(frozen=True, slots=True)
class Reference:
    """A name and at most one of version, stage and bill digest; ``str`` and ``parse`` are inverse."""

    name: str
    version: str | None = None
    stage: str | None = None
    digest: Digest | None = None
    store: str | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.version is not None:
            check_version(self.version)
        if self.stage is not None:
            check_stage(self.stage)
        if sum(part is not None for part in (self.version, self.stage, self.digest)) > 1:
            raise UsageError("bad-reference", "a reference has one of version, stage and digest, not several")

    @property
    def bare(self) -> bool:
        """Whether nothing but the name was said."""
        return self.version is None and self.stage is None and self.digest is None

    def at(self, store: str | None) -> Self:
        """This reference in that store, as if both had been written in one string; unchanged for None.

        Raises:
            UsageError: ``bad-reference``, where it names another store itself.
        """
        if store is not None and self.store not in {None, store}:
            raise UsageError(
                "bad-reference",
                f"'{self}' names a store, and --store another one: {store}",
                hint="name it once",
            )
        return self if store is None else replace(self, store=store)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a reference, with or without its store.

        Raises:
            UsageError: ``bad-reference``, ``bad-url``, ``bad-name``, ``bad-version``, ``bad-stage`` or
                ``bad-digest``.
        """
        if not text:
            raise UsageError("bad-reference", "the reference is empty", hint="write name:version")
        store, rest = _split_store(check_url(text))
        name, at, digest = rest.partition("@")
        name, colon, label = name.partition(":")
        if at and colon:
            raise UsageError(
                "bad-reference",
                f"'{text}' has both a version and a digest, and only one can decide",
                hint=f"write {name}@{digest} or {name}:{label}",
            )
        if at:
            return cls(name, digest=Digest.parse(digest), store=store)
        if not colon:
            return cls(name, store=store)
        if is_version(label):
            return cls(name, version=label, store=store)
        return cls(name, stage=label, store=store)

    def __str__(self) -> str:
        label = self.version or self.stage
        tail = f":{label}" if label else f"@{self.digest}" if self.digest else ""
        head = "" if self.store is None else f"{self.store}//"
        return f"{head}{self.name}{tail}"


def _split_store(text: str) -> tuple[str | None, str]:
    scheme, separator, rest = text.partition("://")
    if not separator:
        return None, text
    location, ended, name = rest.rpartition("//")
    if ended:
        return f"{scheme}://{location}", name
    if scheme in _PATH_SCHEMES:
        location, slash, name = rest.rpartition("/")
    else:
        location, slash, name = rest.partition("/")
    if not slash or not name:
        raise UsageError(
            "bad-reference",
            f"'{text}' names a store but no model",
            hint=f"write {text.rstrip('/')}//name:version",
        )
    return f"{scheme}://{location}", name
