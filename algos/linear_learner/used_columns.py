"""Columns of sparse rows that hold a value: a few thousand texts fill few of a hash's columns.

A column that is empty keeps a coefficient of zero, but vectors as long as X is wide would
cost a small fit most of its time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algos.linear_learner.problem import Doubles

_WORTH_A_LOOK = 8  # values for each column: with more, few columns are empty
_FEW = 0.5  # of the columns


class UsedColumns:
    """Which columns solvers see.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n, d)
    looks : bool, default=True
        False takes all columns without looking.
    known : ndarray of shape (d,), dtype bool, default=None
        Columns that are taken whatever X holds.
    """

    def __init__(
        self, X: Any, *, looks: bool = True, known: NDArray[np.bool_] | None = None
    ) -> None:
        self.d = X.shape[1]
        self._places: NDArray[np.intp] | None = None
        if looks and sparse.issparse(X) and X.nnz < _WORTH_A_LOOK * self.d:
            is_used = np.zeros(self.d, dtype=bool) if known is None else known.copy()
            is_used[X.indices] = True
            places = np.flatnonzero(is_used)
            if 0 < len(places) < _FEW * self.d:
                self._places = places

    @property
    def are_all(self) -> bool:
        """Whether no column is left out."""
        return self._places is None

    def of(self, X: Any) -> Any:
        """Return the rows of these columns."""
        return X if self._places is None else X[:, self._places]

    def gathered(self, values: Doubles) -> Doubles:
        """Return what belongs to these columns, from numbers (..., d) of all columns."""
        return values if self._places is None else values[..., self._places]

    def spread(self, values: Doubles) -> Doubles:
        """Return numbers (..., d) of all columns: zero for the others."""
        if self._places is None:
            return values
        spread = np.zeros((*values.shape[:-1], self.d))
        spread[..., self._places] = values
        return spread
