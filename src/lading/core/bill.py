"""The bill of lading, ``lading.json``: the files of one version and what is known about them.

Its bytes are canonical JSON, and their SHA-256 is the version's identity (design, section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from lading.core import canonical
from lading.core.digest import Digest
from lading.core.errors import IntegrityError, LadingError, UsageError
from lading.core.names import check_name, check_version
from lading.core.paths import check_paths
from lading.core.signature import Golden, Signature
from lading.core.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORMAT: Final = 1
MAX_BILL_BYTES: Final = 4 * 1024 * 1024
UNRELEASED: Final = "0.0.0-unreleased"
"""The version in a bill that ``save`` wrote beside a model that has not been pushed."""

_TABLES: Final = ("environment", "metrics", "params", "lineage")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a version: its path below the model's folder, its size in bytes, its digest."""

    path: str
    size: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class BlobRef:
    """A blob by what it must be: its digest and its size in bytes."""

    digest: Digest
    size: int


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a bill says beside the bytes: how to load them, what they take and give, how they came about.

    Attributes:
        format: the row of the format table that loads it, or None where lading cannot.
        entry: the path of the file to load.
        extra: keys that this version of lading does not know; they are kept.
    """

    format: str | None = None
    entry: str | None = None
    signature: Signature | None = None
    golden: Golden | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)
    license: str | None = None
    description: str | None = None
    mock: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The keys of the bill that are metadata; what has nothing to say is left out."""
        said: dict[str, Any] = dict(self.extra)
        said |= {key: value for key in _TABLES if (value := getattr(self, key))}
        for key in ("format", "entry", "license", "description"):
            if (text := getattr(self, key)) is not None:
                said[key] = text
        if self.signature is not None:
            said["signature"] = self.signature.document()
        if self.golden is not None:
            said["golden"] = self.golden.document()
        return said | {"mock": self.mock}


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill, made by ``write`` or read by ``parse``; ``raw`` are its bytes and ``digest`` their digest."""

    name: str
    version: str
    files: tuple[FileEntry, ...]
    blocks: BlobRef
    metadata: Metadata
    raw: bytes = field(repr=False)

    @classmethod
    def write(
        cls, name: str, version: str, files: Iterable[FileEntry], blocks: BlobRef, metadata: Metadata
    ) -> Self:
        """Make the bill of a version; the order in which ``files`` come does not matter.

        Raises:
            UsageError: a name, version, path or value that a bill cannot hold.
        """
        check_name(name)
        check_version(version)
        listed = tuple(files)
        check_paths(entry.path for entry in listed)
        ordered = sorted(listed, key=lambda entry: entry.path.encode())
        document = metadata.document() | {
            "lading": FORMAT,
            "name": name,
            "version": version,
            "files": [{"path": f.path, "size": f.size, "sha256": f.digest.hex} for f in ordered],
            "blocks": {"sha256": blocks.digest.hex, "size": blocks.size},
        }
        raw = canonical.encode(document, f"the bill of {name}:{version}")
        if len(raw) > MAX_BILL_BYTES:
            raise UsageError(
                "bill-too-large",
                f"the bill of {name}:{version} would have {len(raw)} bytes; container tools stop at "
                f"{MAX_BILL_BYTES}",
                hint="pack the files into fewer, or shorten the golden example",
            )
        try:
            return cls.parse(raw)
        except IntegrityError as error:
            # Parsing speaks of a broken document; here it is the caller's words that do not fit together.
            raise UsageError(error.code, error.message, hint=error.hint) from error

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a bill from a store, an image or a folder.

        Raises:
            IntegrityError: ``not-canonical``, ``bad-bill`` or ``bill-too-large``.
        """
        if len(raw) > MAX_BILL_BYTES:
            raise IntegrityError("bill-too-large", f"the bill has {len(raw)} bytes; at most {MAX_BILL_BYTES}")
        document = canonical.decode(raw, "the bill")
        if not isinstance(document, dict):
            raise IntegrityError("bad-bill", "the bill is not a JSON object")
        try:
            return cls._read(Table(document, "the bill", IntegrityError, "bad-bill"), raw)
        except UsageError as error:
            # The rules of the grammar speak to a person; here it is a document that breaks them.
            raise IntegrityError("bad-bill", f"the bill: {error.message}") from error

    @classmethod
    def _read(cls, table: Table, raw: bytes) -> Self:
        if table.number("lading") != FORMAT:
            raise table.fail(
                f"it is written in format {table.anything('lading')!r}, this lading reads {FORMAT}",
                hint="pip install --upgrade lading",
            )
        name = check_name(table.need("name", table.text("name")))
        version = check_version(table.need("version", table.text("version")))
        files = tuple(_entry(item) for item in table.need("files", table.tables("files")))
        blocks = table.need("blocks", table.table("blocks"))
        bill = cls(name, version, files, _blob(blocks), _metadata(table), raw)
        bill._check(table)
        return bill

    def _check(self, table: Table) -> None:
        paths = [entry.path for entry in self.files]
        if not paths:
            raise table.fail("it lists no files")
        if paths != sorted(paths, key=str.encode):
            raise table.fail("its files are not in the order of their paths")
        check_paths(paths)
        entry = self.metadata.entry
        if entry is not None and entry not in paths:
            raise table.fail(f"its entry '{entry}' is not among its files")

    @property
    def digest(self) -> Digest:
        """The identity of the version: the digest of the bill's bytes as they are stored."""
        return Digest.of(self.raw)

    @property
    def size(self) -> int:
        """The bytes of all files together."""
        return sum(entry.size for entry in self.files)

    def same(self, other: Bill) -> bool:
        """Whether both speak of the same model: equal files, format, entry, signature, golden and mock."""
        return self._essence() == other._essence()

    def _essence(self) -> tuple[object, ...]:
        about = self.metadata
        return (self.files, about.format, about.entry, about.signature, about.golden, about.mock)


def _entry(table: Table) -> FileEntry:
    path = table.need("path", table.text("path"))
    size = table.need("size", table.number("size"))
    return FileEntry(path, size, _sha256(table))


def _blob(table: Table) -> BlobRef:
    return BlobRef(_sha256(table), table.need("size", table.number("size")))


def _sha256(table: Table) -> Digest:
    try:
        return Digest(table.need("sha256", table.text("sha256")))
    except UsageError as error:
        raise table.fail(error.message) from error


def _metadata(table: Table) -> Metadata:
    signature = table.table("signature")
    golden = table.table("golden")
    mappings = {key: found.data for key in _TABLES if (found := table.table(key))}
    mock = table.flag("mock")
    return Metadata(
        format=table.text("format"),
        entry=table.text("entry"),
        signature=None if signature is None else Signature.parse(signature),
        golden=None if golden is None else Golden.parse(golden),
        license=table.text("license"),
        description=table.text("description"),
        mock=bool(mock),
        extra=table.rest(),
        **mappings,
    )


def parse_or_none(raw: bytes) -> Bill | None:
    """The bill that ``raw`` holds, or None where it holds none."""
    try:
        return Bill.parse(raw)
    except LadingError:
        return None
