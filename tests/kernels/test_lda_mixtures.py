"""Mixtures of documents, and what topics learn from them, against plain numpy."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from algos._cython import lda_mixtures, lda_words

LEVELS = (0, 3, 4)
SIZES = (1, 2, 3, 16, 17, 50, 70, 90, 100, 128, 129, 200)  # of topics


@pytest.fixture(params=LEVELS)
def level(request):
    for module in (lda_mixtures, lda_words):
        chosen = module._test_choose_level(request.param)
    yield chosen
    for module in (lda_mixtures, lda_words):
        module._test_choose_level(max(LEVELS))


def some_documents(rng, n=20, n_words=30, longest=25):
    sizes = rng.integers(0, min(longest, n_words) + 1, size=n)
    sizes[: min(n, 3)] = [0, 1, min(longest, n_words)][: min(n, 3)]
    words = [np.sort(rng.choice(n_words, size, replace=False)) for size in sizes]
    indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    words = np.concatenate([np.zeros(0), *words]).astype(np.int32)
    return indptr, words, rng.integers(1, 4, size=len(words)).astype(np.float32)


def wide(values, width):
    out = np.zeros((*np.shape(values)[:-1], width), dtype=np.float32)
    out[..., : np.shape(values)[-1]] = values
    return out


class Case:
    """Documents and topics as kernels take them; φ (V, K) in double beside."""

    def __init__(self, seed, k, kind="one", **sizes):
        rng = self.rng = np.random.default_rng(seed)
        self.indptr, self.words, self.counts = some_documents(rng, **sizes)
        n_words, self.k, self.width = sizes.get("n_words", 30), k, -(-k // 16) * 16
        rows = rng.gamma(0.5, 10, size=(n_words, k)) * (rng.random((n_words, k)) < 0.7)
        self.rows, self.priors, self.prior = wide(rows, self.width), None, 0.25
        if kind == "each":
            self.priors, self.prior = rng.uniform(0.1, 1, n_words).astype(np.float32), 0.0
        b = self.rows[:, :k] + (self.prior if self.priors is None else self.priors[:, None])
        self.b = b.astype(float)
        self.weights = wide(1 / self.b.sum(axis=0), self.width)
        self.alpha = wide(rng.uniform(0.05, 1, k), self.width)
        self.phi = self.b * self.weights[:k].astype(float)

    def __len__(self):
        return len(self.indptr) - 1

    def mix(self, theta=None, *, max_iter=5, tol=0.0, measured=True, n_threads=1):
        """Return θ, θ as it was in the last pass, shares and the likelihood."""
        shape = (len(self), self.width)
        found = np.full(shape, np.nan, dtype=np.float32) if theta is None else theta.copy()
        used = np.full(shape, np.nan, dtype=np.float32)
        shares = np.full(len(self.words), np.nan, dtype=np.float32)
        value = lda_mixtures.mix_documents(
            self.indptr, self.words, self.counts, self.rows, self.priors, self.prior,
            self.alpha, self.weights, found, used, shares, theta is not None, max_iter, tol,
            measured, n_threads,
        )  # fmt: skip
        return found, used, shares, value


def plain_mixture(words, counts, phi, alpha, passes):
    theta = before = alpha.copy()
    for _ in range(passes):
        before = theta
        share = counts / (phi[words] @ theta)
        theta = alpha + theta * (share @ phi[words])
    p = phi[words] @ before / before.sum()
    return theta, before, counts / (phi[words] @ before), counts @ np.log(p)


def plain_mixtures(case, passes):
    alpha = case.alpha[: case.k].astype(float)
    parts = [slice(*case.indptr[d : d + 2]) for d in range(len(case))]
    found = [plain_mixture(case.words[p], case.counts[p], case.phi, alpha, passes) for p in parts]
    theta, before, shares, values = zip(*found, strict=True)
    return np.array(theta), np.array(before), np.concatenate(shares), sum(values)


@pytest.mark.parametrize("k", SIZES)
@pytest.mark.parametrize("kind", ["one", "each"])
@pytest.mark.parametrize("passes", [1, 4])
def test_mixtures_are_those_of_expectation_maximisation(level, kind, k, passes):
    case = Case(k, k, kind)
    theta, used, shares, value = case.mix(max_iter=passes)
    expected = plain_mixtures(case, passes)
    np.testing.assert_allclose(theta[:, :k], expected[0], rtol=2e-5)
    np.testing.assert_allclose(used[:, :k], expected[1], rtol=2e-5)
    np.testing.assert_allclose(shares, expected[2], rtol=2e-5)
    assert value == pytest.approx(expected[3], rel=2e-6)
    assert not theta[:, k:].any() and not used[:, k:].any()


def plain_counts(case, used, shares):
    """Return the expected counts of words in topics."""
    counts = np.zeros((len(case.rows), case.k))
    owners = np.repeat(np.arange(len(case)), np.diff(case.indptr))
    np.add.at(counts, case.words, shares[:, None].astype(float) * used[owners, : case.k])
    return counts * case.phi


def by_word(indptr, words, n_words, n_threads=1):
    starts = np.empty(n_words + 1, dtype=np.int64)
    owners, places = (np.empty(len(words), dtype=np.int32) for _ in range(2))
    lda_words.sort_by_word(indptr, words, starts, owners, places, n_threads)
    present = np.flatnonzero(np.diff(starts)).astype(np.int32)
    return present, np.append(starts[present], starts[-1]), owners, places


@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_entries_are_sorted_by_word_and_document(n_threads):
    rng = np.random.default_rng(3)
    sizes = rng.integers(0, 40, size=5000)
    sizes[100:200] = 0
    indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    words = rng.integers(0, 300, size=indptr[-1]).astype(np.int32)
    present, starts, owners, places = by_word(indptr, words, 310, n_threads)
    order = np.argsort(words, kind="stable")
    np.testing.assert_array_equal(places, order)
    np.testing.assert_array_equal(owners, np.repeat(np.arange(5000), sizes)[order])
    np.testing.assert_array_equal(np.diff(starts), np.bincount(words)[present])


def learn(case, used, shares, keep, gain, *, n_threads=1, into=None):
    counts = case.rows.copy() if into is None else into
    totals = np.empty(case.width)
    lda_words.learn_words(
        *by_word(case.indptr, case.words, len(case.rows)), shares, used,
        counts if into is None else case.rows, case.priors, case.prior, case.weights, counts,
        totals, keep, gain, n_threads,
    )  # fmt: skip
    return counts, totals


@pytest.mark.parametrize("k", SIZES)
@pytest.mark.parametrize("kind", ["one", "each"])
@pytest.mark.parametrize("sizes", [{}, {"n": 700, "n_words": 3, "longest": 3}])
def test_topics_learn_expected_counts(level, kind, k, sizes):
    case = Case(k, k, kind, **sizes)
    _, used, shares, _ = case.mix()
    expected = plain_counts(case, used, shares)
    present = np.isin(np.arange(len(case.rows)), case.words)[:, None]
    for keep, gain in [(0.0, 1.0), (1.0, 1.75)]:
        counts, totals = learn(case, used, shares, keep, gain)
        np.testing.assert_allclose(totals[:k], expected.sum(axis=0), rtol=1e-5)
        new = np.where(present, keep * case.rows[:, :k] + gain * expected, case.rows[:, :k])
        np.testing.assert_allclose(counts[:, :k], new, rtol=2e-5, atol=1e-6)
        assert not counts[:, k:].any() and not totals[k:].any()
    aside = np.zeros_like(case.rows)
    learn(case, used, shares, 0.0, 1.0, into=aside)
    np.testing.assert_allclose(aside[:, :k], expected, rtol=2e-5, atol=1e-6)


def test_every_token_is_counted_once(level):
    case = Case(7, 50)
    _, used, shares, _ = case.mix()
    counts, totals = learn(case, used, shares, 0.0, 1.0)
    tokens = np.bincount(case.words, case.counts, len(case.rows))
    present = tokens > 0
    np.testing.assert_allclose(counts.sum(axis=1)[present], tokens[present], rtol=1e-5)
    assert totals.sum() == pytest.approx(tokens.sum(), rel=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 12), st.integers(1, 50))
@settings(max_examples=60)
def test_any_documents_have_the_mixtures_of_plain_numpy(seed, k, n, n_words):
    case = Case(seed, k, n=n, n_words=n_words)
    theta, _, shares, value = case.mix(max_iter=3)
    expected = plain_mixtures(case, 3)
    np.testing.assert_allclose(theta[:, :k], expected[0], rtol=3e-5)
    np.testing.assert_allclose(shares, expected[2], rtol=3e-5)
    lengths = np.add.reduceat(np.append(case.counts, 0), case.indptr[:-1])
    lengths[np.diff(case.indptr) == 0] = 0
    np.testing.assert_allclose(theta.sum(axis=1), lengths + case.alpha.sum(), rtol=1e-5)
    assert value == pytest.approx(expected[3], rel=1e-5, abs=1e-4)


@pytest.mark.parametrize("k", [10, 60, 200])
def test_threads_change_no_bit(k):
    case = Case(1, k, n=900, n_words=400, longest=90)
    found = []
    for n_threads in (1, 2, 3):
        theta, used, shares, value = case.mix(n_threads=n_threads)
        found.append((theta, used, shares, value))
        found[-1] += learn(case, used, shares, 1.0, 0.5, n_threads=n_threads)
    for others in found[1:]:
        for one, other in zip(found[0], others, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_document_has_the_same_bits_alone():
    case = Case(2, 50, n=100)
    together = case.mix(max_iter=30, tol=1e-4)[0]
    indptr, words, counts = case.indptr, case.words, case.counts
    for d in range(len(together)):
        part = slice(*indptr[d : d + 2])
        case.indptr = np.array([0, part.stop - part.start])
        case.words, case.counts = words[part].copy(), counts[part].copy()
        np.testing.assert_array_equal(case.mix(max_iter=30, tol=1e-4)[0][0], together[d])


def test_passes_go_on_from_a_start():
    case = Case(3, 20)
    halfway = case.mix(max_iter=2)[0]
    np.testing.assert_array_equal(case.mix(halfway, max_iter=3)[0], case.mix(max_iter=5)[0])


def test_tolerance_ends_a_document_and_likelihood_rises():
    case = Case(4, 20)
    exact = case.mix(max_iter=3000)[0]
    near = case.mix(max_iter=3000, tol=1e-4)[0]
    assert np.abs(near - exact).max() > 0
    np.testing.assert_allclose(near, exact, rtol=0.2, atol=0.1)
    values = [case.mix(max_iter=passes)[3] for passes in (1, 2, 4, 8, 30)]
    assert np.all(np.diff(values) > -1e-3)


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1.0, 1e6, 1e30])
def test_counts_of_any_size_have_finite_mixtures(scale):
    case = Case(5, 17)
    case.counts *= np.float32(scale)
    theta, _, shares, value = case.mix(max_iter=20)
    assert np.isfinite(theta).all() and np.isfinite(shares).all() and np.isfinite(value)
    lengths = np.diff(np.append(0, np.cumsum(case.counts, dtype=float))[case.indptr])
    sums = lengths + case.alpha.sum()
    np.testing.assert_allclose(theta.sum(axis=1), sums, rtol=1e-4)


def test_words_that_no_topic_has_are_no_harm():
    case = Case(6, 20)
    case.rows[:15], case.prior = 0.0, 0.0
    theta, _, shares, value = case.mix(max_iter=20)
    assert np.isfinite(theta).all() and np.isfinite(shares).all() and np.isfinite(value)


def test_no_documents_are_no_harm():
    case = Case(8, 5)
    case.indptr, case.words, case.counts = case.indptr[:1], case.words[:0], case.counts[:0]
    assert case.mix()[3] == 0.0
    case.indptr = np.zeros(4, dtype=np.int64)
    theta, used, shares, value = case.mix()
    np.testing.assert_array_equal(theta, np.tile(case.alpha, (3, 1)))
    counts, totals = learn(case, used, shares, 1.0, 1.0)
    np.testing.assert_array_equal(counts, case.rows)
    assert value == 0.0 and not totals.any()


@given(st.integers(0, 2**32 - 1), st.integers(0, 30), st.integers(1, 40))
@settings(max_examples=50)
def test_entries_are_sorted_by_word_then_document(seed, n, n_words):
    indptr, words, _ = some_documents(np.random.default_rng(seed), n, n_words)
    present, starts, owners, places = by_word(indptr, words, n_words)
    order = np.argsort(words, kind="stable")
    np.testing.assert_array_equal(places, order)
    np.testing.assert_array_equal(owners, np.repeat(np.arange(n), np.diff(indptr))[order])
    np.testing.assert_array_equal(np.repeat(present, np.diff(starts)), words[order])
