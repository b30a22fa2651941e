"""Scikit-learn estimators, in joblib files and plain pickles."""

from __future__ import annotations

import pickle  # noqa: TID251 - for writing alone
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from lading.core.errors import UsageError
from lading.core.signature import Signature, Tensor
from lading.formats import joblibfile
from lading.formats.arrays import UNNAMED, as_array, as_arrays, bad_input, described, from_array, of_example
from lading.formats.extras import needs
from lading.formats.unpickle import AllowList
from lading.plumbing.atomic import draft
from lading.plumbing.oserror import explained

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lading.formats.arrays import Array

_PROTOCOL = 5
_MATRIX = 2


@dataclass(frozen=True, slots=True)
class Sklearn:
    """Models are fitted estimators; ``name`` tells how they are written, reading takes either.

    An estimator that was fitted on a data frame has an input of one dimension for each column, in the
    order of ``feature_names_in_``; any other has one input, called ``input``. A classifier gives
    ``label`` and, where it can, ``probability``; a regressor ``prediction``; clusterers and outlier
    detectors ``label``; what only transforms, ``output``.
    """

    name: str
    packages: Sequence[str] = ("scikit-learn", "numpy", "scipy", "joblib")

    def load(self, entry: BinaryIO, path: Path) -> object:  # noqa: ARG002 - proven bytes come from entry alone
        """The estimator; peak memory is the file once to twice, for a plain pickle twice.

        Scikit-learn warns through ``warnings`` where another version of it wrote the file.

        Raises:
            PolicyError, IntegrityError, UsageError: as ``joblibfile.load``.
        """
        needs("sklearn", "sklearn")
        return joblibfile.load(entry, AllowList.builtin())

    def save(self, model: object, path: Path) -> None:
        """Write any object that can be pickled to ``path``, whole or not at all."""
        dump = needs("joblib", "sklearn").dump if self.name == "joblib" else _pickled
        with explained("writing", path), draft(path.parent) as made:
            try:
                dump(model, made.file)
            except (pickle.PicklingError, AttributeError, TypeError, RecursionError) as error:
                hint = "functions must be importable by name: no lambda, nothing defined inside a function"
                message = f"a {type(model).__name__} cannot be pickled: {error}"
                raise UsageError("bad-model", message, hint=hint) from error
            made.replace(path)

    def tensors(self, model: object, example: object) -> tuple[Tensor, ...]:
        """The example as columns by name, or as one array in which listed numbers are FP64."""
        arrays = _arranged(model, example)
        return tuple(from_array(name, array, finite=False) for name, array in arrays.items())

    def signature(self, model: object, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Signature:
        """As the example, with any number of rows: estimators do not tell datatypes."""
        del model
        return Signature(tuple(map(of_example, inputs)), tuple(map(of_example, outputs)))

    def predict(self, model: object, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """See the class for which outputs there are.

        Raises:
            UsageError: ``bad-input``; ``no-predict``; ``bad-model``, it is not fitted; ``not-finite``.
        """
        steps = _steps(model)
        arrays = _arranged(model, as_arrays(list(inputs)))
        rows = _frame(arrays) if _names(model) else _rows(arrays[UNNAMED])
        made: list[Tensor] = []
        for name, step in steps.items():
            values = _run(step, rows, arrays)
            many = values if isinstance(values, list) else [values]
            names = [name] if len(many) == 1 else [f"{name}_{number}" for number in range(len(many))]
            made += [from_array(label, _dense(name, value)) for label, value in zip(names, many, strict=True)]
        return tuple(made)


def open_format(name: str) -> Sklearn:
    """The format of that name."""
    return Sklearn(name)


def _pickled(model: object, file: BinaryIO) -> None:
    pickle.dump(model, file, protocol=_PROTOCOL)


def _names(model: object) -> list[str]:
    """The columns of the data frame that the estimator was fitted on, if it was."""
    return [str(name) for name in getattr(model, "feature_names_in_", ())]


def _arranged(model: object, example: object) -> dict[str, Array]:
    names = _names(model)
    if names:
        return _columns(names, example)
    return {UNNAMED: _single(getattr(model, "n_features_in_", None), example)}


def _columns(names: Sequence[str], example: object) -> dict[str, Array]:
    arrays = _split(names, example)
    if set(arrays) != set(names):
        missing = [name for name in names if name not in arrays]
        unknown = [name for name in arrays if name not in names]
        message = f"expected the columns {list(names)}; missing {missing}, unknown {unknown}"
        raise UsageError("bad-input", message, hint="give a data frame or a mapping with just these columns")
    columns = {name: _column(name, arrays[name]) for name in names}
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise UsageError("bad-input", f"expected columns of one length, got {lengths}")
    return columns


def _split(names: Sequence[str], example: object) -> Mapping[str, Array]:
    if str(getattr(example, "dtype", "")) == "object":
        example = example.tolist()  # type: ignore[attr-defined]
    if isinstance(example, (list, tuple)) and example and isinstance(example[0], (list, tuple)):
        return _by_column(names, example)
    arrays = as_arrays(example)
    if list(arrays) != [UNNAMED] or UNNAMED in names:
        return arrays
    matrix = arrays[UNNAMED]
    if matrix.ndim != _MATRIX or matrix.shape[1] != len(names):
        raise bad_input(UNNAMED, f"[-1, {len(names)}], the columns {list(names)}", described(matrix))
    return dict(zip(names, matrix.T, strict=True))


def _by_column(names: Sequence[str], rows: Sequence[Any]) -> Mapping[str, Array]:
    """The columns of rows that may mix numbers and text."""
    if not all(isinstance(row, (list, tuple)) and len(row) == len(names) for row in rows):
        lengths = sorted({len(row) if isinstance(row, (list, tuple)) else 1 for row in rows})
        raise bad_input(UNNAMED, f"rows of {len(names)} values {list(names)}", f"rows of {lengths}")
    columns = zip(*rows, strict=True)
    return {name: as_array(list(column), name) for name, column in zip(names, columns, strict=True)}


def _column(name: str, array: Array) -> Array:
    if array.ndim > 1 and array.shape[1:] != (1,):
        raise bad_input(name, "one value a row", described(array))
    return array.reshape(-1)


def _single(width: int | None, example: object) -> Array:
    if hasattr(example, "columns"):
        # Fitted without names, so columns count by their place, as they do in scikit-learn.
        example = example.to_numpy()  # type: ignore[attr-defined]
    arrays = as_arrays(example)
    if len(arrays) != 1:
        hint = "the model was fitted without column names: give the rows as lists"
        raise bad_input(UNNAMED, "one array", f"{len(arrays)}: {list(arrays)}", hint=hint)
    (array,) = arrays.values()
    if array.dtype.kind in "iu" and _listed(example):
        array = array.astype("float64")
    if width is not None and (array.ndim != _MATRIX or array.shape[1] != width):
        hint = "one row is a list in a list: [[...]]" if array.ndim < _MATRIX else ""
        raise bad_input(UNNAMED, f"[-1, {width}]", described(array), hint=hint)
    return array.reshape(1) if array.ndim == 0 else array


def _listed(example: object) -> bool:
    """Whether numbers stand in lists, where 1 and 1.0 mean the same, and not in typed arrays."""
    if isinstance(example, Mapping):
        (example,) = example.values()
    return isinstance(example, (list, tuple)) and not isinstance(example[0], (Mapping, Tensor))


def _rows(array: Array) -> object:
    # Vectorizers take texts in a list; to them an array is a matrix.
    return array.tolist() if array.dtype.kind == "O" and array.ndim == 1 else array


def _frame(arrays: Mapping[str, Array]) -> object:
    try:
        frame: object = needs("pandas", "sklearn").DataFrame(dict(arrays))
    except UsageError:
        if any(array.dtype.kind == "O" for array in arrays.values()):
            message = "the model was fitted on a data frame with text, and pandas is not installed"
            raise UsageError("missing-extra", message, hint="pip install pandas") from None
        # Numbers alone predict the same from a matrix; scikit-learn warns that it has no names.
        frame = needs("numpy", "sklearn").column_stack(list(arrays.values()))
    return frame


def _steps(model: object) -> dict[str, Callable[[Any], Any]]:
    """What to call for each output."""
    base = needs("sklearn.base", "sklearn")
    estimator: Any = model
    if isinstance(model, base.BaseEstimator) and hasattr(estimator, "predict"):
        if base.is_classifier(model):
            more = {"probability": estimator.predict_proba} if hasattr(estimator, "predict_proba") else {}
            return {"label": estimator.predict, **more}
        labels = base.is_clusterer(model) or base.is_outlier_detector(model)
        return {"label" if labels else "prediction": estimator.predict}
    if isinstance(model, base.BaseEstimator) and hasattr(estimator, "transform"):
        return {"output": estimator.transform}
    message = f"a {type(model).__name__} neither predicts nor transforms"
    raise UsageError("no-predict", message, hint="save an estimator with predict or transform")


def _run(step: Callable[[Any], Any], rows: object, arrays: Mapping[str, Array]) -> Any:  # noqa: ANN401
    unfitted = needs("sklearn.exceptions", "sklearn").NotFittedError
    try:
        return step(rows)
    except unfitted as error:
        raise UsageError(
            "bad-model", f"the model is not fitted: {error}", hint="fit it, then save it"
        ) from error
    except (ValueError, TypeError, AttributeError) as error:
        estimators = needs("sklearn.base", "sklearn").BaseEstimator
        if isinstance(error, AttributeError) and isinstance(error.obj, estimators):
            raise  # the model lacks something, which its caller cannot mend
        given = ", ".join(f"'{name}' {described(array)}" for name, array in arrays.items())
        raise UsageError("bad-input", f"the model cannot use {given}: {error}") from error


def _dense(name: str, value: Any) -> Array:  # noqa: ANN401 - an array, sparse matrix or data frame
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    array = as_array(value, name)
    return array.astype("float64") if name == "probability" else array
