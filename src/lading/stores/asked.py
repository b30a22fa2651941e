"""What was asked of a cloud store: where, for what, and with which right."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket or container as messages speak of it; no secret is ever in it.

    Attributes:
        scheme: ``s3``, ``gs`` or ``az``.
        url: the store as the user wrote it, without credentials.
        bucket: the bucket or container.
        endpoint: the URL of the server where it is not the platform's own.
        region: the region that requests are signed for, where one is set.
        credentials: where they came from, such as ``AWS_ACCESS_KEY_ID`` or ``R2_*``.
    """

    scheme: str
    url: str
    bucket: str
    endpoint: str | None = None
    region: str | None = None
    credentials: str = ""


class Right(StrEnum):
    """What a request needs to be allowed to do."""

    READ = "read"
    WRITE = "write"
    LIST = "list"
    DELETE = "delete"


# The names of the rights: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
# (unverified), https://cloud.google.com/storage/docs/access-control/iam-xml, and the built-in roles of Azure
# (https://learn.microsoft.com/azure/postgresql/troubleshoot/troubleshoot-azure-storage-extension names both).
_NEEDED: Final = {
    "s3": {
        Right.READ: "s3:GetObject",
        Right.WRITE: "s3:PutObject",
        Right.LIST: "s3:ListBucket",
        Right.DELETE: "s3:DeleteObject",
    },
    "gs": {
        Right.READ: "storage.objects.get",
        Right.WRITE: "storage.objects.create",
        Right.LIST: "storage.objects.list",
        Right.DELETE: "storage.objects.delete",
    },
    "az": {
        Right.READ: "the role Storage Blob Data Reader (SAS permission r)",
        Right.WRITE: "the role Storage Blob Data Contributor (SAS permissions c and w)",
        Right.LIST: "the role Storage Blob Data Reader (SAS permission l)",
        Right.DELETE: "the role Storage Blob Data Contributor (SAS permission d)",
    },
}
_VERBS: Final = {
    "writing": Right.WRITE,
    "creating": Right.WRITE,
    "sending": Right.WRITE,
    "uploading": Right.WRITE,
    "copying": Right.WRITE,
    "publishing": Right.WRITE,
    "listing": Right.LIST,
    "deleting": Right.DELETE,
    "removing": Right.DELETE,
}


def right_of(doing: str) -> Right:
    """The right that ``doing`` needs, by its first word; what is no known verb reads."""
    return _VERBS.get(doing.partition(" ")[0], Right.READ)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to a store.

    Attributes:
        place: the store.
        doing: what was being done, such as ``reading a manifest``.
        key: the object's key, or an empty string where the bucket itself was meant.
        right: what the request needs to be allowed to do.
        host: the server that was spoken to, where it is known.
    """

    place: Place
    doing: str
    key: str
    right: Right
    host: str = ""

    @property
    def thing(self) -> str:
        """The object, or the bucket where the request was about that."""
        kind = "container" if self.place.scheme == "az" else "bucket"
        return self.key or f"the {kind} {self.place.bucket}"

    @property
    def server(self) -> str:
        """The server's name, as well as it is known."""
        return self.host or self.place.endpoint or self.place.url

    @property
    def needed(self) -> str:
        """The platform's name of the right."""
        return _NEEDED[self.place.scheme][self.right]

    @property
    def who(self) -> str:
        """Whose credentials they were."""
        return f"the credentials of {self.place.credentials}" if self.place.credentials else "the credentials"
