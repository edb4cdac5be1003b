"""Centred rows that are never written down: products with their scatter, pass by pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._cython.pca_power import power_step
from algos.pca.moments import Doubles, column_mean_and_squares

Floats = NDArray[Any]


class CenteredRows:
    """X less its mean, for solvers that need nothing but products.

    Attributes
    ----------
    mean : ndarray of shape (d,)
    total : float
        Sum of the squares of all centred values.
    """

    def __init__(self, X: Floats, n_threads: int) -> None:
        self.X = X
        self.n_threads = n_threads
        self.mean, squares = column_mean_and_squares(X, n_threads)
        self.total = float(squares.sum())
        self._shift: Floats = self.mean.astype(X.dtype)
        self._delta = self.mean - self._shift  # what the data's type cannot hold

    @property
    def mean_square(self) -> float:
        """Mean squared distance to the mean."""
        return self.total / len(self.X)

    @property
    def eps(self) -> float:
        """Rounding unit of the products."""
        return float(np.finfo(self.X.dtype).eps)

    def rounded(self, Q: Doubles) -> Doubles:
        """Return the rows of Q as a product sees them."""
        return Q.astype(self.X.dtype).astype(np.float64)

    def scatter_times(self, Q: Doubles) -> Doubles:
        """Return Q Xc' Xc in one pass over X; the rows of Q are vectors of length d."""
        out = np.empty(Q.shape)
        basis = np.ascontiguousarray(Q, dtype=self.X.dtype)
        power_step(self.X, self._shift, basis, out, self.n_threads)
        along = basis.astype(np.float64) @ self._delta
        return out - len(self.X) * np.outer(along, self._delta)
