"""Rows as solvers see them: in canonical order, with only the columns that occur.

Copies, shuffled rows and weights give the same arrays, so random numbers of a solver may depend
on the position of a row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algos._common.arrays import Float64Array, IndexArray, Int64Array
from algos._common.csr import canonical
from algos._common.row_key import row_keys
from algos._cython import fm_rows

# The order of rows is the same for every seed.
_KEY = np.array([0xFAC702, 0x12E5], dtype=np.uint64)
_MANY_COLUMNS = 8  # columns per value from which on a search is cheaper than a look-up table
_ONE, _SINGLE_ONE = 1e-12, 1e-6  # tolerances within which scaled values count as 1
# Columns with smaller values are not scaled, and have next to no effect: in their units the
# coefficients for targets beyond some 1e25 would overflow.
_LEAST_SCALE = 1e-280
# In a scaled column. Only rows of relatively little weight have larger values, for which squared
# products of two would overflow float32.
LARGEST_VALUE = 1e6
_LEAST_SHARE = 1e-60  # least scale relative to a column's largest value, so that scores are finite
_LINE = 64  # bytes of a cache line
_MOSTLY_ZEROS = 0.1  # share of nonzero values below which rows are mostly zeros


def power_of_two(values: NDArray[Any]) -> float:
    """Return the largest power of two up to the largest magnitude: division by it is exact."""
    largest = float(np.abs(values).max(initial=0.0))
    return math.ldexp(1.0, max(math.frexp(largest)[1] - 1, -1022))


@dataclass(frozen=True)
class Rows:
    """CSR rows, as kernels need them.

    Attributes
    ----------
    indptr : ndarray of shape (n + 1,), int64
    indices : ndarray of shape (stored,), int32
        Ascending in each row.
    values : ndarray of shape (stored,), float32 or float64, or None
        None where all are 1.
    n_columns : int
    """

    indptr: Int64Array
    indices: NDArray[np.int32]
    values: NDArray[Any] | None
    n_columns: int

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.indptr) - 1

    @property
    def stored(self) -> int:
        """Number of stored values."""
        return int(self.indptr[-1])

    @property
    def is_mostly_zeros(self) -> bool:
        """Whether less than a tenth of the entries are nonzero, as with one-hot columns."""
        return self.stored < _MOSTLY_ZEROS * self.n * self.n_columns

    def mass(self) -> Float64Array:
        """Return each column's sum of squares, up to a common factor that avoids overflow."""
        squares = None
        if self.values is not None:
            squares = (self.values.astype(np.float64) / power_of_two(self.values)) ** 2
        return np.bincount(self.indices, squares, self.n_columns).astype(np.float64)

    def counts(self) -> Int64Array:
        """Return the number of each column's values."""
        counts = np.zeros(self.n_columns, dtype=np.int64)
        fm_rows.count_columns(self.indices, counts)
        return counts

    def between(self, start: int, stop: int) -> Rows:
        """Return the rows from `start` to `stop`, without copying their values."""
        indptr = self.indptr[start : stop + 1]
        inner = slice(int(indptr[0]), int(indptr[-1]))
        values = None if self.values is None else self.values[inner]
        return Rows(indptr - indptr[0], self.indices[inner], values, self.n_columns)

    def take(self, places: IndexArray, *, n_threads: int = 1) -> Rows:
        """Return the rows at these places, in this order."""
        indptr = np.zeros(len(places) + 1, dtype=np.int64)
        np.cumsum(self.indptr[places + 1] - self.indptr[places], out=indptr[1:])
        indices = np.empty(indptr[-1], dtype=np.int32)
        values = None if self.values is None else np.empty(indptr[-1], self.values.dtype)
        fm_rows.gather_rows(
            self.indptr, self.indices, self.values, places, indptr, indices, values, n_threads
        )
        return Rows(indptr, indices, values, self.n_columns)


