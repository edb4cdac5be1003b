"""Candidates and quantiles of missing values: against plain trees, and numpy."""

import numpy as np
from hypothesis import given, settings, strategies as st

from algos._cython.cut_impute import impute_rows
from tests.random_cut_forest.plain_imputation import (
    nearest_candidates,
    plain_field,
    plain_quantiles,
)
from tests.random_cut_forest.plain_tree import as_forest, plain_tree

NAN = np.float32(np.nan)


def forest_of(X, n_trees, seed, extra=2):
    rng = np.random.default_rng(seed)
    trees = [plain_tree(X, rng) for _ in range(n_trees)]
    return trees, as_forest(trees, len(X) + extra)


def run(forest, rows, quantiles, n_threads=1):
    out = np.repeat(rows[np.newaxis], len(quantiles), axis=0)
    impute_rows(*forest.trees, forest.key, rows, np.array(quantiles), out, n_threads)
    return out


def reached(node, row):
    """Return the points of all leaves that a row reaches, both ways where a value is missing."""
    if node.column is None:
        return [node.low]
    value = row[node.column]
    left = reached(node.left, row) if not value > node.cut else []
    return left + (reached(node.right, row) if not value <= node.cut else [])


def distance(row, point):
    return np.nansum(np.abs(row.astype(np.float64) - point))


cases = given(
    n=st.integers(1, 40),
    d=st.integers(1, 6),
    seed=st.integers(0, 999),
    share=st.sampled_from([0.0, 0.3, 0.7, 1.0]),
    levels=st.sampled_from([3, 1000]),
)


@cases
@settings(max_examples=60)
def test_the_leaf_is_the_nearest_of_those_reached(n, d, seed, share, levels):
    rng = np.random.default_rng(seed)
    X = rng.integers(levels, size=(n, d)).astype(np.float32)
    rows = rng.integers(levels, size=(7, d)).astype(np.float32)
    rows[rng.random(rows.shape) < share] = NAN
    trees, forest = forest_of(X, 3, seed)
    points, distances, _ = nearest_candidates(forest, rows)
    for i, row in enumerate(rows):
        for t, tree in enumerate(trees):
            found = reached(tree, row)
            least = min(distance(row, point) for point in found)
            np.testing.assert_allclose(distances[i, t], least, rtol=1e-6)
            assert any(np.array_equal(points[i, t], point) for point in found)
            np.testing.assert_allclose(distance(row, points[i, t]), least, rtol=1e-6)


@cases
@settings(max_examples=60)
def test_quantiles_are_those_of_numpy(n, d, seed, share, levels):
    rng = np.random.default_rng(seed)
    X = rng.integers(levels, size=(n, d)).astype(np.float32)
    rows = rng.integers(levels, size=(7, d)).astype(np.float32)
    rows[rng.random(rows.shape) < share] = NAN
    _, forest = forest_of(X, 5, seed)
    asked = [0.0, 0.1, 0.5, 0.93, 1.0]
    np.testing.assert_allclose(
        run(forest, rows, asked), plain_field(forest, rows, asked), rtol=1e-5
    )


def test_equal_weights_give_the_quantiles_of_numpy():
    values = np.random.default_rng(0).integers(20, size=12).astype(np.float32)
    _, forest = forest_of(values[:, np.newaxis], 500, 0)  # all leaves are candidates of some
    asked = [0.0, 0.1, 0.5, 0.77, 1.0]
    expected = np.quantile(values, asked, method="averaged_inverted_cdf")
    np.testing.assert_allclose(run(forest, np.float32([[NAN]]), asked)[:, 0, 0], expected)
    np.testing.assert_allclose(plain_quantiles(values, np.ones(12), asked), expected)


def test_threads_change_nothing():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 5)).astype(np.float32)
    rows = np.where(rng.random((999, 5)) < 0.4, NAN, rng.normal(size=(999, 5))).astype(np.float32)
    _, forest = forest_of(X, 7, 0)
    assert np.array_equal(run(forest, rows, [0.5], 1), run(forest, rows, [0.5], 3))


def test_equally_near_leaves_are_taken_in_proportion_to_their_copies():
    X = np.repeat(np.float32([[0], [1], [5]]), [1, 2, 5], axis=0)
    _, forest = forest_of(X, 4000, 0)
    points, _, _ = nearest_candidates(forest, np.float32([[NAN]]))
    for value, share in ((0, 1 / 8), (1, 2 / 8), (5, 5 / 8)):
        deviation = np.sqrt(share * (1 - share) / 4000)
        assert abs(np.mean(points == value) - share) < 4 * deviation


def test_no_rows_and_a_single_leaf():
    _, forest = forest_of(np.float32([[2, 3]]), 2, 0, extra=0)
    assert run(forest, np.empty((0, 2), dtype=np.float32), [0.5]).shape == (1, 0, 2)
    assert run(forest, np.float32([[NAN, 1]]), [0.0, 1.0]).tolist() == [[[2, 1]]] * 2
    assert run(forest, np.float32([[NAN, NAN]]), [0.5]).tolist() == [[[2, 3]]]
