"""The finiteness kernel against numpy."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp

from algos._cython.finite import all_finite

shapes = hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=9)


@given(hnp.arrays(st.sampled_from([np.float32, np.float64]), shapes))
def test_all_finite_is_numpys_answer(X):
    assert all_finite(np.ascontiguousarray(X)) == bool(np.isfinite(X).all())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("place", [0, 65_535, 65_536, 5 * (1 << 17) - 1])
@pytest.mark.parametrize("n_threads", [1, 3])
def test_one_bad_value_is_found_in_any_chunk(dtype, place, n_threads):
    X = np.zeros((5, 1 << 17), dtype=dtype)
    assert all_finite(X, n_threads)
    X.flat[place] = np.nan
    assert not all_finite(X, n_threads)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 4095, 4096, 12_344])
def test_one_bad_value_is_found_anywhere(dtype, value, place):
    X = np.full((1, 12_345), np.finfo(dtype).max, dtype=dtype)
    assert all_finite(X)
    X[0, place] = value
    assert not all_finite(X)