def aligned_zeros(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Return zeros that start at a cache line, so that rows of a line's length lie in one.

    Memory is committed only where it is written.
    """
    dtype = np.dtype(dtype)
    size, extra = int(np.prod(shape)), _LINE // dtype.itemsize
    room = np.zeros(size + extra, dtype=dtype)
    first = -room.ctypes.data % _LINE // dtype.itemsize
    return room[first : first + size].reshape(shape)


@dataclass(frozen=True)
class Columns:
    """The columns that solvers see, and their units.

    Attributes
    ----------
    d : int
        Number of columns of X.
    places : ndarray of shape (n_columns,), int64, or None
        The columns of X that hold a value, ascending; None for all.
    scale : ndarray of shape (n_columns,), float64, or None
        The root mean square of the values, by which they were divided; None for 1.
    """

    d: int
    places: Int64Array | None = None
    scale: Float64Array | None = None

    def spread(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Return values for all columns of X from (n_columns, …), zero for the others."""
        if self.places is None:
            return numbers
        whole = aligned_zeros((self.d, *numbers.shape[1:]), numbers.dtype)
        whole[self.places] = numbers
        return whole

    def gathered(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Return values for the columns that solvers see, from (d, …)."""
        return numbers if self.places is None else numbers[self.places]

    def in_units_of_x(self, numbers: Float64Array, unit: float) -> Float64Array:
        """Return `unit` times coefficients or factors (n_columns, …), in the units of X."""
        if self.scale is None:
            return numbers * unit
        root = np.sqrt(unit) / np.sqrt(self.scale)  # whose square may overflow
        root = root.reshape(-1, *[1] * (numbers.ndim - 1))
        return numbers * root * root

    def in_units_of_solver(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Undo `in_units_of_x`."""
        if self.scale is None:
            return numbers
        return numbers * self.scale.reshape(-1, *[1] * (numbers.ndim - 1))

    def rows(self, X: Any) -> Rows:
        """Return the rows of X in their order, with only the columns seen in training."""
        values, indices, indptr = csr_arrays(X)
        if self.places is not None:
            found = np.searchsorted(self.places, indices)
            found[found == len(self.places)] = 0
            is_known = self.places[found] == indices if len(self.places) else found < 0
            if not is_known.all():
                owner = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))[is_known]
                indptr = np.zeros_like(indptr)
                np.cumsum(np.bincount(owner, minlength=len(indptr) - 1), out=indptr[1:])
                values, found = values[is_known], found[is_known]
            indices = found.astype(np.int32)
        n_columns = self.d if self.places is None else len(self.places)
        return _in_units(Rows(indptr, indices, values, n_columns), self.scale)


@dataclass(frozen=True)
class Table:
    """Rows with their targets and weights, in canonical order.

    Attributes
    ----------
    rows : Rows
    target : ndarray of shape (n,), float64
    weight : ndarray of shape (n,), float64
        Positive; equal rows are merged, with the sum of their weights.
    n_rows : ndarray of shape (n,), int64
        Number of the caller's rows that have been merged into each row.
    keys : ndarray of shape (n,), uint64
        Hashes of rows and targets.
    columns : Columns
    groups : ndarray of shape (n,), or None
        For ranking: the user or query of each row.
    """

    rows: Rows
    target: Float64Array
    weight: Float64Array
    n_rows: Int64Array
    keys: NDArray[np.uint64]
    columns: Columns
    groups: Int64Array | None = None

    @property
    def has_whole_weights(self) -> bool:
        """Whether all weights are integers."""
        return bool(np.all(self.weight == np.rint(self.weight)))

    def take(self, places: IndexArray) -> Table:
        """Return the rows at these places; all columns are kept."""
        return replace(
            self,
            rows=self.rows.take(places),
            target=self.target[places],
            weight=self.weight[places],
            n_rows=self.n_rows[places],
            keys=self.keys[places],
            groups=None if self.groups is None else self.groups[places],
        )


