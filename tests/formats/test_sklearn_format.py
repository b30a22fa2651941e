"""Scikit-learn models through both pickle formats: what comes back predicts what the model itself does."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import DBSCAN, KMeans
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest, RandomForestClassifier
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from lading.core.errors import IntegrityError, PolicyError, UsageError
from lading.core.signature import Golden, Signature, Tensor, TensorSpec
from lading.formats.sklearn import Sklearn

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

JOBLIB, PICKLE = Sklearn("joblib"), Sklearn("pickle")
ROWS, CLASSES = load_iris(return_X_y=True)
SOME = ROWS[::15]
FRAME = pd.DataFrame(
    {"age": [20, 30, 40, 50, 60, 70], "city": ["a", "b", "a", "c", "b", "a"], "income": [1.0, 2, 3, 4, 5, 6]}
)
BOUGHT = [False, False, True, True, False, True]
REVIEWS = ["good film", "bad film", "very good", "very bad"]


@pytest.fixture(params=[JOBLIB, PICKLE], ids=["joblib", "pickle"])
def kind(request: pytest.FixtureRequest) -> Sklearn:
    made: Sklearn = request.param
    return made


def carried(model: object, folder: Path, kind: Sklearn = JOBLIB) -> object:
    path = folder / f"model.{kind.name}"
    kind.save(model, path)
    with path.open("rb") as entry:
        return kind.load(entry, path)


def predicted(model: object, example: object) -> dict[str, Tensor]:
    outputs = JOBLIB.predict(model, JOBLIB.tensors(model, example))
    return {tensor.name: tensor for tensor in outputs}


def values(tensor: Tensor) -> NDArray[Any]:
    return np.array(tensor.data, dtype=object if tensor.datatype == "BYTES" else None).reshape(tensor.shape)


def refused(model: object, example: object) -> UsageError:
    with pytest.raises(UsageError) as caught:
        predicted(model, example)
    return caught.value


def columns() -> object:
    encode = ColumnTransformer(
        [("city", OneHotEncoder(), ["city"]), ("numbers", StandardScaler(), ["age", "income"])]
    )
    return make_pipeline(encode, LogisticRegression()).fit(FRAME, BOUGHT)


def test_a_classifier_comes_back_and_gives_label_and_probability(kind: Sklearn, tmp_path: Path) -> None:
    own = RandomForestClassifier(5, random_state=0).fit(ROWS, CLASSES)
    model = carried(own, tmp_path, kind)
    inputs = kind.tensors(model, SOME)
    outputs = kind.predict(model, inputs)
    label, probability = outputs
    assert label == Tensor("label", "INT64", (10,), tuple(own.predict(SOME).tolist()))
    assert (probability.name, probability.datatype, probability.shape) == ("probability", "FP64", (10, 3))
    np.testing.assert_array_equal(values(probability), own.predict_proba(SOME))
    assert kind.signature(model, inputs, outputs) == Signature(
        (TensorSpec("input", "FP64", (-1, 4)),),
        (TensorSpec("label", "INT64", (-1,)), TensorSpec("probability", "FP64", (-1, 3))),
    )
    assert Golden(inputs, outputs).difference(kind.predict(model, inputs)) is None


def test_each_format_is_written_as_its_name_says(tmp_path: Path) -> None:
    model = LinearRegression().fit(ROWS, CLASSES)
    JOBLIB.save(model, tmp_path / "a")
    PICKLE.save(model, tmp_path / "b")
    assert joblib.load(tmp_path / "a").coef_.tolist() == model.coef_.tolist()
    assert (tmp_path / "b").read_bytes() == pickle.dumps(model, protocol=5)


@pytest.mark.parametrize(
    ("classes", "datatype"), [(["x", "y", "z"], "BYTES"), ([0, 1, 2], "INT64"), ([False, True, True], "BOOL")]
)
def test_labels_have_the_type_of_the_classes(classes: list[Any], datatype: str) -> None:
    own = LogisticRegression(max_iter=1000).fit(ROWS, np.array(classes)[CLASSES])
    label = predicted(own, SOME)["label"]
    assert label.datatype == datatype
    assert list(label.data) == own.predict(SOME).tolist()


def test_a_classifier_that_knows_no_probability_gives_labels_alone() -> None:
    assert list(predicted(LinearSVC().fit(ROWS, CLASSES), SOME)) == ["label"]


def test_several_targets_give_several_probabilities() -> None:
    own = RandomForestClassifier(3, random_state=0).fit(ROWS, np.stack([CLASSES, CLASSES > 0], axis=1))
    made = predicted(own, SOME)
    assert {name: tensor.shape for name, tensor in made.items()} == {
        "label": (10, 2),
        "probability_0": (10, 3),
        "probability_1": (10, 2),
    }


def test_regressors_clusterers_outliers_and_transformers_name_their_outputs() -> None:
    own = LinearRegression().fit(ROWS, CLASSES)
    assert values(predicted(own, SOME)["prediction"]).tolist() == own.predict(SOME).tolist()
    assert list(predicted(KMeans(2, n_init=1, random_state=0).fit(ROWS), SOME)) == ["label"]
    assert set(predicted(IsolationForest(n_estimators=5, random_state=0).fit(ROWS), SOME)["label"].data) <= {
        -1,
        1,
    }
    assert predicted(StandardScaler().fit(ROWS), SOME)["output"].shape == (10, 4)
    scaler = StandardScaler().set_output(transform="pandas").fit(ROWS)
    assert predicted(scaler, SOME)["output"].shape == (10, 4)


def test_a_search_predicts_as_its_best_model() -> None:
    own = GridSearchCV(LogisticRegression(max_iter=1000), {"C": [0.1, 1]}, cv=2).fit(ROWS, CLASSES)
    assert list(predicted(own, SOME)) == ["label", "probability"]


def test_a_text_pipeline_takes_a_list_of_texts(kind: Sklearn, tmp_path: Path) -> None:
    own = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(REVIEWS, ["pos", "neg", "pos", "neg"])
    model = carried(own, tmp_path, kind)
    for example in (["good", "bad bad"], np.array(["good", "bad bad"]), pd.Series(["good", "bad bad"])):
        inputs = kind.tensors(model, example)
        assert inputs == (Tensor("input", "BYTES", (2,), ("good", "bad bad")),)
        label, probability = kind.predict(model, inputs)
        assert label == Tensor("label", "BYTES", (2,), ("pos", "neg"))
        np.testing.assert_array_equal(values(probability), own.predict_proba(["good", "bad bad"]))
    assert predicted(model, "good")["label"].data == ("pos",)


def test_a_vectorizer_gives_a_dense_matrix() -> None:
    own = CountVectorizer().fit(REVIEWS)
    output = predicted(own, REVIEWS)["output"]
    assert (output.datatype, output.shape) == ("INT64", (4, 4))
    np.testing.assert_array_equal(values(output), own.transform(REVIEWS).toarray())


@pytest.mark.parametrize(
    "example",
    [
        FRAME,
        FRAME[["income", "city", "age"]],
        FRAME.to_dict("list"),
        FRAME.to_dict("records"),
        FRAME.to_numpy().tolist(),
        FRAME.to_numpy(),
        {name: FRAME[[name]].to_numpy() for name in FRAME},
    ],
    ids=["frame", "turned frame", "mapping", "records", "rows", "object matrix", "matrices of one column"],
)
def test_a_frame_pipeline_takes_columns_in_every_form(example: object, tmp_path: Path) -> None:
    own: Any = columns()
    model = carried(own, tmp_path)
    inputs = JOBLIB.tensors(model, example)
    assert [(tensor.name, tensor.datatype, tensor.shape) for tensor in inputs] == [
        ("age", "INT64", (6,)),
        ("city", "BYTES", (6,)),
        ("income", "FP64", (6,)),
    ]
    label, probability = JOBLIB.predict(model, inputs)
    assert label == Tensor("label", "BOOL", (6,), tuple(own.predict(FRAME).tolist()))
    np.testing.assert_array_equal(values(probability), own.predict_proba(FRAME))


def test_a_numeric_frame_model_takes_a_matrix_and_single_values() -> None:
    frame = pd.DataFrame(ROWS, columns=list("abcd")).astype("float32")
    own = LogisticRegression(max_iter=1000).fit(frame, CLASSES)
    want = own.predict_proba(frame)
    np.testing.assert_array_equal(values(predicted(own, frame.to_numpy())["probability"]), want)
    assert predicted(own, dict(zip("abcd", ROWS[0], strict=True)))["probability"].shape == (1, 3)
    given = Tensor("input", "FP32", (1, 4), tuple(frame.to_numpy()[0].tolist()))
    assert JOBLIB.predict(own, [given])[0].shape == (1,)


def test_a_numeric_frame_model_needs_no_pandas(tmp_path: Path) -> None:
    frame = pd.DataFrame(ROWS, columns=list("abcd"))
    own = LinearRegression().fit(frame, CLASSES)
    joblib.dump(own, tmp_path / "m.joblib")
    code = (
        "import sys, warnings; sys.modules['pandas'] = None; warnings.simplefilter('ignore')\n"
        "from pathlib import Path\n"
        "from lading.formats import open_format\n"
        "path = Path(sys.argv[1]); kind = open_format('joblib'); model = kind.load(path.open('rb'), path)\n"
        "print(kind.predict(model, kind.tensors(model, [[5.1, 3.5, 1.4, 0.2]]))[0].data[0])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "m.joblib")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(done.stdout) == pytest.approx(own.predict(frame[:1])[0])


def test_a_frame_model_with_text_says_that_it_needs_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    own = columns()
    inputs = JOBLIB.tensors(own, FRAME)
    numbers = LinearRegression().fit(FRAME[["age", "income"]], BOUGHT)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError) as caught:
        JOBLIB.predict(own, inputs)
    assert (caught.value.code, caught.value.hint) == ("missing-extra", "pip install pandas")
    with pytest.warns(UserWarning, match="valid feature names"):
        JOBLIB.predict(numbers, JOBLIB.tensors(numbers, [[20, 1.0]]))


def test_dtypes_of_arrays_stay_and_listed_numbers_are_floats() -> None:
    own = StandardScaler().fit(ROWS.astype("float32"))
    assert JOBLIB.tensors(own, SOME.astype("float32"))[0].datatype == "FP32"
    assert JOBLIB.tensors(own, np.ones((1, 4), "int64"))[0].datatype == "INT64"
    assert JOBLIB.tensors(own, [[1, 2, 3, 4]])[0].datatype == "FP64"
    assert JOBLIB.tensors(own, {"input": [[1, 2, 3, 4]]})[0].datatype == "FP64"
    typed = {"name": "input", "datatype": "INT64", "shape": [1, 4], "data": [1, 2, 3, 4]}
    assert JOBLIB.tensors(own, [typed])[0].datatype == "INT64"
    assert predicted(own, SOME.astype("float32"))["output"].datatype == "FP32"


def test_a_frame_for_a_model_without_names_counts_by_place() -> None:
    own = LinearRegression().fit(ROWS, CLASSES)
    made = predicted(own, pd.DataFrame(SOME, columns=list("abcd")))
    assert values(made["prediction"]).tolist() == own.predict(SOME).tolist()


def test_missing_numbers_reach_a_model_that_takes_them() -> None:
    rows = np.where(ROWS > 6, np.nan, ROWS)
    own = HistGradientBoostingClassifier(max_iter=2).fit(rows, CLASSES)
    assert list(predicted(own, rows)["label"].data) == own.predict(rows).tolist()
    filled = make_pipeline(SimpleImputer(), LinearRegression()).fit(rows, CLASSES)
    assert predicted(filled, [[1.0, None, 2.0, 3.0]])["prediction"].shape == (1,)


def test_an_answer_that_is_not_finite_is_refused() -> None:
    error = refused(StandardScaler().fit(ROWS), [[np.nan, 1, 1, 1]])
    assert error.code == "not-finite"


@pytest.mark.parametrize(
    ("example", "told"),
    [
        ([[1.0, 2.0]], "expected [-1, 4], got FP64 [1, 2]"),
        ([1.0, 2.0, 3.0, 4.0], "expected [-1, 4], got FP64 [4]"),
        (["text"], "expected [-1, 4], got BYTES [1]"),
        ([["a", "b", "c", "d"]], "'input' BYTES [1, 4]"),
        ([[1.0, 2.0], [1.0]], "inhomogeneous"),
        ([[np.nan] * 4], "NaN"),
        ({"a": [[1.0]], "b": [[2.0]]}, "got 2: ['a', 'b']"),
        ([], "got FP64 [0]"),
        (object(), "a mix of object"),
    ],
)
def test_a_wrong_array_says_what_was_expected_and_given(example: object, told: str) -> None:
    error = refused(LinearRegression().fit(ROWS, CLASSES), example)
    assert error.code == "bad-input"
    assert told in error.message


@pytest.mark.parametrize(
    ("example", "told"),
    [
        (FRAME[["age", "city"]], "missing ['income'], unknown []"),
        (FRAME.assign(target=1), "missing [], unknown ['target']"),
        ([[1, "a"]], "expected rows of 3 values ['age', 'city', 'income'], got rows of [2]"),
        (np.ones((2, 2)), "expected [-1, 3], the columns ['age', 'city', 'income'], got FP64 [2, 2]"),
        ([1.0, 2.0, 3.0], "got FP64 [3]"),
        ({"age": [1, 2], "city": ["a"], "income": [1.0]}, "'age': 2, 'city': 1"),
        ({"age": [[1, 2]], "city": ["a"], "income": [1.0]}, "input 'age': expected one value a row"),
        ({"age": ["old"], "city": ["a"], "income": [1.0]}, "'age' BYTES [1]"),
        ([[1, "a", 2.0], ["x", "b", 1.0]], "input 'age'"),
    ],
)
def test_wrong_columns_are_named(example: object, told: str) -> None:
    error = refused(columns(), example)
    assert error.code == "bad-input"
    assert told in error.message


def test_numbers_for_a_text_model_are_bad_input() -> None:
    own = make_pipeline(CountVectorizer(), LogisticRegression()).fit(REVIEWS, [1, 0, 1, 0])
    error = refused(own, [[1.0], [2.0]])
    assert error.code == "bad-input"
    assert "'input' FP64 [2, 1]" in error.message


def test_what_a_model_lacks_is_not_blamed_on_the_input() -> None:
    own: Any = LinearRegression().fit(ROWS, CLASSES)
    del own.intercept_
    with pytest.raises(AttributeError, match="intercept_"):
        predicted(own, SOME)


def test_an_estimator_that_is_not_fitted_is_a_bad_model() -> None:
    error = refused(LinearRegression(), SOME)
    assert error.code == "bad-model"
    assert "not fitted" in error.message


@pytest.mark.parametrize(
    "thing", [{"weights": [1, 2]}, np.ones(3), DBSCAN().fit(ROWS)], ids=["dict", "array", "DBSCAN"]
)
def test_what_does_not_predict_says_so(thing: object, tmp_path: Path) -> None:
    error = refused(carried(thing, tmp_path), SOME)
    assert error.code == "no-predict"
    assert type(thing).__name__ in error.message


def test_what_cannot_be_pickled_is_refused_and_the_old_file_stays(kind: Sklearn, tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"old")
    with pytest.raises(UsageError) as caught:
        kind.save(CountVectorizer(tokenizer=lambda text: text.split()), path)
    assert caught.value.code == "bad-model"
    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


class Payload:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("it ran",))


def test_a_file_that_calls_what_no_model_needs_is_refused(
    kind: Sklearn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(PolicyError) as caught:
        carried({"model": Payload()}, tmp_path, kind)
    assert caught.value.code == "unsafe-pickle"
    assert not capsys.readouterr().out


@pytest.mark.parametrize("keep", [0, 1, 100, -1])
def test_a_truncated_file_is_broken(kind: Sklearn, tmp_path: Path, keep: int) -> None:
    path = tmp_path / "model"
    kind.save(LinearRegression().fit(ROWS, CLASSES), path)
    with pytest.raises(IntegrityError) as caught:
        kind.load(io.BytesIO(path.read_bytes()[:keep]), path)
    assert caught.value.code == "broken-pickle"


def test_the_warning_about_another_version_is_shown_and_stops_nothing(tmp_path: Path) -> None:
    own = LinearRegression().fit(ROWS, CLASSES)
    raw = pickle.dumps(own, protocol=2)
    import sklearn

    version = sklearn.__version__.encode()
    other = raw.replace(b"X" + len(version).to_bytes(4, "little") + version, b"X\5\0\0\x001.5.0")
    assert other != raw
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        model = PICKLE.load(io.BytesIO(other), tmp_path)
    assert [warning.category for warning in seen] == [InconsistentVersionWarning]
    assert values(predicted(model, SOME)["prediction"]).tolist() == own.predict(SOME).tolist()
