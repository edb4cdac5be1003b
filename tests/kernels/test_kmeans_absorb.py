"""Centres that take in rows, against plain numpy."""

import numpy as np
from hypothesis import given, settings, strategies as st

from algos._cython.kmeans_absorb import absorb


def absorbed(rows, label, weight, shift, centers, weights):
    """Means and weights of all rows, and the sums of squares, row by row."""
    member = weight * (label == np.arange(len(centers))[:, None])
    counts, sums = member.sum(axis=1), member @ rows
    means = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1e-300)[:, None], centers)
    total = weights + counts
    moved = (weights[:, None] * centers + sums) / np.where(total > 0, total, 1)[:, None]
    moved[total == 0] = centers[total == 0]
    within = np.sum(weight * np.sum((rows - means[label]) ** 2, axis=1))
    between = np.sum(counts * np.sum((means - moved) ** 2, axis=1))
    between += np.sum(weights * np.sum((centers - moved) ** 2, axis=1))
    return moved + shift, total, within, between


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 40),
    m=st.integers(1, 12),
    d=st.integers(1, 9),
    exponent=st.integers(-200, 200),
)
@settings(max_examples=200, deadline=None)
def test_centers_are_means_of_all_rows_and_squares_are_exact(seed, n, m, d, exponent):
    rng = np.random.default_rng(seed)
    scale = 2.0**exponent
    rows, centers = rng.normal(size=(n, d)) * scale, rng.normal(size=(m, d)) * scale
    label, weight = rng.integers(m, size=n), rng.uniform(0.5, 2, n)
    weights, shift = rng.uniform(0, 3, m) * (rng.random(m) < 0.7), rng.normal(size=d) * scale
    rounded = centers + rng.normal(size=(m, d)) * scale * 1e-3
    member = weight * (label == np.arange(m)[:, None])
    expected, total, within, between = absorbed(rows, label, weight, shift, centers, weights)
    about_rounded = np.sum(weight * np.sum((rows - rounded[label]) ** 2, axis=1))
    missed, found_between = absorb(
        member @ rows, member.sum(axis=1), rounded, shift, centers, weights
    )
    np.testing.assert_allclose(centers, expected, rtol=1e-12, atol=1e-12 * scale)
    np.testing.assert_allclose(weights, total, rtol=1e-14)
    tolerance = 1e-11 * about_rounded
    np.testing.assert_allclose(about_rounded - missed, within, rtol=1e-10, atol=tolerance)
    np.testing.assert_allclose(found_between, between, rtol=1e-9, atol=1e-12 * scale**2)


def test_a_center_without_rows_stays_where_it_was():
    centers, weights = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([5.0, 0.0])
    zeros = np.zeros((2, 2))
    shift = np.array([10.0, 20.0])
    assert absorb(zeros, np.zeros(2), zeros, shift, centers, weights) == (0.0, 0.0)
    assert centers.tolist() == [[11.0, 22.0], [13.0, 24.0]]
    assert weights.tolist() == [5.0, 0.0]
