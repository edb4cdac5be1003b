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


def test_weights_of_a_table_of_frequencies_are_copies_where_rows_are_held_out():
    rng = np.random.default_rng(0)
    town = rng.integers(0, 8, 300)
    y = rng.random(300) < 0.1 + 0.1 * town
    rows, weight = np.unique(np.stack([town, y], axis=1), axis=0, return_counts=True)
    model = FactorizationMachineClassifier(
        solver="adagrad", early_stopping=True, max_iter=20, tol=0, random_state=0
    )
    by_repeats = model.fit(np.eye(8)[town], y).predict_proba(np.eye(8))
    by_weight = model.fit(np.eye(8)[rows[:, 0]], rows[:, 1] > 0, sample_weight=weight)
    np.testing.assert_array_equal(by_weight.predict_proba(np.eye(8)), by_repeats)


def test_heavy_rows_are_not_on_both_sides():
    rng = np.random.default_rng(0)
    town = rng.integers(0, 150, 600)
    y = rng.random(600) < 1 / (1 + np.exp(-rng.normal(size=150)[town]))
    make = FactorizationMachineClassifier(
        solver="adagrad", early_stopping=True, max_iter=200, tol=0, random_state=0
    )
    plain = make.fit(np.eye(150)[town], y).n_iter_
    heavy = make.fit(np.eye(150)[town], y, sample_weight=np.full(600, 1000)).n_iter_
    assert heavy == plain < 200  # which a validation of what was trained would reach
