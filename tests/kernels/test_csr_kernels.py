"""The kernels for CSR rows against numpy, on every instruction set of this machine."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import sparse

from algos._cython import _csr
from algos._cython._csr import CsrRows
from algos._cython.kmeans_sparse_assign import assign
from algos._cython.kmeans_sparse_distances import (
    center_distances,
    own_distances,
    row_norms,
    try_candidates,
)
from algos._cython.kmeans_sparse_update import sum_by_label
from algos._cython.unit_rows import unit_rows, unit_rows_csr

LEVELS = (0, 3, 4)
TYPES = [(np.float32, np.int32), (np.float32, np.int64), (np.float64, np.int32)]
TYPES.append((np.float64, np.int64))
SHAPES = [(1, 1, 1), (3, 2, 5), (17, 8, 6), (40, 30, 16), (300, 9, 33), (1100, 50, 130)]

every_type = pytest.mark.parametrize(("dtype", "index"), TYPES)
every_shape = pytest.mark.parametrize("shape", SHAPES)


@pytest.fixture(params=LEVELS)
def level(request):
    _csr._test_choose_level(request.param)
    yield request.param
    _csr._test_choose_level(max(LEVELS))


def problem(n, d, k, dtype, index=np.int32, seed=0):
    """Return (dense rows, the same for kernels, squared norms, centres)."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * (rng.uniform(size=(n, d)) < 0.3)
    X = X.astype(dtype)
    centers = rng.normal(size=(k, d)).astype(dtype).astype(np.float64)
    rows = as_rows(X, index)
    norms = np.empty(n)
    row_norms(rows, norms, 2)
    return X.astype(np.float64), rows, norms, centers


def as_rows(X, index=np.int32):
    csr = sparse.csr_array(X)
    return CsrRows(csr.data, csr.indices.astype(index), csr.indptr.astype(index), X.shape[1])


def squares(X, centers):
    return ((X[:, np.newaxis] - centers) ** 2).sum(axis=2)


def run_assign(rows, norms, centers, weight=None, *, sums=False, n_threads=1):
    labels = np.full(len(norms), -1, dtype=np.int32)
    total, counts = np.empty(centers.shape), np.empty(len(centers))
    changed = assign(
        rows, norms, weight, centers, (centers**2).sum(axis=1) / 2, labels,
        total if sums else None, counts if sums else None, n_threads,
    )  # fmt: skip
    return labels, total, counts, changed


@every_type
@every_shape
def test_products_and_norms_are_those_of_dense_rows(level, shape, dtype, index):
    X, rows, norms, centers = problem(*shape, dtype, index)
    out, by_slots = np.empty((2, len(X), len(centers)))
    centers[:, ::2] = 0
    _csr._test_products(rows, centers, out, False)
    _csr._test_products(rows, centers, by_slots, True)
    assert np.allclose(out, X @ centers.T, rtol=0, atol=1e-12)
    assert by_slots.tobytes() == out.tobytes()
    assert np.allclose(norms, (X**2).sum(axis=1), rtol=1e-14)


