"""Weighted points that move one by one, against numpy."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.testing import assert_allclose

from algos._cython.kmeans_exchange import exchange

KNOWN = pytest.mark.parametrize("is_known", [False, True])


def exchanged(points, weights, labels, centers, totals, max_passes, *, is_known=False):
    """Move points, their products being known or not."""
    gram, products = (points @ points.T, centers @ points.T) if is_known else (None, None)
    return exchange(points, weights, labels, centers, totals, gram, products, max_passes)


def objective(points, weights, labels):
    """Return the sum of squares about the clusters' means."""
    total = 0.0
    for label in np.unique(labels):
        own = labels == label
        mean = np.average(points[own], axis=0, weights=weights[own])
        total += float(weights[own] @ ((points[own] - mean) ** 2).sum(axis=1))
    return total


def problem(m, d, k, seed=0):
    """Return points, weights, labels, means and totals, with no cluster empty."""
    rng = np.random.default_rng(seed)
    points, weights = rng.normal(size=(m, d)), rng.uniform(0.5, 2, size=m)
    labels = np.concatenate([np.arange(k), rng.integers(k, size=m - k)]).astype(np.int32)
    return points, weights, labels, *means_of(points, weights, labels, k)


def means_of(points, weights, labels, k):
    totals = np.bincount(labels, weights, minlength=k)
    sums = np.stack([np.bincount(labels, weights * column, minlength=k) for column in points.T], 1)
    return sums / totals[:, np.newaxis], totals


@KNOWN
@pytest.mark.parametrize(("m", "d", "k"), [(6, 1, 2), (30, 3, 4), (80, 17, 9)])
def test_no_single_move_is_left_that_pays(level, m, d, k, is_known):
    points, weights, labels, centers, totals = problem(m, d, k)
    before = objective(points, weights, labels)
    n_moved = exchanged(points, weights, labels, centers, totals, 1000, is_known=is_known)
    after = objective(points, weights, labels)
    assert n_moved > 0
    assert after < before
    expected = means_of(points, weights, labels, k)
    assert_allclose(centers, expected[0], atol=1e-10)
    assert_allclose(totals, expected[1], rtol=1e-12)
    for i in range(m):
        for label in range(k):
            other = labels.copy()
            other[i] = label
            assert objective(points, weights, other) >= after * (1 - 1e-8)


def test_an_optimum_of_lloyds_that_is_none_is_left():
    # Two clusters of two: the middle point is nearer to its own mean, and yet costs less
    # in the other cluster once the means follow.
    points = np.array([[0.0], [1.0], [2.1]])
    weights = np.array([1.0, 1.0, 1.0])
    labels = np.array([0, 1, 1], dtype=np.int32)
    centers, totals = means_of(points, weights, labels, 2)
    assert abs(1.0 - centers[1, 0]) < abs(1.0 - centers[0, 0])  # Lloyd's would stop here
    exchanged(points, weights, labels, centers, totals, 10)
    assert labels.tolist() == [0, 0, 1]


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e7])
@pytest.mark.parametrize("giant", [0.0, 1e12])
def test_products_change_no_move(offset, giant):
    """Where they have lost the digits of distances, differences decide."""
    found, known = problem(150, 40, 12), problem(150, 40, 12)
    for points, weights, labels, centers, totals in (found, known):
        points[75:] = points[:75] + 1e-9 * points[75:]
        points += offset
        points[5] += giant
        centers[:], totals[:] = means_of(points, weights, labels, 12)
    n_moves = exchanged(*found, 1000), exchanged(*known, 1000, is_known=True)
    assert n_moves[0] == n_moves[1] > 0
    for ours, theirs in zip(known, found, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_passes_are_limited():
    problem_a, problem_b = problem(80, 5, 9), problem(80, 5, 9)
    exchanged(*problem_a, 0)
    assert problem_a[2].tolist() == problem_b[2].tolist()


@settings(max_examples=60, deadline=None)
@given(
    m=st.integers(1, 40),
    d=st.integers(1, 5),
    k=st.integers(1, 6),
    seed=st.integers(0, 1000),
    digits=st.integers(0, 3),
)
def test_moves_never_cost_and_never_empty_a_cluster(m, d, k, seed, digits):
    k = min(k, m)
    points, weights, labels, _, _ = problem(m, d, k, seed)
    points = np.round(points, digits)
    centers, totals = means_of(points, weights, labels, k)
    before = objective(points, weights, labels)
    exchanged(points, weights, labels, centers, totals, 100)
    assert objective(points, weights, labels) <= before * (1 + 1e-12) + 1e-12
    assert len(np.unique(labels)) == k
    expected = means_of(points, weights, labels, k)
    assert_allclose(centers, expected[0], atol=1e-9)
