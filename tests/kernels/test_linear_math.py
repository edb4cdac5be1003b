"""exp, log and the losses against SciPy, over everything that a decision value can be."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.special import expit

from algos._cython import _losses
from algos.linear_learner.decisions import loss_derivatives, losses_of
from algos.linear_learner.losses import Loss
from tests.linear_learner.plain_rows import losses_and_slopes
from tests.linear_learner.test_rows import LOSSES

single_output = pytest.mark.parametrize(
    "loss", [loss for loss in LOSSES if not loss.is_joint], ids=lambda loss: loss.name
)
types = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def of_array(x, function):
    out = np.empty_like(x)
    _losses._test_math(x, out, function)
    return out


def ulps(found, exact, dtype):
    """Distance in units in the last place of the exact result, at least the least normal."""
    exact = np.asarray(exact, dtype=np.longdouble)
    size = np.maximum(np.abs(exact).astype(dtype), np.finfo(dtype).tiny)
    return float(np.max(np.abs(found.astype(np.longdouble) - exact) / np.spacing(size)))


@types
def test_exp_log_and_log1p_are_good_to_the_last_places(dtype):
    rng = np.random.default_rng(0)
    top = 88.0 if dtype == np.float32 else 709.0
    x = np.concatenate([rng.uniform(-top, top, 100_000), rng.normal(size=100_000)]).astype(dtype)
    assert ulps(of_array(x, 0), np.exp(x.astype(np.longdouble)), dtype) < 1.5
    y = np.concatenate([np.exp(x), 1 + x / 1000, [np.finfo(dtype).tiny / 8]]).astype(dtype)
    y = y[(y > 0) & np.isfinite(y)]
    assert ulps(of_array(y, 1), np.log(y.astype(np.longdouble)), dtype) < 1.5
    z = np.concatenate([y, y - 1, y * 1e-6]).astype(dtype)
    z = z[z > -1]
    assert ulps(of_array(z, 2), np.log1p(z.astype(np.longdouble)), dtype) < 2.5
    exact = 1 / (1 + np.exp(-x.astype(np.longdouble)))
    assert ulps(of_array(x, 3), exact, dtype) < 4


@types
def test_special_numbers_go_where_they_must(dtype):
    x = np.array([0, -0.0, np.inf, -np.inf, np.nan, 1e5, -1e5, -1, -2], dtype=dtype)
    with np.errstate(all="ignore"):
        for code, function in enumerate((np.exp, np.log, np.log1p, expit)):
            found, expected = of_array(x, code), function(x)
            np.testing.assert_allclose(found, expected, rtol=4 * np.finfo(dtype).eps)


@types
@single_output
@settings(max_examples=60)
@given(
    z=st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=70),
    intercept=st.floats(-1e3, 1e3),
    seed=st.integers(0, 99),
)
def test_slopes_are_those_of_numpy_for_any_decision_value(dtype, loss, z, intercept, seed):
    rng = np.random.default_rng(seed)
    z = np.array(z, dtype=dtype)
    weight = rng.uniform(0.1, 1, len(z))
    target = rng.choice([-1.0, 1.0], len(z)) if loss.is_of_classes else rng.gamma(2, size=len(z))
    decision = (z.astype(np.float64) + intercept)[:, np.newaxis]
    if dtype == np.float32 and loss.is_of_classes:
        decision = decision.astype(np.float32).astype(np.float64)
    found, sums = z.copy(), np.zeros(2)
    _losses._test_slopes(target, weight, found, sums, loss.code, loss.parameter, intercept)
    assert not np.isnan(found).any()
    assert not np.isnan(sums).any()
    with np.errstate(all="ignore"):
        values, slopes = losses_and_slopes(loss, target, decision)
    steep = loss.has_log_link and np.abs(decision).max() > 80  # exp() is bounded there
    if steep:
        return
    eps = np.finfo(dtype).eps
    near = np.abs(np.abs(target - decision[:, 0]) - loss.parameter) > 1e-6
    expected = (weight * slopes[:, 0]).astype(dtype)
    size = np.abs(decision[:, 0]) + np.abs(target) + 1
    if loss.has_log_link:
        size = size + np.abs(slopes[:, 0])
    assert np.all(np.abs(found - expected)[near] <= 200 * eps * size[near])
    total = weight @ (np.abs(values) + size**2)
    assert abs(sums[0] - weight @ values) <= 200 * eps * total


@types
@given(
    k=st.integers(1, 12),
    n=st.integers(1, 64),
    size=st.sampled_from([1, 100, 1e6]),
    seed=st.integers(0, 99),
)
def test_softmax_is_that_of_numpy(dtype, k, n, size, seed):
    rng = np.random.default_rng(seed)
    z = (rng.normal(size=(k, n)) * size).astype(dtype)
    weight, intercept = rng.uniform(0.1, 1, n), rng.normal(size=k)
    target = rng.integers(k, size=n).astype(np.float64)
    decision = (z.astype(np.float64) + intercept[:, np.newaxis]).astype(dtype).T
    values, slopes = losses_and_slopes(Loss("multinomial"), target, decision.astype(np.float64))
    found, sums = z.copy(), np.zeros(k)
    value = _losses._test_softmax(target, weight, found, intercept, sums)
    eps = np.finfo(dtype).eps
    tolerance = 100 * eps * (1 + np.abs(decision).max())
    np.testing.assert_allclose(found.T, weight[:, np.newaxis] * slopes, rtol=0, atol=tolerance)
    np.testing.assert_allclose(value, weight @ values, rtol=1e-5, atol=tolerance * n)
    np.testing.assert_allclose(sums, weight @ slopes, rtol=0, atol=tolerance * n)


@single_output
@given(
    z=st.lists(st.floats(-50, 50), min_size=1, max_size=70),
    seed=st.integers(0, 99),
)
def test_losses_and_slopes_of_decision_values_are_those_of_numpy(loss, z, seed):
    rng = np.random.default_rng(seed)
    z = np.array(z)
    target = rng.choice([-1.0, 1.0], len(z)) if loss.is_of_classes else rng.gamma(2, size=len(z))
    values, slopes = losses_and_slopes(loss, target, z[:, np.newaxis])
    size = 1 + np.abs(values)
    assert np.all(np.abs(losses_of(z, target, loss) - values) <= 1e-13 * size)
    size = 1 + np.abs(slopes[:, 0]) + target**2
    near = np.abs(np.abs(target - z) - loss.parameter) > 1e-9
    found = loss_derivatives(z, target, loss)
    assert np.all(np.abs(found - slopes[:, 0])[near] <= 1e-13 * size[near])


@given(
    n=st.integers(1, 200),
    k=st.integers(1, 12),
    size=st.sampled_from([1, 100, 1e6]),
    seed=st.integers(0, 99),
)
def test_multinomial_losses_of_decision_values_are_those_of_numpy(n, k, size, seed):
    rng = np.random.default_rng(seed)
    z, target = rng.normal(size=(n, k)) * size, rng.integers(k, size=n).astype(np.float64)
    loss = Loss("multinomial")
    values, _ = losses_and_slopes(loss, target, z)
    np.testing.assert_allclose(losses_of(z, target, loss), values, rtol=1e-13, atol=1e-13 * size)
