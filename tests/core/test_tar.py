from __future__ import annotations

import io
import subprocess
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.core import tar

EIGHT_GIB = 8 * 1024**3
PATHS = [
    "m",
    "models/model.onnx",
    "x" * 99,
    "x" * 100,
    "x" * 101,
    "d/" + "x" * 100,
    "d" * 155 + "/" + "x" * 100,
    "d" * 156 + "/" + "x" * 100,
    "d" * 155 + "/" + "x" * 101,
    "a/" * 77 + "b/" + "x" * 98,
    "a/" * 150 + "b",
    "d" * 200 + "/" + "x" * 200,
    "x" * 256,
    "models/Modell-\u00e4.bin",
    "models/\U0001f600",
    "\u00e4" * 120,
    "a b/c'd\"e",
]


def _header_of(raw: bytes) -> tarfile.TarInfo:
    with tarfile.open(fileobj=io.BytesIO(raw + tar.TRAILER), mode="r:") as archive:
        member = archive.next()
    assert member is not None
    return member


@pytest.mark.parametrize("path", PATHS)
def test_python_reads_every_file_header(path: str) -> None:
    member = _header_of(tar.file_header(path, 0))
    assert (member.name, member.size, member.isreg(), member.mode) == (path, 0, True, 0o644)
    assert (member.uid, member.gid, member.uname, member.gname, member.mtime) == (0, 0, "", "", 0)


@pytest.mark.parametrize("path", PATHS)
def test_python_reads_every_folder_header(path: str) -> None:
    member = _header_of(tar.folder_header(path))
    assert (member.name, member.size, member.isdir(), member.mode) == (path, 0, True, 0o755)


@pytest.mark.parametrize("size", [0, 1, 511, 512, EIGHT_GIB - 1, EIGHT_GIB, EIGHT_GIB + 1, 2**50])
@pytest.mark.parametrize("path", ["m", "x" * 256])
def test_python_reads_every_size(path: str, size: int) -> None:
    member = _header_of(tar.file_header(path, size))
    assert (member.name, member.size) == (path, size)


@pytest.mark.parametrize(
    ("path", "size", "blocks"),
    [
        ("x" * 100, EIGHT_GIB - 1, 1),
        ("d" * 155 + "/" + "x" * 100, 0, 1),
        ("x" * 101, 0, 3),
        ("m", EIGHT_GIB, 3),
        ("\u00e4", 0, 3),
    ],
)
def test_a_header_is_plain_ustar_where_that_fits(path: str, size: int, blocks: int) -> None:
    header = tar.file_header(path, size)
    assert len(header) == blocks * 512
    assert header[156:157] == (b"0" if blocks == 1 else b"x")


def test_pax_says_only_path_and_size() -> None:
    member = _header_of(tar.file_header("\u00e4", EIGHT_GIB))
    assert member.pax_headers == {"path": "\u00e4", "size": "8589934592"}


def test_the_system_tar_lists_every_header_as_we_mean_it() -> None:
    archive = b"".join(
        tar.folder_header(path) if number % 2 else tar.file_header(path, 0)
        for number, path in enumerate(PATHS)
    )
    listed = subprocess.run(
        ["tar", "--list", "--verbose", "--numeric-owner", "--quoting-style=literal", "--full-time", "--utc"],
        input=archive + tar.TRAILER,
        capture_output=True,
        check=True,
        env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
    )
    assert listed.stderr == b""
    assert listed.stdout.decode().splitlines() == [
        f"drwxr-xr-x 0/0               0 1970-01-01 00:00:00 {path}/"
        if number % 2
        else f"-rw-r--r-- 0/0               0 1970-01-01 00:00:00 {path}"
        for number, path in enumerate(PATHS)
    ]


def test_the_system_tar_reads_a_size_of_eight_gib() -> None:
    listed = subprocess.run(
        ["tar", "--list", "--verbose"],
        input=tar.file_header("m", EIGHT_GIB),
        capture_output=True,
        check=False,
    )
    assert b" 8589934592 " in listed.stdout


def test_the_system_tar_unpacks_what_the_headers_announce() -> None:
    content = b"abc" * 200
    archive = tar.file_header("m", 600) + content + tar.padding(600) + tar.TRAILER
    out = subprocess.run(["tar", "-xO"], input=archive, capture_output=True, check=True)
    assert out.stdout == content


@given(st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=130))
def test_any_name_reads_back_as_file_and_as_folder(name: str) -> None:
    path = f"models/{name}"
    assert _header_of(tar.file_header(path, 7)).name == path
    assert _header_of(tar.folder_header(path)).name == path.rstrip("/")


@given(st.integers(0, 2**60))
def test_content_and_padding_fill_whole_blocks(size: int) -> None:
    assert (size + len(tar.padding(size))) % 512 == 0
    assert len(tar.padding(size)) < 512


@given(st.integers(0, EIGHT_GIB - 1))
def test_a_ustar_header_tells_its_size(size: int) -> None:
    assert tar.content_size(tar.file_header("m", size)) == size


@pytest.mark.parametrize("raw", [b"", bytes(512), b"x" * 512])
def test_the_size_of_what_is_no_header_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        tar.content_size(raw)


@pytest.mark.parametrize("digits", range(60, 130))
def test_the_length_of_a_pax_record_counts_its_own_digits(digits: int) -> None:
    path = "\u00e4" + "x" * digits
    assert _header_of(tar.file_header(path, 0)).name == path
