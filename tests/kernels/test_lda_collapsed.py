"""Sweeps of CVB0 over rows of one side, against plain numpy."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from algos._cython import lda_collapsed

LEVELS = (0, 3, 4)
LEAST = (0.05, 0.01)  # priors: of topics in documents, and of words
SIZES = (1, 2, 16, 17, 50, 70, 90, 100, 128, 129, 200)  # of topics


@pytest.fixture(params=LEVELS)
def level(request):
    yield lda_collapsed._test_choose_level(request.param)
    lda_collapsed._test_choose_level(max(LEVELS))


def wide(values, width):
    out = np.zeros((*np.shape(values)[:-1], width), dtype=np.float32)
    out[..., : np.shape(values)[-1]] = values
    return out


class Case:
    """Rows that are visited, and those of the other side, without their padding `k` wide."""

    def __init__(self, seed, k, n_rows=12, n_others=30, longest=20, fresh=False):
        rng = np.random.default_rng(seed)
        sizes = rng.integers(0, min(longest, n_others) + 1, size=n_rows)
        sizes[0] = 0
        self.k, self.width = k, -(-k // 16) * 16
        self.indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        index = [rng.choice(n_others, size, replace=False) for size in sizes]
        self.index = np.concatenate(index).astype(np.int32)
        self.counts = rng.integers(1, 4, size=len(self.index)).astype(np.float32)
        self.others = wide(rng.gamma(0.5, 4, size=(n_others, k)) + 0.01, self.width)
        self.inverses = wide(1 / rng.uniform(20, 200, k), self.width)
        self.prior = wide(rng.uniform(0.05, 1, (1, k)), self.width)
        self.scales = self.topics = None
        self.own = wide(rng.gamma(0.5, 4, size=(n_rows, k)) + 0.01, self.width)
        self.velocity = wide(rng.normal(size=(n_rows, k)), self.width)
        self.z = rng.uniform(0.01, 0.5, len(self.index)).astype(np.float32)
        if fresh:
            self.z[:] = 0

    def visit(self, momentum=0.5, document_prior=1.0, n_threads=1, is_asked=True):
        """Return trend and objective, the rows, their velocity and the normalizers."""
        z, own, velocity = self.z.copy(), self.own.copy(), self.velocity.copy()
        told = lda_collapsed.visit_rows(
            self.indptr, self.index, self.counts, self.others, self.topics, self.inverses,
            self.prior, self.scales, z, own, velocity, momentum, document_prior, *LEAST, is_asked,
            n_threads,
        )  # fmt: skip
        return told, own, velocity, z

    def plain(self, momentum=0.5, document_prior=1.0):
        """The same by the formulas."""
        prior = np.broadcast_to(self.prior, self.own.shape).astype(float)
        if self.scales is not None:
            prior = prior * self.scales[:, np.newaxis]
        a, b, m = (x.astype(float) for x in (self.own, self.others, self.inverses))
        own, z, objective = prior.copy(), self.z.astype(float), 0.0
        of_rows = np.broadcast_to(document_prior, len(a))
        for r in range(len(a)):
            entries = slice(self.indptr[r], self.indptr[r + 1])
            c, rows = self.counts[entries].astype(float), b[self.index[entries]]
            taken, n = np.minimum(c, 1), c.sum()
            begun = (a[r] * rows * m).sum(axis=1) / taken
            z[entries] = np.where(z[entries] > 0, z[entries], begun)
            gamma = a[r] * rows * m / ((a[r] + rows) * m + z[entries][:, np.newaxis])
            z[entries] *= gamma.sum(axis=1) / taken
            gamma /= gamma.sum(axis=1, keepdims=True)
            own[r] += (c[:, np.newaxis] * gamma).sum(axis=0)
            gamma *= taken[:, np.newaxis]
            left = np.maximum(rows - gamma, LEAST[1]) * m
            share = left / np.maximum(1 - gamma * m, left).clip(1e-30)
            chances = (np.where(a[r] > 0, np.maximum(a[r] - gamma, LEAST[0]), 0) * share).sum(
                axis=1
            )
            objective += (c * np.log(chances / (n - taken + of_rows[r]))).sum()
        velocity = momentum * self.velocity + own - a
        trend = (self.counts * np.log(np.maximum(z, LEAST[0] * LEAST[1] * m.sum()))).sum()
        return (trend, objective), np.maximum(a + velocity, prior), velocity, z


def assert_alike(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("k", SIZES)
def test_visits_agree_with_numpy(level, k, fresh):
    case = Case(k, k, fresh=fresh)
    assert_alike(case.visit(), case.plain())


@pytest.mark.parametrize("k", SIZES)
def test_of_a_weight_below_one_that_much_is_taken_out(level, k):
    case = Case(k, k)
    case.counts *= np.random.default_rng(0).uniform(0.05, 1, len(case.counts)).astype(np.float32)
    assert_alike(case.visit(), case.plain())


@pytest.mark.parametrize("k", SIZES)
def test_of_many_tokens_chances_come_from_sums(level, k):
    case = Case(k, k)
    case.own[:, :k] += 1
    case.others[:, :k] += 1
    case.inverses[:k] = 1 / np.random.default_rng(1).uniform(5000, 20_000, k)
    found, wanted = case.visit(), case.plain()
    assert_alike(found[1:], wanted[1:])
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-4)


@pytest.mark.parametrize("k", SIZES)
def test_the_objective_changes_nothing_else(level, k):
    case = Case(k, k)
    (trend, objective), *found = case.visit(is_asked=False)
    (same, _), *wanted = case.visit()
    assert trend == same and np.isnan(objective)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one, other)


def test_of_words_nothing_is_told():
    told = Case(1, 5).visit(document_prior=np.nan)[0]
    np.testing.assert_array_equal(told, (0, np.nan))


def test_priors_may_differ_by_row(level):
    case = Case(1, 5)
    case.scales = np.linspace(0.1, 2, 12).astype(np.float32)
    assert_alike(case.visit(), case.plain())
    case.scales, case.prior = None, np.abs(case.velocity)
    assert_alike(case.visit(), case.plain())


def test_rows_of_many_entries_are_summed_up_in_double(level):
    case = Case(2, 3, n_rows=4, n_others=40_000, longest=40_000)
    _, own, _, _ = case.visit(momentum=0.0)
    tokens = np.add.reduceat(np.append(case.counts, 0), case.indptr[:-1])
    tokens[np.diff(case.indptr) == 0] = 0
    np.testing.assert_allclose((own - case.prior).sum(axis=1), tokens, rtol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 70), st.booleans())
def test_counts_are_conserved_and_the_padding_stays_zero(seed, k, fresh):
    case = Case(seed, k, fresh=fresh)
    case.velocity[:] = 0
    _, own, _, z = case.visit(momentum=0.0)
    tokens = np.add.reduceat(np.append(case.counts, 0), case.indptr[:-1])
    tokens[np.diff(case.indptr) == 0] = 0
    np.testing.assert_allclose((own - case.prior).sum(axis=1), tokens, rtol=1e-5, atol=1e-5)
    assert not own[:, k:].any()
    assert np.all(own >= case.prior)
    assert np.all(z > 0)


def test_any_number_of_threads_gives_the_same_bits():
    case = Case(3, 50, n_rows=3000, n_others=500, longest=60)
    one, two = case.visit(n_threads=1), case.visit(n_threads=2)
    for first, second in zip(one, two, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("size", [1e-30, 1e30, 1e35])
def test_numbers_of_any_size_stay_finite(level, size):
    case = Case(4, 20, fresh=True)
    case.counts *= np.float32(size)
    case.others[:, :20] *= np.float32(size)
    case.own[:, :20] *= np.float32(size)
    case.inverses[:20] /= np.float32(size)
    found = case.visit()
    assert all(np.all(np.isfinite(part)) for part in found)


def test_a_word_that_no_topic_has_adds_nothing(level):
    case = Case(5, 4, fresh=True)
    case.others[:] = 0
    _, own, _, _ = case.visit(momentum=0.0)
    np.testing.assert_array_equal(own, np.broadcast_to(case.prior, own.shape))


def few_of(case, n_documents, m, rng):
    """Return lists of topics, each in another order."""
    lists = np.array([rng.permutation(case.k)[:m] for _ in range(n_documents)])
    return lists.astype(np.int32)


def spread(rows, lists, width, fill=0.0):
    out = np.full((len(rows), width), fill, dtype=np.float32)
    np.put_along_axis(out, lists.astype(np.intp), rows, axis=1)
    return out


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("m", [16, 32])
def test_documents_of_a_few_topics_have_nothing_of_others(m, fresh):
    """As if their rows were 0 for all other topics, prior, its sum and velocity included."""
    rng = np.random.default_rng(m)
    few, dense = Case(6, 150, fresh=fresh), Case(6, 150, fresh=fresh)
    few.topics = lists = few_of(few, 12, m, rng)
    few.own = np.take_along_axis(few.own, lists.astype(np.intp), axis=1)
    few.velocity = np.take_along_axis(few.velocity, lists.astype(np.intp), axis=1)
    dense.own, dense.velocity = (
        spread(rows, lists, dense.width) for rows in (few.own, few.velocity)
    )
    kept = spread(np.ones_like(few.own), lists, dense.width)
    dense.prior = dense.prior * kept
    found = few.visit()
    wanted = dense.plain(document_prior=dense.prior.sum(axis=1, dtype=float))
    assert_alike((found[0], found[3]), (wanted[0], wanted[3]))
    assert_alike((spread(found[1], lists, dense.width),), (wanted[1],))
    assert_alike((spread(found[2], lists, dense.width),), (wanted[2],))


@pytest.mark.parametrize("fresh", [False, True])
def test_words_of_documents_of_a_few_topics(fresh):
    rng = np.random.default_rng(7)
    few, dense = Case(7, 150, fresh=fresh), Case(7, 150, fresh=fresh)
    few.topics = lists = few_of(few, 30, 16, rng)
    few.others = np.take_along_axis(few.others, lists.astype(np.intp), axis=1)
    dense.others = spread(few.others, lists, dense.width)
    assert_alike(few.visit(document_prior=np.nan)[1:], dense.plain()[1:])


def test_long_words_of_documents_of_a_few_topics_are_summed_up_in_double():
    rng = np.random.default_rng(8)
    few = Case(8, 150, n_rows=3, n_others=40_000, longest=40_000)
    few.topics = few_of(few, 40_000, 16, rng)
    few.others = np.ascontiguousarray(few.others[:, :16])
    _, own, _, _ = few.visit(momentum=0.0)
    tokens = np.add.reduceat(np.append(few.counts, 0), few.indptr[:-1])
    tokens[np.diff(few.indptr) == 0] = 0
    np.testing.assert_allclose((own - few.prior).sum(axis=1), tokens, rtol=1e-6)
