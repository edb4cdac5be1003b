"""Latent normal variables against SciPy's distributions."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats
from scipy.special import log_ndtr, ndtr

from algos._cython.fm_latent import (
    add_level_probabilities,
    average_latents,
    draw_latents,
    measure_levels,
)

KEY = np.array([5, 6], dtype=np.uint64)
BOTH = np.array([-np.inf, 0.0, np.inf])
FIVE = np.array([-np.inf, -1.5, -0.2, 0.9, 2.5, np.inf])


def drawn(scores, levels, cuts, copies=None, step=0, n_threads=1):
    targets = np.empty_like(scores)
    levels = np.asarray(levels, dtype=np.int32)
    draw_latents(scores, levels, cuts, copies, KEY, targets, step, n_threads)
    return targets


def log_share(scores, levels, cuts):
    """The log-probability of each level, by the tail where it is not small."""
    a, b = cuts[levels] - scores, cuts[levels + 1] - scores
    a, b = np.where(a + b > 0, -b, a), np.where(a + b > 0, -a, b)
    high, low = log_ndtr(b), log_ndtr(a)
    return high + np.log1p(-np.exp(low - high))


@pytest.mark.parametrize("score", [-60.0, -31.0, -29.0, -8.0, -1.0, 0.0, 0.5, 6.0, 40.0])
@pytest.mark.parametrize("level", [0, 1])
def test_class_draws_follow_the_truncated_normal_distribution(score, level):
    z = drawn(np.full(20_000, score), np.full(20_000, level), BOTH)
    side = 1.0 if level else -1.0
    assert np.all(side * z >= 0)
    law = stats.truncnorm(-side * score, np.inf, loc=side * score)
    assert stats.kstest(side * z, law.cdf).pvalue > 1e-4


@pytest.mark.parametrize("score", [-45.0, -4.0, 0.3, 5.0, 50.0])
@pytest.mark.parametrize("level", range(5))
def test_level_draws_follow_the_truncated_normal_distribution(score, level):
    z = drawn(np.full(20_000, score), np.full(20_000, level), FIVE)
    a, b = FIVE[level], FIVE[level + 1]
    assert z.min() >= a and z.max() <= b
    # By the tail on the score's side, where the distribution function tells numbers apart.
    if score < (a + b) / 2 or b == np.inf:
        z, a, b, score = -z, -b, -a, -score
    low = log_ndtr(a - score)
    top = np.log1p(-np.exp(low - log_ndtr(b - score))) + log_ndtr(b - score)
    share = np.exp(log_ndtr(z - score) - top) - np.exp(low - top)
    assert stats.kstest(share, "uniform").pvalue > 1e-4


@given(
    score=st.floats(-1e150, 1e150),
    level=st.integers(0, 4),
    single=st.booleans(),
)
def test_draws_and_means_lie_within_the_level(score, level, single):
    dtype = np.float32 if single else np.float64
    scores = np.full(3, np.clip(score, -1e30, 1e30) if single else score, dtype=dtype)
    levels = np.full(3, level, dtype=np.int32)
    means = np.empty_like(scores)
    average_latents(scores, levels, FIVE, means, 1)
    for z in (drawn(scores, levels, FIVE), means):
        assert np.all(z >= FIVE[level].astype(dtype))
        assert np.all(z <= FIVE[level + 1].astype(dtype))


def test_means_are_those_of_the_truncated_normal_distribution():
    scores = np.linspace(-35, 35, 701)
    for cuts in (BOTH, FIVE):
        for level in range(len(cuts) - 1):
            means = np.empty_like(scores)
            levels = np.full(len(scores), level, dtype=np.int32)
            average_latents(scores, levels, cuts, means, 1)
            a, b = cuts[level] - scores, cuts[level + 1] - scores
            share = log_share(scores, levels, cuts)
            density = [np.exp(stats.norm.logpdf(x) - share) for x in (a, b)]
            expected = np.clip(scores + density[0] - density[1], cuts[level], cuts[level + 1])
            # SciPy's own terms lose digits as multiples of score².
            np.testing.assert_allclose(means, expected, rtol=1e-9, atol=3e-11)


def test_the_measure_is_the_log_probability_and_its_derivatives_are_its_slopes():
    rng = np.random.default_rng(0)
    scores = 3 * rng.standard_normal(900)
    levels = rng.integers(0, 5, 900).astype(np.int32)
    weights = rng.random(900)
    derivatives = np.empty((3, 6))

    def value(cuts):
        return measure_levels(scores, levels, cuts, weights, derivatives, 1)

    def slope(cuts):
        value(cuts)
        return derivatives[0].copy()

    at = value(FIVE)
    found = derivatives.copy()
    assert at == pytest.approx(weights @ log_share(scores, levels, FIVE), rel=1e-12)
    h = 1e-5
    for j in range(1, 5):
        step = h * np.eye(6)[j]
        assert found[0, j] == pytest.approx((value(FIVE + step) - value(FIVE - step)) / (2 * h))
        second = (slope(FIVE + step) - slope(FIVE - step)) / (2 * h)
        assert found[1, j] == pytest.approx(second[j], rel=1e-6)
        if j < 4:
            assert found[2, j] == pytest.approx(second[j + 1], rel=1e-6)
    assert np.all(found[0, [0, 5]] == 0)


@given(score=st.floats(-50, 50), level=st.integers(0, 4))
def test_the_log_probability_is_precise_in_both_tails(score, level):
    scores, levels = np.array([score]), np.array([level], dtype=np.int32)
    found = measure_levels(scores, levels, FIVE, None, np.empty((3, 6)), 1)
    assert found == pytest.approx(log_share(scores, levels, FIVE)[0], rel=1e-11, abs=1e-13)


def test_level_probabilities_are_added_and_sum_to_one():
    scores = np.linspace(-45, 45, 1001)
    sums = np.ones((1001, 5))
    add_level_probabilities(scores, FIVE, sums, 1)
    below = ndtr(FIVE - scores[:, np.newaxis])
    np.testing.assert_allclose(sums - 1, np.diff(below, axis=1), atol=1e-15)
    np.testing.assert_allclose(sums.sum(axis=1), 6, rtol=1e-15)


def test_copies_are_averages_of_that_many_latent_variables():
    copies = np.tile(np.array([1, 3, 700], dtype=np.int32), 3000)
    scores = np.zeros(9000)
    levels = np.ones(9000, dtype=np.int32)
    z = drawn(scores, levels, BOTH, copies)
    mean, variance = np.sqrt(2 / np.pi), 1 - 2 / np.pi  # of a half-normal number
    for count in (1, 3, 700):
        own = z[copies == count]
        assert own.mean() == pytest.approx(mean, abs=5 * np.sqrt(variance / count / 3000))
        assert own.var() * count == pytest.approx(variance, rel=0.15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_number_of_threads_draws_the_same_bits(dtype):
    rng = np.random.default_rng(1)
    scores = (2 * rng.standard_normal(50_001)).astype(dtype)
    levels = rng.integers(0, 5, 50_001).astype(np.int32)
    copies = rng.integers(1, 4, 50_001).astype(np.int32)
    one, two = (drawn(scores, levels, FIVE, copies, 3, n) for n in (1, 2))
    assert one.tobytes() == two.tobytes()
    assert drawn(scores, levels, FIVE, copies, 4).tobytes() != one.tobytes()
    values = [measure_levels(scores, levels, FIVE, None, np.empty((3, 6)), n) for n in (1, 2)]
    assert values[0] == values[1]
