"""Linear learners as graphs: every loss, threshold and kind of label."""

import numpy as np
import pytest

from algos import LinearLearnerClassifier, LinearLearnerRegressor
from algos.onnx import to_onnx
from tests.onnx.running import assert_equal_outputs, run

pytest.importorskip("onnx", reason="the extra `onnx` brings it")

DTYPES = ["float32", "float64"]
REGRESSIONS = [
    "squared_error", "absolute_error", "huber", "epsilon_insensitive",
    "squared_epsilon_insensitive", "quantile", "poisson", "gamma", "tweedie",
]  # fmt: skip


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).normal(size=(150, 4))


def classes_of(X, n_classes, names):
    places = np.digitize(X[:, 0] + 0.5 * X[:, 1], np.linspace(-0.6, 0.6, n_classes - 1))
    return np.asarray(names)[places]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", REGRESSIONS)
def test_regressors_of_every_loss(rows, loss, dtype):
    y = np.exp(0.5 * rows @ np.array([1.0, -0.5, 0.0, 0.2])) + 0.1
    model = LinearLearnerRegressor(loss, alpha=1e-2).fit(rows, y)
    found = assert_equal_outputs(model, rows, dtype)
    assert list(found) == ["predict"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("columns", [1, 3])
def test_several_outputs(rows, columns, dtype):
    y = rows[:, :columns] @ np.ones((columns, columns)) + rows[:, -1:]
    y = y[:, 0] if columns == 1 else y
    model = LinearLearnerRegressor(alpha=1e-2).fit(rows, y)
    assert_equal_outputs(model, rows, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", ["log_loss", "hinge", "squared_hinge"])
@pytest.mark.parametrize(
    "names",
    [
        [0, 1],
        [-7, 3, 40],
        ["no", "yes"],
        np.array(["Ä", "b", "ccc"], dtype=object),
        [False, True],
        [1.0, 3.0, 4.0],
        np.array([3, 5], dtype=np.uint8),
    ],
    ids=["ints", "three ints", "strings", "objects", "bools", "floats", "bytes"],
)
def test_classifiers_of_every_loss_and_label(rows, loss, names, dtype):
    y = classes_of(rows, len(names), names)
    model = LinearLearnerClassifier(loss, alpha=1e-2).fit(rows, y)
    found = assert_equal_outputs(model, rows, dtype)
    assert ("predict_proba" in found) == (loss == "log_loss")


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_threshold_moves_labels_and_no_probabilities(rows, dtype):
    y = classes_of(rows, 2, ["no", "yes"])
    chosen = LinearLearnerClassifier(
        alpha=1e-2, selection_criterion="precision_at_target_recall", target_recall=0.99
    ).fit(rows, y)
    assert chosen.threshold_ != 0.5
    assert_equal_outputs(chosen, rows, dtype)
    chosen.threshold_ = 0.9
    assert_equal_outputs(chosen, rows, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_on_the_threshold_keep_their_side(dtype):
    X = np.array([[0.0], [1.0], [2.0], [3.0]])
    model = LinearLearnerClassifier("hinge", alpha=1e-3).fit(X, [0, 0, 1, 1])
    model.coef_, model.intercept_, model.threshold_ = np.array([[0.1]]), np.zeros(1), 0.2
    assert_equal_outputs(model, X, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_certain_classes_have_tiny_probabilities(rows, dtype):
    model = LinearLearnerClassifier(alpha=1e-2).fit(rows, classes_of(rows, 2, [0, 1]))
    X = (rows[:20] * 30).astype(dtype)
    ours = model.predict_proba(X)
    theirs = assert_equal_outputs(model, X, dtype)["predict_proba"]
    normal = ours > np.finfo(dtype).tiny
    assert ours[normal].min() < 1e-12
    np.testing.assert_allclose(theirs[normal], ours[normal], rtol=200 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_huge_rows_are_no_nan(rows, n_classes, dtype):
    model = LinearLearnerClassifier(alpha=1e-2).fit(rows, classes_of(rows, n_classes, [0, 1, 2]))
    assert_equal_outputs(model, rows * 1e30, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_offset_costs_what_it_costs_us(rows, dtype):
    X = (rows + 1e5).astype(dtype)
    model = LinearLearnerRegressor(alpha=1e-4).fit(X, X[:, 0])
    assert_equal_outputs(model, X, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_streams_and_packs(rows, dtype):
    y = classes_of(rows, 3, ["a", "b", "c"])
    stream = LinearLearnerClassifier(random_state=0).partial_fit(rows, y)
    assert_equal_outputs(stream, rows, dtype)
    assert_equal_outputs(LinearLearnerClassifier(n_alphas=4).fit(rows, y), rows, dtype)
    numbers = LinearLearnerRegressor().partial_fit(rows, rows[:, 0])  # its model is deferred
    assert_equal_outputs(numbers, rows, dtype)


def test_one_row_has_one_answer(rows):
    model = LinearLearnerClassifier(alpha=1e-2).fit(rows, classes_of(rows, 2, [0, 1]))
    graph = to_onnx(model, dtype="float64")
    alone, whole = run(graph, rows[:1]), run(graph, rows)
    assert alone["predict"].tolist() == whole["predict"][:1].tolist()
