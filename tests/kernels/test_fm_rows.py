"""Gathered rows, units of columns and neighbours in rows, against scipy and plain loops."""

import itertools

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import sparse

from algos._cython import fm_rows


def drawn(seed, n=30, d=12, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * (rng.random((n, d)) < 0.3)
    X = sparse.csr_array(X.astype(dtype))
    return X.indptr.astype(np.int64), X.indices.astype(np.int32), X.data, X


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(seed=st.integers(0, 1000), places=st.lists(st.integers(0, 29), max_size=40))
def test_gathered_rows_are_scipys(dtype, seed, places):
    indptr, indices, values, X = drawn(seed, dtype=dtype)
    wanted = X[np.array(places, dtype=np.int64)]
    columns = np.empty(wanted.nnz, dtype=np.int32)
    numbers = np.empty(wanted.nnz, dtype=dtype)
    chosen, starts = np.array(places, dtype=np.int64), wanted.indptr.astype(np.int64)
    fm_rows.gather_rows(indptr, indices, values, chosen, starts, columns, numbers, 2)
    np.testing.assert_array_equal(columns, wanted.indices)
    np.testing.assert_array_equal(numbers, wanted.data)
    again = np.empty_like(columns)
    fm_rows.gather_rows(indptr, indices, None, chosen, starts, again, None, 1)
    np.testing.assert_array_equal(again, columns)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(seed=st.integers(0, 1000), n_threads=st.integers(1, 2))
def test_values_are_divided_by_the_scale_of_their_columns(dtype, seed, n_threads):
    _, indices, values, X = drawn(seed, n=3000, dtype=dtype)
    most = 30 if dtype == np.float32 else 300
    scale = 10.0 ** np.random.default_rng(seed).integers(-most, most, X.shape[1])
    values[::7] = scale[indices[::7]].astype(dtype)
    largest, near = float(np.finfo(dtype).max), 1e-6
    out = np.empty_like(values)
    fm_rows.scale_values(indices, values, scale, out, largest, near, n_threads)
    with np.errstate(over="ignore", under="ignore"):
        wanted = np.clip(values.astype(np.float64) / scale[indices], -largest, largest)
        wanted[np.abs(wanted - 1) < near] = 1
        np.testing.assert_array_equal(out, wanted.astype(dtype))


@given(seed=st.integers(0, 1000))
def test_columns_are_marked_counted_and_renumbered(seed):
    _, indices, _, X = drawn(seed)
    d = X.shape[1]
    is_used, counts = np.zeros(d, dtype=np.int8), np.zeros(d, dtype=np.int64)
    fm_rows.mark_columns(indices, is_used)
    fm_rows.count_columns(indices, counts)
    np.testing.assert_array_equal(counts, np.bincount(indices, minlength=d))
    np.testing.assert_array_equal(is_used, counts > 0)
    number, out = np.random.default_rng(seed).permutation(d).astype(np.int32), indices.copy()
    fm_rows.renumber(indices, number, out)
    np.testing.assert_array_equal(out, number[indices])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(seed=st.integers(0, 1000))
def test_peaks_and_squares_are_numpys(dtype, seed):
    indptr, indices, values, X = drawn(seed, dtype=dtype)
    weight = np.random.default_rng(seed).random(X.shape[0])
    peaks, totals, squares = np.zeros((3, X.shape[1]))
    fm_rows.column_peaks(indices, values, peaks)
    dense = X.toarray().astype(float)
    np.testing.assert_array_equal(peaks, np.abs(dense).max(axis=0))
    peaks[peaks == 0] = 1.0
    fm_rows.column_squares(indptr, indices, values, weight, peaks, totals, squares)
    np.testing.assert_allclose(totals, weight @ (dense != 0), rtol=1e-12)
    np.testing.assert_allclose(squares, weight @ (dense / peaks) ** 2, rtol=1e-12)


@given(seed=st.integers(0, 1000))
def test_the_next_column_is_the_nearest_of_all_rows(seed):
    indptr, indices, _, X = drawn(seed)
    d = X.shape[1]
    nearest = np.full(d, d, dtype=np.int32)
    fm_rows.next_columns(indptr, indices, nearest)
    has = X.toarray() != 0
    wanted = [
        min((b for row in has[has[:, a]] for b in np.flatnonzero(row) if b > a), default=d)
        for a in range(d)
    ]
    np.testing.assert_array_equal(nearest, wanted)


@given(seed=st.integers(0, 1000), inner=st.lists(st.integers(0, 12), max_size=4))
def test_parts_of_rows_begin_at_the_first_column_of_the_part(seed, inner):
    indptr, indices, _, X = drawn(seed)
    cuts = np.array([0, *sorted(inner), X.shape[1]], dtype=np.int64)
    parts = len(cuts) - 1
    for stored in (indices, indices[:0]):
        starts = indptr if len(stored) else np.zeros_like(indptr)
        out = np.empty(X.shape[0] * parts + 1, dtype=np.int64)
        fm_rows.part_starts(starts, stored, cuts, out)
        wanted = [
            begin + np.searchsorted(stored[begin:end], cuts[part]) if part else begin
            for begin, end in itertools.pairwise(starts)
            for part in range(parts)
        ]
        np.testing.assert_array_equal(out, [*wanted, starts[-1]])
