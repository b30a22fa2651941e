"""``lading.toml``: what a project declares (design, section 3.5)."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Self

from lading.core.errors import UsageError
from lading.core.location import Location
from lading.core.names import check_name, check_stage, check_version
from lading.core.paths import check_path
from lading.core.signature import Signature
from lading.core.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT_FILE: Final = "lading.toml"
DEFAULT_STORE: Final = "file://.lading/store"

_VARIABLE = re.compile(r"\$\$|\$\{([^}]*)\}?")
_INSIDE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-([^${}]*))?")


@dataclass(frozen=True, slots=True)
class Model:
    """One declared model, ``[models.X]``.

    Attributes:
        path: the model's file or folder, relative to the project, in POSIX form.
        files: globs below the folder ``path``; empty where the whole of ``path`` is the model.
        version: what the project asks for; None where it asks for a stage or for nothing.
        follow: whether ``version`` may differ from the lock and is then resolved anew.
        required: whether ``ensure`` without names fetches it.
    """

    name: str
    path: str
    files: tuple[str, ...] = ()
    version: str | None = None
    stage: str | None = None
    follow: bool = False
    format: str | None = None
    entry: str | None = None
    required: bool = True
    signature: Signature | None = None
    license: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """A project's declarations, with every ``${VAR}`` expanded.

    Attributes:
        stores: the ``[stores.X]`` tables by their name.
    """

    store: str = DEFAULT_STORE
    tiers: tuple[str, ...] = ()
    models: Mapping[str, Model] = field(default_factory=dict)
    stores: Mapping[str, Location] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str, environ: Mapping[str, str]) -> Self:
        """Read ``lading.toml``.

        Args:
            text: the file's content.
            environ: where ``${VAR}`` and ``${VAR:-default}`` are looked up; ``$$`` is a dollar sign.

        Raises:
            UsageError: ``bad-setting``, naming table and key, and for an unknown key the nearest known.
        """
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise UsageError("bad-setting", f"{PROJECT_FILE} is not TOML: {error}") from error
        table = Table(_expand(document, environ, PROJECT_FILE), PROJECT_FILE)
        store = table.text("store") or DEFAULT_STORE
        tiers = table.texts("tiers") or ()
        models, stores = table.table("models"), table.table("stores")
        table.finish()
        return cls(store, tiers, _models(models) if models else {}, _stores(stores) if stores else {})

    def location(self, text: str, environ: Mapping[str, str]) -> Location:
        """The store that ``text`` means: the name of a ``[stores.X]`` table, or a URL.

        A URL that such a table has, or that lies below it, takes the table's settings.
        """
        if text in self.stores:
            return replace(self.stores[text], environ=environ)
        above = [each for each in self.stores.values() if f"{text}/".startswith(f"{each.url.rstrip('/')}/")]
        nearest = max(above, key=lambda each: len(each.url), default=Location(text))
        return replace(nearest, url=text, environ=environ)

    def model(self, name: str) -> Model:
        """The declared model of that name.

        Raises:
            UsageError: ``undeclared``, naming those that are declared.
        """
        if name in self.models:
            return self.models[name]
        declared = ", ".join(sorted(self.models)) or "none"
        raise UsageError(
            "undeclared",
            f"'{name}' is not declared in {PROJECT_FILE}; declared: {declared}",
            hint=f"lading add PATH --name {name}",
        )


def _stores(table: Table) -> dict[str, Location]:
    stores = {}
    for name in table.data:
        item = table.need(name, table.table(name))
        item.where = f"{PROJECT_FILE} [stores.{name}]"
        url = item.need("url", item.text("url"))
        if "://" in name or "://" not in url:
            raise item.fail("its name is a plain word and its 'url' is one such as s3://bucket/prefix")
        stores[name] = Location(
            url.rstrip("/"),
            endpoint=item.text("endpoint"),
            region=item.text("region"),
            env=(item.text("env") or "").rstrip("_"),
            allow_http=bool(item.flag("allow_http")),
        )
        item.finish()
    return stores


def _models(table: Table) -> dict[str, Model]:
    models = {}
    for name in table.data:
        item = table.need(name, table.table(name))
        item.where = f"{PROJECT_FILE} [models.{name}]"
        models[check_name(name)] = _model(name, item)
        item.finish()
    return models


def _model(name: str, table: Table) -> Model:
    version, stage = table.text("version"), table.text("stage")
    if version is not None and stage is not None:
        raise table.fail("it has both 'version' (pinned) and 'stage' (follows); keep one")
    path = table.need("path", table.text("path"))
    signature = table.table("signature")
    required = table.flag("required")
    return Model(
        name=name,
        path=path if path == "." else check_path(path.rstrip("/")),
        files=table.texts("files") or (),
        version=None if version is None else check_version(version),
        stage=None if stage is None else check_stage(stage),
        follow=bool(table.flag("follow")),
        format=table.text("format"),
        entry=table.text("entry"),
        required=True if required is None else required,
        signature=None if signature is None else Signature.parse(signature),
        license=table.text("license"),
        description=table.text("description"),
    )


def _expand(value: Any, environ: Mapping[str, str], where: str) -> Any:  # noqa: ANN401 - TOML's own values
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: _variable(found, environ, where), value)
    if isinstance(value, list):
        return [_expand(item, environ, where) for item in value]
    if isinstance(value, dict):
        return {key: _expand(item, environ, f"{where} {key}") for key, item in value.items()}
    return value


def _variable(found: re.Match[str], environ: Mapping[str, str], where: str) -> str:
    if found.group() == "$$":
        return "$"
    inside = _INSIDE.fullmatch(found.group(1))
    if inside is None or not found.group().endswith("}"):
        raise UsageError(
            "bad-setting",
            f"{where}: '{found.group()}' is no variable",
            hint="write ${VAR} or ${VAR:-default}, and $$ for a dollar sign",
        )
    name, default = inside.groups()
    # As in a shell, :- also stands in for a variable that is set to nothing.
    if environ.get(name) or (default is None and name in environ):
        return environ[name]
    if default is None:
        raise UsageError(
            "bad-setting",
            f"{where}: the variable {name} is not set",
            hint=f"set {name}, or write ${{{name}:-default}}",
        )
    return str(default)
