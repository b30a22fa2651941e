"""One page of a bucket's listing: the XML of ListObjectsV2.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from lading.core.errors import UnavailableError
from lading.core.objects import Found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True)
class Page:
    """What one answer lists.

    Attributes:
        folders: names of folders, without ``/``.
        objects: with keys below the place's URL.
        token: asks for the next page, or is empty.
    """

    folders: tuple[str, ...]
    objects: tuple[Found, ...]
    token: str


class _PlainTree(ET.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:  # noqa: ARG002
        """Listings have no document type, and the entities that one declares are an attack."""
        raise ValueError(f"it declares a document type '{name}'")


def parse(body: bytes, place: str, prefix: str, folder: str) -> Page:
    """The page that ``body`` holds.

    Args:
        body: of limited length.
        place: how messages name the bucket.
        prefix: what is taken off each key.
        folder: what was listed, below the prefix.

    Raises:
        UnavailableError: ``bad-listing``.
    """
    try:
        root = ET.fromstring(body, ET.XMLParser(target=_PlainTree()))  # noqa: S314 - see _PlainTree
        if _local(root) != "ListBucketResult":
            raise ValueError(f"it is a '{_local(root)}'")  # noqa: TRY301 - all that is wrong ends below
        return _page(root, prefix, folder)
    except (ET.ParseError, ValueError) as error:
        raise UnavailableError(
            "bad-listing",
            f"{place} answered with something that is no listing of a bucket: {error}",
            hint="check the endpoint: it must be the address of the S3 service itself",
        ) from error


def _page(root: ET.Element, prefix: str, folder: str) -> Page:
    decode: Callable[[str], str] = unquote_plus if _text(root, "EncodingType") == "url" else str
    start = prefix + folder
    folders = (
        _below(decode(_text(common, "Prefix")), start).rstrip("/") for common in _all(root, "CommonPrefixes")
    )
    objects = (
        Found(
            folder + _below(decode(_text(item, "Key")), start),
            int(_text(item, "Size")),
            datetime.fromisoformat(_text(item, "LastModified")).timestamp(),
            _text(item, "ETag").strip('"'),
        )
        for item in _all(root, "Contents")
    )
    more = _text(root, "IsTruncated") == "true"
    token = _text(root, "NextContinuationToken")
    if more and not token:
        raise ValueError("it is cut off and does not say how to go on")
    # Consoles mark a folder by an empty object whose key is the folder's own.
    kept = tuple(found for found in objects if found.key != folder)
    return Page(tuple(name for name in folders if name), kept, token if more else "")


def _below(key: str, start: str) -> str:
    if not key.startswith(start):
        raise ValueError(f"it has '{key}', which is not under '{start}'")
    return key.removeprefix(start)


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _all(element: ET.Element, name: str) -> Iterator[ET.Element]:
    return (child for child in element if _local(child) == name)


def _text(element: ET.Element, name: str) -> str:
    return next((child.text or "" for child in _all(element, name)), "")
