"""Factorization machines as graphs: every solver, loss and link, and draws of the posterior."""

import copy

import numpy as np
import pytest
from scipy import sparse

from algos import FactorizationMachineClassifier, FactorizationMachineRegressor
from tests.onnx.running import assert_equal_outputs

pytest.importorskip("onnx", reason="the extra `onnx` brings it")

DTYPES = ["float32", "float64"]
SOLVERS = ["als", "adagrad", "mcmc"]
FEW = {
    "als": {"max_iter": 5, "tol": 0},
    "adagrad": {"max_iter": 3, "tol": 0},
    "mcmc": {"max_iter": 12},
}


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = np.zeros((160, 14))  # users, items, a number, and columns that no row has
    X[np.arange(160), rng.integers(0, 6, 160)] = 1
    X[np.arange(160), 6 + rng.integers(0, 5, 160)] = 1
    X[:, 11] = rng.normal(size=160)
    return X


def classes_of(X, names):
    return np.asarray(names)[(X[:, :11] @ np.arange(11) + 2 * X[:, 11]).astype(int) % len(names)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_numbers(rows, solver, offset, dtype):
    y = offset + rows[:, :11] @ np.arange(11) + rows[:, 11]
    model = FactorizationMachineRegressor(3, solver=solver, random_state=0, **FEW[solver])
    model.fit(rows, y)
    found = assert_equal_outputs(model, rows, dtype)
    assert set(found) == {"predict", "transform"}
    if solver == "mcmc":
        found = assert_equal_outputs(model, rows, dtype, outputs=["std"])
        assert list(found) == ["std"] and found["std"].min() > 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("names", [[0, 1], ["a", "b", "c"]], ids=["two", "three"])
def test_classes(rows, solver, names, dtype):
    model = FactorizationMachineClassifier(3, solver=solver, random_state=0, **FEW[solver])
    model.fit(rows, classes_of(rows, names))
    found = assert_equal_outputs(model, rows, dtype)
    assert set(found) == {"predict", "decision_function", "predict_proba", "transform"}


@pytest.mark.parametrize("dtype", DTYPES)
def test_levels(rows, dtype):
    y = 1.0 + np.clip((rows[:, :11] @ np.arange(11)).astype(int) % 7, 0, 4)
    model = FactorizationMachineRegressor(
        3, solver="mcmc", loss="ordered_probit", random_state=0, max_iter=15
    ).fit(rows, y)
    found = assert_equal_outputs(model, rows, dtype)
    assert set(found) == {"predict", "predict_level_proba", "transform"}
    assert_equal_outputs(model, rows * 100, dtype)  # far beyond all cut points
    model.merge(copy.deepcopy(model))  # one machine without draws
    assert_equal_outputs(model, rows, dtype)
    assert_equal_outputs(model, rows * 100, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_rankings(rows, dtype):
    y = classes_of(rows, [0, 1])
    model = FactorizationMachineClassifier(3, solver="adagrad", loss="bpr", random_state=0)
    model.set_params(max_iter=2, tol=0).fit(rows, y, groups=rows[:, :6].argmax(axis=1))
    assert_equal_outputs(model, rows, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_columns_that_training_never_saw(rows, dtype):
    wide = sparse.csr_array(
        (
            np.ones(320),
            np.tile([3, 1700], 160) + np.repeat(np.arange(160) % 4, 2),
            range(0, 321, 2),
        ),
        shape=(160, 2000),
    )
    y = np.arange(160) % 4 + np.sin(np.arange(160))
    model = FactorizationMachineRegressor(2, solver="mcmc", random_state=0, max_iter=8)
    model.fit(wide, y)
    assert model._means[0]["places"] is not None
    X = wide.toarray()
    X[:5, 900:910] = 1
    assert_equal_outputs(model, X, dtype, outputs=["predict", "std"])


@pytest.mark.parametrize("solver", ["adagrad", "mcmc"])
def test_all_numbers_alike(rows, solver):
    model = FactorizationMachineRegressor(2, solver=solver, random_state=0, max_iter=3)
    model.fit(rows, np.full(len(rows), 3.0))
    assert_equal_outputs(model, rows, "float64")


def test_streams(rows):
    y = rows @ np.arange(14)
    model = FactorizationMachineRegressor(2, solver="adagrad", random_state=0)
    assert_equal_outputs(model.partial_fit(rows, y), rows, "float64")