def csr_arrays(X: Any) -> tuple[NDArray[Any], NDArray[np.int32], Int64Array]:
    """Return (values, indices, indptr) of the nonzero values of an array or matrix."""
    if not sparse.issparse(X):
        X = sparse.csr_array(X)
    X = canonical(X)
    stored = int(X.indptr[-1])
    if stored and not X.data[:stored].all():
        X = X.copy()
        X.eliminate_zeros()
        stored = int(X.indptr[-1])
    indices = X.indices[:stored].astype(np.int32, copy=False)
    return X.data[:stored], indices, X.indptr.astype(np.int64, copy=False)


def training_table(
    X: Any,
    target: Float64Array,
    weight: Float64Array | None,
    *,
    groups: Int64Array | None = None,
    renumbers: bool = True,
    scales: bool = True,
    n_threads: int = 1,
) -> Table:
    """Return rows in canonical order: by first column, then by a hash of row and target.

    Rows of weight zero are left out; equal rows with equal targets (and groups) are merged.

    Parameters
    ----------
    X : array or CSR matrix of shape (n, d), finite
    target : ndarray of shape (n,)
    weight : ndarray of shape (n,), or None
    groups : ndarray of shape (n,), default=None
    renumbers : bool, default=True
        Whether columns without a value are left out.
    scales : bool, default=True
        Whether columns are divided by the root mean square of their stored values; larger values
        are then clipped to `LARGEST_VALUE`.
    n_threads : int, default=1
    """
    if weight is not None and not np.all(weight > 0):
        kept = np.flatnonzero(weight > 0)
        X = X.tocsr()[kept] if sparse.issparse(X) else X[kept]
        target, weight = target[kept], weight[kept]
        groups = None if groups is None else groups[kept]
    values, indices, indptr = csr_arrays(X)
    d = int(X.shape[1])
    places = used_columns(indices, d) if renumbers else None
    if places is not None:
        indices = _renumbered(indices, places, d)
    n_columns = d if places is None else len(places)
    rows = Rows(indptr, indices, values, n_columns)
    keys = keys_of_rows(rows, target, groups, n_threads)
    order, first = _order(rows, keys, weight)
    total = _merged(weight, order, first)
    kept = order[first]
    rows = rows.take(kept, n_threads=n_threads)
    scale = column_scale(rows, total) if scales else None
    columns = Columns(d, places, scale)
    rows = _in_units(rows, scale, n_threads, LARGEST_VALUE)
    return Table(
        rows,
        target[kept],
        total,
        np.diff(first, append=len(order)),
        keys[kept],
        columns,
        None if groups is None else groups[kept],
    )


def used_columns(indices: NDArray[np.int32], d: int) -> Int64Array | None:
    """Return the columns that hold a value, or None if all do."""
    if d > _MANY_COLUMNS * len(indices):
        return np.unique(indices).astype(np.int64)
    is_used = np.zeros(d, dtype=np.int8)
    fm_rows.mark_columns(indices, is_used)
    return None if is_used.all() else np.flatnonzero(is_used)


def _renumbered(indices: NDArray[np.int32], places: Int64Array, d: int) -> NDArray[np.int32]:
    if d > _MANY_COLUMNS * len(indices):
        return np.searchsorted(places, indices).astype(np.int32)
    number = np.zeros(d, dtype=np.int32)
    number[places] = np.arange(len(places), dtype=np.int32)
    renumbered = np.empty_like(indices)
    fm_rows.renumber(indices, number, renumbered)
    return renumbered


