"""CSR rows whose columns have a large offset, or none at all to center."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from algos import LinearLearnerClassifier, LinearLearnerRegressor
from algos.linear_learner.names import REGRESSOR_LOSS_NAMES as LOSSES
from tests.linear_learner.plain_rows import scattered

OPTIONS = [{"l1_ratio": 0.0}, {"l1_ratio": 0.5}, {"solver": "sgd", "batch_size": 20}]


def numbers(n=200):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4))
    return X, np.exp(0.3 * X @ [1, 2, 0, -1.0] + 0.3 * rng.normal(size=n))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("offset", "dtype"), [(1e8, "float64"), (1e4, "float32")])
def test_an_offset_costs_csr_rows_no_more_than_dense_ones(offset, dtype, loss, options):
    X, y = numbers()
    X = (X + offset * np.array([1, -1, 0, 1])).astype(dtype)
    model = LinearLearnerRegressor(loss, alpha=0.01, random_state=0, tol=1e-10, **options)
    dense = model.fit(X, y).coef_
    enough = 1e-3 if dtype == "float32" else 2e-5  # objectives agree to its digits
    np.testing.assert_allclose(model.fit(sparse.csr_matrix(X), y).coef_, dense, atol=enough)


@pytest.mark.parametrize("loss", ["log_loss", "hinge", "squared_hinge"])
def test_an_offset_costs_classes_nothing(loss):
    X, y = numbers()
    X, y = X + 1e8, np.digitize(y, [0.7, 1.5])
    model = LinearLearnerClassifier(loss, alpha=0.01, tol=1e-10)
    dense = model.fit(X, y).coef_
    np.testing.assert_allclose(model.fit(sparse.csr_array(X), y).coef_, dense, atol=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_an_offset_costs_streams_nothing(loss):
    X, y = numbers()
    X = X + 1e8
    found = []
    for kind in (np.asarray, sparse.csr_array):
        model = LinearLearnerRegressor(loss, alpha=0.01, random_state=0)
        for part in (slice(100), slice(100, 101), slice(101, 200)):
            model.partial_fit(kind(X[part]), y[part])
        found.append(model.coef_)
    np.testing.assert_allclose(*found, atol=1e-8)


@pytest.mark.parametrize("n", [4, 40])
def test_an_offset_costs_ill_conditioned_columns_nothing(n):
    X, y = numbers(n)
    X = np.column_stack([X, X[:, 0] + 1e-5 * X[:, 1]]) + 1e6
    model = LinearLearnerRegressor(alpha=1e-13)
    dense = model.fit(X, y).predict(X)
    np.testing.assert_allclose(model.fit(sparse.csr_array(X), y).predict(X), dense, atol=1e-5)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("loss", ["squared_error", "huber", "quantile"])
def test_without_an_intercept_csr_and_dense_columns_have_one_scale(loss, standardize):
    X, y = numbers()
    X[:, 1], X[:, 2] = 3.0, X[:, 2] + 10
    model = LinearLearnerRegressor(
        loss, alpha=0.1, fit_intercept=False, standardize=standardize, tol=1e-10
    )
    dense = model.fit(X, y).coef_
    np.testing.assert_allclose(model.fit(sparse.csr_array(X), y).coef_, dense, atol=1e-6)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_few_sparse_rows_of_many_columns_need_no_iterations(dtype, fit_intercept):
    X = scattered((30, 3000), 0.05, seed=0)
    rng = np.random.default_rng(1)
    Y, weight = rng.normal(size=(30, 2)), rng.uniform(0.5, 2, 30)
    X, alphas = (X + sparse.csr_array(np.eye(1, 3000) * np.ones((30, 1)))).astype(dtype), [1, 1e-3]
    for standardize in (True, False):
        model = LinearLearnerRegressor(
            alpha=alphas, fit_intercept=fit_intercept, standardize=standardize, random_state=0
        )
        dense = model.fit(X.toarray(), Y, weight).candidate_coef_
        own = model.fit(sparse.csr_array(X), Y, weight)
        enough = 1e-10 if dtype == "float64" else 1e-5
        np.testing.assert_allclose(own.candidate_coef_, dense, atol=enough)
        assert own.candidates_["n_iter"].max() == 1
        assert own.certificate_ < 1e-12


@pytest.mark.parametrize("loss", ["squared_error", "huber", "absolute_error"])
@pytest.mark.parametrize("n", [60, 20_000])
@pytest.mark.parametrize("constant", [1e150, 1e300, 1e-150, 7.3, -1e5])
def test_a_constant_sparse_column_has_no_part_in_the_model(constant, n, loss):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(n, 3))
    y = X @ [1, 2, 3] + rng.normal(size=n)
    alone = LinearLearnerRegressor(loss, alpha=0.0).fit(X, y)
    rows = sparse.csr_array(np.c_[X, np.full(n, constant)])
    model = LinearLearnerRegressor(loss, alpha=0.0).fit(rows, y)
    assert model.coef_[3] == 0
    assert model.objective_ == pytest.approx(alone.objective_, rel=1e-6)
    np.testing.assert_allclose(model.predict(rows), alone.predict(X), atol=1e-3)


@pytest.mark.parametrize("size", [1e-200, 1e160, 1e300])
@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize(
    "parameters",
    [
        {"loss": "huber", "solver": "coordinate_descent", "l1_ratio": 0.5},
        {"loss": "squared_error", "solver": "coordinate_descent", "l1_ratio": 0.5},
        {"loss": "squared_error", "solver": "dual_coordinate_descent", "fit_intercept": False},
        {"loss": "huber", "solver": "dual_coordinate_descent"},
    ],
    ids=lambda parameters: "-".join(map(str, parameters.values())),
)
def test_columns_whose_squares_are_no_numbers_are_learned_as_others(parameters, is_sparse, size):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(40, 1)).repeat(2, axis=1)
    y = X[:, 0] + rng.normal(size=40)
    kind = sparse.csr_array if is_sparse else np.asarray
    model = LinearLearnerRegressor(alpha=0.1, tol=1e-10, **parameters)
    plain = clone(model).fit(kind(X), y)
    extreme = clone(model).fit(kind(X * size), y)
    assert extreme.objective_ == pytest.approx(plain.objective_, rel=1e-9)
    np.testing.assert_allclose(extreme.predict(X * size), plain.predict(X), rtol=1e-4)


def test_one_sparse_row_of_huge_values_has_an_objective():
    rows = sparse.csr_matrix([[1e155, 1.0]])
    assert LinearLearnerRegressor(alpha=0.1, l1_ratio=0.5).fit(rows, [1.0]).objective_ == 0


@pytest.mark.parametrize("size", [1e-200, 1e155, 1e300])
def test_penalties_without_an_inverse_are_refused_by_dual_descent(size):
    X = np.random.default_rng(6).normal(size=(20, 2)) * size
    model = LinearLearnerClassifier(
        "hinge", solver="dual_coordinate_descent", alpha=0.1, standardize=False
    )
    with pytest.raises(ValueError, match="units of the columns"):
        model.fit(X, X[:, 0] > 0)
