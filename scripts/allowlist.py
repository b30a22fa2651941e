"""Regenerate ``src/lading/formats/allowed/*.txt`` from what real fitted estimators pickle.

For maintainers. Fits every scikit-learn estimator that can be fitted on toy data and a set of
compositions, dumps each with pickle protocols 2 to 5 and with joblib, and watches which globals
those streams name and which of them they *call*. The lists only grow: pairs that are there already stay
(an older scikit-learn wrote them), so run it once in an environment for each supported version::

    python scripts/allowlist.py            # add what this environment writes
    python scripts/allowlist.py --show     # print what is missing and what was denied, write nothing

Then read the diff line by line: a pair is a promise that nothing bad follows from it.
"""

# ruff: noqa: ICN001, TC003, ANN401, D102, SLF001, PLR2004, BLE001, S112, F401
# A script that needs every heavy library, reads scikit-learn's own test helpers, talks to a maintainer and
# goes on past whatever a version of scikit-learn cannot do: the lists are a union.

from __future__ import annotations

import _compat_pickle
import argparse
import collections
import datetime
import inspect
import io
import pickle
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import scipy.sparse as sp
import sklearn
import sklearn._loss.loss as loss_module
from joblib.numpy_pickle import NumpyUnpickler
from sklearn import feature_selection, metrics, model_selection
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest, chi2, f_regression, mutual_info_classif
from sklearn.gaussian_process import GaussianProcessRegressor, kernels
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RandomizedSearchCV,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.utils import Bunch, all_estimators

ALLOWED = Path(__file__).parent.parent / "src" / "lading" / "formats" / "allowed"

# Pairs that no list may ever hold, whatever a model pickles, and why.
DENIED: dict[str, str] = {
    "builtins.getattr": "walks from any object to any attribute, so to everything",
    "builtins.setattr": "patches allowed classes",
    "builtins.delattr": "patches allowed classes",
    "builtins.eval": "runs code",
    "builtins.exec": "runs code",
    "builtins.compile": "makes code",
    "builtins.__import__": "imports anything",
    "builtins.open": "opens files",
    "builtins.input": "reads from the terminal",
    "builtins.breakpoint": "runs the debugger",
    "builtins.type": "makes classes",
    "builtins.vars": "hands out namespaces",
    "builtins.globals": "hands out namespaces",
    "builtins.map": "calls what it is given",
    "builtins.filter": "calls what it is given",
    "builtins.sorted": "calls what it is given",
    "builtins.property": "makes descriptors that call what they are given",
    "functools.partial": "calls what it is given; a stand-in for check_array alone is resolved",
    "functools.reduce": "calls what it is given",
    "operator.attrgetter": "walks attributes",
    "operator.methodcaller": "calls methods by name",
    "operator.itemgetter": "calls __getitem__ of anything",
    "copyreg.__newobj__": "makes instances behind the judges",
    "copyreg.__newobj_ex__": "makes instances behind the judges",
    "joblib.numpy_pickle.NumpyArrayWrapper": "read by lading.formats.joblibfile itself, never resolved",
    "numpy.memmap": "opens and writes files; a stand-in is resolved instead",
    "numpy.load": "reads files and pickles",
    "numpy.loads": "unpickles",
    "numpy.save": "writes files",
    "numpy.fromfile": "reads files",
    "numpy.genfromtxt": "reads files and the network",
    "numpy.loadtxt": "reads files and the network",
    "numpy.vectorize": "calls what it is given",
    "numpy.frompyfunc": "calls what it is given",
    "numpy.apply_along_axis": "calls what it is given",
}
# scipy.stats: its distributions run ``exec`` on text from their state (rv_generic._construct_argparser).
# Whole packages whose names stay out of the lists (a refusal by prefix is safe; an allowance never is).
DENIED_MODULES = re.compile(
    r"^(__main__|os|nt|posix|sys|subprocess|shutil|socket|ctypes|importlib|runpy|pty|types|code|marshal|pickle"
    r"|_pickle|cloudpickle|dill|threading|multiprocessing|asyncio|tempfile|pathlib|io|_io|webbrowser|urllib"
    r"|http|ssl|scipy\.stats|numpy\.testing|numpy\.f2py|numpy\.distutils|numpy\.ctypeslib|scipy\.io|scipy\.weave"
    r"|sklearn\.datasets|sklearn\.externals|sklearn\.utils\._testing|sklearn\.tests|joblib|pandas|pyarrow)(\.|$)"
)


