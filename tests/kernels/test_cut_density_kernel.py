"""Chances, masses and distances of separation, by side: against plain trees."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from algos._cython.cut_density import separation_sums
from tests.random_cut_forest.plain_tree import PlainNode, as_forest, excess, plain_path, plain_tree


def without(node, row):
    """Return the tree without a row, its leaf's sibling in its parent's place."""
    if node.column is None:
        return None if np.array_equal(node.low, row) else node
    left, right = without(node.left, row), without(node.right, row)
    if left is None or right is None:
        return left or right
    low, high = np.minimum(left.low, right.low), np.maximum(left.high, right.high)
    mass = left.mass + right.mass
    return PlainNode(low, high, mass, node.column, node.cut, left, right)


def oracle(root, row):
    """Return (3, 2, d) of one tree, from the root downwards."""
    found, left, d = np.zeros((3, 2, len(row))), 1.0, len(row)
    whole = root.mass + 1
    leaf = plain_path(root, row)[-1]
    if np.array_equal(leaf.low, row):
        if leaf.mass > 1 or leaf is root:
            found[0], found[1] = 0.5 / d, 0.5 / d * leaf.mass / whole
            return found
        root = without(root, row)
    for node in plain_path(root, row):
        out = excess(node, row)
        chance = out / (node.span + out.sum() or 1)
        far = out + np.asarray(node.high, dtype=np.float64) - node.low
        found += left * np.array([chance, chance * (node.mass + 1) / whole, chance * far])
        left *= 1 - chance.sum()
    return found


@given(
    n=st.integers(1, 40),
    d=st.integers(1, 20),
    seed=st.integers(0, 999),
    levels=st.sampled_from([3, 1000]),
)
@settings(max_examples=60)
def test_the_sums_are_those_of_the_definition(n, d, seed, levels):
    rng = np.random.default_rng(seed)
    X = rng.integers(levels, size=(n, d)).astype(np.float32)
    rows = np.concatenate([rng.integers(-1, levels + 1, size=(6, d)), X[:3]]).astype(np.float32)
    trees = [plain_tree(X, rng) for _ in range(3)]
    sums = np.zeros((len(rows), 3, 2, d))
    separation_sums(*as_forest(trees, n + 1).trees, rows, sums, 1)
    expected = [sum(oracle(tree, row) for tree in trees) for row in rows]
    np.testing.assert_allclose(sums, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(sums[:, 0].sum(axis=(1, 2)), 3, rtol=1e-9)  # it is cut off once


def test_threads_change_nothing():
    rng = np.random.default_rng(0)
    X, rows = (rng.normal(size=(n, 5)).astype(np.float32) for n in (100, 999))
    forest = as_forest([plain_tree(X, rng) for _ in range(7)], 100)
    one, three = np.zeros((2, 999, 3, 2, 5))
    separation_sums(*forest.trees, rows, one, 1)
    separation_sums(*forest.trees, rows, three, 3)
    assert np.array_equal(one, three)


@pytest.mark.parametrize("scale", [1e-30, 1e18])
def test_no_scale_gives_anything_but_numbers(scale):
    rng = np.random.default_rng(0)
    X = (rng.uniform(-1, 1, size=(50, 3)) * scale).astype(np.float32)
    forest = as_forest([plain_tree(X, rng)], 50)
    sums = np.zeros((50, 3, 2, 3))
    separation_sums(*forest.trees, 3 * X, sums, 1)
    assert np.isfinite(sums).all()
