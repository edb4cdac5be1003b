"""Sums of a panel's rows and third moments, against numpy."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import sparse

from algos._cython.lda_moments import add_third_moments, sum_panel_rows

LANES, RUN, UNIT = 16, 256, 2.0**-24


def padded(values):
    wide = np.zeros((len(values), -(-values.shape[1] // LANES) * LANES), np.float32)
    wide[:, : values.shape[1]] = values
    return wide


def symmetric(G):
    return G + G.transpose(0, 2, 1) + G.transpose(2, 0, 1)


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(0, 300),
    d=st.integers(1, 900),
    k=st.integers(1, 200),
    density=st.floats(0, 1),
    is_scaled=st.booleans(),
    n_threads=st.integers(1, 3),
    seed=st.integers(0, 2**31),
)
def test_sums_of_rows_equal_numpy(n, d, k, density, is_scaled, n_threads, seed):
    rng = np.random.default_rng(seed)
    X = sparse.random_array(
        (n, d), density=density, format="csr", dtype=np.float32, random_state=seed
    )
    panel = padded(rng.normal(size=(d, k)).astype(np.float32))
    scale = rng.normal(size=n) if is_scaled else None
    out = np.full((n, panel.shape[1]), np.nan, np.float32)
    indptr, indices = X.indptr.astype(np.int64), X.indices.astype(np.int32)
    sum_panel_rows(indptr, indices, X.data, panel, scale, out, n_threads)
    factor = np.ones((n, 1)) if scale is None else scale[:, None]
    dense = X.toarray().astype(np.float64)
    size = np.abs(factor) * (np.abs(dense) @ np.abs(panel.astype(np.float64)))
    error = np.abs(out - factor * (dense @ panel))
    assert np.all(error <= (min(d, RUN) + 3) * UNIT * size)
    assert np.all(out[:, k:] == 0)


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(0, 600),
    m=st.integers(1, 40),
    is_symmetric=st.booleans(),
    is_weighted=st.booleans(),
    n_threads=st.integers(1, 3),
    seed=st.integers(0, 2**31),
)
def test_third_moments_equal_numpy(n, m, is_symmetric, is_weighted, n_threads, seed):
    rng = np.random.default_rng(seed)
    y, f = (padded(rng.normal(size=(n, m)).astype(np.float32)) for _ in range(2))
    weights = rng.normal(size=n) if is_weighted else None
    before = symmetric(np.ones((m, m, m)))
    out = before.copy()
    add_third_moments(y, None if is_symmetric else f, weights, out, n_threads)
    w = np.ones(n) if weights is None else weights
    third = y if is_symmetric else f
    arrays = [a[:, :m].astype(np.float64) for a in (y, third)]
    expected = np.einsum("r,ri,rj,rl->ijl", w, arrays[0], arrays[0], arrays[1], optimize=True)
    size = np.einsum("r,ri,rj,rl->ijl", abs(w), *np.abs(arrays)[[0, 0, 1]], optimize=True)
    if not is_symmetric:
        expected, size = symmetric(expected), symmetric(size)
    assert np.all(np.abs(out - before - expected) <= (RUN + 4) * UNIT * size + 1e-14)
    for axes in [(0, 2, 1), (1, 0, 2), (2, 1, 0)]:
        np.testing.assert_array_equal(out, out.transpose(axes))


def test_same_bits_for_any_number_of_threads():
    rng = np.random.default_rng(0)
    y, f = rng.normal(size=(2, 5000, 32)).astype(np.float32)
    X = sparse.random_array((5000, 5000), density=0.02, format="csr", dtype=np.float32)
    arrays = X.indptr.astype(np.int64), X.indices.astype(np.int32), X.data
    found = []
    for n_threads in (1, 2, 3):
        third, sums = np.zeros((30, 30, 30)), np.empty((5000, 32), np.float32)
        add_third_moments(y, f, None, third, n_threads)
        sum_panel_rows(*arrays, y, None, sums, n_threads)
        found.append((third.tobytes(), sums.tobytes()))
    assert len(set(found)) == 1


def test_rows_must_be_padded():
    y = np.zeros((4, 17), np.float32)
    with pytest.raises(ValueError, match="padded"):
        add_third_moments(y, None, None, np.zeros((17, 17, 17)), 1)
    with pytest.raises(ValueError, match="padded"):
        sum_panel_rows(
            np.zeros(5, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32), y, None, y, 1
        )
