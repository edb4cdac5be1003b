"""Sparse rows with mostly empty columns, which fits leave out without any effect."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from algos import LinearLearnerClassifier, LinearLearnerRegressor
from algos.linear_learner.used_columns import UsedColumns

D, N = 400, 60
PLACES = np.random.default_rng(0).choice(D, 12, replace=False)
SMALL = np.random.default_rng(1).poisson(0.7, size=(N, 12)).astype(float)
DENSE = np.zeros((N, D))
DENSE[:, PLACES] = SMALL
X = sparse.csr_array(DENSE)
Z = SMALL @ np.random.default_rng(2).normal(size=12) + np.random.default_rng(3).normal(size=N)
MODELS = {
    "log loss": (LinearLearnerClassifier(alpha=0.01), Z > 0),
    "lasso": (LinearLearnerClassifier(alpha=0.01, l1_ratio=1.0), Z > 0),
    "hinge": (LinearLearnerClassifier("hinge", alpha=0.01), Z > 0),
    "many classes": (LinearLearnerClassifier(alpha=0.01), np.digitize(Z, [-1, 1])),
    "squares": (LinearLearnerRegressor(alpha=0.01), Z),
    "huber": (LinearLearnerRegressor("huber", alpha=0.01), Z),
    "outputs": (LinearLearnerRegressor("huber", alpha=0.01), np.c_[Z, -Z]),
    "pack": (LinearLearnerClassifier(n_alphas=4, random_state=0), Z > 0),
    "no intercept": (LinearLearnerClassifier(alpha=0.01, fit_intercept=False), Z > 0),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", list(MODELS))
def test_sparse_rows_are_fitted_like_dense_ones(name, dtype):
    model, y = MODELS[name]
    model = clone(model).set_params(tol=1e-10)
    expected = model.fit(DENSE.astype(dtype), y)
    coef, alpha = np.atleast_2d(expected.coef_), expected.alpha_
    candidates = expected.candidates_["alpha"]
    found = np.atleast_2d(model.fit(X.astype(dtype), y).coef_)
    assert model.alpha_ == pytest.approx(alpha, rel=1e-6)
    np.testing.assert_allclose(model.candidates_["alpha"], candidates, rtol=1e-6)
    assert found.shape == coef.shape
    np.testing.assert_allclose(found, coef, atol=(1e-2 if dtype == np.float32 else 1e-4))
    assert not np.delete(found, PLACES, axis=1).any()


@pytest.mark.parametrize("name", ["log loss", "many classes", "huber"])
def test_what_follows_a_fit_knows_all_columns(name):
    model, y = MODELS[name]
    model = clone(model).set_params(tol=1e-10, warm_start=True)
    coef = model.fit(X, y).coef_
    assert model.fit(X, y).n_iter_ <= 1
    np.testing.assert_allclose(model.coef_, coef, atol=1e-6)
    more = sparse.csr_array(np.roll(DENSE, 1, axis=1))
    model.partial_fit(more, y)
    assert np.atleast_2d(model.coef_).shape[1] == D
    assert np.isfinite(model.coef_).all()
    model.merge(clone(model).fit(X, y))


def test_only_rows_with_many_empty_columns_are_looked_at():
    assert UsedColumns(X).of(X).shape == (N, 12)
    assert UsedColumns(X, looks=False).of(X) is X
    assert UsedColumns(DENSE).of(DENSE) is DENSE
    full = sparse.csr_array(SMALL)
    assert UsedColumns(full).of(full) is full
    empty = sparse.csr_array((5, 40))
    assert UsedColumns(empty).of(empty) is empty
    columns = UsedColumns(X)
    values = np.random.default_rng(0).normal(size=(2, 12))
    np.testing.assert_array_equal(columns.gathered(columns.spread(values)), values)
