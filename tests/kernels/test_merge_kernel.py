"""Mergers of the closest weighted points against numpy."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.testing import assert_allclose

from algos._cython.kmeans_merge import merge_closest


def brute_force(points, weights, n_merges):
    """Merge the cheapest of all pairs, step by step; return (points, weights, costs)."""
    points, weights, costs = list(points), list(weights), []
    for _ in range(n_merges):
        price = {
            (i, j): ((points[i] - points[j]) ** 2).sum() * w * v / (w + v)
            for i, w in enumerate(weights)
            for j, v in enumerate(weights[:i])
        }
        i, j = min(price, key=price.get)
        costs.append(price[i, j])
        total = weights[i] + weights[j]
        points[j] = (points[i] * weights[i] + points[j] * weights[j]) / total
        weights[j] = total
        del points[i], weights[i]
    return np.array(points), np.array(weights), np.array(costs)


def merged(points, weights, n_merges, n_threads=1):
    points, weights = points.copy(), weights.copy()
    pairs, costs = np.empty((n_merges, 2), dtype=np.intp), np.empty(n_merges)
    price = merge_closest(points, weights, pairs, costs, n_threads)
    return points, weights, pairs, costs, price


def problem(m, d, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(m, d)), rng.uniform(0.5, 2, size=m)


def in_order(points, weights):
    order = np.lexsort(points.T)
    return points[order], weights[order]


@pytest.mark.parametrize(("m", "d"), [(2, 1), (3, 5), (17, 2), (40, 9), (70, 33)])
def test_mergers_are_those_of_brute_force(level, m, d):
    points, weights = problem(m, d)
    for n_merges in (0, 1, m // 2, m - 1):
        left, left_weights, _, costs, price = merged(points, weights, n_merges)
        expected = brute_force(points, weights, n_merges)
        assert_allclose(costs, expected[2], rtol=1e-12)
        held = left_weights > 0
        for ours, theirs in zip(
            in_order(left[held], left_weights[held]), in_order(*expected[:2]), strict=True
        ):
            assert_allclose(ours, theirs, rtol=1e-10)
        following = brute_force(points, weights, min(n_merges + 1, m - 1))[2]
        assert price == pytest.approx(following[-1] if n_merges < m - 1 else np.inf)


def test_the_pairs_tell_what_was_merged():
    points, weights = problem(30, 4)
    left, left_weights, pairs, _, _ = merged(points, weights, 25)
    group = np.arange(30)
    for stays, goes in pairs:
        group[group == goes] = stays
    for i in np.flatnonzero(left_weights):
        assert left_weights[i] == pytest.approx(weights[group == i].sum())
        mean = np.average(points[group == i], axis=0, weights=weights[group == i])
        assert_allclose(left[i], mean, atol=1e-12)


def test_threads_change_no_bit():
    points, weights = problem(900, 40)
    one, several = merged(points, weights, 100), merged(points, weights, 100, n_threads=3)
    for a, b in zip(one, several, strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


@settings(max_examples=60, deadline=None)
@given(
    m=st.integers(1, 25),
    d=st.integers(1, 6),
    seed=st.integers(0, 1000),
    copies=st.booleans(),
    offset=st.sampled_from([0.0, 1e3]),
)
def test_weight_mean_and_sum_of_squares_are_kept(m, d, seed, copies, offset):
    points, weights = problem(m, d, seed)
    if copies:
        points = np.round(points)
    points += offset
    left, left_weights, _, costs, _ = merged(points, weights, m // 2)
    assert left_weights.sum() == pytest.approx(weights.sum())
    assert_allclose(left_weights @ left, weights @ points, rtol=1e-10, atol=1e-10)
    mean = weights @ points / weights.sum()
    total = float(weights @ ((points - mean) ** 2).sum(axis=1))
    between = float(left_weights @ ((left - mean) ** 2).sum(axis=1))
    assert between + costs.sum() == pytest.approx(total, rel=1e-9, abs=1e-9 * max(offset, 1))
    assert np.all(np.diff(costs) >= -1e-9 * max(offset, 1) ** 2)