def keys_of_rows(
    rows: Rows, target: Float64Array, groups: Int64Array | None, n_threads: int
) -> NDArray[np.uint64]:
    # Hashing needs one index type; the longer array is copied only if it must be.
    index = np.int32 if rows.stored < 2**31 else np.int64
    values = np.ones(rows.stored, np.float32) if rows.values is None else rows.values
    arrays = values, rows.indices.astype(index, copy=False), rows.indptr.astype(index)
    X = sparse.csr_array(arrays, shape=(rows.n, rows.n_columns))
    X.has_canonical_format = True
    keys = row_keys(X, _KEY, target, n_threads=n_threads)
    if groups is not None:
        keys = (keys ^ groups.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
    return keys


def _order(
    rows: Rows, keys: NDArray[np.uint64], weight: Float64Array | None
) -> tuple[IndexArray, IndexArray]:
    """Return the order of the rows, and the places in it where a new distinct row begins."""
    first_column = np.full(rows.n, rows.n_columns, dtype=np.int64)
    has_value = np.flatnonzero(np.diff(rows.indptr))
    first_column[has_value] = rows.indices[rows.indptr[has_value]]
    bits = int(rows.n_columns).bit_length() + 1
    # A single sort key; three where it has ties of different rows, or copies need an order.
    joint = (first_column.astype(np.uint64) << np.uint64(64 - bits)) | (keys >> np.uint64(bits))
    order = np.argsort(joint)
    is_new = np.diff(keys[order], prepend=~keys[order[:1]]) != 0
    alike = np.flatnonzero(np.diff(joint[order]) == 0) + 1
    if len(alike) and (weight is not None or is_new[alike].any()):
        others = () if weight is None else (weight,)
        order = np.lexsort((*others, keys, first_column))
        is_new = np.diff(keys[order], prepend=~keys[order[:1]]) != 0
    return order, np.flatnonzero(is_new)


def _merged(weight: Float64Array | None, order: IndexArray, first: IndexArray) -> Float64Array:
    if weight is None:
        return np.diff(first, append=len(order)).astype(np.float64)
    if len(first) == len(order):
        return weight[order]
    sums: Float64Array = np.add.reduceat(weight[order], first)
    return sums


def column_scale(rows: Rows, weight: Float64Array) -> Float64Array | None:
    """Return the root mean square of each column's stored values; None if all are 1."""
    if rows.values is None or not rows.stored:
        return None
    if np.all(np.abs(rows.values) == 1):
        return None
    peak, total, squares = np.zeros((3, rows.n_columns))
    fm_rows.column_peaks(rows.indices, rows.values, peak)
    peak[peak == 0] = 1.0
    fm_rows.column_squares(
        rows.indptr, rows.indices, rows.values, weight / weight.max(), peak, total, squares
    )
    is_nothing = total == 0  # weights that vanish beside the largest
    squares[is_nothing] = total[is_nothing] = 1.0
    scale = peak * np.maximum(np.sqrt(squares / total), _LEAST_SHARE)
    scale[~(scale > _LEAST_SCALE)] = 1.0
    return scale


def scaled_rows(rows: Rows, scale: Float64Array) -> Rows:
    """Return rows with each column's values divided by its scale."""
    if np.all(scale == 1):
        return rows
    if rows.values is None:
        rows = replace(rows, values=np.ones(rows.stored))
    return _in_units(rows, scale)


def _in_units(
    rows: Rows, scale: Float64Array | None, n_threads: int = 1, largest: float = np.inf
) -> Rows:
    """Return rows divided by their columns' scale, in their own type, clipped to `largest`."""
    assert rows.values is not None
    if scale is not None:
        dtype = rows.values.dtype
        divided = np.empty_like(rows.values)
        fm_rows.scale_values(
            rows.indices, rows.values, scale, divided, min(largest, float(np.finfo(dtype).max)),
            _ONE if dtype == np.float64 else _SINGLE_ONE, n_threads,
        )  # fmt: skip
        rows = replace(rows, values=divided)
    return _unless_ones(rows)


def _unless_ones(rows: Rows) -> Rows:
    """Return the rows without values if all are 1."""
    if rows.values is None or not np.all(rows.values == 1):
        return rows
    return replace(rows, values=None)
