"""The SHA-256 digest, written ``sha256:<64 lowercase hex>`` as in the OCI image specification."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from lading.core.errors import UsageError

_HEX = re.compile(r"[0-9a-f]{64}")
_PREFIX = "sha256:"


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A SHA-256 digest; ``str(digest)`` gives ``sha256:<hex>`` and ``parse`` inverts it."""

    hex: str

    def __post_init__(self) -> None:
        if not _HEX.fullmatch(self.hex):
            raise UsageError(
                "bad-digest",
                f"'{self.hex}' is not a SHA-256 digest: expected 64 lowercase hexadecimal digits",
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``sha256:<hex>``.

        Raises:
            UsageError: ``bad-digest``, for another algorithm or another spelling.
        """
        if not text.startswith(_PREFIX):
            raise UsageError("bad-digest", f"'{text}' is not a digest: expected sha256:<64 hex digits>")
        return cls(text.removeprefix(_PREFIX))

    @classmethod
    def of(cls, data: bytes | bytearray | memoryview) -> Self:
        """The digest of bytes that are already in memory."""
        return cls(hashlib.sha256(data).hexdigest())

    @property
    def raw(self) -> bytes:
        """The 32 bytes themselves."""
        return bytes.fromhex(self.hex)

    @property
    def short(self) -> str:
        """Enough of the digest for a person to tell two apart; never used to decide anything."""
        return self.hex[:12]

    def __str__(self) -> str:
        return f"{_PREFIX}{self.hex}"
