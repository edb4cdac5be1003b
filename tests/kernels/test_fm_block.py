"""Block updates of factorization machines against plain numpy."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from algos._cython import fm_block
from algos.factorization_machine.blocks import Sweeper
from algos.factorization_machine.fields import find_fields
from algos.factorization_machine.rows import Rows

LEVELS = (0, 3, 4)
RANKS = (1, 3, 8, 16, 20, 32, 33, 40)


@pytest.fixture(params=LEVELS)
def level(request):
    chosen = fm_block._test_choose_level(request.param)
    yield chosen
    fm_block._test_choose_level(max(LEVELS))


def rows_of(X, ones=False):
    indptr = np.concatenate([[0], np.cumsum((X != 0).sum(axis=1))]).astype(np.int64)
    row, column = np.nonzero(X)
    values = None if ones else X[row, column].copy()
    return Rows(indptr, column.astype(np.int32), values, X.shape[1])


def one_hot_pairs(rng, n, sizes):
    X = np.zeros((n, sum(sizes)))
    X[np.arange(n), rng.integers(sizes[0], size=n)] = 1
    X[np.arange(n), sizes[0] + rng.integers(sizes[1], size=n)] = 1
    return X


def some_rows(kind, rng, n=60):
    """Return rows of two ones, of about two values, or of many."""
    if kind == "pairs":
        return one_hot_pairs(rng, n, (7, 5)), True
    X = rng.normal(size=(n, 9)).round(2)
    if kind == "short":
        X *= rng.random(X.shape) < 0.25
    return X, False


def score(X, intercept, linear, factors):
    pairs = (X @ factors) ** 2 - X**2 @ factors**2
    return intercept + X @ linear + pairs.sum(axis=1) / 2


def best(X, y, p, intercept, linear, factors, j, part, penalties, means):
    """Return the optimum of some coordinates of column j by normal equations."""
    k = factors.shape[1]
    others = X @ factors - np.outer(X[:, j], factors[j])
    slopes = X[:, [j]] * np.column_stack([others, np.ones(len(X))])[:, part]
    at = np.append(factors[j], linear[j])[part]
    rest = y - score(X, intercept, linear, factors) + slopes @ at
    A = (slopes.T * p) @ slopes + np.diag(penalties[part])
    b = slopes.T @ (p * rest) + penalties[part] * means[part]
    return A, np.linalg.solve(A, b), k


def parts_of(k):
    if k <= 32:
        return [np.arange(k + 1)]
    first = [np.append(np.arange(16), k)]
    return first + [np.arange(i, min(i + 16, k)) for i in range(16, k, 16)]


def plain_sweep(X, y, p, intercept, linear, factors, penalties, means):
    linear, factors = linear.copy(), factors.copy()
    k = factors.shape[1]
    for j in range(X.shape[1]):
        for part in parts_of(k):
            _, to, _ = best(X, y, p, intercept, linear, factors, j, part, penalties, means)
            inner = part[part < k]
            factors[j, inner] = to[: len(inner)]
            if part[-1] == k:
                linear[j] = to[-1]
    return linear, factors


def sweeper_of(rng, X, ones, k, dtype=np.float64, n_threads=1):
    rows = rows_of(X.astype(dtype), ones)
    linear = rng.normal(size=X.shape[1])
    factors = rng.normal(size=(X.shape[1], k)) / np.sqrt(k)
    linear, factors = linear.astype(dtype), factors.astype(dtype)
    return Sweeper(rows, find_fields(rows), 0.3, linear, factors, dtype=dtype, n_threads=n_threads)


@pytest.mark.parametrize("k", RANKS)
@pytest.mark.parametrize("has_weight", [False, True])
@pytest.mark.parametrize("kind", ["pairs", "short", "long"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_sweep_puts_each_column_at_its_optimum(kind, has_weight, k, dtype):
    rng = np.random.default_rng(k)
    X, ones = some_rows(kind, rng)
    y, p = rng.normal(size=len(X)), rng.uniform(0.5, 2, size=len(X))
    weight = p.astype(dtype) if has_weight else None
    sweeper = sweeper_of(rng, X, ones, k, dtype)
    penalties, means = rng.uniform(1, 3, size=(1, k + 1)), rng.normal(size=(1, k + 1))
    at = (sweeper.intercept, sweeper.linear.astype(float), sweeper.factors.astype(float))
    precisions = 1.5 * (p if has_weight else 1)
    linear, factors = plain_sweep(X, y, precisions, *at, penalties[0], means[0])
    sweeper.aim(y.astype(dtype))
    sweeper.sweep(weight, 1.5, np.zeros(X.shape[1], dtype=np.int32), means, penalties)
    exact = 1e-8 if dtype == np.float64 else 3e-3
    np.testing.assert_allclose(sweeper.linear, linear, rtol=0, atol=exact)
    np.testing.assert_allclose(sweeper.factors, factors, rtol=0, atol=exact)
    expected = y - score(X, 0.3, linear, factors)
    np.testing.assert_allclose(sweeper.errors, expected, rtol=0, atol=30 * exact)


@pytest.mark.parametrize("kind", ["pairs", "short", "long"])
@pytest.mark.parametrize("k", [3, 16, 40])
def test_every_instruction_set_does_the_same(level, kind, k):
    rng = np.random.default_rng(1)
    X, ones = some_rows(kind, rng)
    y = rng.normal(size=len(X))
    sweeper = sweeper_of(rng, X, ones, k)
    penalties, means = np.full((1, k + 1), 2.0), np.zeros((1, k + 1))
    linear, factors = plain_sweep(
        X, y, np.ones(len(X)), sweeper.intercept, sweeper.linear, sweeper.factors,
        penalties[0], means[0],
    )  # fmt: skip
    sweeper.aim(y)
    sweeper.sweep(None, 1.0, np.zeros(X.shape[1], dtype=np.int32), means, penalties)
    np.testing.assert_allclose(sweeper.factors, factors, rtol=0, atol=1e-8)
    np.testing.assert_allclose(sweeper.linear, linear, rtol=0, atol=1e-8)


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.floats(0.05, 1))
@settings(max_examples=30)
def test_errors_stay_those_of_the_parameters(seed, k, density):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(20, 12)) * (rng.random((20, 12)) < density)
    sweeper = sweeper_of(rng, X, False, k)
    y = rng.normal(size=20)
    sweeper.aim(y)
    np.testing.assert_allclose(
        sweeper.errors, y - score(X, 0.3, sweeper.linear, sweeper.factors), atol=1e-9
    )
    key = rng.integers(0, 2**64, size=2, dtype=np.uint64)
    means, penalties = np.zeros((1, k + 1)), np.ones((1, k + 1))
    for number in range(3):
        sweeper.sweep(None, 1.0, np.zeros(12, dtype=np.int32), means, penalties, key, number)
        expected = y - score(X, 0.3, sweeper.linear, sweeper.factors)
        np.testing.assert_allclose(sweeper.errors, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("k", [2, 5])
def test_draws_have_the_mean_and_the_covariance_of_the_conditional(k):
    rng = np.random.default_rng(2)
    X = np.column_stack([rng.normal(size=30), np.ones(30), rng.normal(size=(30, 2))])
    y, p = rng.normal(size=30), rng.uniform(0.5, 2, size=30)
    penalties, means = rng.uniform(1, 3, size=(1, k + 1)), rng.normal(size=(1, k + 1))
    start, key = rng.integers(1000), np.array([3, 4], dtype=np.uint64)
    drawn = []
    for number in range(4000):
        sweeper = sweeper_of(np.random.default_rng(start), X, False, k)
        if number == 0:
            at = sweeper.intercept, sweeper.linear.copy(), sweeper.factors.copy()
        sweeper.aim(y)
        # the first column alone is what it is given the others as they were
        sweeper.sweep(p, 2.0, np.zeros(4, dtype=np.int32), means, penalties, key, number)
        drawn.append(np.append(sweeper.factors[0], sweeper.linear[0]))
    A, mean, _ = best(X, y, 2 * p, *at, 0, np.arange(k + 1), penalties[0], means[0])
    root = np.linalg.cholesky(A)
    normal = (np.array(drawn) - mean) @ root
    assert np.abs(normal.mean(axis=0)).max() < 5 / np.sqrt(len(normal))
    covariance = normal.T @ normal / len(normal)
    np.testing.assert_allclose(covariance, np.eye(k + 1), atol=5 * np.sqrt(2 / len(normal)))


def many_rows(rng, n):
    """One-hot users and a column that nearly all rows hold."""
    X = one_hot_pairs(rng, n, (40, 3))
    return np.column_stack([X, rng.normal(size=n)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("is_random", [False, True])
def test_threads_change_no_bit(dtype, is_random):
    n, k = 140_000, 8
    X = many_rows(np.random.default_rng(3), n)
    y = np.random.default_rng(4).normal(size=n).astype(dtype)
    key = np.array([1, 2], dtype=np.uint64) if is_random else None
    means, penalties = np.zeros((1, k + 1)), np.ones((1, k + 1))
    groups = np.zeros(X.shape[1], dtype=np.int32)
    found = []
    for n_threads in (1, 2, 3):
        rng = np.random.default_rng(5)
        sweeper = sweeper_of(rng, X, False, k, dtype, n_threads)
        sweeper.aim(y)
        for number in range(2):
            sweeper.sweep(None, 1.0, groups, means, penalties, key, number)
        found.append((sweeper.factors.copy(), sweeper.linear, sweeper.errors))
    for others in found[1:]:
        for one, other in zip(found[0], others, strict=True):
            np.testing.assert_array_equal(one, other)


def test_columns_of_very_many_rows_are_at_their_optimum_too():
    rng = np.random.default_rng(6)
    n, k = 70_000, 4
    X = many_rows(rng, n)[:, 40:]
    y = rng.normal(size=n)
    sweeper = sweeper_of(rng, X, False, k)
    means, penalties = np.zeros((1, k + 1)), np.ones((1, k + 1))
    linear, factors = plain_sweep(
        X, y, np.ones(n), 0.3, sweeper.linear, sweeper.factors, penalties[0], means[0]
    )
    sweeper.aim(y)
    sweeper.sweep(None, 1.0, np.zeros(4, dtype=np.int32), means, penalties)
    np.testing.assert_allclose(sweeper.factors, factors, rtol=0, atol=1e-8)
    np.testing.assert_allclose(sweeper.linear, linear, rtol=0, atol=1e-8)


def test_columns_without_information_stay_unchanged():
    rng = np.random.default_rng(7)
    X = np.zeros((5, 3))
    X[:, 1] = 1.0  # alone in its rows: factors have no effect
    sweeper = sweeper_of(rng, X, False, 2)
    before = sweeper.factors.copy()
    sweeper.aim(np.arange(5.0))
    sweeper.sweep(None, 1.0, np.zeros(3, dtype=np.int32), np.zeros((1, 3)), np.zeros((1, 3)))
    np.testing.assert_array_equal(sweeper.factors, before)
    assert sweeper.linear[1] == pytest.approx(2.0 - 0.3)


def test_moments_are_those_of_each_group():
    rng = np.random.default_rng(8)
    X, _ = some_rows("short", rng)
    sweeper = sweeper_of(rng, X, False, 3)
    groups = rng.integers(0, 3, size=9).astype(np.int32)
    centers = rng.normal(size=(3, 4))
    sums, squares = sweeper.moments(groups, centers)
    away = np.column_stack([sweeper.factors, sweeper.linear]) - centers[groups]
    for g in range(3):
        np.testing.assert_allclose(sums[g], away[groups == g].sum(axis=0), atol=1e-12)
        np.testing.assert_allclose(squares[g], (away[groups == g] ** 2).sum(axis=0), atol=1e-12)


def plain_normals(key, stream, step, count):
    words = np.random.Philox(key=key, counter=[0, step, stream, 0]).random_raw(2 * count + 2)
    u = (words >> np.uint64(11)) * 2.0**-53
    pairs = (count + 1) // 2
    radius, angle = np.sqrt(-2 * np.log(1 - u[0::2])), 2 * np.pi * u[1::2]
    both = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return both[:pairs].ravel()[:count]


@pytest.mark.parametrize("count", [1, 2, 9, 16, 17, 33])
def test_normal_numbers_are_box_and_mullers(count):
    key = np.array([7, 8], dtype=np.uint64)
    out = np.empty((300, count + 1))
    fm_block._test_normals(key, out, 5)
    expected = [plain_normals(key, stream, 5, count) for stream in range(300)]
    np.testing.assert_allclose(out[:, :count], expected, rtol=0, atol=1e-11)
