"""Shares of scores in random cut trees against the plain formulas."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from algos.random_cut_forest.attribution import attribute, by_lag
from algos.random_cut_forest.forest import Forest
from algos.random_cut_forest.scores import METHODS, score
from algos.random_cut_forest.stream import learn
from tests.kernels.test_cut_score import problem
from tests.random_cut_forest.plain_scores import plain_shares
from tests.random_cut_forest.plain_tree import as_forest, plain_tree

# How each method's score is shared out among the columns.
KINDS = {
    "expected_inverse_depth": "expected_inverse_depth",
    "expected_depth": "expected_inverse_depth",
    "depth": "expected_inverse_depth",
    "displacement": "displacement",
    "collusive_displacement": "collusive_displacement",
}


def run(forest, rows, method, n_threads=1):
    args = (forest, rows, len(rows), rows.shape[1], method, n_threads)
    return attribute(*args), score(*args)


def plain_forest_shares(trees, row, method, score):
    shares = sum(plain_shares(tree, row, KINDS[method]) for tree in trees)
    return shares * (score / shares.sum()) if score else np.zeros_like(shares)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("d", [1, 2, 5, 16, 33])
def test_shares_are_those_of_the_formulas(method, d):
    trees, rows = problem(40, d, seed=d)
    shares, scores = run(as_forest(trees, 50), rows, method)
    for i, row in enumerate(rows):
        expected = plain_forest_shares(trees, row, method, scores[i])
        np.testing.assert_allclose(shares[i], expected, rtol=1e-4, atol=1e-6 * scores[i])


@given(
    n=st.integers(1, 40),
    d=st.integers(1, 20),
    n_queries=st.integers(1, 200),
    seed=st.integers(0, 999),
    method=st.sampled_from(METHODS),
)
@settings(max_examples=40)
def test_shares_are_positive_and_sum_to_the_score(n, d, n_queries, seed, method):
    trees, rows = problem(n, d, seed, n_trees=2, n_queries=n_queries)
    forest = as_forest(trees, n + seed % 3)
    shares, scores = run(forest, rows, method)
    assert np.all(shares >= 0)
    np.testing.assert_allclose(shares.sum(axis=(1, 2)), scores, rtol=1e-12)
    np.testing.assert_array_equal(run(forest, rows, method, n_threads=2)[0], shares)


@pytest.mark.parametrize("method", METHODS)
def test_the_guilty_column_and_side_have_most(method):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 4)).astype(np.float32)
    forest = as_forest([plain_tree(X, rng) for _ in range(20)], 100)
    rows = np.array([[0, 9, 0, 0], [0, 0, -9, 0]], dtype=np.float32)
    shares, scores = run(forest, rows, method)
    assert shares[0, 1, 1] > 0.8 * scores[0]
    assert shares[1, 2, 0] > 0.8 * scores[1]


@pytest.mark.parametrize("method", METHODS)
def test_a_row_of_the_sample_is_explained_as_if_it_were_not_in_it(method):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 4)).astype(np.float32)
    X[0] = 0, 9, 0, 0
    forest = as_forest([plain_tree(X, rng) for _ in range(20)], 100)
    shares, scores = run(forest, X[:1], method)
    assert shares[0, 1, 1] > 0.8 * scores[0]


def test_where_all_points_are_equal_columns_share_alike():
    X = np.ones((5, 3), dtype=np.float32)
    forest = as_forest([plain_tree(X, np.random.default_rng(0))], 8)
    shares, scores = run(forest, X[:1], "expected_inverse_depth")
    np.testing.assert_allclose(shares, np.full((1, 3, 2), scores[0] / 6))


def test_trees_without_points_share_nothing_out():
    forest = Forest.empty(np.zeros(2, dtype=np.uint64), 3, 8, 2)
    for n in (0, 1):
        shares, _ = run(forest, np.ones((n, 2), np.float32), "depth")
        np.testing.assert_array_equal(shares, np.zeros((n, 2, 2)))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [1e-44, 1e-38, 1e30])
def test_shares_of_extreme_rows_are_finite(method, scale):
    rng = np.random.default_rng(0)
    X = (rng.integers(0, 50, size=(40, 3)) * scale).astype(np.float32)
    forest = as_forest([plain_tree(X, rng) for _ in range(3)], 40)
    rows = np.array([[0, 1, np.inf], [-np.inf, 0, 0], [3e38] * 3, [-3e38, 0, 3e38]], np.float32)
    shares, scores = run(forest, np.concatenate([X, rows]), method)
    np.testing.assert_allclose(shares.sum(axis=(1, 2)), scores, rtol=1e-12)
    assert shares[-4, 2, 1] > 0.9 * scores[-4]


def test_shingles_are_shared_out_by_lag_and_feature():
    trees, _ = problem(30, 6, seed=2)
    stream = np.random.default_rng(0).normal(size=20).astype(np.float32)
    shares = attribute(as_forest(trees, 30), stream, 8, 2, "depth", 1)
    lagged = by_lag(shares, 3)
    assert lagged.shape == (8, 3, 2, 2)
    np.testing.assert_array_equal(lagged[:, 0], shares[:, 4:])
    np.testing.assert_array_equal(lagged[:, 2, 1], shares[:, 1])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_trees, d, stride", [(3, 1, 1), (7, 12, 3), (60, 300, 300)])
def test_a_stream_shares_out_by_the_trees_before_each_row(method, n_trees, d, stride):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(100 * stride + d, 1)).astype(np.float32).ravel()
    whole = Forest.empty(np.array([1, 2], dtype=np.uint64), n_trees, 16, d)
    parts = whole.copy()
    shares, expected = np.empty((100, d, 2)), np.empty((100, d, 2))
    scores = learn(whole, rows, 100, stride, 0.01, 2, method, 0, shares)
    for i in range(100):
        rest = rows[i * stride : i * stride + d]
        expected[i] = attribute(parts, rest, 1, d, method, 1)
        assert learn(parts, rest, 1, d, 0.01, 1, method)[0] == scores[i]
    np.testing.assert_array_equal(shares, expected)
