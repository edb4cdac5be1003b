"""Documents that keep few of many topics, against plain numpy."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from algos._cython import lda_few
from tests.kernels.test_lda_mixtures import Case, by_word

ROOM = 16


class FewCase(Case):
    def mix_few(self, state=None, *, n_dense=2, n_sparse=3, room=ROOM, least=1e-3, n_threads=1):
        """Return topics kept, how many, their mixtures, what was used, shares and the value."""
        n = len(self)
        if state is None:
            kept = np.full((n, room), -1, dtype=np.int32)
            sizes, mixtures = np.full(n, -1, dtype=np.int32), np.full((n, room), np.nan, "f4")
        else:
            kept, sizes, mixtures = (array.copy() for array in state[:3])
        used = np.full(mixtures.shape, np.nan, dtype=np.float32)
        shares = np.full(len(self.words), np.nan, dtype=np.float32)
        value = lda_few.mix_few(
            self.indptr, self.words, self.counts, np.unique(self.words), self.rows, self.priors,
            self.prior, self.alpha, self.weights, kept, sizes, mixtures, used, shares,
            state is not None, n_dense, n_sparse, least, n_threads,
        )  # fmt: skip
        return kept, sizes, mixtures, used, shares, value

    def learn_few(self, found, *, n_threads=1):
        counts, totals = np.zeros_like(self.rows), np.empty(self.width)
        kept, sizes, _, used, shares, _ = found
        lda_few.learn_words_of_few(
            *by_word(self.indptr, self.words, len(self.rows)), shares, kept, sizes, used,
            self.alpha, self.rows, self.priors, self.prior, self.weights, counts, totals, 0.0,
            1.0, n_threads,
        )  # fmt: skip
        return counts, totals


def plain_few(case, n_dense, n_sparse, room=ROOM):
    """Return, document by document, all topics' mixtures as used and at the end, and shares."""
    alpha = case.alpha[: case.k].astype(float)
    for d in range(len(case)):
        part = slice(*case.indptr[d : d + 2])
        phi, counts = case.phi[case.words[part]], case.counts[part]
        theta = used = alpha
        for _ in range(n_dense):
            theta = alpha + theta * ((counts / (phi @ theta)) @ phi)
        excess = theta - alpha
        kept = np.argsort(-excess, kind="stable")[: room - 1]
        kept = kept[excess[kept] > 0]
        is_kept = np.isin(np.arange(case.k), kept)
        theta = np.where(is_kept, theta, alpha)
        for _ in range(n_sparse):
            used = theta
            share = counts / (phi @ theta)
            theta = np.where(is_kept, alpha + theta * (share @ phi), alpha)
        yield is_kept, used, theta, share, counts @ np.log(phi @ used / used.sum())


@pytest.mark.parametrize("k", [3, 20, 130, 200])
@pytest.mark.parametrize("kind", ["one", "each"])
def test_other_topics_have_the_prior_alone(kind, k):
    case = FewCase(k, k, kind)
    found = case.mix_few()
    kept, sizes, mixtures, used, shares, value = found
    expected = list(plain_few(case, 2, 3))
    assert value == pytest.approx(sum(e[4] for e in expected), rel=1e-4)
    np.testing.assert_allclose(shares, np.concatenate([e[3] for e in expected]), rtol=1e-3)
    counts = np.zeros((len(case.rows), k))
    for d, (is_kept, before, theta, share, _) in enumerate(expected):
        topics = kept[d, : sizes[d]]
        np.testing.assert_array_equal(topics, np.flatnonzero(is_kept))
        is_there = mixtures[d, : sizes[d]] > 0
        np.testing.assert_allclose(
            mixtures[d, : sizes[d]][is_there], theta[topics][is_there], rtol=1e-3
        )
        alpha = case.alpha[topics]
        np.testing.assert_allclose(
            used[d, : sizes[d]], before[topics] - alpha, rtol=1e-3, atol=1e-4
        )
        words = case.words[slice(*case.indptr[d : d + 2])]
        np.add.at(counts, words, share[:, None] * before * case.phi[words])
    learned, totals = case.learn_few(found)
    np.testing.assert_allclose(learned[:, :k], counts, rtol=2e-3, atol=1e-4)
    np.testing.assert_allclose(totals[:k], counts.sum(axis=0), rtol=1e-3)
    assert not learned[:, k:].any()


@pytest.mark.parametrize("sizes", [{}, {"n": 900, "n_words": 3, "longest": 3}])
def test_room_for_all_is_the_whole_inference(sizes):
    case = FewCase(1, 12, **sizes)
    whole = case.mix(max_iter=5)
    found = case.mix_few(n_dense=2, n_sparse=3, least=-1.0)
    np.testing.assert_allclose(found[4], whole[2], rtol=1e-4)
    assert found[5] == pytest.approx(whole[3], rel=1e-5)
    counts, _ = case.learn_few(found)
    tokens = np.bincount(case.words, case.counts, len(case.rows))
    np.testing.assert_allclose(counts.sum(axis=1), tokens, rtol=1e-4)


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 10))
@settings(max_examples=50)
def test_visits_go_on_with_what_is_kept(seed, k, n):
    case = FewCase(seed, k, n=n)
    first = case.mix_few()
    for n_dense in (0, 1):
        kept, sizes, mixtures, _, shares, value = case.mix_few(first, n_dense=n_dense)
        assert np.isfinite(shares).all() and value >= first[5] - 1e-3 * abs(first[5])
        assert (sizes < ROOM).all() and (sizes <= k).all() and (sizes >= 0).all()
        for d in range(n):
            assert len(set(kept[d, : sizes[d]])) == sizes[d]
            assert np.isfinite(mixtures[d, : sizes[d]]).all()


def test_threads_change_no_bit():
    case = FewCase(2, 150, n=700, n_words=300, longest=80)
    one, others = case.mix_few(), [case.mix_few(n_threads=n) for n in (2, 3)]
    counts = case.learn_few(one)
    for n_threads, other in zip((2, 3), others, strict=True):
        np.testing.assert_array_equal(other[4], one[4])
        assert other[5] == one[5]
        for a, b in zip(counts, case.learn_few(other, n_threads=n_threads), strict=True):
            np.testing.assert_array_equal(a, b)


def test_no_documents_are_no_harm():
    case = FewCase(3, 20)
    case.indptr, case.words, case.counts = np.zeros(4, "i8"), case.words[:0], case.counts[:0]
    found = case.mix_few()
    assert found[5] == 0.0 and not found[1].any()
    assert not case.learn_few(found)[0].any()
    case.indptr = case.indptr[:1]
    assert case.mix_few()[5] == 0.0
