"""DESIGN section 3, point 4: weights are repeats, and the order of rows says nothing."""

import numpy as np
import pytest

from tests.common.estimators import all_cases, assert_close, assert_same_bits, cases_where, outputs

weighted = cases_where(lambda case: case.takes_weights)


def take(y, rows):
    return None if y is None else y[rows]


@weighted
def test_weights_equal_repeats_in_any_order(case):
    X = case.rows(120)
    y = case.target(X)
    rng = np.random.default_rng(1)
    weight = rng.integers(0, 4, size=len(X))
    repeated = rng.permutation(np.repeat(np.arange(len(X)), weight))
    by_weight = case.make().fit(X, y, sample_weight=weight)
    by_repeats = case.make().fit(X[repeated], take(y, repeated))
    assert_close(outputs(by_weight, X), outputs(by_repeats, X), np.float64, factor=1e5 * case.slack)


@all_cases
def test_the_order_of_rows_changes_rounding_at_most(case):
    X = case.rows()
    y = case.target(X)
    shuffled = np.random.default_rng(1).permutation(len(X))
    estimator = case.make().fit(X[shuffled], take(y, shuffled))
    assert_close(
        outputs(estimator, X), outputs(case.fitted(X), X), np.float64, factor=1e5 * case.slack
    )


@weighted
def test_rows_without_weight_are_no_rows(case):
    X = case.rows()
    y = case.target(X)
    weight = np.ones(len(X))
    kept = np.arange(len(X)) % 3 > 0
    weight[~kept] = 0
    X_odd = X.copy()
    X_odd[~kept] = 1e6
    estimator = case.make().fit(X_odd, y, sample_weight=weight)
    expected = case.make().fit(X[kept], take(y, kept), sample_weight=weight[kept])
    assert_same_bits(outputs(estimator, X), outputs(expected, X))


@weighted
def test_a_number_weighs_every_row(case):
    X = case.rows()
    y = case.target(X)
    estimator = case.make().fit(X, y, sample_weight=2.0)
    expected = case.make().fit(X, y, sample_weight=np.full(len(X), 2.0))
    assert_same_bits(outputs(estimator, X), outputs(expected, X))


WRONG_WEIGHTS = [
    (lambda n: np.ones(n - 1), "sample_weight"),
    (lambda n: np.ones((n, 2)), "sample_weight"),
    (lambda n: np.full(n, np.nan), "sample_weight.*NaN"),
    (lambda n: np.full(n, np.inf), "sample_weight.*inf"),
    (lambda n: -np.ones(n), "sample_weight"),
    (lambda n: np.zeros(n), "sample_weight"),
    (lambda n: np.nan, "sample_weight.*NaN"),
    (lambda n: 0.0, "sample_weight"),
]


@weighted
@pytest.mark.parametrize(("make", "message"), WRONG_WEIGHTS)
def test_wrong_weights_are_refused(case, make, message):
    X = case.rows()
    with pytest.raises(ValueError, match=message):
        case.make().fit(X, case.target(X), sample_weight=make(len(X)))
