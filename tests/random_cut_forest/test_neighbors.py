"""The rows that the trees hold, and dense regions of them."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from algos import RandomCutForest
from algos.random_cut_forest.neighbors import nearest, sample
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
    points, rows = rng.normal(size=(50, 3)), rng.normal(size=(20, 3))
    apart = np.abs(rows[:, np.newaxis] - points).sum(axis=2)
    monkeypatch.setattr("algos.random_cut_forest.neighbors.BLOCK_BYTES", 8 * 50 * 7)
    distances, indices = nearest(points, rows, 4)
    assert np.array_equal(indices, np.argsort(apart, axis=1)[:, :4])
    np.testing.assert_allclose(distances, np.sort(apart, axis=1)[:, :4])
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
    for block_rows in (64, 3):
        monkeypatch.setattr("algos.random_cut_forest.regions.BLOCK_ROWS", block_rows)
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


@pytest.mark.parametrize("scale", ["robust", "standard", "streaming", None])
@pytest.mark.parametrize("far", [0.0, 1e6])
def test_rounding_splits_no_region(scale, far):
    """Neighbours are exactly the radius apart, and after scaling in float32 about that."""
    X = np.arange(200.0)[:, np.newaxis] + far
    forest = RandomCutForest(random_state=0, scale=scale).fit(X)
    (region,) = forest.dense_regions(1, 2)
    assert region.low == pytest.approx(far, abs=1e-4) and region.high == pytest.approx(199 + far)
    assert forest.dense_regions(0.9, 2) == []


@pytest.mark.parametrize("size", [1e-150, 1.0, 1e150])
def test_any_radius_is_taken(size):
    X = size * np.random.default_rng(0).normal(size=(100, 2))
    forest = RandomCutForest(random_state=0).fit(X)
    assert len(forest.dense_regions(1e-300, 1)) == 100
    assert len(forest.dense_regions(1e300, 1)) == 1
    assert forest.dense_regions(1e-300, 2) == []


@pytest.mark.parametrize("scale", [None, "robust", "standard", "streaming"])
def test_rows_farther_apart_than_any_number_are_of_no_region(scale):
    X = np.repeat([[1.7e308, 0.0], [-1.7e308, 0.0]], 30, axis=0)
    forest = RandomCutForest(10, scale=scale, random_state=0).fit(X)
    near = forest.dense_regions(1e306, 5)
    assert [region.weight for region in near] == pytest.approx([30, 30])


def test_many_points_cost_no_more_memory_than_a_block(monkeypatch):
    """All are near to all; distances to a few points are taken at a time."""
    points = np.random.default_rng(0).normal(size=(2000, 2))
    monkeypatch.setattr("algos.random_cut_forest.regions.BLOCK_BYTES", 1 << 18)
    tracemalloc.start()
    (region,) = dense_regions(points, np.ones(2000), 100.0, 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert region.weight == 2000 and peak < 8 << 20  # all distances are 32 MB


def test_nothing_is_dense_where_too_few_rows_are():
    points = np.arange(10.0)[:, np.newaxis]
    assert dense_regions(points, np.ones(10), 0.5, 2) == []
    assert dense_regions(points[:0], np.ones(0), 0.5, 2) == []
    assert len(dense_regions(points, np.ones(10), 1.0, 2)) == 1
    (region,) = dense_regions(np.zeros((1, 400)), np.array([3.0]), 1e-6, 3)
    assert region.density == np.inf  # the volume is below all numbers


@pytest.mark.parametrize("size", [1e-150, 1e-3, 1.0, 1e150])
def test_without_scaling_distances_are_in_the_units_of_the_rows(size):
    X = np.array([[0.0], [1.0], [1000.0]]) * size
    forest = RandomCutForest(scale=None, random_state=0).fit(X)
    distances, rows = forest.neighbors(X[:1], 2)
    np.testing.assert_allclose(distances, [[0, size]], atol=1e-4 * size)
    np.testing.assert_allclose(rows[0, :, 0], X[:2, 0], atol=1e-4 * size)


def test_without_scaling_weights_multiply_distances():
    X = np.random.default_rng(0).normal(size=(50, 2))
    forest = RandomCutForest(scale=None, feature_weights=[3.0, 0.3], random_state=0).fit(X)
    distances, rows = forest.neighbors(X[:9], 4)
    expected = (np.abs(rows - X[:9, np.newaxis]) * [3.0, 0.3]).sum(axis=2)
    np.testing.assert_allclose(distances, expected, atol=1e-5)
