"""The posterior mean model, ready to score rows of X.

It has more factors than one draw. So it stores parameters only for the columns seen in training,
and a row of zeros for all others, in the units of X: scoring a row of X needs only look-ups.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algos._common.arrays import Float64Array
from algos.factorization_machine.machine import Machine
from algos.factorization_machine.posterior import Draws
from algos.factorization_machine.rows import Columns, Rows
from algos.factorization_machine.scoring import scores
from algos.factorization_machine.targets import Unit

_DENSE_ENOUGH = 4  # columns of X per known column up to which all columns get parameters


@dataclass(frozen=True)
class PosteriorMean:
    """The mean model of a posterior, in the units of X.

    Attributes
    ----------
    intercept : float
    linear : ndarray of shape (n_known,)
    factors : ndarray of shape (n_known, rank)
    places : ndarray of shape (d,), int32, or None
        The place of each column's parameters, 0 for columns without; None if the parameters are
        in the order of the columns.
    """

    intercept: float
    linear: NDArray[Any]
    factors: NDArray[Any]
    places: NDArray[np.int32] | None

    @classmethod
    def of(cls, draws: Draws, columns: Columns, unit: Unit, *, single: bool) -> PosteriorMean:
        """Return the mean of draws, in float32 if `single` or if no column has a scale."""
        machine = Machine(draws.mean_intercept, draws.mean_linear, draws.mean_factors)
        single = single or columns.scale is None
        known = columns.places
        if known is None or columns.d <= _DENSE_ENOUGH * len(known):
            return cls(*machine.in_units(columns, unit, single=single), None)
        own = replace(columns, d=len(known), places=None)
        intercept, linear, factors = machine.in_units(own, unit, single=single)
        places = np.zeros(columns.d, dtype=np.int32)
        places[known] = np.arange(1, len(known) + 1, dtype=np.int32)
        return cls(intercept, _after_zero(linear), _after_zero(factors), places)

    def scores(self, X: Any, n_threads: int) -> Float64Array:
        """Return the mean score of each row of an array or of a canonical CSR matrix."""
        rows = X
        if self.places is not None:
            X = X if sparse.issparse(X) else sparse.csr_array(X)
            starts = X.indptr.astype(np.int64, copy=False)
            rows = Rows(starts, self.places[X.indices], X.data, len(self.linear))
        return scores(rows, self.intercept, self.linear, self.factors, n_threads)


def _after_zero(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return the numbers after a row of zeros."""
    return np.concatenate([np.zeros((1, *numbers.shape[1:]), numbers.dtype), numbers])
