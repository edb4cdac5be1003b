"""The kernels of k-means against numpy, on every instruction set of this machine."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from algos._cython import _tile
from algos._cython.column_moments import column_moments
from algos._cython.kmeans_assign import assign
from algos._cython.kmeans_bounds import assign_bounded
from algos._cython.kmeans_distances import center_distances
from algos._cython.kmeans_own_distances import own_distances
from algos._cython.kmeans_update import square_of_move, sum_by_label, sums_to_means

LEVELS = (0, 3, 4)


def problem(n, d, k, dtype, seed=0, weighted=True):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)).astype(dtype)
    centers = rng.normal(size=(k, d)).astype(dtype)
    shift = (X.mean(axis=0) + 0.1).astype(dtype)
    weight = rng.uniform(0.5, 2, size=n) if weighted else None
    return X, centers, shift, weight


def squares(X, centers):
    X, centers = X.astype(np.float64), centers.astype(np.float64)
    return ((X[:, np.newaxis] - centers) ** 2).sum(axis=2)


def run_assign(X, centers, shift, weight, *, exact=False, n_threads=1, sums=True):
    k, d = centers.shape
    labels = np.full(len(X), -1, dtype=np.int32)
    total, counts, distances = np.empty((k, d)), np.empty(k), np.empty(len(X))
    objective, changed = assign(
        X, weight, shift, centers - shift, centers if exact else None,
        (X.shape[1] + 8) * float(np.finfo(X.dtype).eps), labels, total if sums else None,
        counts if sums else None, distances if exact else None, exact, n_threads,
    )  # fmt: skip
    return labels, total, counts, distances, objective, changed


SHAPES = [
    (1, 1, 1),
    (1, 3, 2),
    (3, 2, 5),
    (17, 8, 6),
    (64, 16, 4),
    (65, 17, 7),
    (700, 33, 23),
    (40, 17000, 5),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_labels_sums_and_objective_equal_numpy(level, shape, dtype):
    X, centers, shift, weight = problem(*shape, dtype)
    labels, sums, counts, distances, objective, changed = run_assign(
        X, centers, shift, weight, exact=True, n_threads=2
    )
    exact = squares(X, centers)
    rounding = 50 * np.finfo(dtype).eps * (1 + exact.max())
    chosen = exact[np.arange(len(X)), labels]
    assert np.all(chosen <= exact.min(axis=1) + rounding)
    expected = np.zeros_like(sums)
    np.add.at(expected, labels, weight[:, np.newaxis] * (X.astype(np.float64) - shift))
    assert np.allclose(sums, expected, rtol=0, atol=rounding)
    assert np.allclose(counts, np.bincount(labels, weight, minlength=len(centers)))
    assert np.allclose(distances, chosen, rtol=1e-12)
    assert objective == pytest.approx((weight * chosen).sum(), rel=1e-12)
    assert changed == len(X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_objective_without_exact_distances_lacks_the_spread(level, dtype):
    X, centers, shift, weight = problem(500, 9, 11, dtype)
    *_, objective, _ = run_assign(X, centers, shift, weight)
    spread = (weight * ((X.astype(np.float64) - shift) ** 2).sum(axis=1)).sum()
    expected = (weight * squares(X, centers).min(axis=1)).sum()
    assert objective + spread == pytest.approx(expected, rel=float(1e3 * np.finfo(dtype).eps))


@given(
    st.integers(1, 300), st.integers(1, 40), st.integers(1, 30), st.integers(0, 9), st.booleans()
)
@settings(max_examples=60)
def test_levels_agree_and_threads_change_no_bit(n, d, k, seed, weighted):
    X, centers, shift, weight = problem(n, d, k, np.float32, seed, weighted)
    found = []
    for level in LEVELS:
        _tile._test_choose_level(level)
        one = run_assign(X, centers, shift, weight, n_threads=1)
        two = run_assign(X, centers, shift, weight, n_threads=2)
        for a, b in zip(one[:3], two[:3], strict=True):
            assert a.tobytes() == b.tobytes()
        assert one[4:] == two[4:]
        found.append(squares(X, centers)[np.arange(n), one[0]])
    for chosen in found[1:]:
        np.testing.assert_allclose(chosen, found[0], rtol=0, atol=1e-4 * d)


@given(st.integers(1, 70), st.integers(1, 40), st.integers(1, 12))
def test_a_row_alone_has_the_bits_it_has_in_a_batch(n, d, k):
    X, centers, shift, _ = problem(n, d, k, np.float32)
    batch, alone = np.empty((n, k), np.float32), np.empty((1, k), np.float32)
    center_distances(X, shift, centers - shift, centers, batch, 1)
    labels = run_assign(X, centers, shift, None, sums=False)[0]
    for row in {0, n // 2, n - 1}:
        center_distances(X[row : row + 1], shift, centers - shift, centers, alone, 1)
        assert alone.tobytes() == batch[row].tobytes()
        label = run_assign(X[row : row + 1], centers, shift, None, sums=False)[0]
        assert label[0] == labels[row]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_by_label_are_those_of_the_fused_pass(level, dtype, weighted):
    X, centers, shift, weight = problem(250, 9, 40, dtype, weighted=weighted)
    labels, sums, counts, *_ = run_assign(X, centers, shift, weight)
    found, n_found = np.zeros_like(sums), np.zeros_like(counts)
    sum_by_label(X, weight, shift, labels, found, n_found, 2)
    assert found.tobytes() == sums.tobytes()  # one lane: the same order of rows
    assert n_found.tobytes() == counts.tobytes()


@given(
    st.integers(1, 300), st.integers(1, 30), st.integers(1, 20), st.integers(0, 9), st.booleans()
)
@settings(max_examples=60)
def test_bounded_passes_give_the_labels_of_full_ones(n, d, k, seed, weighted):
    X, centers, shift, weight = problem(n, d, k, np.float32, seed, weighted)
    rng = np.random.default_rng(seed)
    labels = np.full(n, -1, dtype=np.int32)
    upper, lower = np.empty(n, np.float32), np.empty(n, np.float32)
    sums, counts, old = np.zeros((k, d)), np.zeros(k), centers
    for tighten in (False, True, False, True):
        full, total, weights, *_ = run_assign(X, centers, shift, weight)
        change, gained = np.empty((k, d)), np.empty(k)
        drift = np.sqrt(((centers.astype(np.float64) - old) ** 2).sum(axis=1)) * (1 + 1e-6)
        changed, measured = assign_bounded(
            X, weight, shift, centers - shift, drift, 1e-5, tighten, labels, upper,
            lower, change, gained, 2,
        )  # fmt: skip
        sums, counts, old = sums + change, counts + gained, centers
        assert changed <= measured <= n
        chosen, exact = squares(X, centers)[np.arange(n), labels], squares(X, centers)
        assert np.all(chosen <= exact.min(axis=1) * (1 + 1e-4) + 1e-5)
        if np.array_equal(labels, full):
            np.testing.assert_allclose(sums, total, atol=1e-4 * n)
            np.testing.assert_allclose(counts, weights, atol=1e-9)
        centers = centers + rng.normal(scale=0.02, size=centers.shape).astype(np.float32)


def test_equal_centers_give_the_first():
    X, centers, shift, _ = problem(200, 5, 3, np.float64)
    labels = run_assign(X, np.repeat(centers, 4, axis=0), shift, None)[0]
    assert set(labels) <= {0, 4, 8}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_distances_equal_numpy(level, shape, dtype):
    X, centers, shift, _ = problem(*shape, dtype)
    out = np.empty((len(X), len(centers)), dtype=dtype)
    center_distances(X, shift, centers - shift, centers, out, 2)
    np.testing.assert_allclose(
        out, np.sqrt(squares(X, centers)), rtol=0, atol=30 * np.finfo(dtype).eps * (1 + out.max())
    )


def test_distance_to_an_equal_row_is_exactly_zero(level):
    X, _, shift, _ = problem(50, 7, 1, np.float32)
    out = np.empty((50, 50), dtype=np.float32)
    center_distances(X, shift, X - shift, X, out, 1)
    assert np.all(np.diag(out) == 0)


@pytest.mark.parametrize("offset", [0, 1e4, 1e8])
def test_moments_are_exact_at_any_offset(level, offset):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 7)) + offset
    weight = rng.uniform(size=3000)
    moments = np.empty((2, 7))
    column_moments(X, weight, X[0], moments, 2)
    np.testing.assert_allclose(moments[0], weight @ (X - X[0]), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(moments[1], weight @ (X - X[0]) ** 2, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 255, 600])
def test_distances_to_the_own_center_are_those_of_differences(level, dtype, n):
    X, centers, _, _ = problem(n, 19, 7, dtype)
    labels = np.random.default_rng(1).integers(7, size=n).astype(np.int32)
    for n_threads in (1, 3):
        found = np.empty(n)
        own_distances(X, centers, labels, found, n_threads)
        np.testing.assert_allclose(found, squares(X, centers)[np.arange(n), labels], rtol=1e-12)


@pytest.mark.parametrize(("k", "d"), [(1, 1), (3, 7), (5, 60_000)])  # the last without the GIL
def test_sums_become_means_where_something_was_counted(k, d):
    rng = np.random.default_rng(0)
    sums, old = rng.normal(size=(2, k, d))
    counts = rng.uniform(0.5, 2, size=k)
    counts[1:] *= [0, -1e-16, 1, 1][: k - 1]  # what rounding leaves may be below zero
    expected = np.where(counts[:, None] > 0, sums / np.where(counts > 0, counts, 1)[:, None], old)
    sums_to_means(sums, counts, old)
    np.testing.assert_array_equal(sums, expected)
    moved = ((sums - old) ** 2).sum()
    np.testing.assert_allclose(square_of_move(old, sums), moved, rtol=1e-12)
