"""Declaring: ``lading.toml``, as people keep it; their comments and order survive every edit."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lading.core.errors import UsageError
from lading.core.location import check_url
from lading.core.names import check_name, suggest_name
from lading.core.project import DEFAULT_STORE, PROJECT_FILE, Model
from lading.plumbing import atomic
from lading.plumbing.tree import check_content, collect, copy_links_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

STORE_FOLDER: Final = ".lading/"
_HEAD: Final = """# What this project's models are and where their versions live.
# Reference: docs/reference/project.md
store = {store}
"""
_MODEL_SUFFIXES: Final = frozenset(
    {".joblib", ".pkl", ".pickle", ".onnx", ".safetensors", ".zip", ".pt", ".pth", ".skops", ".ubj"}
)
_SKIPPED: Final = frozenset({".git", ".venv", "venv", "node_modules", ".lading", "__pycache__"})
_MOST_PROPOSALS: Final = 20


@dataclass(frozen=True, slots=True)
class Initialized:
    """What ``init`` did: the file, whether it is new, and the ``add`` commands that it proposes."""

    path: Path
    created: bool
    store: str
    proposals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Added:
    """What ``add`` did: the model, how much it is, and whether ``lading.toml`` changed.

    Attributes:
        left_out: names that are never packed, such as ``__pycache__``.
        copied: links that ``--follow`` replaced by copies.
    """

    name: str
    path: str
    files: int
    size: int
    changed: bool
    left_out: tuple[str, ...] = ()
    copied: tuple[str, ...] = ()


def init(folder: Path, store: str | None) -> Initialized:
    """Write ``lading.toml`` unless it is there, and keep the embedded store out of Git and images.

    Raises:
        UsageError: ``bad-url``.
    """
    path = folder / PROJECT_FILE
    check_url(store or DEFAULT_STORE)
    created = not path.exists()
    if created:
        import tomlkit

        text = _HEAD.format(store=tomlkit.string(store or DEFAULT_STORE).as_string())
        atomic.write(path, text.encode())
    if (store or DEFAULT_STORE) == DEFAULT_STORE:
        _ignore(folder / ".gitignore")
        if (folder / ".dockerignore").exists():
            _ignore(folder / ".dockerignore")
    return Initialized(path, created, store or DEFAULT_STORE, tuple(_proposals(folder)))


def add(
    folder: Path,
    declared: Mapping[str, Model],
    model: Model,
    detect: Callable[[Sequence[str]], tuple[str | None, str | None]],
    *,
    follow: bool = False,
) -> Added:
    """Declare a model in ``lading.toml``; the same again is a success.

    Args:
        folder: the project's folder.
        declared: the models that are declared already.
        model: the one to declare.
        detect: which format and entry some paths have, for looking at the entry's first bytes.
        follow: whether links that lead out of the model are replaced by copies.

    Raises:
        UsageError: ``already-declared``, or what ``collect`` refuses.
        IntegrityError: what ``check_content`` finds.
    """
    check_name(model.name)
    check_free(declared, model)
    path = folder / model.path
    copied = copy_links_in(path) if follow else ()
    tree = collect(path, model.files)
    check_content(tree, model.entry or detect([name for name, _ in tree.files])[1])
    changed = model.name not in declared
    if changed:
        _append(folder / PROJECT_FILE, model)
    return Added(
        name=model.name,
        path=model.path,
        files=len(tree.files),
        size=sum(size for _, size in tree.files),
        changed=changed,
        left_out=tree.left_out,
        copied=tuple(link.relative_to(folder).as_posix() for link in copied),
    )


def check_free(declared: Mapping[str, Model], model: Model) -> None:
    """Check that neither the name nor the place of ``model`` is another model's.

    Raises:
        UsageError: ``already-declared``.
    """
    same = declared.get(model.name)
    if same is not None and (same.path, same.files) != (model.path, model.files):
        raise UsageError(
            "already-declared",
            f"'{model.name}' is declared with the path {same.path}"
            + (f" and the files {', '.join(same.files)}" if same.files else ""),
            hint=f"choose another name, or change [models.{model.name}] in {PROJECT_FILE}",
        )
    for other in declared.values():
        if other.name != model.name and (other.path, other.files) == (model.path, model.files):
            raise UsageError(
                "already-declared",
                f"{model.path} is declared already, as '{other.name}'",
                hint=f"lading push {other.name}:VERSION",
            )


def _append(path: Path, model: Model) -> None:
    import tomlkit

    document = tomlkit.parse(path.read_text("utf-8"))
    models = document.get("models")
    if models is None:
        models = document["models"] = tomlkit.table(is_super_table=True)
    table = tomlkit.table()
    table["path"] = model.path
    if model.files:
        table["files"] = list(model.files)
    models[model.name] = table
    atomic.write(path, tomlkit.dumps(document).encode())


def _ignore(path: Path) -> None:
    text = path.read_bytes() if path.exists() else b""
    if STORE_FOLDER.encode() in {line.strip() for line in text.splitlines()}:
        return
    newline = b"\r\n" if b"\r\n" in text else b"\n"
    between = newline if text and not text.endswith(b"\n") else b""
    atomic.write(path, text + between + STORE_FOLDER.encode() + newline)


def _proposals(folder: Path) -> list[str]:
    found: list[str] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        for file in sorted(names):
            path = Path(parent, file).relative_to(folder)
            if path.suffix in _MODEL_SUFFIXES:
                name = suggest_name(path.stem) or "model"
                found.append(f"lading add {shlex.quote(path.as_posix())} --name {name}")
    return found[:_MOST_PROPOSALS]
