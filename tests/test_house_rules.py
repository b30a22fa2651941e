"""What no linter says about this house."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from lading.core import errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

ROOT: Final = Path(__file__).parent.parent
SOURCE: Final = ROOT / "src" / "lading"
MODULES: Final = sorted(SOURCE.rglob("*.py"))
REFERENCE: Final = ROOT / "docs" / "reference"
HEAVY: Final = ("numpy", "rich", "typer", "tomlkit", "pyfastcdc", "pydantic", "obstore", "urllib3", "fastapi")
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
CODE: Final = re.compile(r"[a-z]+(-[a-z]+)*")


def named(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_has_at_most_three_hundred_lines(path: Path) -> None:
    lines = len(path.read_text("utf-8").splitlines())
    # A promised name costs a line in the list of them.
    most = 40 if path.name == "__init__.py" and path.parent != SOURCE else 300
    assert lines <= most


def own_lines(function: FUNCTION) -> int:
    """The lines of a function's body without its docstring and without the functions inside it."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    lines: set[int] = set()
    inner: set[int] = set()
    for statement in body:
        lines.update(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))
        for node in ast.walk(statement):
            if isinstance(node, FUNCTION):
                inner.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines - inner)


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_function_has_at_most_forty_lines_of_its_own(path: Path) -> None:
    functions = [node for node in ast.walk(tree(path)) if isinstance(node, FUNCTION)]
    assert [(node.name, own_lines(node)) for node in functions if own_lines(node) > 40] == []


def test_lines_are_counted_without_docstrings_and_inner_functions() -> None:
    (function,) = ast.parse(
        'def f():\n    """One.\n    Two.\n    """\n    a = 1\n    def g():\n        b = 2\n    return g'
    ).body
    assert isinstance(function, ast.FunctionDef)
    assert own_lines(function) == 2


@pytest.mark.parametrize("module", ["lading", "lading.api", "lading.__main__"])
def test_importing_is_light(module: str) -> None:
    code = f"import sys, json, {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert loaded & set(HEAVY) == set()


def statuses() -> dict[str, int]:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    return {kind.__name__: kind.exit_status for kind in kinds if issubclass(kind, errors.LadingError)}


def called(node: ast.Call) -> str:
    function = node.func
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def raised() -> Iterator[tuple[str, str | None]]:
    """Every code in the source, with the class that it is raised with where that stands beside it."""
    known = statuses()
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Call):
                continue
            name = called(node)
            texts = [
                arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
            ]
            if name in known or name == "kind":
                if isinstance(node.args[0], ast.Constant) and CODE.fullmatch(str(node.args[0].value)):
                    yield str(node.args[0].value), name if name in known else None
            elif name in {"Table", "read_json"}:
                yield from ((text, None) for text in texts if CODE.fullmatch(text) and "-" in text)


def documented() -> dict[str, set[int]]:
    """The codes on the page, with their exit statuses."""
    rows = re.findall(r"(?m)^\| `([a-z-]+)` \| ([0-9, ]+) \|", (REFERENCE / "errors.md").read_text("utf-8"))
    return {code: {int(status) for status in listed.split(",")} for code, listed in rows}


def test_every_error_code_is_documented() -> None:
    codes = {code for code, _ in raised()}
    assert {"version-taken", "bad-setting", "tiers-failed", "bad-lock", "bad-config"} <= codes, (
        "the search is broken"
    )
    assert codes - documented().keys() == set()


def test_every_error_code_is_documented_with_its_exit_status() -> None:
    known, page = statuses(), documented()
    wrong = {
        (code, kind)
        for code, kind in raised()
        if kind is not None and kind != "LadingError" and known[kind] not in page.get(code, ())
    }
    assert wrong == set()


def test_every_exit_status_is_documented() -> None:
    text = (REFERENCE / "errors.md").read_text("utf-8")
    for name, status in statuses().items():
        assert re.search(rf"(?m)^\| {status} \|.*`{name}` \|$", text), name


def test_codes_are_listed_once_and_in_order() -> None:
    listed = re.findall(r"(?m)^\| `([a-z-]+)` \|", (REFERENCE / "errors.md").read_text("utf-8"))
    assert listed == sorted(set(listed))


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_the_command_line_is_up_to_date() -> None:
    reference = script("cli_reference")
    page = (REFERENCE / "cli.md").read_text("utf-8")
    assert page == reference.render(), "run: python scripts/cli_reference.py"


def test_every_command_and_option_stands_on_the_page_of_the_command_line() -> None:
    page = (REFERENCE / "cli.md").read_text("utf-8")
    for path in (SOURCE / "cli").glob("*.py"):
        for node in ast.walk(tree(path)):
            if (
                isinstance(node, ast.Call)
                and called(node) == "command"
                and isinstance(node.args[0], ast.Constant)
            ):
                assert f"### lading {node.args[0].value!s}\n" in page
            if isinstance(node, ast.Call) and called(node) == "Option":
                for word in (str(arg.value) for arg in node.args if isinstance(arg, ast.Constant)):
                    assert re.search(rf"`{word}[ `]", page), word


def keys_read(*modules: str) -> set[str]:
    """The keys that tables are asked for, such as ``table.text("store")``."""
    readers = {"text", "texts", "flag", "number", "table", "tables", "digest", "anything"}
    found = set()
    for module in modules:
        for node in ast.walk(tree(SOURCE / module)):
            if (
                isinstance(node, ast.Call)
                and called(node) in readers
                and isinstance(node.func, ast.Attribute)
            ):
                found |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
    return {key for key in found if isinstance(key, str)}


def test_every_key_of_the_project_is_documented() -> None:
    page = (REFERENCE / "project.md").read_text("utf-8")
    keys = keys_read("core/project.py")
    assert {"store", "models", "path", "required"} <= keys, "the search is broken"
    assert {key for key in keys if f"\n| `{key}` |" not in page} == set()


def test_the_examples_on_the_page_of_the_project_are_read() -> None:
    from lading.core.project import Project

    page = (REFERENCE / "project.md").read_text("utf-8")
    examples = re.findall(r"(?s)```toml\n(.*?)```", page)
    whole, stores, signature = examples
    assert set(Project.parse(whole, {}).models) == {"sentiment", "acme/churn"}
    assert Project.parse(stores, {}).stores["models"].env == "R2"
    model = Project.parse('[models.sentiment]\npath = "m.onnx"\n' + signature, {}).models["sentiment"]
    assert model.signature is not None
    assert model.signature.inputs[0].shape == (-1, 4)


def test_every_variable_is_documented_and_read_in_one_place() -> None:
    page = (REFERENCE / "environment.md").read_text("utf-8")
    read = set(re.findall(r"\"(LADING_[A-Z_]+)\"", (SOURCE / "wiring.py").read_text("utf-8")))
    assert {"LADING_STORE", "LADING_CACHE_DIR"} <= read, "the search is broken"
    assert {name for name in read if f"\n| `{name}` |" not in page} == set()
    for path in MODULES:
        if path.name != "wiring.py":
            text = path.read_text("utf-8")
            assert not re.search(r"environ(\.get\(|\[)\"LADING_[A-Z_]+\"[\])](?! =)", text), named(path)


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in REFERENCE.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), (page.name, target)
