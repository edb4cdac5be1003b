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


KNOWN = pytest.mark.parametrize("is_known", [False, True])


def merged(points, weights, n_merges, n_threads=1, *, is_known=False):
    points, weights = points.copy(), weights.copy()
    pairs, costs = np.empty((n_merges, 2), dtype=np.intp), np.empty(n_merges)
    products = points @ points.T if is_known else None
    price = merge_closest(points, weights, products, pairs, costs, n_threads)
    return points, weights, pairs, costs, price


def problem(m, d, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(m, d)), rng.uniform(0.5, 2, size=m)


def in_order(points, weights):
    order = np.lexsort(points.T)
    return points[order], weights[order]


@KNOWN
@pytest.mark.parametrize(("m", "d"), [(2, 1), (3, 5), (17, 2), (40, 9), (70, 33)])
def test_mergers_are_those_of_brute_force(level, m, d, is_known):
    points, weights = problem(m, d)
    for n_merges in (0, 1, m // 2, m - 1):
        found = merged(points, weights, n_merges, is_known=is_known)
        left, left_weights, _, costs, price = found
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


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e7])
def test_products_change_no_merger(offset):
    """Where they have lost the digits of distances, differences decide."""
    points, weights = problem(120, 50)
    points[60:] = points[:60] + 1e-9 * problem(60, 50, seed=1)[0]
    points += offset
    points[5] = 1e12
    found, known = merged(points, weights, 90), merged(points, weights, 90, is_known=True)
    assert_allclose(known[3], found[3], rtol=1e-9)
    # Which of a pair stays may differ by rounding.
    ours, theirs = (in_order(left[held > 0], held[held > 0]) for left, held, *_ in (known, found))
    assert_allclose(ours[0], theirs[0], rtol=1e-12)
    assert_allclose(ours[1], theirs[1], rtol=1e-12)


@KNOWN
def test_threads_change_no_bit(is_known):
    points, weights = problem(900, 40)
    one, several = (
        merged(points, weights, 100, n_threads, is_known=is_known) for n_threads in (1, 3)
    )
    for a, b in zip(one, several, strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


@settings(max_examples=60, deadline=None)
@given(
    m=st.integers(1, 25),
    d=st.integers(1, 6),
    seed=st.integers(0, 1000),
    copies=st.booleans(),
    is_known=st.booleans(),
    offset=st.sampled_from([0.0, 1e3]),
)
def test_weight_mean_and_sum_of_squares_are_kept(m, d, seed, copies, is_known, offset):
    points, weights = problem(m, d, seed)
    if copies:
        points = np.round(points)
    points += offset
    left, left_weights, _, costs, _ = merged(points, weights, m // 2, is_known=is_known)
    assert left_weights.sum() == pytest.approx(weights.sum())
    assert_allclose(left_weights @ left, weights @ points, rtol=1e-10, atol=1e-10)
    mean = weights @ points / weights.sum()
    total = float(weights @ ((points - mean) ** 2).sum(axis=1))
    between = float(left_weights @ ((left - mean) ** 2).sum(axis=1))
    assert between + costs.sum() == pytest.approx(total, rel=1e-9, abs=1e-9 * max(offset, 1))
    assert np.all(np.diff(costs) >= -1e-9 * max(offset, 1) ** 2)
