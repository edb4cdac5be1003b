"""Rows in solver units: columns of mean 0 and standard deviation 1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algos._common.arrays import Float64Array
from algos._common.csr import csr_rows
from algos._common.moments import column_mean_and_variance, sparse_moments_of
from algos._common.scale import with_values
from algos._cython._csr import CsrRows
from algos.linear_learner.dense_rows import DenseRows, Exponents, over_power_of_two
from algos.linear_learner.sparse_rows import SparseRows

# Exponents of 2 within which products of the rows do not overflow their type, by its bytes.
_SAFE = {4: 30, 8: 200}
# Means, in standard deviations, from which CSR columns are shifted, since squares lose digits.
_OFFSET = {4: 30.0, 8: 1000.0}


def make_rows(
    X: Any, weight: Float64Array, *, center: bool, n_threads: int
) -> DenseRows | SparseRows:
    """Return X as rows whose columns have mean 0, if `center`, and standard deviation 1.

    Columns that are constant up to rounding keep their scale. If columns have extreme magnitudes,
    the rows use a copy of X in which these columns are multiplied by powers of 2.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n, d), float32 or float64
        C-ordered, or in canonical format. CSR rows are scaled alike but not centred, except
        for columns of a large offset that store a value in each row.
    weight : ndarray of shape (n,), float64
        Positive.
    center : bool
        False does not shift columns; they then have mean square 1.
    n_threads : int

    Returns
    -------
    rows : DenseRows or SparseRows
    """
    is_sparse = sparse.issparse(X)
    checked = csr_rows(X) if is_sparse else None
    with np.errstate(over="ignore", invalid="ignore"):
        mean, variance, stored = _moments(X, checked, weight, n_threads)
        exponents = extreme_exponents(X, mean, variance, stored)
    if isinstance(exponents, np.ndarray):
        scaled = over_power_of_two(X, exponents)
        checked = csr_rows(scaled) if is_sparse else None
        mean, variance, stored = _moments(scaled, checked, weight, n_threads)
    with np.errstate(over="ignore"):  # the scale of a constant column is 2**exponent
        scale = np.ldexp(scale_of(mean, variance, center), exponents)
    scale = np.clip(scale, np.finfo(np.float64).tiny, np.finfo(np.float64).max)
    rows: DenseRows | SparseRows
    if is_sparse:
        shift = np.zeros_like(mean)
        if center:
            is_constant = _is_constant(mean, variance) & (mean != 0)
            X, shift = _without_offsets(X, np.ldexp(mean, exponents), scale, is_constant)
        same = checked if not shift.any() else None
        rows = SparseRows(X, scale, n_threads, exponents, shift, checked=same)
        rows.stored = stored
    else:
        shift = np.ldexp(mean, exponents) if center else np.zeros_like(mean)
        rows = DenseRows(X, shift, scale, n_threads, exponents)
    rows.mean, rows.variance = np.ldexp(mean, exponents), _squares(variance, exponents)
    return rows


def _without_offsets(
    X: Any, mean: Float64Array, scale: Float64Array, is_constant: NDArray[np.bool_]
) -> tuple[Any, Float64Array]:
    """Return CSR rows shifted by column means that are too large for products, and the shift.

    Constant columns become zero, as in dense rows.

    Such a column stores a value in every row: with a zero among n rows, the squared mean is
    below n times the variance.
    """
    shift = np.zeros_like(mean)
    with np.errstate(over="ignore"):
        odd = (np.abs(mean) > _OFFSET[X.dtype.itemsize] * scale) | is_constant
    if odd.any():
        odd &= np.bincount(X.indices, minlength=X.shape[1]) == X.shape[0]
    if not odd.any():
        return X, shift
    shift[odd] = mean[odd].astype(X.dtype)
    values = X.data - np.take(shift.astype(X.dtype), X.indices)
    if is_constant.any():
        values[np.take(is_constant & odd, X.indices)] = 0
    return with_values(X, values), shift


def _squares(values: Float64Array, exponents: Exponents) -> Float64Array:
    """Return values * 4**exponents, clipped to finite numbers."""
    with np.errstate(over="ignore"):
        scaled: Float64Array = np.ldexp(values, 2 * exponents)
    return np.minimum(scaled, np.finfo(np.float64).max / 4)


def _moments(
    X: Any, rows: CsrRows | None, weight: Float64Array, n_threads: int
) -> tuple[Float64Array, Float64Array, Float64Array | None]:
    """Return the columns' means, variances and, for CSR rows, the weight of stored values."""
    if rows is not None:
        return sparse_moments_of(rows, X.shape[1], weight, n_threads)
    return *column_mean_and_variance(X, weight, n_threads), None


def scale_of(mean: Float64Array, variance: Float64Array, center: bool) -> Float64Array:
    """Return standard deviations or root mean squares; 1 for columns constant up to rounding."""
    squares = np.where(_is_constant(mean, variance), 0.0, variance)
    if not center:
        squares += mean**2
    scale: Float64Array = np.sqrt(np.where(squares > 0, squares, 1.0))
    return scale


def _is_constant(mean: Float64Array, variance: Float64Array) -> NDArray[np.bool_]:
    """Return which columns are constant up to rounding."""
    return ~(variance > (10 * np.finfo(np.float64).eps * mean) ** 2)


def extreme_exponents(
    X: Any, mean: Float64Array, variance: Float64Array, stored: Float64Array | None = None
) -> Exponents:
    """Return the exponents of columns too large or too small for products, 0 if there are none."""
    limit = _SAFE[X.dtype.itemsize]
    squares = variance + mean**2
    is_odd = ~((squares >= 4.0**-limit) & (squares <= 4.0**limit))
    if stored is not None:  # hashing leaves many columns empty, which are zero and not small
        is_odd &= stored > 0
    odd = np.flatnonzero(is_odd)
    if len(odd) == 0:
        return 0
    columns = X[:, odd]
    if sparse.issparse(X):
        peak = np.maximum(columns.max(axis=0).toarray(), -columns.min(axis=0).toarray()).ravel()
    else:
        peak = np.maximum(columns.max(axis=0), -columns.min(axis=0))
    found = np.frexp(peak.astype(np.float64))[1]
    found[(np.abs(found) <= limit) | (peak == 0)] = 0
    if not found.any():
        return 0
    exponents = np.zeros(X.shape[1], dtype=np.intc)
    exponents[odd] = found
    return exponents
