"""Likelihoods of forecasts against SciPy's laws."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from algos._cython.deepar_sample import (
    _test_draw as draw,
    _test_likelihood as measure,
    _test_parameters as parametrize,
)

GAUSSIAN, STUDENT_T, NEGATIVE_BINOMIAL, POISSON, BETA, L1 = range(6)
N_OUTPUTS = (2, 3, 2, 1, 2, 1)
KINDS = range(6)
EDGE = 1e-6
KEY = np.array([5, 6], dtype=np.uint64)
SERIES = np.array([7, 8], dtype=np.uint64)


def softplus(x):
    return 1e-5 + np.logaddexp(0, x)


def law(kind, head, scale):
    a, b, c = (*head.T, None, None)[:3]
    if kind == GAUSSIAN:
        return stats.norm(a, softplus(b))
    if kind == STUDENT_T:
        return stats.t(2 + softplus(c), a, softplus(b))
    if kind == NEGATIVE_BINOMIAL:
        mean, alpha = scale * softplus(a), softplus(b) / np.sqrt(scale)
        return stats.nbinom(1 / alpha, 1 / (1 + alpha * mean))
    if kind == POISSON:
        return stats.poisson(scale * softplus(a))
    return stats.beta(softplus(a), softplus(b))


def log_density(kind, head, scale, targets):
    if kind == L1:
        return -np.abs(targets - head[:, 0])
    if kind == BETA:
        targets = np.clip(targets, EDGE, 1 - EDGE)
    found = law(kind, head, scale)
    return (found.logpmf if hasattr(found.dist, "logpmf") else found.logpdf)(targets)


def measured(kind, head, scale, targets, mask=None):
    mask = np.ones_like(targets) if mask is None else mask
    slopes = np.full_like(head, np.nan)
    return measure(head, targets, mask, scale, slopes, kind), slopes


def some_rows(kind, n=400, width=3.0, seed=0):
    rng = np.random.default_rng(seed)
    head = rng.normal(scale=width, size=(n, N_OUTPUTS[kind]))
    scale = np.exp(rng.normal(size=n))
    targets = rng.normal(size=n) * np.exp(2 * rng.normal(size=n))
    if kind in (NEGATIVE_BINOMIAL, POISSON):
        targets = rng.poisson(20 * scale * rng.random(n)).astype(float)
    if kind == BETA:
        targets = rng.beta(0.3, 0.3, size=n)
        targets[:2] = 0, 1
    return head, scale, targets


@pytest.mark.parametrize("kind", KINDS)
def test_losses_are_those_of_the_law(kind):
    head, scale, targets = some_rows(kind)
    for i in range(len(head)):
        row = slice(i, i + 1)
        loss, _ = measured(kind, head[row], scale[row], targets[row])
        expected = -log_density(kind, head[row], scale[row], targets[row])[0]
        assert loss == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_slopes_are_finite_differences(kind):
    head, scale, targets = some_rows(kind, seed=1)
    _, slopes = measured(kind, head, scale, targets)
    for j in range(head.shape[1]):
        ends = []
        for step in (-1e-5, 1e-5):
            moved = head.copy()
            moved[:, j] += step
            ends.append(
                [measured(kind, moved[[i]], scale[[i]], targets[[i]])[0] for i in range(len(head))]
            )
        found = np.diff(ends, axis=0)[0] / 2e-5
        np.testing.assert_allclose(slopes[:, j], found, rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_single_rows_are_as_good_as_double_ones(kind):
    head, scale, targets = (array.astype(np.float32) for array in some_rows(kind))
    loss, slopes = measured(kind, head, scale, targets)
    wide = [array.astype(np.float64) for array in (head, scale, targets)]
    expected_loss, expected = measured(kind, *wide)
    assert loss == pytest.approx(expected_loss, rel=1e-12)
    np.testing.assert_array_equal(slopes, expected.astype(np.float32))


@settings(max_examples=30, deadline=None)
@given(kind=st.sampled_from(KINDS), n=st.integers(0, 50), seed=st.integers(0, 1000))
def test_a_row_neither_sees_the_others_nor_its_place_nor_the_stride(kind, n, seed):
    head, scale, targets = some_rows(kind, max(n, 2), seed=seed)
    head, scale, targets = head[:n], scale[:n], targets[:n]
    mask = np.random.default_rng(seed).choice([0.0, 1.0, 0.5], size=n)
    wide = np.full((n, 8), np.nan)
    wide[:, : head.shape[1]] = head
    loss, slopes = measured(kind, wide, scale, targets, mask)
    assert np.all(slopes[:, head.shape[1] :] == 0)
    total = 0.0
    for i in range(n):
        one, slope = measured(kind, head[[i]], scale[[i]], targets[[i]])
        total += mask[i] * one
        np.testing.assert_array_equal(slopes[i, : head.shape[1]], mask[i] * slope[0])
    assert loss == pytest.approx(total, rel=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_masked_rows_may_hold_anything(kind):
    head, scale, targets = some_rows(kind, 40)
    mask = np.ones(40)
    mask[::3] = 0
    kept = mask > 0
    loss = measured(kind, head[kept], scale[kept], targets[kept])[0]
    head[::3], scale[::3], targets[::3] = np.nan, np.nan, np.inf
    found, slopes = measured(kind, head, scale, targets, mask)
    assert found == pytest.approx(loss, rel=1e-13)
    assert np.all(slopes[::3] == 0)


@settings(max_examples=200, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    raw=st.tuples(*[st.floats(allow_nan=False, allow_infinity=False, width=32)] * 3),
    target=st.floats(0, 1e30),
    sign=st.sampled_from([-1, 1]),
    scale=st.floats(1e-8, 1e15),
    single=st.booleans(),
)
def test_finite_numbers_give_finite_losses_slopes_and_draws(kind, raw, target, sign, scale, single):
    dtype = np.float32 if single else np.float64
    head = np.array([raw[: N_OUTPUTS[kind]]], dtype=dtype)
    if kind == BETA:
        target = min(target, 1)
    elif kind in (GAUSSIAN, STUDENT_T, L1):
        target = sign * target
    targets = np.array([target], dtype=dtype)
    loss, slopes = measured(kind, head, np.array([scale], dtype=dtype), targets)
    assert np.isfinite(loss) and np.all(np.isfinite(slopes))
    draws = np.full(1, np.nan, dtype=dtype)
    draw(head, KEY, SERIES, draws, kind, scale, 0, 0)
    assert np.isfinite(draws[0])
    if kind not in (GAUSSIAN, STUDENT_T, L1):
        assert draws[0] >= 0
    if kind == BETA:
        assert draws[0] <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_not_a_number_stays_to_be_seen(kind):
    head, scale, targets = some_rows(kind, 3)
    head[1, 0] = np.nan
    loss, slopes = measured(kind, head, scale, targets)
    assert np.isnan(loss) and np.isnan(slopes[1, 0])
    assert np.all(np.isfinite(slopes[[0, 2]]))


def test_counts_scaled_by_a_constant_have_moments_scaled_by_it():
    """The scale moves the mean, and the variance's excess by its root: α = softplus / √ν."""
    head = np.array([[0.3, -0.4]])
    for scale in (0.01, 1.0, 400.0):
        found = np.empty_like(head)
        parametrize(head, np.array([scale]), found, NEGATIVE_BINOMIAL)
        mean, alpha = found[0]
        assert mean == pytest.approx(scale * softplus(0.3))
        assert alpha == pytest.approx(softplus(-0.4) / np.sqrt(scale))
        frozen = law(NEGATIVE_BINOMIAL, head, scale)
        assert frozen.mean()[0] == pytest.approx(mean)
        assert frozen.var()[0] == pytest.approx(mean + alpha * mean**2)


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_are_those_of_the_law(kind):
    head, scale, _ = some_rows(kind)
    found = np.empty_like(head)
    parametrize(head, scale, found, kind)
    a, b, c = (*found.T, None, None)[:3]
    mean = a / (a + b) if kind == BETA else a
    expected = head[:, 0] if kind == L1 else law(kind, head, scale).mean()
    np.testing.assert_allclose(mean, expected, rtol=1e-9)
    if kind == STUDENT_T:
        np.testing.assert_allclose(c, 2 + softplus(head[:, 2]), rtol=1e-12)
    if kind in (GAUSSIAN, STUDENT_T):
        np.testing.assert_allclose(b, softplus(head[:, 1]), rtol=1e-12)


