"""Greedy k-means++ of few rows in one call, against plain numpy."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from algos._cython import _tile
from algos._cython.kmeans_seed_few import seed_few

LEVELS = (0, 3, 4)
LARGE = 1e9


@pytest.fixture(params=LEVELS)
def level(request):
    yield _tile._test_choose_level(request.param)
    _tile._test_choose_level(max(LEVELS))


def plainly_chosen(X, weight, uniforms, m, k):
    """Draw, measure and keep, step by step."""
    squares, chosen = np.full(len(X), LARGE), []
    while len(chosen) < k and squares.any():
        step, uniforms = np.split(uniforms, [m if chosen else 1])
        cumulated = np.cumsum(weight * squares)
        drawn = np.searchsorted(cumulated, step * cumulated[-1], side="right")
        left = np.minimum(((X - X[drawn][:, np.newaxis]) ** 2).sum(axis=2), squares)
        best = np.argmin(left @ weight)
        squares = left[best]
        chosen.append(drawn[best])
    return chosen, squares


def problem(n, d, k, m, dtype, seed=0):
    """Whole numbers, so that sums are the same in any order."""
    rng = np.random.default_rng(seed)
    X = rng.integers(-20, 20, size=(n, d)).astype(dtype)
    shift = rng.integers(-3, 3, size=d).astype(dtype)
    weight = rng.integers(1, 4, size=n).astype(np.float64)
    return X, shift, weight, rng.random(1 + (k - 1) * m)


def assert_the_same(X, shift, weight, uniforms, k, m):
    expected, left = plainly_chosen(
        X.astype(np.float64), np.ones(len(X)) if weight is None else weight, uniforms, m, k
    )
    squares = np.full(len(X), LARGE, dtype=X.dtype)
    chosen = np.full(k, -1)
    n_found = seed_few(X, weight, shift, uniforms, m, squares, chosen)
    assert chosen[:n_found].tolist() == expected
    assert np.all(chosen[n_found:] == -1)
    np.testing.assert_array_equal(squares, left)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "sizes", [(1, 1, 1, 2), (5, 3, 5, 3), (64, 17, 4, 5), (65, 2, 9, 4), (333, 40, 20, 7)]
)
def test_the_rows_chosen_are_those_of_numpy(level, sizes, weighted, dtype):
    X, shift, weight, uniforms = problem(*sizes, dtype)
    assert_the_same(X, shift, weight if weighted else None, uniforms, *sizes[2:])


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 200),
    d=st.integers(1, 40),
    k=st.integers(1, 12),
    m=st.integers(1, 8),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_sizes_give_the_rows_of_numpy(n, d, k, m, seed):
    X, shift, weight, uniforms = problem(n, d, k, m, np.float32, seed)
    assert_the_same(X, shift, weight, uniforms, k, m)


def test_it_ends_where_every_row_equals_one_that_was_chosen():
    X = np.repeat(np.array([[1.0, 2], [3, 4], [5, 6]]), 30, axis=0)
    chosen = np.full(8, -1)
    squares = np.full(90, LARGE)
    uniforms = np.random.default_rng(0).random(1 + 7 * 4)
    assert seed_few(X, None, np.zeros(2), uniforms, 4, squares, chosen) == 3
    assert sorted(chosen[:3] // 30) == [0, 1, 2]
    assert not squares.any()


def test_a_row_of_all_the_weight_is_drawn_by_any_number():
    X = np.arange(10.0).reshape(-1, 1)
    weight = np.full(10, 1e-300)
    weight[9] = 1.0
    for uniform in (0.0, 0.5, np.nextafter(1, 0)):
        chosen = np.full(1, -1)
        seed_few(X, weight, np.zeros(1), np.array([uniform]), 1, np.full(10, LARGE), chosen)
        assert chosen[0] == (0 if uniform == 0 else 9)
