"""Scores in random cut trees against the plain formulas."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from algos._cython import cut_score
from algos.random_cut_forest.forest import Forest
from algos.random_cut_forest.scores import METHODS, score
from tests.kernels.conftest import LEVELS
from tests.random_cut_forest import plain_scores
from tests.random_cut_forest.plain_scores import plain_forest_score
from tests.random_cut_forest.plain_tree import as_forest, plain_tree

ROUNDING = 2e-5  # of float32 over the levels of a tree


@pytest.fixture(params=LEVELS)
def level(request):
    yield cut_score._test_choose_level(request.param)
    cut_score._test_choose_level(max(LEVELS))


def problem(n, d, seed, n_trees=3, n_queries=30, copies=True):
    """Return plain trees, and rows of which some are in the trees, some near, some far."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)).astype(np.float32)
    if copies:
        X[rng.random(n) < 0.3] = X[0]
    rows = rng.normal(scale=2, size=(n_queries, d)).astype(np.float32)
    rows[::3] = X[rng.integers(n, size=len(rows[::3]))]
    return [plain_tree(X, rng) for _ in range(n_trees)], rows


def run(forest, rows, method, n_threads=1):
    return score(forest, rows, len(rows), rows.shape[1], method, n_threads)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("d", [1, 3, 4, 8, 10, 16, 17, 33, 100])
def test_scores_are_those_of_the_formulas(level, method, d):
    trees, rows = problem(40, d, seed=d)
    expected = [plain_forest_score(trees, row, method) for row in rows]
    found = run(as_forest(trees, 50), rows, method)
    np.testing.assert_allclose(found, expected, rtol=ROUNDING)


@given(
    n=st.integers(1, 60),
    d=st.integers(1, 20),
    n_queries=st.integers(1, 300),
    seed=st.integers(0, 999),
    method=st.sampled_from(METHODS),
)
@settings(max_examples=40)
def test_scores_are_those_of_the_formulas_for_any_shape(n, d, n_queries, seed, method):
    trees, rows = problem(n, d, seed, n_trees=2, n_queries=n_queries)
    found = run(as_forest(trees, n + seed % 3), rows, method)
    expected = [plain_forest_score(trees, row, method) for row in rows[:40]]
    np.testing.assert_allclose(found[:40], expected, rtol=ROUNDING)
    assert np.all(np.isfinite(found)) and np.all(found >= 0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("d", [5, 20])
def test_a_row_has_the_same_bits_alone_in_a_batch_and_for_any_threads(level, method, d):
    trees, rows = problem(60, d, seed=1, n_trees=5, n_queries=7001)
    forest = as_forest(trees, 60)
    batch = run(forest, rows, method)
    np.testing.assert_array_equal(run(forest, rows, method, n_threads=3), batch)
    np.testing.assert_array_equal(run(forest, rows[40:45], method), batch[40:45])
    alone = [run(forest, rows[i : i + 1], method)[0] for i in range(0, 7001, 97)]
    np.testing.assert_array_equal(alone, batch[::97])


def test_more_trees_than_go_in_step_score_one_row():
    trees, rows = problem(4, 2, seed=3, n_trees=300)
    forest = as_forest(trees, 4)
    forest.heads[[0, 7, 299], 0] = -1  # trees without a point add nothing
    batch = run(forest, rows, "displacement")
    alone = [run(forest, row[np.newaxis], "displacement")[0] for row in rows]
    np.testing.assert_array_equal(alone, batch)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("stride", [1, 3])
def test_shingles_may_overlap_and_end_with_the_buffer(level, method, stride):
    trees, _ = problem(30, 6, seed=2)
    stream = np.random.default_rng(0).normal(size=60).astype(np.float32)
    rows = np.lib.stride_tricks.sliding_window_view(stream, 6)[::stride].copy()
    forest = as_forest(trees, 30)
    for n in (1, 5, len(rows)):
        found = score(forest, stream[: (n - 1) * stride + 6].copy(), n, stride, method, 1)
        np.testing.assert_array_equal(found, run(forest, rows, method)[:n])


@pytest.mark.parametrize("method", METHODS)
def test_trees_without_points_score_nothing(method):
    forest = Forest.empty(np.zeros(2, dtype=np.uint64), 3, 8, 2)
    for n in (0, 1, 10):
        np.testing.assert_array_equal(run(forest, np.ones((n, 2), np.float32), method), np.zeros(n))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [1e-44, 1e-38, 1e30])
def test_scores_of_extreme_rows_are_finite(level, method, scale):
    rng = np.random.default_rng(0)
    X = (rng.integers(0, 50, size=(40, 3)) * scale).astype(np.float32)
    forest = as_forest([plain_tree(X, rng) for _ in range(3)], 40)
    rows = np.array([[0, 1, np.inf], [-np.inf, 0, 0], [3e38] * 3, [-3e38, 0, 3e38]], np.float32)
    found = run(forest, np.concatenate([X, rows]), method)
    assert np.all(np.isfinite(found)) and np.all(found >= 0)
    assert found[-4:].min() > np.median(found)


@pytest.mark.parametrize("method", ["displacement", "collusive_displacement"])
def test_displacement_is_that_of_its_definition(method):
    trees, rows = problem(12, 2, seed=4, n_trees=4, n_queries=12)
    defined = getattr(plain_scores, method)
    for tree in trees:
        for i, row in enumerate(rows):
            if i % 3 == 0:
                expected = defined(tree, row)
            else:
                places = plain_scores.inserted(tree, row)
                assert sum(p for p, _ in places) == pytest.approx(1)
                expected = sum(p * defined(grown, row) for p, grown in places if p)
            found = run(as_forest([tree], 12), row[np.newaxis], method)[0]
            assert found == pytest.approx(expected, rel=ROUNDING)


def test_one_point_and_its_copies_score_as_in_aws():
    X = np.ones((5, 3), dtype=np.float32)
    forest = as_forest([plain_tree(X, np.random.default_rng(0))], 8)
    rows = np.array([[1, 1, 1], [2, 1, 1]], dtype=np.float32)
    assert run(forest, rows, "expected_inverse_depth") == pytest.approx([0.5, np.log2(6)])
    np.testing.assert_array_equal(run(forest, rows, "displacement"), [0, 5])
    np.testing.assert_array_equal(run(forest, rows, "collusive_displacement"), [0, 5])
