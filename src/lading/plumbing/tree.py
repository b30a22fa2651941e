"""Which files a model consists of, on this machine's disk (design, sections 3.1 and 3.2)."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lading.core.errors import IntegrityError, NotFoundError, UsageError
from lading.core.paths import BLOCKS_FILE, LEFT_OUT, SIGNATURE_FILE, check_paths, is_bill
from lading.plumbing.oserror import explained

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_LFS: Final = b"version https://git-lfs.github.com/spec/"
_HTML: Final = (b"<!doctype html", b"<html")
_HEAD_BYTES: Final = 512
_TEXT_SUFFIXES: Final = frozenset({".html", ".htm", ".md", ".txt", ".xml", ".svg"})


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of a model: ``files`` holds paths below ``root`` with their sizes in bytes, in order."""

    root: Path
    files: tuple[tuple[str, int], ...]
    left_out: tuple[str, ...] = ()


def collect(path: Path, globs: Sequence[str] = ()) -> Tree:
    """List the files of the model at ``path``: one file, a folder, or ``globs`` below a folder.

    Links inside the model, and those of a Hugging Face cache snapshot, stand for what they lead to.

    Raises:
        NotFoundError: ``no-file``, where ``path`` is not there.
        UsageError: ``no-files`` for an empty folder; ``link-out``, ``bad-path``, ``path-collision``.
    """
    if not path.exists():
        raise NotFoundError(
            "no-file",
            f"{path} is not there" + (", it is a link that leads nowhere" if path.is_symlink() else ""),
            hint="check the path, or fetch the model with: lading pull",
        )
    if path.is_file():
        if globs:
            raise UsageError("bad-path", f"{path} is a file, so it cannot have globs")
        if path.is_symlink():
            _check_link(path, path.parent, path.name)
        return _tree(path.parent, [path], ())
    if not path.is_dir():
        raise UsageError("bad-path", f"{path} is a device, pipe or socket, not a file")
    with explained("listing a model's files", path):
        left_out: list[str] = []
        chosen = sorted(_walk(path, path, left_out))
        if globs:
            matched = _matched(path, globs)
            chosen = [each for each in chosen if each in matched]
            left_out = [each for each in left_out if path / each in matched]
    if not chosen:
        raise UsageError(
            "no-files",
            f"{path} holds no files" + (f" that match {', '.join(globs)}" if globs else ""),
            hint="check the path and the globs",
        )
    return _tree(path, chosen, tuple(sorted(left_out)))


def check_content(tree: Tree, entry: str | None, shown: str | None = None) -> None:
    """Look at the start of each file for what is no model: a Git LFS pointer, a web page, nothing at all.

    Args:
        tree: the files.
        entry: the path of the file to load.
        shown: where messages say that the files lie, if not at the tree's root.

    Raises:
        IntegrityError: ``lfs-pointer``, ``html-page``; ``empty-file``, for the entry alone.
    """
    for path, size in tree.files:
        with explained("reading a model's file", tree.root / path), (tree.root / path).open("rb") as file:
            head = file.read(_HEAD_BYTES)
        said = f"{tree.root if shown is None else shown}/{path}"
        if head.startswith(_LFS):
            raise IntegrityError(
                "lfs-pointer",
                f"{said} is a Git LFS pointer of {size} bytes, not the model",
                hint=f'fetch the content: git lfs pull --include "{path}"',
            )
        if head.lstrip().lower().startswith(_HTML) and Path(path).suffix.lower() not in _TEXT_SUFFIXES:
            raise IntegrityError(
                "html-page",
                f"{said} is a web page, not a model: a download saved an error or login page",
                hint="download it again with: curl -fL",
            )
        if path == entry and not size:
            raise IntegrityError("empty-file", f"{said} is empty", hint="save the model again")


def copy_links_in(path: Path) -> tuple[Path, ...]:
    """Put copies in place of the links below ``path`` that lead out of it; returns where.

    What ``lading add --follow`` does.
    """
    copied = []
    for link in [each for each in (path, *path.rglob("*")) if each.is_symlink()]:
        target = _follow(link)
        if link == path or not target.is_relative_to(path.resolve()):
            with explained("copying what a link leads to", link):
                beside = link.with_name(f"{link.name}.lading-copy")
                if target.is_dir():
                    shutil.copytree(target, beside)
                    link.unlink()
                else:
                    shutil.copyfile(target, beside)
                beside.replace(link)
            copied.append(link)
    return tuple(copied)


def _walk(folder: Path, root: Path, left_out: list[str]) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            relative = path.relative_to(root).as_posix()
            if entry.name in LEFT_OUT:
                left_out.append(relative)
            elif entry.is_dir(follow_symlinks=False):
                yield from _walk(path, root, left_out)
            elif not _is_own(entry, relative):
                _check_kind(path, root, relative)
                yield path


def _is_own(entry: os.DirEntry[str], relative: str) -> bool:
    return (is_bill(entry.name) or relative in {BLOCKS_FILE, SIGNATURE_FILE}) and entry.is_file()


def _check_kind(path: Path, root: Path, relative: str) -> None:
    if path.is_symlink():
        _check_link(path, root, relative)
    elif not stat.S_ISREG(path.lstat().st_mode):
        raise UsageError("bad-path", f"'{relative}' is a device, pipe or socket, not a file")


def _check_link(path: Path, root: Path, relative: str) -> None:
    target = _follow(path)
    inside = any(target.is_relative_to(home) for home in _homes(root))
    if inside and target.is_file():
        return
    if inside and target.is_dir():
        raise UsageError(
            "bad-path", f"'{relative}' is a link to a folder of the model", hint="pack the folder alone"
        )
    if not target.exists():
        raise UsageError("link-out", f"'{relative}' is a link that leads nowhere: {target}")
    raise UsageError(
        "link-out",
        f"'{relative}' is a link that leads out of the model, to {target}",
        hint="lading add --follow puts a copy in its place",
    )


def _follow(link: Path) -> Path:
    # Not Path.resolve, which before Python 3.13 fails with a RuntimeError where a link leads to itself.
    return Path(os.path.realpath(link))


def _homes(root: Path) -> Iterator[Path]:
    """The folders that links may lead into: the model's own, and a Hugging Face cache around a snapshot."""
    resolved = root.resolve()
    yield resolved
    if resolved.parent.name == "snapshots" and resolved.parent.parent.name.startswith("models--"):
        yield resolved.parent.parent / "blobs"


def _matched(root: Path, globs: Iterable[str]) -> set[Path]:
    matched: set[Path] = set()
    for glob in globs:
        try:
            matched.update(root.glob(glob))
        except (NotImplementedError, ValueError) as error:
            raise UsageError(
                "bad-path",
                f"'{glob}' is not a glob below {root}: {error}",
                hint="write it relative, like *.onnx",
            ) from error
    return matched


def _tree(root: Path, paths: Sequence[Path], left_out: tuple[str, ...]) -> Tree:
    names = {path.relative_to(root).as_posix(): path for path in paths}
    check_paths(names)
    ordered = sorted(names, key=str.encode)
    with explained("reading a model's files", root):
        return Tree(root, tuple((name, names[name].stat().st_size) for name in ordered), left_out)
