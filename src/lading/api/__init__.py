"""Every promised verb. The command line and the server call these and decide nothing themselves.

Each is imported when it is first used, so that a warm ``ensure`` pays for nothing but itself.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lading.api.fetch import ensure, in_place, path, pull
    from lading.api.keep import gc
    from lading.api.look import cache, diff, history, list_models, list_tiers, list_versions, show, verify
    from lading.api.plain import export, import_
    from lading.api.release import add, init, lock, push
    from lading.api.run import load, open_model, predict, save
    from lading.api.surroundings import env

_ROOMS = {
    "fetch": ("ensure", "in_place", "path", "pull"),
    "keep": ("gc",),
    "look": ("cache", "diff", "history", "list_models", "list_tiers", "list_versions", "show", "verify"),
    "plain": ("export", "import_"),
    "release": ("add", "init", "lock", "push"),
    "run": ("load", "open_model", "predict", "save"),
    "surroundings": ("env",),
}
__all__ = [
    "add", "cache", "diff", "ensure", "env", "export", "gc", "history", "import_", "in_place", "init",
    "list_models", "list_tiers", "list_versions", "load", "lock", "open_model", "path", "predict", "pull",
    "push", "save", "show", "verify",
]  # fmt: skip


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    for room, names in _ROOMS.items():
        if name in names:
            return getattr(import_module(f"lading.api.{room}"), name)
    raise AttributeError(f"module 'lading.api' has no attribute '{name}'")
