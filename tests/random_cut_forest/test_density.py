"""Density, and from which side it comes."""

import numpy as np
import pytest

from algos import RandomCutForest
from algos.random_cut_forest.density import directional_density
from tests.random_cut_forest.test_imputation import forest_of


def density(*arguments, **options):
    return directional_density(*arguments, **options).sum(axis=(1, 2))


@pytest.fixture(scope="module")
def cluster():
    return forest_of(np.random.default_rng(0).normal(size=(2000, 2)))


def test_density_falls_from_the_middle_outwards(cluster):
    rows = np.array([[0, 0], [1.5, 0], [3, 0], [6, 0], [30, 0]], dtype=np.float32)
    found = density(cluster, rows)
    assert np.all(np.diff(found) < 0)
    assert found[0] > 10 * found[3]


@pytest.mark.parametrize("shingle_size", [1, 3])
def test_directions_sum_to_the_density(shingle_size):
    X = np.random.default_rng(1).normal(size=(300, 2))
    forest = RandomCutForest(10, shingle_size=shingle_size, random_state=0).fit(X)
    sides = forest.density(X[:50], directional=True)
    assert sides.shape == (50, 2 * shingle_size, 2) and sides.min() >= 0
    np.testing.assert_allclose(sides.sum(axis=(1, 2)), forest.density(X[:50]), rtol=1e-12)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_without_scaling_density_falls_as_volumes_grow(d):
    X = np.random.default_rng(0).normal(size=(500, d))
    found = []
    for size in (100.0, 130.0, 1e4):
        forest = RandomCutForest(scale=None, random_state=0).fit(size * X)
        found.append(forest.density(size * X[:20] + size / 10) * size**d)
    # The same trees up to the rounding of rows; the bound of the density hardly matters.
    np.testing.assert_allclose(found, found[:1] * 3, rtol=0.02)


@pytest.mark.parametrize("column", [0, 1])
@pytest.mark.parametrize("sign", [-1, 1])
def test_the_mass_lies_on_the_other_side_of_an_outlier(cluster, column, sign):
    row = np.zeros((1, 2), dtype=np.float32)
    row[0, column] = 8 * sign
    sides = directional_density(cluster, row)[0]
    towards = 0 if sign > 0 else 1  # [below, above]
    assert sides[column, towards] > 0.8 * sides.sum()


def test_the_direction_follows_a_rotating_fan():
    """Two blades turn; a row beside the hub sees the blade that comes near it."""
    rng = np.random.default_rng(0)
    row = np.array([[0.0, 2.0]], dtype=np.float32)  # the top
    found = []
    for degrees in range(0, 180, 30):
        along = rng.uniform(-3, 3, size=(600, 1))
        blade = along * [np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]
        forest = forest_of(blade + 0.05 * rng.normal(size=blade.shape), n_trees=20)
        found.append(directional_density(forest, row)[0])
    found = np.array(found)
    whole = found.sum(axis=(1, 2))
    assert whole.argmax() == 3  # at 90 degrees the blade goes through the row
    # Before that it lies to the right above and below, afterwards to the left.
    assert found[2, 0, 1] > 2 * found[2, 0, 0]
    assert found[4, 0, 0] > 2 * found[4, 0, 1]
    # A flat blade lies below the row.
    assert found[0, 1, 0] > 0.5 * whole[0] and found[0, 1, 1] < 0.05 * whole[0]


def test_a_sampled_row_is_as_dense_as_if_it_were_not_sampled():
    X = np.random.default_rng(0).normal(size=(90, 2)).astype(np.float32)
    forest = forest_of(X)  # each tree holds all rows
    with_it = density(forest, X[:8])
    without = [density(forest_of(np.delete(X, i, axis=0)), X[[i]])[0] for i in range(8)]
    assert abs(np.mean(np.log(with_it / without))) < 0.3


def test_blocks_threads_and_rows_beside_change_nothing(cluster, monkeypatch):
    rows = np.random.default_rng(1).normal(size=(300, 2)).astype(np.float32)
    whole = density(cluster, rows)
    monkeypatch.setattr("algos.random_cut_forest.density.BLOCK_BYTES", 1000)
    assert np.array_equal(density(cluster, rows, n_threads=2), whole)
    assert np.array_equal([density(cluster, rows[[i]])[0] for i in range(9)], whole[:9])


@pytest.mark.parametrize("values", [[0.0], [1.0, 1.0], [1e18, -1e18, 0]])
def test_odd_samples_give_numbers(values):
    X = np.repeat(np.float32(values)[:, np.newaxis], 60, axis=1)
    found = density(forest_of(X, 3), np.vstack([X, X + 1]), dimension=60)
    assert np.isfinite(found).all() and found.min() >= 0
