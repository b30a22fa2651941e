"""Writing a bucket: what can come of it, and doing it through obstore where only that can get credentials."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, Protocol

from lading.stores.blame import Place, from_obstore
from lading.stores.reader import blamed, client_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lading.core.errors import LadingError
    from lading.core.objects import Kind
    from lading.stores.reader import Client

PART_BYTES: Final = 8 * 1024 * 1024
AT_ONCE: Final = 4
"""How many parts of one object are on their way at a time."""
_MAX_PARTS: Final = 9_000
"""S3 takes at most 10,000 parts (Amazon S3 user guide, "Multipart upload limits")."""
_FOREVER: Final = "public, max-age=31536000, immutable"


class Why(Enum):
    """Why a small object was not stored, as far as is known."""

    TAKEN = auto()
    """Another object lies there, or another writer is about to put one there."""
    BUSY = auto()
    """So many write this key that the service does not say whose object stands."""
    UNKNOWN = auto()
    """The service does not know what it means to create only."""
    FAILED = auto()
    """Anything else, such as a lost answer: the object may be there all the same."""


@dataclass(frozen=True, slots=True)
class Setback:
    """A write that was not confirmed; ``error`` is for those who do not look again."""

    why: Why
    error: LadingError


class Writes(Protocol):
    """How a bucket is written to."""

    def put(self, key: str, raw: bytes, kind: Kind, *, new: bool) -> Setback | None:
        """Store a small object in one request; with ``new``, only where none is."""
        ...

    def put_parts(self, key: str, size: int, chunks: Iterable[bytes], kind: Kind) -> None:
        """Store a large object in parts, which show only when all are there."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; that there is none is a success."""
        ...


@dataclass(frozen=True, slots=True)
class Writer:
    """Objects in a bucket, to be written."""

    place: Place
    client: Client

    def put(self, key: str, raw: bytes, kind: Kind, *, new: bool) -> Setback | None:
        """Store a small object in one request."""
        import obstore

        try:
            obstore.put(
                self.client,
                key,
                raw,
                attributes=described(kind),
                mode="create" if new else "overwrite",
                use_multipart=False,
            )
        except client_errors() as error:
            told = from_obstore(error, self.place, "writing", key)
            return Setback(Why.FAILED if told.code == "checksum-refused" else _why(error), told)
        return None

    def put_parts(self, key: str, size: int, chunks: Iterable[bytes], kind: Kind) -> None:
        """Store a large object in parts."""
        import obstore

        source = _Source(chunks)
        try:
            with blamed(self.place, "writing", key):
                obstore.put(
                    self.client,
                    key,
                    iter(source),
                    attributes=described(kind),
                    use_multipart=True,
                    chunk_size=part_bytes(size),
                    max_concurrency=AT_ONCE,
                )
        except Exception:
            if source.broke is not None:
                raise source.broke from None
            raise

    def delete(self, key: str) -> None:
        """Remove an object."""
        import obstore

        with blamed(self.place, "deleting", key):
            try:
                obstore.delete(self.client, key)
            except FileNotFoundError:
                return


class _Source:
    """Chunks that remember what broke them: a store must not be blamed for a file that cannot be read."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self.broke: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._chunks
        except Exception as error:
            self.broke = error
            raise


def part_bytes(size: int) -> int:
    """How large the parts of an object of ``size`` bytes are."""
    return max(PART_BYTES, -(-size // _MAX_PARTS))


def described(kind: Kind) -> dict[str, str]:
    """What is said of an object to web servers and caches."""
    return {
        "Content-Type": kind.content_type,
        "Cache-Control": "no-cache" if kind.changes else _FOREVER,
    }


def _why(error: Exception) -> Why:
    from obstore.exceptions import AlreadyExistsError, NotSupportedError, PreconditionError

    if isinstance(error, AlreadyExistsError | PreconditionError) or "409 Conflict" in str(error):
        return Why.TAKEN
    unknown = isinstance(error, NotSupportedError | NotImplementedError)
    return Why.UNKNOWN if unknown or "501 Not Implemented" in str(error) else Why.FAILED