def mapped(module: str, name: str) -> tuple[str, str]:
    """The Python 3 pair of a Python 2 pair, as unpicklers map it."""
    if (module, name) in _compat_pickle.NAME_MAPPING:
        return _compat_pickle.NAME_MAPPING[module, name]
    return _compat_pickle.IMPORT_MAPPING.get(module, module), name


class Recorder(NumpyUnpickler):  # type: ignore[misc]
    """Reads a stream that was made in this process and notes the globals it names and calls."""

    dispatch = NumpyUnpickler.dispatch.copy()

    def __init__(self, stream: io.BytesIO) -> None:
        # joblib before 1.5 does not know the option.
        known = inspect.signature(NumpyUnpickler.__init__).parameters
        options = {"ensure_native_byte_order": False} if "ensure_native_byte_order" in known else {}
        super().__init__("", stream, **options)
        self.named: dict[int, tuple[tuple[str, str], object]] = {}
        self.called: set[tuple[str, str]] = set()

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        # Protocol 2 writes Python 2 names: note the pair that the reader looks up after mapping back.
        pair = mapped(module, name) if self.proto < 3 else (module, name)
        self.named[id(found)] = (pair, found)
        return found

    def _note(self, function: object) -> None:
        if id(function) in self.named:
            self.called.add(self.named[id(function)][0])

    def load_reduce(self) -> None:
        self._note(self.stack[-2])
        super().load_reduce()

    def load_newobj(self) -> None:
        if self.stack[-1]:
            self._note(self.stack[-2])
        super().load_newobj()

    def load_newobj_ex(self) -> None:
        if self.stack[-1] or self.stack[-2]:
            self._note(self.stack[-3])
        super().load_newobj_ex()

    dispatch[pickle.REDUCE[0]] = load_reduce
    dispatch[pickle.NEWOBJ[0]] = load_newobj
    dispatch[pickle.NEWOBJ_EX[0]] = load_newobj_ex


def every_estimator() -> Iterator[object]:
    """Each estimator of scikit-learn, fitted where that is possible, else as constructed."""
    from sklearn.utils import estimator_checks as checks

    try:
        from sklearn.utils._test_common.instance_generator import _construct_instances
    except ImportError:
        _construct_instances = None
    rng = np.random.RandomState(0)
    x = np.abs(rng.normal(size=(60, 4)))
    y = (x[:, 0] > np.median(x[:, 0])).astype(int)
    for _, kind in all_estimators():
        try:
            made = (
                list(_construct_instances(kind))
                if _construct_instances
                else [checks._construct_instance(kind)]
            )
        except Exception as error:
            print(f"not made: {kind.__name__}: {error}", file=sys.stderr)
            continue
        for estimator in made:
            yield estimator
            yield from fitted(estimator, x, y, checks)


def fitted(estimator: Any, x: Any, y: Any, checks: Any) -> Iterator[object]:
    """The estimator after a fit that suits its tags, or nothing."""
    text = ["red apples fall", "green apples grow", "red leaves fall"] * 20
    attempts = [
        (checks._enforce_estimator_tags_X(estimator, x), checks._enforce_estimator_tags_y(estimator, y)),
        (x, x[:, 0] * 2 + 1),
        (x, x[:, :2]),
        (x, np.column_stack([y, 1 - y])),
        (text, y),
        ([{"a": 1.0, "b": "x"}] * 60, y),
        (x[:, 0], y),
        (y, y),
        ([["a", "b"]] * 60, y),
    ]
    for features, target in attempts:
        try:
            estimator.fit(features, target)
        except Exception:
            continue
        yield estimator
        return
    print(f"not fitted: {type(estimator).__name__}", file=sys.stderr)


def toy() -> tuple[Any, Any]:
    """Positive numbers and two classes."""
    rng = np.random.RandomState(0)
    x = np.abs(rng.normal(size=(60, 4)))
    y = (x[:, 0] > np.median(x[:, 0])).astype(int)
    return x, y


def tables() -> Iterator[object]:
    """Pipelines over tables of mixed columns."""
    x, y = toy()
    table = pd.DataFrame({"n": x[:, 0], "m": x[:, 1], "c": pd.Series(["a", "b", "c"] * 20, dtype=object)})
    columns = [
        ColumnTransformer(
            [
                ("n", StandardScaler(), picked),
                ("c", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["c"]),
            ],
            remainder=rest,
        )
        for picked, rest in (
            (["n"], "drop"),
            (["n", "m"], "passthrough"),
            (slice(0, 2), "drop"),
            (make_column_selector(dtype_include=np.number), SimpleImputer()),
        )
    ]
    yield from (Pipeline([("c", c), ("m", LogisticRegression())]).fit(table, y) for c in columns)
    yield columns[0].set_output(transform="pandas").fit(table)


