"""Digamma, Dirichlet distributions and the variational bound against scipy and numpy."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.special import digamma, gammaln, logsumexp

from algos._cython import lda_variational as kernel

LEVELS = (0, 3, 4)
SHAPES = [(1, 1, 1), (5, 3, 2), (40, 30, 16), (33, 60, 50), (50, 80, 130), (9, 40, 200)]


@pytest.fixture(params=LEVELS)
def level(request):
    kernel._test_choose_level(request.param)
    yield request.param
    kernel._test_choose_level(4)


def numbers(dtype):
    rng = np.random.default_rng(0)
    x = np.concatenate([np.logspace(-12, 15, 4000), rng.uniform(0.01, 10, 4000)])
    return x.astype(dtype)


def test_digamma_of_float32_is_good_to_rounding():
    x = numbers(np.float32)
    found, top, below = np.empty_like(x), np.empty_like(x), np.empty_like(x)
    kernel._test_digamma(x, found, top, below)
    exact = digamma(x.astype(np.float64))
    scale = np.maximum(1, np.abs(exact))
    assert np.all(np.abs(found - exact) <= 6e-7 * scale)
    parts = np.log(top.astype(np.float64)) - below
    assert np.all(np.abs(parts - exact) <= 6e-7 * scale)


def test_digamma_and_log_gamma_of_double_are_good_to_rounding():
    x = numbers(np.float64)
    found, log_gamma = np.empty_like(x), np.empty_like(x)
    kernel._test_digamma_double(x, found, log_gamma)
    for ours, exact in ((found, digamma(x)), (log_gamma, gammaln(x))):
        assert np.all(np.abs(ours - exact) <= 2e-13 * np.maximum(1, np.abs(exact)))


def padded(values):
    width = -(-values.shape[-1] // 16) * 16
    wide = np.zeros((*values.shape[:-1], width), dtype=np.float32)
    wide[..., : values.shape[-1]] = values
    return wide


def corpus(n, n_words, seed=0, scale=1.0):
    """Documents of Poisson counts, some of them empty."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rng.gamma(0.5, 0.6, (n, n_words))) * scale
    counts[:: max(2, n // 3)] = 0
    rows, words = np.nonzero(counts)
    indptr = np.searchsorted(rows, np.arange(n + 1)).astype(np.int64)
    return counts, indptr, words.astype(np.int32), counts[rows, words].astype(np.float32)


def expected_log(parameters):
    return digamma(parameters) - digamma(parameters.sum(axis=0))


def plain_gamma(counts, topics, prior, n_passes):
    """γ of each document after some passes, and exp(E log θ) of it."""
    gamma = np.ones((len(counts), len(prior)))
    for _ in range(n_passes):
        a = np.exp(expected_log(gamma.T).T)
        gamma = prior + a * ((counts / (a @ topics.T)) @ topics)
    return gamma


def rows_of(counts, prior, words=None, n_threads=1):
    k = counts.shape[1]
    wide = padded(counts)
    sums = np.full(wide.shape[1], np.inf)
    sums[:k] = (counts + prior).sum(axis=0)
    rows, scales = np.full_like(wide, 7), np.zeros(len(wide))
    prior = np.atleast_2d(np.float32(prior))
    prior = padded(prior) if prior.shape[1] > 1 else prior
    kernel.word_rows(wide, prior, sums, words, rows, scales, 1.0, n_threads)
    return rows, scales


def run_infer(data, rows, prior, k, n_passes=7, tol=0.0, n_threads=1):
    _, indptr, words, counts = data
    n, width = len(indptr) - 1, rows.shape[1]
    gamma = padded(np.ones((n, k)))
    mixtures, shares = np.empty((n, width), dtype=np.float32), np.empty_like(counts)
    scales, passes = np.empty(n), np.zeros(n, dtype=np.int32)
    kernel.infer(
        indptr, words, counts, rows, padded(prior), gamma, mixtures, shares, scales, passes,
        k, n_passes, tol, n_threads,
    )  # fmt: skip
    return gamma, mixtures, shares, scales, passes


def problem(n, n_words, k, seed=0):
    rng = np.random.default_rng(seed)
    data = corpus(n, n_words, seed)
    counts = rng.gamma(0.3, 3.0, (n_words, k)).astype(np.float32)
    return data, counts, rng.uniform(0.05, 0.5, k), np.float32(0.1)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("prior", ["one", "words", "matrix"])
def test_rows_are_exponentials_of_expected_logarithms(shape, prior, level):
    _, n_words, k = shape
    _, counts, _, _ = problem(*shape)
    rng = np.random.default_rng(1)
    priors = {"one": (1, 1), "words": (n_words, 1), "matrix": (n_words, k)}
    prior = rng.uniform(0.05, 2, priors[prior]).astype(np.float32)
    rows, scales = rows_of(counts, prior)
    exact = expected_log(counts.astype(np.float64) + prior)
    assert rows.max(axis=1) == pytest.approx(1, rel=1e-6)
    assert np.all(rows[:, k:] == 0)
    seen = rows[:, :k] > 0
    found = np.log(rows[:, :k], where=seen, out=np.zeros(exact.shape)) - scales[:, np.newaxis]
    error = np.abs(found - exact) / np.maximum(1, np.abs(exact))
    assert np.all(error[seen] < 3e-6)
    assert np.all((exact - exact.max(axis=1, keepdims=True))[~seen] < -57)


def test_only_rows_that_are_asked_for_are_written():
    _, counts, _, eta = problem(5, 30, 20)
    words = np.array([3, 17, 29], dtype=np.int32)
    rows, _ = rows_of(counts, eta, words)
    all_rows, _ = rows_of(counts, eta)
    np.testing.assert_array_equal(rows[words], all_rows[words])
    assert np.all(np.delete(rows, words, axis=0) == 7)


@pytest.mark.parametrize("shape", SHAPES)
def test_documents_take_the_fixed_points_steps(shape, level):
    data, counts, alpha, eta = problem(*shape)
    rows, _ = rows_of(counts, eta)
    gamma, mixtures, shares, document_scales, _ = run_infer(data, rows, alpha, shape[2])
    topics = np.exp(expected_log(counts.astype(np.float64) + eta))
    exact = plain_gamma(data[0], topics, alpha, 7)
    np.testing.assert_allclose(gamma[:, : shape[2]], exact, rtol=2e-4)
    assert np.all(gamma[:, shape[2] :] == 0)
    assert np.all(mixtures[:, shape[2] :] == 0)
    found = np.log(mixtures[:, : shape[2]]) - document_scales[:, np.newaxis]
    np.testing.assert_allclose(found, digamma(gamma[:, : shape[2]]), rtol=1e-5, atol=1e-5)
    # the shares make the expected counts, all of the tokens
    tokens = (shares[:, np.newaxis] * rows[data[2]]) * mixtures[owners(data)]
    np.testing.assert_allclose(tokens.sum(axis=1), data[3], rtol=1e-5)


def test_mixtures_of_small_priors_keep_their_digits(level):
    data, counts, _, eta = problem(30, 40, 20)
    rows, _ = rows_of(counts, eta)
    gamma, mixtures, _, scales, _ = run_infer(data, rows, np.full(20, 0.009), 20)
    exact = digamma(gamma[:, :20].astype(np.float64))
    found = np.log(mixtures[:, :20].astype(np.float64)) - scales[:, np.newaxis]
    assert exact.min() < -110
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=3e-6)


def owners(data):
    return np.repeat(np.arange(len(data[1]) - 1), np.diff(data[1]))


def test_documents_stop_at_the_tolerance():
    data, counts, alpha, eta = problem(60, 80, 10)
    rows, _ = rows_of(counts, eta)
    loose = run_infer(data, rows, alpha, 10, n_passes=500, tol=1e-1)
    tight = run_infer(data, rows, alpha, 10, n_passes=500, tol=1e-4)
    assert loose[4].max() < tight[4].max() < 500
    before = run_infer(data, rows, alpha, 10, n_passes=int(tight[4].max()) - 1, tol=0.0)
    last = np.argmax(tight[4])
    change = np.abs(tight[0] - before[0])[last, :10].mean()
    assert change < 1e-4 * 1.01


def bound_of(data, counts, alpha, eta, n_passes, n_threads=1):
    k = counts.shape[1]
    rows, word_scales = rows_of(counts, eta)
    gamma, _, shares, scales, _ = run_infer(data, rows, alpha, k, n_passes)
    documents = np.empty(len(gamma))
    kernel.document_bounds(
        data[1], data[2], data[3], shares, gamma, scales, word_scales, padded(alpha), documents,
        k, n_threads,
    )  # fmt: skip
    words, sums = np.empty(len(counts)), (counts.astype(np.float64) + eta).sum(axis=0)
    kernel.word_bounds(padded(counts), np.full((1, 1), eta), digamma(sums), words, 1.0, n_threads)
    return gamma[:, :k].astype(np.float64), documents, words


def plain_dirichlet(prior, x):
    e = digamma(x) - digamma(x.sum(axis=-1, keepdims=True))
    prior = np.broadcast_to(prior, x.shape)
    total = ((prior - x) * e + gammaln(x) - gammaln(prior)).sum(axis=-1)
    return total + gammaln(prior.sum(axis=-1)) - gammaln(x.sum(axis=-1))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_bound_is_that_of_numpy(shape, level):
    data, counts, alpha, eta = problem(*shape)
    gamma, documents, words = bound_of(data, counts, alpha, eta, 4)
    whole = counts.astype(np.float64) + eta
    e_log = expected_log(whole)
    theta = digamma(gamma) - digamma(gamma.sum(axis=1, keepdims=True))
    logs = logsumexp(theta[:, np.newaxis] + e_log, axis=2)
    exact = (data[0] * logs).sum(axis=1) + plain_dirichlet(alpha, gamma)
    np.testing.assert_allclose(documents, exact, rtol=1e-5, atol=1e-5 * np.abs(exact).max())
    norm = gammaln(len(counts) * np.float64(eta)) - gammaln(whole.sum(axis=0))
    exact = plain_dirichlet(np.float64(eta), whole.T).sum()
    assert words.sum() + norm.sum() == pytest.approx(exact, rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(1, 40),
    n_words=st.integers(1, 50),
    k=st.integers(1, 40),
    seed=st.integers(0, 99),
    scale=st.sampled_from([1e-6, 1.0, 1e6, 1e30]),
    prior=st.sampled_from([1e-12, 0.01, 1.0]),
)
def test_any_documents_have_finite_results_that_add_up(n, n_words, k, seed, scale, prior):
    data = corpus(n, n_words, seed, scale)
    rng = np.random.default_rng(seed)
    rows, _ = rows_of(rng.gamma(0.1, 3.0, (n_words, k)).astype(np.float32), np.float32(prior))
    results = [run_infer(data, rows, np.full(k, prior), k, n_threads=threads) for threads in (1, 3)]
    for one, two in zip(*results, strict=True):
        assert np.all(np.isfinite(one))
        assert one.tobytes() == two.tobytes()
    total = results[0][0].sum(axis=1, dtype=np.float64)
    tokens = data[0].sum(axis=1)
    assert np.all(total <= (tokens + k * prior) * (1 + 1e-4))
    if prior >= 0.01 and scale <= 1e6:
        np.testing.assert_allclose(total, tokens + k * prior, rtol=1e-4)


def test_each_pass_raises_the_bound():
    data, counts, alpha, eta = problem(40, 60, 12)
    bounds = [bound_of(data, counts, alpha, eta, n)[1] for n in range(1, 12)]
    assert np.all(np.diff(bounds, axis=0) >= -1e-4)
