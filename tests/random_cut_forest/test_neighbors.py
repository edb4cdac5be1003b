"""The rows that the trees hold, and dense regions of them."""

from itertools import pairwise

import numpy as np
import pytest

from algos.random_cut_forest.neighbors import nearest, sample, within
from algos.random_cut_forest.regions import dense_regions
from tests.random_cut_forest.test_imputation import forest_of


def test_the_sample_is_what_the_trees_hold():
    X = np.array([[0, 1], [0, 1], [-0.0, 2], [5, 5]], dtype=np.float32)
    points, weights = sample(forest_of(X, n_trees=3))
    assert points.tolist() == [[0, 1], [0, 2], [5, 5]]
    assert weights.tolist() == [2, 1, 1]


def test_weights_sum_to_the_rows_of_a_tree():
    X = np.random.default_rng(0).normal(size=(500, 3))
    points, weights = sample(forest_of(X))
    assert weights.sum() == pytest.approx(100)
    assert len(points) > 400 and set(map(tuple, points)) <= set(map(tuple, X.astype(np.float32)))


def test_neighbours_are_those_of_numpy(monkeypatch):
    rng = np.random.default_rng(0)
    points, rows, factor = rng.normal(size=(50, 3)), rng.normal(size=(20, 3)), np.array([1, 2, 5])
    apart = np.abs((rows[:, np.newaxis] - points) * factor).sum(axis=2)
    monkeypatch.setattr("algos.random_cut_forest.neighbors.BLOCK_BYTES", 8 * 50 * 7)
    distances, indices = nearest(points, rows, 4, factor)
    assert np.array_equal(indices, np.argsort(apart, axis=1)[:, :4])
    np.testing.assert_allclose(distances, np.sort(apart, axis=1)[:, :4])
    near, which = within(points, rows, 3.0, factor)
    for i in range(20):
        assert sorted(which[i]) == np.flatnonzero(apart[i] <= 3).tolist()
        np.testing.assert_allclose(near[i], np.sort(apart[i][apart[i] <= 3]))
    assert nearest(points, rows, 99)[0].shape == (20, 50)


def plain_regions(points, weights, radius, min_samples):
    """DBSCAN of scikit-learn, as boxes."""
    from sklearn.cluster import DBSCAN

    labels = DBSCAN(eps=radius, min_samples=min_samples).fit_predict(points, sample_weight=weights)
    return {
        (tuple(points[labels == k].min(axis=0)), tuple(points[labels == k].max(axis=0)))
        for k in range(labels.max() + 1)
    }


@pytest.mark.parametrize("seed", range(5))
def test_regions_are_the_boxes_of_dbscan(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    centers = rng.uniform(-10, 10, size=(4, 2))
    points = np.vstack([c + 0.4 * rng.normal(size=(60, 2)) for c in centers])
    points = np.vstack([points, rng.uniform(-12, 12, size=(40, 2))])
    weights = rng.integers(1, 3, size=len(points)).astype(float)
    expected = plain_regions(points, weights, 0.7, 12)
    for block_bytes in (1 << 24, 5000):
        monkeypatch.setattr("algos.random_cut_forest.regions.BLOCK_BYTES", block_bytes)
        found = dense_regions(points, weights, 0.7, 12)
        # A row on the border of two regions may be of either.
        assert len(found) == len(expected)
        lows = sorted(tuple(np.round(region.low, 6)) for region in found)
        distance = np.abs(np.array(lows) - sorted(low for low, _ in expected))
        assert np.mean(distance > 1e-5) < 0.2
    assert all(a.density >= b.density for a, b in pairwise(found))


def test_the_regions_of_a_forest_are_its_clusters():
    rng = np.random.default_rng(0)
    cluster = rng.uniform(4, 5, size=(700, 2))
    noise = rng.uniform(-20, 20, size=(300, 2))
    points, weights = sample(forest_of(np.vstack([cluster, noise])))
    (region,) = dense_regions(points, weights, radius=0.6, min_samples=10)
    assert np.all(region.low > 3) and np.all(region.high < 6)
    assert region.weight == pytest.approx(70, rel=0.1)
    sides = region.high - region.low
    assert region.density == pytest.approx(region.weight / np.prod(np.maximum(sides, 0.6)))


def test_nothing_is_dense_where_too_few_rows_are():
    points = np.arange(10.0)[:, np.newaxis]
    assert dense_regions(points, np.ones(10), 0.5, 2) == []
    assert dense_regions(points[:0], np.ones(0), 0.5, 2) == []
    assert len(dense_regions(points, np.ones(10), 1.0, 2)) == 1
    (region,) = dense_regions(np.zeros((1, 400)), np.array([3.0]), 1e-6, 3)
    assert region.density == np.inf  # the volume is below all numbers
