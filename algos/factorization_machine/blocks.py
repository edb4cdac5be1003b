"""The state of block updates: a model, its rows by row and by column, and its errors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algos._common.arrays import Float64Array
from algos._common.memory import require_memory
from algos._common.random import Key
from algos._cython.fm_block import Block, group_moments
from algos._cython.fm_errors import error_sums, stretch_errors, stretch_sums
from algos.factorization_machine.fields import Bounds, Groups, find_runs
from algos.factorization_machine.rows import Rows

# Sums of rows are stored if rows have more values than _SHORT on average; if that takes more
# than _MUCH memory, only for rows above _MEDIUM, where recomputing them would take long.
_SHORT, _MEDIUM = 3, 16
_MUCH = 1 << 32  # bytes


class Sweeper:
    """A factorization machine under block updates.

    Parameters
    ----------
    rows : Rows
    fields : ndarray of shape (n_fields + 1,)
    linear : ndarray of shape (n_columns,)
    factors : ndarray of shape (n_columns, n_factors)
    intercept : float
    dtype : dtype
        Type of parameters and errors, float32 or float64.
    n_threads : int

    Attributes
    ----------
    intercept : float
    linear : ndarray of shape (n_columns,)
    errors : ndarray of shape (n,)
        Target minus score; the target is that of the last `aim`.
    """

    def __init__(
        self,
        rows: Rows,
        fields: Bounds,
        intercept: float,
        linear: NDArray[Any],
        factors: NDArray[Any],
        *,
        dtype: Any,
        n_threads: int,
    ) -> None:
        d, k = factors.shape
        self.k, self.n_threads, self.dtype = k, n_threads, np.dtype(dtype)
        stride = max(-(-k // 8) * 8, 8)
        keeps_sums = _keeps_sums(rows, stride * self.dtype.itemsize)
        _require_room(rows, d, stride, keeps_sums, self.dtype.itemsize)
        self.intercept = float(intercept)
        self.linear = np.array(linear, dtype=dtype)
        self._factors = np.zeros((d, stride), dtype=dtype)
        self._factors[:, :k] = factors
        self.errors = np.zeros(rows.n, dtype=dtype)
        self._sums = np.empty((rows.n, stride), dtype=dtype) if keeps_sums else None
        values = None if rows.values is None else rows.values.astype(dtype, copy=False)
        starts, owners, places = _columns_of(rows)
        self._block = Block(
            rows.indptr, rows.indices, values,
            starts, owners, None if values is None else values[places],
            _partners(rows, places), *find_runs(fields, starts),
            self._factors, self.linear, self.errors, self._sums, k,
        )  # fmt: skip
        self._target: NDArray[Any] | None = None
        self._weight: tuple[Any, Any] = (None, None)  # as given, and converted

    @property
    def factors(self) -> NDArray[Any]:
        """Factors, of shape (n_columns, n_factors); a view."""
        return self._factors[:, : self.k]

    def scores(self) -> NDArray[Any]:
        """Return the rows' scores."""
        if self._target is None:
            self.aim(np.zeros_like(self.errors))
        assert self._target is not None
        return self._target - self.errors

    def aim(self, target: NDArray[Any], scores: NDArray[Any] | None = None) -> None:
        """Set the targets; without scores, recompute all errors from the parameters."""
        target = target.astype(self.dtype, copy=False)
        if scores is None:
            self._block.restore(target, self.intercept, self.n_threads)
        elif target is not self._target:
            np.subtract(target, scores, out=self.errors)
        self._target = target

    def error_sums(self, weight: NDArray[Any] | None) -> tuple[float, float, float]:
        """Return the sums of weights, of weighted errors and of weighted squared errors."""
        return error_sums(self.errors, self._own(weight), self.n_threads)

    def shift(self, step: float) -> None:
        """Add to the intercept."""
        self.intercept += step
        self.errors -= self.dtype.type(step)

    def stretch_sums(self, weight: NDArray[Any] | None) -> tuple[float, float]:
        """Return Σ w g² and Σ w g e, where g is the score minus the intercept, e the error."""
        assert self._target is not None
        own = self._own(weight)
        return stretch_sums(self._target, self.errors, own, self.intercept, self.n_threads)

    def stretch(self, scale: float) -> None:
        """Multiply all scores minus the intercept by `scale`, via coefficients and factors."""
        assert self._target is not None
        root = self.dtype.type(np.sqrt(scale))
        self.linear *= self.dtype.type(scale)
        self._factors *= root
        if self._sums is not None:
            self._sums *= root
        stretch_errors(self._target, self.errors, self.intercept, scale, self.n_threads)

    def sweep(
        self,
        weight: NDArray[Any] | None,
        precision: float,
        groups: Groups,
        means: Float64Array,
        penalties: Float64Array,
        key: Key | None = None,
        sweep: int = 0,
    ) -> None:
        """Update all columns once: draw them, or without a key move them to their optimum.

        Parameters
        ----------
        weight : ndarray of shape (n,), or None
        precision : float
            The precision of a row is this times its weight.
        groups : ndarray of shape (n_columns,)
        means, penalties : ndarray of shape (n_groups, n_factors + 1)
            Means and precisions of the priors, of the linear terms last.
        key : ndarray of shape (2,), or None
        sweep : int
            Number of the sweep, which names the random stream.
        """
        self._block.sweep(
            self._own(weight), groups, means, penalties, key, precision, sweep, self.n_threads
        )

    def _own(self, weight: NDArray[Any] | None) -> NDArray[Any] | None:
        """Return weights in the errors' type, converted once for the same array."""
        if weight is not self._weight[0]:
            own = None if weight is None else weight.astype(self.dtype, copy=False)
            self._weight = weight, own
        own = self._weight[1]
        return own

    def moments(self, groups: Groups, centers: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Return each group's sums of parameters minus centers, and of their squares."""
        sums, squares = np.empty_like(centers), np.empty_like(centers)
        group_moments(self._factors, self.linear, groups, centers, sums, squares)
        return sums, squares


def _columns_of(rows: Rows) -> tuple[Bounds, NDArray[np.int32], NDArray[np.int32 | np.int64]]:
    """Return (starts, rows, places among the rows' values) of the entries of each column."""
    index = np.int32 if rows.stored < 2**31 else np.int64
    places = np.arange(rows.stored, dtype=index)
    by_row = sparse.csr_array((places, rows.indices, rows.indptr), shape=(rows.n, rows.n_columns))
    by_column = by_row.tocsc()
    return (
        by_column.indptr.astype(np.int64),
        by_column.indices.astype(np.int32, copy=False),
        by_column.data,
    )


def _partners(rows: Rows, places: NDArray[Any]) -> NDArray[np.int32] | None:
    """Return the other column of each entry's row if all rows hold two ones, else None."""
    if rows.values is not None or rows.stored != 2 * rows.n or np.any(np.diff(rows.indptr) != 2):
        return None
    return rows.indices[places ^ 1]


def _keeps_sums(rows: Rows, row_bytes: int) -> bool:
    least = _SHORT if rows.n * row_bytes <= _MUCH else _MEDIUM
    return rows.stored > least * rows.n


def _require_room(rows: Rows, d: int, stride: int, keeps_sums: bool, itemsize: int) -> None:
    numbers = d * (stride + 1) + 2 * rows.n + (rows.n * stride if keeps_sums else 0)
    require_memory(
        numbers * itemsize + 24 * rows.stored,
        f"Block updates of {stride} factors over {rows.n} rows",
        'use fewer factors or solver="adagrad"',
    )