def texts() -> Iterator[object]:
    """Vectorizers of text and of dictionaries."""
    _, y = toy()
    text = ["red apples fall", "green apples grow", "red leaves fall"] * 20
    for vectorizer in (
        TfidfVectorizer(stop_words="english"),
        CountVectorizer(dtype=np.float32, ngram_range=(1, 2)),
        HashingVectorizer(),
        TfidfVectorizer(strip_accents="unicode", sublinear_tf=True),
    ):
        yield make_pipeline(vectorizer, SGDClassifier(random_state=np.random.RandomState(0))).fit(text, y)
    yield make_pipeline(FeatureUnion([("a", TfidfVectorizer()), ("b", CountVectorizer())]), Ridge()).fit(
        text, y
    )
    yield make_pipeline(DictVectorizer(), Ridge()).fit([{"a": 1.0, "b": "x"}] * 60, y)
    yield make_pipeline(FeatureHasher(input_type="string"), Ridge()).fit([["a", "b"]] * 60, y)


def searches() -> Iterator[object]:
    """Searches over parameters, and ensembles."""
    x, y = toy()
    for cv in (3, KFold(3), StratifiedKFold(3), ShuffleSplit(2), TimeSeriesSplit(3), GroupKFold(3)):
        grid = GridSearchCV(
            LogisticRegression(), {"C": [0.1, 1.0], "solver": ["lbfgs"]}, cv=cv, scoring="accuracy"
        )
        yield grid.fit(x, y, **({"groups": np.arange(60) % 3} if isinstance(cv, GroupKFold) else {}))
    mixed = [{"kernel": ["rbf"], "C": [1, 2]}, {"kernel": ["linear"], "C": [1.5]}, {"gamma": ["auto", 0.1]}]
    yield GridSearchCV(SVC(), mixed, scoring=["accuracy", "roc_auc", "f1"], refit="f1").fit(x, y)
    yield RandomizedSearchCV(SVC(), {"C": [0.1, 1.0, 10.0]}, n_iter=2, random_state=0).fit(x, y)
    for scoring in (
        "r2",
        "neg_mean_squared_error",
        "neg_root_mean_squared_error",
        "neg_log_loss",
        "f1_macro",
    ):
        yield GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, scoring=scoring, cv=2).fit(x, y)
    for method in ("sigmoid", "isotonic"):
        yield CalibratedClassifierCV(RandomForestClassifier(3), method=method, cv=2).fit(x, y)
    parts = [("a", LogisticRegression()), ("b", RandomForestClassifier(3))]
    yield from (StackingClassifier(parts).fit(x, y), VotingClassifier(parts).fit(x, y))


def boosters() -> Iterator[object]:
    """Trees and boosting over every kind of target and loss."""
    x, y = toy()
    for classes in (
        y,
        np.arange(60) % 3,
        np.array(["a", "b", "c"] * 20),
        np.array(["a", "b", "c"] * 20, dtype=object),
    ):
        for model in (HistGradientBoostingClassifier(max_iter=3), GradientBoostingClassifier(n_estimators=3)):
            yield model.fit(x, classes)
        yield RandomForestClassifier(3, class_weight="balanced").fit(x, classes)
    for loss in ("squared_error", "absolute_error", "gamma", "poisson", "quantile"):
        yield HistGradientBoostingRegressor(max_iter=3, loss=loss, quantile=0.5).fit(x, x[:, 0] + 1)
    yield HistGradientBoostingClassifier(max_iter=3, early_stopping=True, categorical_features=[0]).fit(
        np.column_stack([np.arange(60) % 5, x]), y
    )


