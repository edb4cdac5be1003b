"""Columns of sparse rows that hold a value: a few thousand texts fill few columns of a hash.

An empty column keeps a coefficient of zero, but vectors of the width of X would take most of the
time of a small fit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algos._common.arrays import Float64Array, IndexArray

_WORTH_A_LOOK = 8  # values per column; with more, few columns are empty
_FEW = 0.5  # share of the columns below which only used columns are kept


class UsedColumns:
    """The columns of X that solvers use.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n, d)
    looks : bool, default=True
        False uses all columns without checking.
    known : ndarray of shape (d,), dtype bool, default=None
        Columns that are used whatever X holds.
    """

    def __init__(
        self, X: Any, *, looks: bool = True, known: NDArray[np.bool_] | None = None
    ) -> None:
        self.d = X.shape[1]
        self._places: IndexArray | None = None
        if looks and sparse.issparse(X) and X.nnz < _WORTH_A_LOOK * self.d:
            is_used = np.zeros(self.d, dtype=bool) if known is None else known.copy()
            is_used[X.indices] = True
            places = np.flatnonzero(is_used)
            if 0 < len(places) < _FEW * self.d:
                self._places = places

    @property
    def are_all(self) -> bool:
        """Whether all columns are used."""
        return self._places is None

    def of(self, X: Any) -> Any:
        """Return the rows of these columns."""
        return X if self._places is None else X[:, self._places]

    def gathered(self, values: Float64Array) -> Float64Array:
        """Return the values of the used columns, from values (..., d) of all columns."""
        return values if self._places is None else values[..., self._places]

    def spread(self, values: Float64Array) -> Float64Array:
        """Return values (..., d) of all columns, zero for those not used."""
        if self._places is None:
            return values
        spread = np.zeros((*values.shape[:-1], self.d))
        spread[..., self._places] = values
        return spread
