"""Moments of documents are means over ordered choices of different words of each."""

import itertools

import numpy as np
import pytest
from scipy import sparse

from algos.lda.documents import Documents
from algos.lda.moments import LONG, WordMoments, as_panel


def documents_of(X):
    return Documents.of(sparse.csr_array(np.asarray(X, dtype=np.float64)), "test")


def by_choice(row, order):
    """Mean over all ordered choices of `order` different words of a document."""
    words = np.repeat(np.arange(len(row)), row)
    total = np.zeros((len(row),) * order)
    choices = list(itertools.permutations(words, order))
    for chosen in choices:
        total[chosen] += 1
    return total / len(choices)


@pytest.fixture(scope="module")
def counts():
    return np.random.default_rng(0).poisson(1.2, size=(7, 5))


def test_moments_are_means_over_choices_of_words(counts):
    moments = WordMoments(documents_of(counts), 1)
    used = [row for row in counts if row.sum() >= 3]
    weights = [row.sum() / (row.sum() + LONG) for row in used]
    first, second, third = (
        np.average([by_choice(r, k) for r in used], axis=0, weights=weights) for k in (1, 2, 3)
    )
    np.testing.assert_allclose(moments.mean, first, atol=1e-6)
    identity = np.eye(5)
    np.testing.assert_allclose(moments.second_times(as_panel(identity))[:, :5], second, atol=1e-6)
    np.testing.assert_allclose(moments.third_along(identity), third, atol=1e-6)


def test_third_moment_in_coordinates(counts):
    moments = WordMoments(documents_of(counts), 1)
    vectors = np.random.default_rng(1).normal(size=(5, 3))
    third = moments.third_along(np.eye(5))
    expected = np.einsum("abc,ai,bj,ck->ijk", third, vectors, vectors, vectors)
    np.testing.assert_allclose(moments.third_along(vectors), expected, atol=1e-5)


def test_documents_of_fewer_than_three_words_take_no_part(counts):
    short = np.array([[0, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 1, 1, 0]])
    alone, joined = (
        WordMoments(documents_of(counts), 1),
        WordMoments(documents_of(np.concatenate([short, counts, short])), 1),
    )
    assert joined.n_used == alone.n_used
    np.testing.assert_allclose(joined.mean, alone.mean, rtol=1e-6)
    panel = as_panel(np.eye(5))
    np.testing.assert_allclose(joined.second_times(panel), alone.second_times(panel), atol=1e-7)


def test_moments_hang_on_shares_alone_where_documents_are_long():
    shares = np.random.default_rng(0).dirichlet(np.ones(6), 20)
    large = WordMoments(documents_of(shares * 1e9), 1)
    huge = WordMoments(documents_of(shares * 1e33), 1)
    panel = as_panel(np.eye(6))
    np.testing.assert_allclose(huge.second_times(panel), large.second_times(panel), rtol=1e-5)
    np.testing.assert_allclose(huge.third_along(np.eye(6)), large.third_along(np.eye(6)), rtol=1e-5)
    np.testing.assert_allclose(huge.second_times(panel)[:, :6], shares.T @ shares / 20, rtol=1e-5)


def test_no_documents_have_no_moments():
    moments = WordMoments(documents_of(np.zeros((3, 4))), 1)
    assert moments.n_used == 0
    assert not moments.mean.any()
    assert not moments.third_along(np.eye(4)).any()