def neighbours() -> Iterator[object]:
    """Distances, and functions that are held by reference."""
    x, y = toy()
    for metric in (
        "minkowski",
        "euclidean",
        "manhattan",
        "chebyshev",
        "cosine",
        "haversine",
        "hamming",
        "canberra",
        "braycurtis",
        "jaccard",
        "dice",
        "matching",
        "rogerstanimoto",
        "russellrao",
        "sokalsneath",
        "l1",
        "l2",
        "p",
    ):
        for algorithm in ("brute", "kd_tree", "ball_tree"):
            try:
                yield KNeighborsClassifier(metric=metric, algorithm=algorithm).fit(x[:, :2], y)
            except ValueError:
                continue
    yield from (SelectKBest(score, k=2).fit(x, y) for score in (chi2, f_regression, mutual_info_classif))
    for function in (
        np.log1p,
        np.log,
        np.exp,
        np.expm1,
        np.sqrt,
        np.square,
        np.abs,
        np.sin,
        np.cos,
        np.cbrt,
        np.log10,
        np.log2,
    ):
        yield FunctionTransformer(function).fit(x)
    yield FunctionTransformer(np.log1p, inverse_func=np.expm1).fit(x)
    yield TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1).fit(x, x[:, 0])


def matrices() -> Iterator[object]:
    """Kernels and models over sparse inputs."""
    x, y = toy()
    sparse = [kind(x) for kind in (sp.csr_matrix, sp.csc_matrix, sp.csr_array, sp.csc_array)]
    for kernel in (
        kernels.RBF() + kernels.WhiteKernel(),
        kernels.Matern() * kernels.ConstantKernel(),
        kernels.DotProduct() ** 2,
        kernels.RationalQuadratic() + kernels.ExpSineSquared(),
        kernels.CompoundKernel([kernels.RBF()]),
        kernels.PairwiseKernel(),
    ):
        try:
            yield GaussianProcessRegressor(kernel).fit(x[:20], y[:20])
        except Exception:
            yield kernel
    yield from (KNNImputer(add_indicator=True).fit(x), KMeans(3, n_init=1).fit(x), *sparse)
    yield from (SVC(probability=False).fit(part, y) for part in sparse)
    yield from (KMeans(3, n_init=1, random_state=np.random.RandomState(1)).fit(part) for part in sparse)


def values() -> Iterator[object]:
    """Plain values that models and the objects around them hold."""
    yield from (np.float64(1), np.int64(1), np.str_("a"), np.bool_(True), np.datetime64("2020-01-01", "D"))
    yield from (np.matrix([[1, 2]]), np.ma.array([1, 2], mask=[0, 1]), np.array(["a", None], dtype=object))
    yield from (
        np.random.default_rng(0),
        np.random.RandomState(0),
        Bunch(a=1),
        {1, 2},
        frozenset("a"),
        b"",
        b"a",
    )
    yield from (bytearray(b"a"), 1j, range(3), slice(1, 2), np.dtype([("a", "i4"), ("b", "f8")]))
    yield from (collections.OrderedDict(a=1), collections.defaultdict(list, a=[1]), collections.deque([1]))
    moment = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    yield from (moment, moment.date(), moment.time(), datetime.timedelta(1))
    yield [metrics.get_scorer(name) for name in metrics.get_scorer_names()]
    yield [loss() for loss in loss_module._LOSSES.values() if loss is not loss_module.PinballLoss]
    yield [
        getattr(model_selection, name)
        for name in model_selection.__all__
        if hasattr(getattr(model_selection, name), "split")
    ]
    yield [
        getattr(feature_selection, name)
        for name in (
            "chi2",
            "f_classif",
            "f_regression",
            "mutual_info_classif",
            "mutual_info_regression",
            "r_regression",
        )
    ]
    for loss in (
        "log_loss",
        "hinge",
        "modified_huber",
        "squared_hinge",
        "perceptron",
        "squared_error",
        "huber",
        "epsilon_insensitive",
        "squared_epsilon_insensitive",
    ):
        yield SGDClassifier(loss=loss).fit([[0.0], [1.0]], [0, 1])
    for bits in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"):
        yield np.random.Generator(getattr(np.random, bits)(0))
    yield [
        getattr(np, name)
        for name in (
            "float16",
            "float32",
            "float64",
            "int8",
            "int16",
            "int32",
            "int64",
            "uint8",
            "uint16",
            "uint32",
            "uint64",
            "bool_",
            "str_",
            "object_",
            "complex64",
            "complex128",
            "datetime64",
            "timedelta64",
            "bytes_",
            "void",
            "number",
            "integer",
            "floating",
            "generic",
            "inexact",
            "ndarray",
            "longdouble",
        )
    ]
    yield [float, int, str, bool, object, list, dict, tuple, set, bytes, complex]


