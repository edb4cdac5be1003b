"""Pólya-Gamma variables against their transform, moments and sums of gamma variables."""

import numpy as np
import pytest
from scipy import stats

from algos._cython.fm_polya import polya_gammas

KEY = np.array([3, 4], dtype=np.uint64)


def drawn(score, n=40_000, copies=None, key=KEY, step=0, n_threads=1, dtype=np.float64):
    scores = np.full(n, score, dtype=dtype)
    levels = np.arange(n, dtype=np.int32) % 2
    target, weight = np.empty_like(scores), np.empty_like(scores)
    polya_gammas(scores, levels, copies, key, target, weight, step, n_threads)
    np.testing.assert_allclose(
        target * weight, (levels - 0.5) * (1 if copies is None else copies), rtol=1e-6
    )
    return weight


@pytest.mark.parametrize("score", [0.0, 0.3, -1.0, 2.5, 3.1, 3.2, -8.0, 40.0, 2000.0, 1e20])
def test_draws_have_the_laplace_transform_of_the_distribution(score):
    omega = drawn(score)
    size = min(abs(score), 1e6)
    mean = 0.25 if size == 0 else np.tanh(size / 2) / (2 * size)
    assert omega.mean() == pytest.approx(mean, abs=5 * omega.std() / 200)
    for t in (0.5 / mean, 3 / mean):
        # E exp(-ω t) = cosh(c / 2) / cosh(sqrt((c² / 2 + t) / 2))
        a, b = size / 2, np.sqrt((size * size / 2 + t) / 2)
        log_ratio = a - b + np.log1p(np.exp(-2 * a)) - np.log1p(np.exp(-2 * b))
        found = np.exp(-omega * t)
        assert found.mean() == pytest.approx(np.exp(log_ratio), abs=5 * found.std() / 200 + 1e-9)


@pytest.mark.parametrize("score", [0.0, 1.5, 6.0])
def test_draws_follow_the_distribution_of_a_sum_of_gamma_variables(score):
    rng = np.random.default_rng(0)
    k = np.arange(1, 300) - 0.5
    rates = k**2 + score**2 / (4 * np.pi**2)
    sums = (rng.standard_exponential((8000, 299)) / rates).sum(axis=1) / (2 * np.pi**2)
    rest = drawn(score, key=None)[0] - (1 / rates).sum() / (2 * np.pi**2)  # of the mean
    assert stats.ks_2samp(drawn(score, 8000), sums + rest, method="asymp").pvalue > 1e-4


def test_copies_are_sums():
    copies = np.full(20_000, 7, dtype=np.int32)
    many, one = drawn(1.3, 20_000, copies), drawn(1.3, 20_000, step=1)
    assert many.mean() == pytest.approx(7 * one.mean(), rel=0.01)
    assert many.var() == pytest.approx(7 * one.var(), rel=0.06)


@pytest.mark.parametrize("score", [0.0, 1e-3, 1.3, 6.0, 1e20])
def test_many_copies_are_drawn_at_once_as_their_sum(score):
    """Above 256 copies: the distribution of 128 + 129 of them, except for a skewness of 0.02."""
    n = 20_000
    halves = [drawn(score, n, np.full(n, m, dtype=np.int32), step=m) for m in (128, 129)]
    sums, at_once = sum(halves), drawn(score, n, np.full(n, 257, dtype=np.int32), step=1)
    assert at_once.mean() == pytest.approx(sums.mean(), abs=5 * sums.std() / np.sqrt(n / 2))
    assert at_once.var() == pytest.approx(sums.var(), rel=0.06)
    if score < 1e6:
        assert stats.skew(at_once) == pytest.approx(stats.skew(sums), abs=0.12)
        assert stats.ks_2samp(at_once, sums, method="asymp").pvalue > 1e-4


def test_a_row_may_weigh_what_an_int_holds():
    copies = np.full(1000, 2**31 - 1, dtype=np.int32)
    assert drawn(0.0, 1000, copies).mean() == pytest.approx(2.0**29, rel=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_number_of_threads_draws_the_same_bits(dtype):
    one, two = (drawn(0.7, 50_001, n_threads=n, dtype=dtype) for n in (1, 2))
    assert one.tobytes() == two.tobytes()


def test_means_are_exact():
    assert drawn(0.0, 2, key=None).tolist() == [0.25, 0.25]
    assert drawn(-3.0, 2, key=None)[0] == pytest.approx(np.tanh(1.5) / 6)