LAWS = [
    (GAUSSIAN, (2.0, 1.0), 1.0),
    (STUDENT_T, (-1.0, 0.5, -3.0), 1.0),
    (STUDENT_T, (0.0, 3.0, 2.0), 1.0),
    (STUDENT_T, (0.0, 0.0, 1e12), 1.0),
    (NEGATIVE_BINOMIAL, (0.0, 0.0), 1.0),
    (NEGATIVE_BINOMIAL, (1.0, 3.0), 50.0),
    (NEGATIVE_BINOMIAL, (0.5, -12.0), 2000.0),
    (NEGATIVE_BINOMIAL, (-3.0, 1.0), 0.3),
    (POISSON, (0.0,), 0.5),
    (POISSON, (1.0,), 7.0),
    (POISSON, (1.0,), 8.0),
    (POISSON, (0.0,), 1e5),
    (POISSON, (0.0,), 1e10),
    (BETA, (1.0, 2.0), 1.0),
    (BETA, (-2.0, 0.0), 1.0),
    (BETA, (50.0, 1e6), 1.0),
]


def drawn(kind, head, scale, n, path=0, step=3, key=KEY, series=SERIES, dtype=np.float64):
    rows = np.tile(np.array(head, dtype=dtype), (n, 1))
    draws = np.empty(n, dtype=dtype)
    draw(rows, key, series, draws, kind, scale, path, step)
    return draws