@every_type
@every_shape
def test_labels_and_sums_equal_numpy(level, shape, dtype, index):
    X, rows, norms, centers = problem(*shape, dtype, index)
    weight = np.random.default_rng(1).uniform(0.5, 2, size=len(X))
    labels, sums, counts, changed = run_assign(rows, norms, centers, weight, sums=True, n_threads=2)
    exact = squares(X, centers)
    assert np.all(exact[np.arange(len(X)), labels] <= exact.min(axis=1) + 1e-12)
    expected = np.zeros_like(sums)
    np.add.at(expected, labels, weight[:, np.newaxis] * X)
    assert np.allclose(sums, expected, rtol=0, atol=1e-11)
    assert np.allclose(counts, np.bincount(labels, weight, minlength=len(centers)))
    assert changed == len(X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_first_of_equal_centres_is_taken(level, dtype):
    _, rows, norms, centers = problem(200, 20, 30, dtype)
    twice = np.concatenate([centers, centers])
    assert np.array_equal(run_assign(rows, norms, twice)[0], run_assign(rows, norms, centers)[0])


def test_labels_that_float32_leaves_open_are_settled(level):
    rng = np.random.default_rng(0)
    X = (1000 + rng.normal(size=(500, 12))).astype(np.float32)
    centers = X[:40].astype(np.float64)
    rows, norms = as_rows(X), np.empty(len(X))
    row_norms(rows, norms, 1)
    exact = squares(X.astype(np.float64), centers)
    assert np.array_equal(run_assign(rows, norms, centers)[0], exact.argmin(axis=1))


@given(st.integers(1, 300), st.integers(1, 60), st.integers(1, 90), st.integers(0, 9))
@settings(max_examples=40)
def test_levels_agree_and_threads_change_no_bit(n, d, k, seed):
    for level in LEVELS:
        _csr._test_choose_level(level)
        X, rows, norms, centers = problem(n, d, k, np.float32, seed=seed)
        one = run_assign(rows, norms, centers, sums=True)
        two = run_assign(rows, norms, centers, sums=True, n_threads=2)
        for a, b in zip(one[:3], two[:3], strict=True):
            assert a.tobytes() == b.tobytes()
        exact = squares(X, centers)
        assert np.all(exact[np.arange(n), one[0]] <= exact.min(axis=1) + 1e-11)


@given(st.integers(1, 60), st.integers(1, 200), st.integers(1, 90), st.integers(0, 9))
def test_a_row_alone_has_the_bits_it_has_in_a_batch(n, d, k, seed):
    X, rows, _, centers = problem(n, d, k, np.float32, seed=seed)
    batch, alone = np.empty((n, k)), np.empty((1, k))
    _csr._test_products(rows, centers, batch, False)
    for row in {0, n // 2, n - 1}:
        _csr._test_products(as_rows(X[row : row + 1].astype(np.float32)), centers, alone, False)
        assert alone.tobytes() == batch[row].tobytes()


@every_type
@pytest.mark.parametrize("weighted", [False, True])
def test_shared_out_sums_are_those_of_the_fused_pass(level, dtype, index, weighted):
    _, rows, norms, centers = problem(250, 9, 40, dtype, index)
    weight = np.random.default_rng(1).uniform(0.5, 2, size=250) if weighted else None
    labels, sums, counts, _ = run_assign(rows, norms, centers, weight, sums=True)
    found, n_found = np.zeros_like(sums), np.zeros_like(counts)
    sum_by_label(rows, weight, labels, found, n_found, 2)
    assert found.tobytes() == sums.tobytes()  # one lane: the same order of rows
    assert n_found.tobytes() == counts.tobytes()


@every_type
@every_shape
def test_distances_equal_numpy(level, shape, dtype, index):
    X, rows, norms, centers = problem(*shape, dtype, index)
    own, weight = (centers**2).sum(axis=1), np.random.default_rng(1).uniform(size=len(X))
    exact = squares(X, centers)
    out = np.empty(exact.shape, dtype=dtype)
    center_distances(rows, norms, centers, own, out, 2)
    assert np.allclose(out, np.sqrt(exact), rtol=1e-6 if dtype == np.float32 else 1e-10)
    labels = np.arange(len(X), dtype=np.int32) % len(centers)
    chosen, found = exact[np.arange(len(X)), labels], np.empty(len(X))
    total = own_distances(rows, norms, weight, centers, own, labels, found, 2)
    assert np.allclose(found, chosen, rtol=1e-12, atol=1e-13)
    assert total == pytest.approx((weight * chosen).sum(), rel=1e-12)


@every_type
@every_shape
@pytest.mark.parametrize("weighted", [False, True])
def test_candidates_lower_the_distances(level, shape, dtype, index, weighted):
    n, _, m = shape
    X, rows, norms, candidates = problem(*shape, dtype, index)
    own = (candidates**2).sum(axis=1)
    weight = np.random.default_rng(1).uniform(size=n) if weighted else None
    before = np.random.default_rng(2).uniform(5, 10, size=n).astype(dtype)
    lowered, gains, again = np.empty((m, n), dtype=dtype), np.empty(m), np.empty(m)
    try_candidates(rows, norms, weight, candidates, own, before, lowered, gains, 2)
    expected = np.minimum(squares(X, candidates).T, before)
    assert np.allclose(lowered, expected, rtol=1e-6 if dtype == np.float32 else 1e-12)
    sums = (before - expected) @ (np.ones(n) if weight is None else weight)
    assert np.allclose(gains, sums, rtol=1e-5, atol=1e-5)
    try_candidates(rows, norms, weight, candidates, own, before, None, again, 1)
    assert gains.tobytes() == again.tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_is_at_distance_zero_from_itself(level, dtype):
    X, rows, norms, _ = problem(60, 40, 1, dtype)
    far, lowered, gains = np.full(60, 1e9, dtype=dtype), np.empty((1, 60), dtype), np.empty(1)
    for row in range(60):
        center = X[row : row + 1]
        own = (center**2).sum(axis=1)
        try_candidates(rows, norms, None, center, own, far, lowered, gains, 1)
        assert lowered[0, row] == 0


@pytest.mark.parametrize(
    ("indices", "indptr"),
    [([0, 3], [0, 1, 2]), ([0, -1], [0, 1, 2]), ([0, 1], [0, 2, 1]), ([0, 1], [0, 1, 9])],
)
def test_arrays_that_are_no_matrix_are_refused(indices, indptr):
    indices, indptr = np.array(indices, dtype=np.int32), np.array(indptr, dtype=np.int32)
    with pytest.raises(ValueError, match="must be a CSR matrix"):
        CsrRows(np.ones(2), indices, indptr, 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1, 1e-30, 1e30, 1e-300, 1e300])
def test_unit_rows_have_length_one_at_every_scale(dtype, scale):
    if np.dtype(dtype) == np.float32 and abs(np.log10(scale)) > 100:
        pytest.skip("no float32 is so large or small")
    X = np.random.default_rng(0).normal(size=(300, 7))
    X[5] = 0
    scaled = (X * scale).astype(dtype)
    out, directed = np.empty_like(scaled), np.empty(300, dtype=np.uint8)
    unit_rows(scaled, out, directed, 2)
    assert not out[5].any()
    assert np.array_equal(directed, np.arange(300) != 5)
    expected = X / np.maximum(np.sqrt((X**2).sum(axis=1, keepdims=True)), 1e-9)
    assert np.allclose(out, expected, rtol=0, atol=4 * np.finfo(dtype).eps)


@given(st.integers(-900, 900), st.integers(1, 40))
def test_a_power_of_two_changes_a_direction_by_rounding_at_most(exponent, d):
    X = np.random.default_rng(d).normal(size=(4, d))
    out, scaled = np.empty_like(X), np.empty_like(X)
    directed = np.empty(4, dtype=np.uint8)
    unit_rows(X, out, directed, 1)
    unit_rows(np.ldexp(X, exponent), scaled, directed, 1)
    assert np.allclose(out, scaled, rtol=1e-14, atol=0)


@every_type
def test_unit_rows_of_csr_are_those_of_dense_rows(dtype, index):
    X = problem(300, 12, 1, dtype)[0].astype(dtype)
    X[:, 0] += 1
    X[7] = 0
    csr = sparse.csr_array(X)
    values, directed = np.empty_like(csr.data), np.empty(300, dtype=np.uint8)
    unit_rows_csr(csr.data, csr.indptr.astype(index), values, directed, 2)
    out = np.empty_like(X)
    unit_rows(X, out, np.empty(300, dtype=np.uint8), 1)
    csr.data = values
    assert np.allclose(csr.toarray(), out, rtol=2 * np.finfo(dtype).eps)
    assert np.array_equal(directed, np.arange(300) != 7)
