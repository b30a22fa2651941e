"""Every promised verb. The command line and the server call these and decide nothing themselves."""

from __future__ import annotations

from lading.api.look import cache, in_place, list_models, list_versions, show, verify
from lading.api.move import add, ensure, init, lock, path, pull, push
from lading.api.run import load, open_model, predict, save

__all__ = [
    "add",
    "cache",
    "ensure",
    "in_place",
    "init",
    "list_models",
    "list_versions",
    "load",
    "lock",
    "open_model",
    "path",
    "predict",
    "pull",
    "push",
    "save",
    "show",
    "verify",
]