def resilient(source: Callable[[], Iterator[object]]) -> Iterator[object]:
    """What a source yields until it fails, which older scikit-learns do at newer options."""
    try:
        yield from source()
    except Exception as error:
        print(f"{source.__name__} stopped: {error!r}", file=sys.stderr)


def observe() -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Every pair that the dumps name, and those that they call."""
    named: set[tuple[str, str]] = set()
    called: set[tuple[str, str]] = set()
    for source in (every_estimator, tables, texts, searches, boosters, neighbours, matrices, values):
        for model in resilient(source):
            streams = [io.BytesIO() for _ in range(5)]
            try:
                for protocol, stream in zip(range(2, 6), streams, strict=False):
                    pickle.dump(model, stream, protocol)
                joblib.dump(model, streams[4])
            except Exception as error:
                print(f"not pickled: {type(model).__name__}: {error}", file=sys.stderr)
                continue
            for stream in streams:
                stream.seek(0)
                recorder = Recorder(stream)
                recorder.load()
                named |= {pair for pair, _ in recorder.named.values()}
                called |= recorder.called
    return named, called


def renamed(pair: tuple[str, str]) -> tuple[str, str]:
    """The pair as the reader looks it up, which is `lading.formats.resolve.current`'s answer."""
    module, name = pair
    if module == "_loss":  # how scikit-learn 1.5 to 1.7 named its extension
        return "sklearn._loss._loss", name
    moved = {
        ("numpy", "bool_"): ("numpy", "bool"),
        ("numpy.ma.core", "MaskedArray"): ("numpy.ma", "MaskedArray"),
    }
    return moved.get(pair, (re.sub(r"^numpy\.core(?=\.|$)", "numpy._core", module), name))


def denied(pair: tuple[str, str]) -> bool:
    """Whether a pair must stay out, by name or by package."""
    return ".".join(pair) in DENIED or bool(DENIED_MODULES.match(pair[0])) or "." in pair[1]


def target(pair: tuple[str, str]) -> str:
    """The file that a pair belongs to."""
    top = pair[0].split(".")[0]
    return top if top in {"numpy", "scipy", "sklearn"} else "python"


def read(path: Path) -> tuple[list[str], set[tuple[str, str]]]:
    """The header comments and the pairs of one list."""
    lines = path.read_text().splitlines() if path.exists() else []
    pairs = {tuple(line.split()) for line in lines if line and not line.startswith("#")}
    return [line for line in lines if line.startswith("#")], pairs  # type: ignore[return-value]


def write(stem: str, pairs: set[tuple[str, str]], purpose: str) -> None:
    """Add pairs to one list, and this environment's versions to its header."""
    path = ALLOWED / f"{stem}.txt"
    header, present = read(path)
    versions = ", ".join(
        f"{part} {metadata.version(part)}" for part in ("scikit-learn", "numpy", "scipy", "joblib")
    )
    seen = f"# seen with: {versions}, Python {sys.version_info.major}.{sys.version_info.minor}"
    header = header or [
        f"# {purpose}",
        "# Made by scripts/allowlist.py, then read line by line. Only ever grows.",
    ]
    lines = [*header, *([] if seen in header else [seen]), *(f"{m} {n}" for m, n in sorted(present | pairs))]
    path.write_text("\n".join(lines) + "\n")


def main() -> None:
    """Observe this environment and add to the lists, or show what would be added."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", action="store_true", help="write nothing")
    show = parser.parse_args().show
    warnings.simplefilter("ignore")
    named, called = observe()
    good = {renamed(pair) for pair in named if not denied(pair)}
    print("denied:", sorted(pair for pair in named if denied(pair)), "scikit-learn", sklearn.__version__)
    purposes = {
        "python": "Standard library names that a model's pickle may refer to.",
        "numpy": "NumPy names that a model's pickle may refer to.",
        "scipy": "SciPy names that a model's pickle may refer to.",
        "sklearn": "scikit-learn names that a model's pickle may refer to.",
    }
    calls = {renamed(pair) for pair in called if not denied(pair)}
    for stem, purpose in purposes.items():
        pairs = {pair for pair in good if target(pair) == stem}
        if show:
            print(stem, sorted(pairs - read(ALLOWED / f"{stem}.txt")[1]))
        else:
            write(stem, pairs, purpose)
    if show:
        print("calls", sorted(calls - read(ALLOWED / "calls.txt")[1]))
    else:
        write("calls", calls, "The few of the other lists' names that a stream may also call with arguments.")


if __name__ == "__main__":
    main()
