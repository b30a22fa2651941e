"""Reading a bucket through obstore, for those whose credentials only obstore can get."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from lading.core.errors import LadingError
from lading.core.objects import Entries, Found
from lading.stores import problems
from lading.stores.blame import Place, answered, from_obstore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from obstore import GetResult, ObjectMeta
    from obstore.store import AzureStore, GCSStore, S3Store

    Client = S3Store | GCSStore | AzureStore

_Answer = TypeVar("_Answer")
_READ_BYTES: Final = 1024 * 1024
_NOBODYS: Final = ".lading-nobodys"
"""A key that no object has."""
_ENDS_BEFORE: Final = ("416 Range Not Satisfiable", "StartTooLarge")
"""How obstore says that an object ends before the range that was asked for."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Objects in a bucket, to be read."""

    place: Place
    client: Client

    @property
    def url(self) -> str:
        """The URL as it was given."""
        return self.place.url

    def head(self, key: str) -> Found | None:
        """What is known of an object."""
        import obstore

        with blamed(self.place, "looking for", key):
            result = self._or_none(lambda: obstore.get(self.client, key, options={"head": True}), key)
            if result is None:
                return None
            self._check_page(result, key)
            return _found(result.meta)

    def get(self, key: str, limit: int) -> bytes | None:
        """The first bytes of an object."""
        import obstore

        with blamed(self.place, "reading", key):
            result = self._or_none(lambda: obstore.get(self.client, key), key)
            if result is None:
                return None
            self._check_page(result, key)
            data = bytearray()
            for piece in result.stream(min_chunk_size=_READ_BYTES):
                data += piece
                if len(data) >= limit:
                    break
            return bytes(data[:limit])

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes of an object, in pieces."""
        import obstore

        if start >= end:
            return
        with blamed(self.place, "reading", key):
            try:
                result = self._or_none(
                    lambda: obstore.get(self.client, key, options={"range": (start, end)}), key
                )
            except Exception as error:
                if any(sign in str(error) for sign in _ENDS_BEFORE):
                    return
                raise
            if result is None:
                raise problems.no_object(self.url, key)
            self._check_page(result, key)
            for chunk in result.stream(min_chunk_size=_READ_BYTES):
                view = memoryview(chunk)
                for place in range(0, len(view), _READ_BYTES):
                    yield bytes(view[place : place + _READ_BYTES])

    def entries(self, folder: str, after: str = "") -> Entries:
        """What lies in a folder."""
        with blamed(self.place, "listing", folder):
            found = self._after(folder, after) if after else self._in(folder)
        if not found.folders and not found.objects:
            # obstore takes a page that happens to be XML for an empty listing: is it the store that answers?
            self.head(f"{folder}{_NOBODYS}")
        return found

    def _in(self, folder: str) -> Entries:
        import obstore

        listed = obstore.list_with_delimiter(self.client, folder.rstrip("/") or None)
        names = sorted(path.rpartition("/")[2] for path in listed["common_prefixes"])
        return Entries(tuple(names), _sorted(listed["objects"]))

    def _after(self, folder: str, after: str) -> Entries:
        import obstore

        batches = obstore.list(self.client, folder.rstrip("/"), offset=after, chunk_size=1000)
        metas = [meta for batch in batches for meta in batch]
        own = [meta for meta in metas if "/" not in meta["path"].removeprefix(folder)]
        return Entries((), _sorted(own))

    def _check_page(self, result: GetResult, key: str) -> None:
        """Refuse a web page that came instead of an object: obstore takes it for one."""
        kind = result.attributes.get("Content-Type", "")
        if kind.startswith("text/html") and not key.endswith((".html", ".htm")):
            body = b"" if result.meta["size"] > _READ_BYTES else bytes(result.bytes())
            raise answered(self.place, 200, {"content-type": kind}, body, "reading", key)

    def _or_none(self, ask: Callable[[], _Answer], key: str) -> _Answer | None:
        try:
            return ask()
        except FileNotFoundError as error:
            blamed = from_obstore(error, self.place, "looking for", key)
            if blamed.code == "no-store":
                raise blamed from None
            return None


@contextmanager
def blamed(place: Place, doing: str, key: str) -> Iterator[None]:
    """Turn what obstore raises inside the block into the error that a caller acts on."""
    try:
        yield
    except LadingError:
        raise
    except client_errors() as error:
        # Without its cause: obstore's texts have whole URLs, with signatures in their queries.
        raise from_obstore(error, place, doing, key) from None


def client_errors() -> tuple[type[Exception], ...]:
    """What obstore raises."""
    from obstore.exceptions import BaseError

    return BaseError, FileNotFoundError, NotImplementedError, ValueError, TimeoutError


def _found(meta: ObjectMeta) -> Found:
    tag = (meta["e_tag"] or "").removeprefix("W/").strip('"')
    return Found(meta["path"], meta["size"], meta["last_modified"].timestamp(), tag)


def _sorted(metas: Iterable[ObjectMeta]) -> tuple[Found, ...]:
    return tuple(sorted(map(_found, metas), key=lambda found: found.key))
