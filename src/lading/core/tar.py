"""Headers of a deterministic tar: ustar where it fits, else PAX with only ``path`` and ``size``.

POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header". Nothing of the machine goes
in: files are 0644 and folders 0755, owner 0, time 0.
"""

from __future__ import annotations

from typing import Final

BLOCK_BYTES: Final = 512
TRAILER: Final = bytes(2 * BLOCK_BYTES)

_NAME_BYTES = 100
_PREFIX_BYTES = 155
_MAX_OCTAL_SIZE = 8**11 - 1


def file_header(path: str, size: int) -> bytes:
    """The header of a regular file of ``size`` bytes."""
    return _header(path, size, kind=b"0", mode=0o644)


def folder_header(path: str) -> bytes:
    """The header of a folder; ``path`` without its final slash."""
    return _header(f"{path}/", 0, kind=b"5", mode=0o755)


def padding(size: int) -> bytes:
    """The zeros that follow a file of ``size`` bytes."""
    return bytes(-size % BLOCK_BYTES)


def content_size(header: bytes) -> int:
    """The size field of a ustar header of 512 bytes.

    Raises:
        ValueError: it is not a number.
    """
    return int(header[124:135], 8)


def _header(path: str, size: int, *, kind: bytes, mode: int) -> bytes:
    split = _split(path)
    records = b""
    if split is None:
        records += _record("path", path)
    if size > _MAX_OCTAL_SIZE:
        records += _record("size", str(size))
    # Where PAX says the truth, ustar's own fields are a fallback that no modern reader uses.
    prefix, name = split or (b"", path.encode("ascii", "replace")[:_NAME_BYTES])
    field = size if size <= _MAX_OCTAL_SIZE else 0
    own = _ustar(prefix, name, field, kind, mode)
    if not records:
        return own
    extended = _ustar(b"", b"PaxHeaders/lading", len(records), b"x", 0o644)
    return extended + records + padding(len(records)) + own


def _split(path: str) -> tuple[bytes, bytes] | None:
    """``path`` as ustar's prefix and name, or None where it does not fit."""
    if not path.isascii():
        return None
    raw = path.encode()
    if len(raw) <= _NAME_BYTES:
        return b"", raw
    # The name must not be empty, so a folder's final slash is no place to split at.
    cut = raw.rfind(b"/", 0, min(_PREFIX_BYTES + 1, len(raw) - 1))
    if cut <= 0 or len(raw) - cut - 1 > _NAME_BYTES:
        return None
    return raw[:cut], raw[cut + 1 :]


def _ustar(prefix: bytes, name: bytes, size: int, kind: bytes, mode: int) -> bytes:
    fields = [
        name.ljust(100, b"\0"),
        b"%07o\0" % mode,
        b"%07o\0" % 0,
        b"%07o\0" % 0,
        b"%011o\0" % size,
        b"%011o\0" % 0,
        b" " * 8,
        kind,
        bytes(100),
        b"ustar\0" + b"00",
        bytes(32),
        bytes(32),
        b"%07o\0" % 0,
        b"%07o\0" % 0,
        prefix.ljust(155, b"\0"),
        bytes(12),
    ]
    header = b"".join(fields)
    checksum = b"%06o\0 " % sum(header)
    return header[:148] + checksum + header[156:]


def _record(key: str, value: str) -> bytes:
    body = f" {key}={value}\n".encode()
    length = len(body) + 1
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return str(length).encode() + body
