"""From an allowed (module, name) pair to the real attribute of the installed library."""

# ruff: noqa: ANN401 - what a stream holds is Any until it is checked here

from __future__ import annotations

import _compat_pickle
import importlib
from importlib import metadata
from typing import TYPE_CHECKING, Any

from lading.core.errors import IntegrityError, UsageError

if TYPE_CHECKING:
    from lading.formats.allowlist import Pair

_EXTRAS = {"joblib": "sklearn", "numpy": "sklearn", "scipy": "sklearn", "sklearn": "sklearn"}
_MOVED = {
    # A memory map's class opens files; its values are an array's. The stream gets the array.
    ("numpy", "memmap"): ("numpy", "ndarray"),
    ("numpy._core.memmap", "memmap"): ("numpy", "ndarray"),
    # NumPy 1.x spelled these with an underscore, and 2.x may write either.
    ("numpy", "bool_"): ("numpy", "bool"),
    ("numpy.ma.core", "MaskedArray"): ("numpy.ma", "MaskedArray"),
}


def current(pair: Pair, *, python2: bool) -> Pair:
    """The name that a pair goes by today; the allow-list is asked for this one.

    Args:
        pair: as the stream has it.
        python2: the stream's protocol is below 3, which writes Python 2's module names.
    """
    if python2:
        module, name = _compat_pickle.NAME_MAPPING.get(pair, pair)
        pair = (_compat_pickle.IMPORT_MAPPING.get(module, module), name)
    module, name = pair
    if module == "numpy.core" or module.startswith("numpy.core."):
        # Renamed in NumPy 2.0; importing the old name warns. Memory maps have no place in the new one.
        pair = (f"numpy._core{module[len('numpy.core') :]}", name)
    elif module == "_loss":
        # scikit-learn 1.5 to 1.7 named its extension so; a top-level module of that name could be anyone's.
        pair = ("sklearn._loss._loss", name)
    return _MOVED.get(pair, pair)


def resolve(pair: Pair) -> Any:
    """The attribute itself; imports its module, which must be an allowed one.

    Raises:
        UsageError: ``missing-extra``, the library is not installed.
        IntegrityError: ``version-skew``, the installed library has no such module or name.
    """
    module, name = pair
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError as error:
        top = module.partition(".")[0]
        if isinstance(error, ModuleNotFoundError) and error.name == top:
            extra = _EXTRAS.get(top)
            hint = f"pip install 'lading[{extra}]'" if extra else f"install the package that has {top}"
            raise UsageError("missing-extra", f"the model needs {top} to load", hint=hint) from error
        raise _skew(pair) from error
    except AttributeError as error:
        raise _skew(pair) from error


def _skew(pair: Pair) -> IntegrityError:
    module, name = pair
    top = module.partition(".")[0]
    names = metadata.packages_distributions().get(top, [])
    installed = f"{names[0]} {metadata.version(names[0])}" if names else f"{top}"
    message = f"the model refers to {module}.{name}, which the installed {installed} does not have"
    hint = "install the version that the model was saved with, or train again with this one"
    return IntegrityError("version-skew", message, hint=hint)
