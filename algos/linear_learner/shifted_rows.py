"""CSR rows with an implicit shift, with the part of `Rows` that stochastic steps need."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, IndexArray
from algos.linear_learner.losses import Loss
from algos.linear_learner.problem import Evaluation


def in_units(rows: Any, shift: Float64Array, scale: Float64Array) -> Any:
    """Return dense or CSR rows with another shift and scale."""
    if not rows.is_sparse:
        return rows.in_units(shift, scale)
    return ShiftedRows(rows.in_units(shift, scale), shift)


class ShiftedRows:
    """CSR rows in solver units with an implicit shift.

    Parameters
    ----------
    rows : SparseRows
    shift : ndarray of shape (d,)
        In the units of the data; `rows` may have been shifted already.
    """

    def __init__(self, rows: Any, shift: Float64Array) -> None:
        self._rows, self.shift = rows, shift
        self._further = (shift - rows.shift) / rows.scale
        self.scale, self.d = rows.scale, rows.d

    @property
    def dtype(self) -> Any:
        return self._rows.dtype

    def at_zero(self, coef: Float64Array, intercept: Float64Array) -> Float64Array:
        """Return the equivalent intercepts for the unshifted rows."""
        # Not with BLAS, whose threads would wait for each other longer than this takes.
        found: Float64Array = intercept - np.einsum("...d,d", coef, self._further)
        return found

    def decision(self, coef: Float64Array, intercept: Float64Array) -> Float64Array:
        found: Float64Array = self._rows.decision(coef, self.at_zero(coef, intercept))
        return found

    def evaluate(
        self,
        coef: Float64Array,
        intercept: Float64Array,
        target: Float64Array,
        weight: Float64Array,
        loss: Loss,
    ) -> Evaluation:
        at_zero = self.at_zero(coef, intercept)
        found = self._rows.evaluate(coef, at_zero, target, weight, loss)
        # The exponential of outlying rows may overflow; solvers bound such gradients.
        with np.errstate(over="ignore", invalid="ignore"):
            gradient = found.gradient - found.gradient_intercept[..., None] * self._further
        return Evaluation(found.values, gradient, found.gradient_intercept)

    def filled(self, weight: Float64Array | None = None) -> Float64Array:
        found: Float64Array = self._rows.filled(weight)
        return found

    def are_filled(self) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = self._rows.are_filled()
        return found

    def measured_filled(self, weight: Float64Array) -> Float64Array:
        found: Float64Array = self._rows.measured_filled(weight)
        return found

    def subset(self, indices: IndexArray) -> ShiftedRows:
        other = copy(self)
        other._rows = self._rows.subset(indices)
        return other
