"""The leaf that a row with missing columns reaches: against a walk over plain trees."""

import numpy as np
from hypothesis import given, settings, strategies as st

from algos._cython.cut_leaves import nearest_leaves
from tests.random_cut_forest.plain_tree import as_forest, plain_tree

NAN = np.float32(np.nan)


def forest_of(X, n_trees, seed, extra=2):
    rng = np.random.default_rng(seed)
    trees = [plain_tree(X, rng) for _ in range(n_trees)]
    return trees, as_forest(trees, len(X) + extra)


def run(forest, rows, n_threads=1):
    leaves = np.empty((len(rows), forest.n_trees), dtype=np.int32)
    distances = np.empty(leaves.shape)
    nearest_leaves(*forest.trees, forest.key, rows, leaves, distances, n_threads)
    points = forest.points[: forest.n_trees * forest.size * forest.n_columns]
    points = points.reshape(forest.n_trees, forest.size, -1)
    return points[np.arange(forest.n_trees), leaves - forest.size + 1], distances


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
    points, distances = run(forest, rows)
    for i, row in enumerate(rows):
        for t, tree in enumerate(trees):
            found = reached(tree, row)
            least = min(distance(row, point) for point in found)
            np.testing.assert_allclose(distances[i, t], least, rtol=1e-6)
            assert any(np.array_equal(points[i, t], point) for point in found)
            np.testing.assert_allclose(distance(row, points[i, t]), least, rtol=1e-6)


def test_threads_change_nothing():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 5)).astype(np.float32)
    rows = np.where(rng.random((999, 5)) < 0.4, NAN, rng.normal(size=(999, 5))).astype(np.float32)
    _, forest = forest_of(X, 7, 0)
    one, three = run(forest, rows, 1), run(forest, rows, 3)
    assert all(np.array_equal(a, b) for a, b in zip(one, three, strict=True))


def test_equally_near_leaves_are_taken_in_proportion_to_their_copies():
    X = np.repeat(np.float32([[0], [1], [5]]), [1, 2, 5], axis=0)
    _, forest = forest_of(X, 4000, 0)
    points, _ = run(forest, np.float32([[NAN]]))
    for value, share in ((0, 1 / 8), (1, 2 / 8), (5, 5 / 8)):
        deviation = np.sqrt(share * (1 - share) / 4000)
        assert abs(np.mean(points == value) - share) < 4 * deviation


def test_no_rows_and_a_single_leaf():
    _, forest = forest_of(np.float32([[2, 3]]), 2, 0, extra=0)
    assert run(forest, np.empty((0, 2), dtype=np.float32))[1].shape == (0, 2)
    points, distances = run(forest, np.float32([[NAN, 1]]))
    assert distances.tolist() == [[2, 2]]
    assert points.tolist() == [[[2, 3], [2, 3]]]
