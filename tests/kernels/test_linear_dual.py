"""Sweeps of dual coordinate descent against steps found by a general minimiser."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import sparse
from scipy.optimize import minimize_scalar

from algos._cython.linear_dual import square_norms, sweep_rows
from algos._cython.linear_lines import Lines
from algos.linear_learner.losses import CODES, Loss
from algos.linear_learner.solvers.conjugates import conjugates_at
from tests.linear_learner.plain_optimum import make_data, make_loss

KEY = np.array([3, 5], dtype=np.uint64)


def lines_of(X, kind):
    if kind is None:
        return Lines(X, None, None, X.shape[1])
    X = sparse.csr_array(X)
    return Lines(X.data, X.indices.astype(kind), X.indptr.astype(kind), X.shape[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [None, np.int32, np.int64])
@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 40), d=st.integers(1, 90), seed=st.integers(0, 99))
def test_norms_equal_numpy(dtype, kind, n, d, seed):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.4)).astype(dtype)
    norms = np.empty(n)
    square_norms(lines_of(X, kind), norms)
    np.testing.assert_allclose(norms, (X.astype(float) ** 2).sum(axis=1), rtol=1e-13)


@pytest.mark.parametrize("name", [name for name in CODES if Loss(name).has_boxes])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [None, np.int32, np.int64])
@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 999), strength=st.floats(0.003, 30), kappa=st.sampled_from([None, 0.01, 2])
)
def test_a_step_reaches_the_best_pull(name, dtype, kind, seed, strength, kappa):
    rng, loss = np.random.default_rng(seed), make_loss(name)
    X, y = make_data(1, 7, loss, seed, density=0.7)
    y = np.sign(rng.normal(size=1)) if loss.is_of_classes else y
    X = X.astype(dtype)
    lines, x, weight, steps = lines_of(X, kind), X[0].astype(float), np.array([0.3]), 1 / strength
    intercept_step = 1 / kappa if kappa else 0.0
    curvature = weight * (x @ x * steps + intercept_step)
    coef, pull, gaps = rng.normal(size=7).astype(dtype), np.zeros(1), np.empty(1)
    z = float(x @ coef) + 0.2

    def cost(s):
        return conjugates_at(loss, y, np.array([s]))[0] + s * z + curvature[0] * s * s / 2

    before = coef.astype(float)
    for epoch in range(4):  # Newton's step for the logistic loss is repeated
        _, b = sweep_rows(
            lines, y, weight, curvature, loss.code, loss.parameter, steps, intercept_step, KEY,
            epoch, np.zeros(1, np.int64), pull, coef, 0.2 + pull[0] * 0.3 * intercept_step, gaps,
        )  # fmt: skip
    low, high = {
        "absolute_error": (-1, 1), "quantile": (loss.parameter - 1, loss.parameter),
        "epsilon_insensitive": (-1, 1), "huber": (-loss.parameter, loss.parameter),
        "log_loss": sorted((0, y[0])), "hinge": sorted((0, y[0])),
        "squared_hinge": sorted((0, 1e3 * y[0])),
    }.get(name, (-1e3, 1e3))  # fmt: skip
    best = minimize_scalar(cost, bounds=(low, high), method="bounded", options={"xatol": 1e-12})
    tolerance = 1e-9 if dtype == np.float64 else 1e-5
    assert low - 1e-12 <= pull[0] <= high + 1e-12
    assert cost(pull[0]) <= best.fun + tolerance * (1 + abs(best.fun))
    moved = 0.3 * pull[0]
    scale = 1 + np.abs(before) + np.abs(moved * steps * x)
    assert np.all(np.abs(coef - (before + moved * steps * x)) <= 1e2 * np.finfo(dtype).eps * scale)
    np.testing.assert_allclose(b, 0.2 + moved * intercept_step, rtol=1e-12)


def test_gaps_are_nothing_at_the_optimum_and_their_sum_is_returned():
    loss = make_loss("squared_error")
    X, y = make_data(30, 4, loss)
    lines, weight, coef, pull = lines_of(X, None), np.full(30, 1 / 30), np.zeros(4), np.zeros(30)
    curvature, gaps = weight * (X**2).sum(axis=1), np.empty(30)
    for epoch in range(300):
        order = np.arange(30)
        gap, _ = sweep_rows(
            lines, y, weight, curvature, loss.code, 0.0, 1.0, 0.0, KEY, epoch, order, pull, coef,
            0.0, gaps,
        )  # fmt: skip
        assert sorted(order) == list(range(30))
        np.testing.assert_allclose(gap, gaps.sum(), rtol=1e-12)
    assert 0 <= gap < 1e-20


@given(margin=st.floats(-800, 800), pull=st.sampled_from([0.0, 1e-300, 1e-17, 0.3, 0.5, 0.9, 1.0]))
def test_logistic_gaps_are_hardly_more_than_what_is_missing(margin, pull):
    """The leading term alone is 1e304 where a saturated pull is of the wrong side."""
    one, pulls, gaps = np.ones(1), np.array([pull]), np.empty(1)
    loss = Loss("log_loss")
    sweep_rows(
        lines_of(np.zeros((1, 1)), None), one, one, one, loss.code, loss.parameter, 1.0, 0.0, KEY,
        0, np.zeros(1, np.int64), pulls, np.zeros(1), margin, gaps,
    )  # fmt: skip
    missing = np.logaddexp(0, -margin) + conjugates_at(loss, one, np.array([pull]))[0]
    missing += pull * margin
    assert 0 <= gaps[0] <= 1.12 * missing + 1e-12
    if 0.3 <= pull <= 0.9 and abs(margin) <= 1:
        assert gaps[0] >= 0.7 * missing - 1e-12
