"""The rows or the columns of a matrix, as lines for kernels.

Kernels read the caller's values where possible. Rows that must be scaled column by column, columns
of CSR, and dense columns are copies, in the type of the values.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from algos._common.arrays import Float64Array, Int64Array
from algos._common.row_key import row_keys
from algos._cython.linear_lines import Lines
from algos.linear_learner.problem import Problem, Rows

_BLOCK = 1 << 23  # bytes of columns that are gathered at a time
_EXTREME = 1e60  # of a unit, beyond which squares of values might overflow
_KEY = np.array([0x6C696E65, 0x61726C65], dtype=np.uint64)


def matrix_of(rows: Rows) -> Any:
    """Return the matrix behind rows: an array, or CSR without duplicates."""
    return _canonical(rows.X)  # type: ignore[attr-defined]


def _canonical(X: Any) -> Any:
    if sparse.issparse(X) and not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X


class Distinct(NamedTuple):
    """Distinct rows, in an order that depends on their content only.

    Attributes
    ----------
    rows : ndarray of shape (m,), dtype int64
        Index of the first copy of each.
    weight : ndarray of shape (n,)
        Total weight of all copies, at the first copy; 0 at the others.
    """

    rows: Int64Array
    weight: Float64Array


def distinct_rows(problem: Problem) -> Distinct:
    """Merge rows of equal content and target, so that a sweep visits each only once."""
    X = matrix_of(problem.rows)
    keys = row_keys(X, _KEY, problem.target, n_threads=problem.rows.n_threads)
    order = np.argsort(keys, kind="stable")
    is_first = np.empty(len(keys), dtype=bool)
    is_first[:1], is_first[1:] = True, np.diff(keys[order]) != 0
    first = order[is_first]
    if len(first) == len(keys):
        return Distinct(order, problem.weight)
    runs = np.diff(np.append(np.flatnonzero(is_first), len(keys)))
    weight = np.zeros(len(keys))
    np.add.at(weight, np.repeat(first, runs), problem.weight[order])
    return Distinct(first, weight)


class ScaledRows(NamedTuple):
    """Rows in units in which the L2 penalty is the same for each column.

    Attributes
    ----------
    lines : Lines
    factor : ndarray of shape (d,)
        Factor of the columns from solver units; at most 1.
    strength : float
        The penalty of a column in these units.
    spanned : ndarray of shape (n, m), default=None
        The rows in m <= n coordinates with the same inner products, if `lines` are these.
    """

    lines: Lines
    factor: Float64Array
    strength: float
    spanned: Float64Array | None = None

    def serves(self, l2: Float64Array) -> bool:
        """Whether another penalty is a multiple of the one that these rows were made for."""
        shape = l2 * self.factor**2
        return bool(np.all(np.abs(shape - shape[0]) <= 1e-14 * shape[0]))


def scaled_rows(rows: Rows, l2: Float64Array) -> ScaledRows:
    """Return rows for dual coordinate descent; l2 must be positive."""
    X = matrix_of(rows)
    strength = float(l2.min() if len(l2) else 1.0)
    per_value = 1 / np.maximum(rows.scale * np.sqrt(l2), np.finfo(np.float64).tiny)
    unit = per_value.max(initial=0.0)
    is_alike = np.all(np.abs(per_value - unit) <= 1e-15 * unit)
    if is_alike and 1 / _EXTREME < unit < _EXTREME and not rows.shift.any():
        return ScaledRows(_lines(X, X.shape[1]), rows.scale, 1 / unit**2)
    factor = np.sqrt(strength / l2)
    per_value = factor / np.maximum(rows.scale, np.finfo(np.float64).tiny)
    if sparse.issparse(X):
        values = X.data * per_value[X.indices].astype(X.dtype, copy=False)
        return ScaledRows(Lines(values, X.indices, X.indptr, X.shape[1]), factor, strength)
    scaled = ((X - rows.shift) * per_value).astype(X.dtype, order="C", copy=False)
    return ScaledRows(_lines(scaled, X.shape[1]), factor, strength)


def spanned_rows(rows: Rows, l2: Float64Array) -> ScaledRows:
    """Return dense rows as `scaled_rows` does, in coordinates of the space that they span.

    With fewer rows than columns, each of many sweeps then costs n² instead of n d, after n² d
    operations once. Sweeps only use inner products of rows, which are the same up to rounding.
    """
    strength = float(l2.min())
    factor = np.sqrt(strength / l2)
    per_value = factor / np.maximum(rows.scale, np.finfo(np.float64).tiny)
    products = np.zeros((rows.n, rows.n))
    step = max(1, _BLOCK // (products.itemsize * rows.n))
    X = matrix_of(rows)
    for start in range(0, rows.d, step):
        some = slice(start, start + step)
        part = (X[:, some] - rows.shift[some]) * per_value[some]
        products += part @ part.T
    lower, pivots, rank, _ = lapack.dpstrf(products.T, lower=1, overwrite_a=1)
    spanned = np.zeros((rows.n, max(rank, 1)))
    spanned[pivots - 1, :rank] = np.tril(lower)[:, :rank]
    return ScaledRows(_lines(spanned, spanned.shape[1]), factor, strength, spanned)


class ScaledColumns(NamedTuple):
    """Columns as lines, and their scale in solver units: CSC keeps its values."""

    lines: Lines
    scale: Float64Array


def columns_of(rows: Rows) -> ScaledColumns:
    """Return the columns: CSC without scaling, dense ones shifted and scaled."""
    if rows.is_sparse:
        X, scale = rows.moderate  # type: ignore[attr-defined]
        return ScaledColumns(_lines(_canonical(X).tocsc(), rows.n), scale)
    X = matrix_of(rows)
    scaled = ((X - rows.shift) / rows.scale).astype(X.dtype, copy=False)
    return ScaledColumns(_lines(scaled.T, rows.n), np.ones(rows.d))


def _lines(X: Any, length: int) -> Lines:
    if sparse.issparse(X):
        return Lines(X.data, X.indices, X.indptr, length)
    return Lines(np.ascontiguousarray(X), None, None, length)
