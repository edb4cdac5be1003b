"""Early stopping on rows that repeat with different targets."""

import numpy as np
from sklearn.preprocessing import OneHotEncoder

from algos import FactorizationMachineClassifier


def test_early_stopping_keeps_what_categories_tell():
    rng = np.random.default_rng(0)
    n = 6000
    town = np.minimum(rng.zipf(1.5, 2 * n), 60) - 1
    y = rng.random(2 * n) < 1 / (1 + np.exp(-2 * rng.normal(size=60)[town]))
    X = OneHotEncoder().fit_transform(town[:, np.newaxis])
    model = FactorizationMachineClassifier(solver="adagrad", max_iter=30, tol=0, random_state=0)
    whole = model.fit(X[:n], y[:n]).score(X[n:], y[n:])
    stopped = model.set_params(early_stopping=True).fit(X[:n], y[:n]).score(X[n:], y[n:])
    assert stopped > whole - 0.01


def test_weights_are_copies_where_rows_are_held_out():
    rng = np.random.default_rng(0)
    town, weight = rng.integers(0, 8, 300), rng.integers(1, 4, 300)
    y = rng.random(300) < 0.1 + 0.1 * town
    X = np.eye(8)[town]
    repeated = rng.permutation(np.repeat(np.arange(300), weight))
    model = FactorizationMachineClassifier(
        solver="adagrad", early_stopping=True, max_iter=20, tol=0, random_state=0
    )
    by_weight = model.fit(X, y, sample_weight=weight).predict_proba(np.eye(8))
    by_repeats = model.fit(X[repeated], y[repeated]).predict_proba(np.eye(8))
    np.testing.assert_array_equal(by_weight, by_repeats)
