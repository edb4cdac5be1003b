"""CSR rows in the solver's units, without a scaled copy."""

from __future__ import annotations

from typing import Any

import numpy as np

from algos._common.arrays import Float64Array, IndexArray
from algos._common.csr import csr_rows
from algos._common.memory import require_memory
from algos._common.scale import with_values
from algos._cython._csr import CsrRows
from algos._cython.linear_decision import sparse_decision
from algos._cython.linear_gram import sparse_gram
from algos._cython.linear_sparse_pass import sparse_cross, sparse_pass
from algos.linear_learner.dense_rows import AnyRows, Exponents, over_power_of_two
from algos.linear_learner.losses import Loss
from algos.linear_learner.problem import Evaluation


class SparseRows(AnyRows):
    """Rows x = X / scale of a CSR matrix X, which may have been shifted.

    Parameters
    ----------
    X : csr_array or csr_matrix of shape (n, d), float32 or float64
        In canonical format.
    scale : ndarray of shape (d,), float64
        Positive.
    n_threads : int
    exponents : ndarray of shape (d,), int, or 0
        Passes are over a copy whose columns are those of X / 2**exponents; for 0, over X
        itself.
    shift : ndarray of shape (d,), float64, default=None
        The shift that was subtracted from the user's X; None is zeros.
    checked : CsrRows, default=None
        The rows that passes are over, if they have been made.

    Attributes
    ----------
    stored : ndarray of shape (d,), or None
        For each column the weight of the rows that store a value there, by the weights given to
        `make_rows`, if that has made the rows.
    """

    is_sparse = True
    stored: Float64Array | None = None

    def __init__(
        self,
        X: Any,
        scale: Float64Array,
        n_threads: int,
        exponents: Exponents = 0,
        shift: Float64Array | None = None,
        *,
        checked: CsrRows | None = None,
    ) -> None:
        if checked is None:
            checked = csr_rows(over_power_of_two(X, exponents))
        self._rows = checked
        shift = np.zeros(X.shape[1]) if shift is None else shift
        super().__init__(X, shift, scale, n_threads, exponents)

    @property
    def moderate(self) -> tuple[Any, Float64Array]:
        """The matrix that passes are over, whose squares do not overflow, and its scale."""
        return over_power_of_two(self.X, self._exponents), self._scale

    def in_units(self, shift: Float64Array, scale: Float64Array) -> SparseRows:
        """Return the same rows with another scale and the same shift."""
        return super().in_units(self.shift, scale)

    def filled(self, weight: Float64Array | None = None) -> Float64Array:
        """Return for each column of X the sum of the weights of rows that are not 0 there."""
        X = self.X
        own = None if weight is None else np.repeat(weight, np.diff(X.indptr))
        if not X.data.all():  # a shift may have made values zero
            is_filled = (X.data != 0) | (np.take(self.shift, X.indices) != 0)
            own = (1.0 if own is None else own) * is_filled
        return np.bincount(X.indices, own, minlength=self.d).astype(np.float64, copy=False)

    def measured_filled(self, weight: Float64Array) -> Float64Array:
        """Return `filled` for the weights given to `make_rows`, usually without another pass."""
        if self.stored is not None and self.X.data.all():
            return self.stored
        return self.filled(weight)

    def decision(self, coef: Float64Array, intercept: Float64Array) -> Float64Array:
        """Return x·coef + intercept, of shape (n, k), for coef (k, d), intercept (k,)."""
        out = np.empty((self.n, len(coef)))
        sparse_decision(
            self._rows, np.ascontiguousarray(coef / self._scale),
            np.ascontiguousarray(intercept), out, self.n_threads,
        )  # fmt: skip
        return out

    def evaluate(
        self,
        coef: Float64Array,
        intercept: Float64Array,
        target: Float64Array,
        weight: Float64Array,
        loss: Loss,
    ) -> Evaluation:
        """Return the losses and gradients of m models, for coef (m, n_outputs, d)."""
        m, k, _ = coef.shape
        gradient, sums = np.empty(coef.shape), np.empty(m + m * k)
        sparse_pass(
            self._rows, self._scale, np.ascontiguousarray(coef), np.ascontiguousarray(intercept),
            target.reshape(self.n, -1), weight, loss.code, loss.parameter, gradient, sums,
            self.n_threads,
        )  # fmt: skip
        return Evaluation(sums[:m], gradient, sums[m:].reshape(m, k))

    def gram(self, weight: Float64Array) -> Float64Array:
        """Return Σ weight_i (x_i, 1)(x_i, 1)', of shape (d + 1, d + 1); weights may be 0."""
        d = self.d
        require_memory(
            16 * (d + 1) ** 2,
            f"the products of {d} columns with each other",
            "use a solver that does not need them",
        )
        products = np.empty((d, d))
        sparse_gram(self._rows, weight, self._shares(), products, self.n_threads)
        products /= self._scale
        products /= self._scale[:, np.newaxis]
        out = np.empty((d + 1, d + 1))
        upper = np.triu(products)
        out[:d, :d] = upper + np.triu(products, 1).T
        out[d] = out[:, d] = self.cross(weight[:, np.newaxis])[0]
        return out

    def cross(self, values: Float64Array) -> Float64Array:
        """Return Σ values_i (x_i, 1)', of shape (k, d + 1), for values (n, k)."""
        k = values.shape[1]
        products, sums = np.empty((k, self.d)), np.empty(2 * k)
        sparse_cross(
            self._rows, self._scale, np.ascontiguousarray(values), products, sums, self.n_threads
        )
        return np.concatenate([products, sums[k:, np.newaxis]], axis=1)

    def in_double(self) -> SparseRows:
        """Return the same rows in double precision."""
        X = with_values(self.X, self.X.data.astype(np.float64))
        return SparseRows(X, self.scale, self.n_threads, self._exponents, self.shift)

    def subset(self, indices: IndexArray) -> SparseRows:
        """Return the rows of those indices, gathered into a copy; same scale."""
        X = self.X[indices]
        return SparseRows(X, self.scale, self.n_threads, self._exponents, self.shift)

    def _shares(self) -> IndexArray:
        """Return bounds that divide the columns into parts of equal work."""
        n_parts = 4 * self.n_threads if self.n_threads > 1 else 1
        if n_parts == 1:
            return np.array([0, self.d], dtype=np.intp)
        counts = np.bincount(self.X.indices, minlength=self.d)
        later = 1 - np.cumsum(counts) / max(counts.sum(), 1)
        work = np.cumsum(counts * later + 1)
        cuts = np.searchsorted(work, np.arange(1, n_parts) / n_parts * work[-1])
        return np.concatenate([[0], cuts, [self.d]]).astype(np.intp)