@pytest.mark.parametrize(("kind", "head", "scale"), LAWS)
def test_draws_follow_the_law(kind, head, scale):
    z = drawn(kind, head, scale, 40_000)
    expected = law(kind, np.array([head]), scale)
    if kind in (NEGATIVE_BINOMIAL, POISSON):
        assert np.all(z == np.floor(z))
        # Spread over its step, a count's probability integral is uniform.
        u = np.random.default_rng(0).random(len(z))
        z = expected.cdf(z - 1) + u * (expected.cdf(z) - expected.cdf(z - 1))
        assert stats.kstest(z, "uniform").pvalue > 1e-4
    else:
        assert stats.kstest(z, expected.cdf).pvalue > 1e-4


def test_draws_far_out_are_as_frequent_as_they_should_be():
    n = 400_000
    for kind, head in ((GAUSSIAN, (0.0, 0.0)), (STUDENT_T, (0.0, 0.0, 0.0))):
        z = drawn(kind, head, 1.0, n)
        expected = law(kind, np.array([head]), 1.0)
        for p in (1e-4, 1e-3, 1e-2):
            for count in (np.sum(z < expected.ppf(p)), np.sum(z > expected.isf(p))):
                assert stats.binomtest(int(count), n, p).pvalue > 1e-4


def test_a_point_forecast_is_drawn_as_it_is():
    assert np.all(drawn(L1, (0.25,), 3.0, 5) == 0.25)


@pytest.mark.parametrize("kind", KINDS)
def test_draws_of_a_path_hang_on_its_own_names_alone(kind):
    head = (0.7, 0.2, 0.1)[: N_OUTPUTS[kind]]
    whole = drawn(kind, head, 5.0, 101)
    for first, n in ((0, 1), (0, 40), (1, 17), (37, 64), (100, 1)):
        np.testing.assert_array_equal(
            drawn(kind, head, 5.0, n, path=first), whole[first : first + n]
        )
    if kind == L1:
        return
    other = np.array([7, 9], dtype=np.uint64)
    for change in ({"step": 4}, {"key": other}, {"series": other}, {"series": other - 1}):
        assert np.mean(drawn(kind, head, 5.0, 101, **change) == whole) < 0.5


def test_paths_series_and_steps_are_independent():
    n = 4000
    runs = [
        drawn(GAUSSIAN, (0.0, 0.0), 1.0, n, step=step, series=SERIES + np.uint64(shift))
        for step in range(3)
        for shift in range(3)
    ]
    runs += [np.roll(runs[0], 1), np.roll(runs[0], 2)]
    correlation = np.corrcoef(np.concatenate([runs, np.square(runs)]))
    np.fill_diagonal(correlation, 0)
    # A draw and its square are uncorrelated; runs 0, 9 and 10 are shifts of one another.
    assert np.abs(correlation).max() < 5 / np.sqrt(n)


def test_single_draws_are_the_double_ones_rounded():
    for kind, head, scale in LAWS:
        single = drawn(kind, head, scale, 33, dtype=np.float32)
        wide = drawn(kind, np.array(head, np.float32), scale, 33)
        np.testing.assert_array_equal(single, wide.astype(np.float32))
