"""CSR rows in the solver's units, which are never written down."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._cython._losses import _test_slopes, _test_softmax
from algos.linear_learner.losses import Loss
from algos.linear_learner.problem import Doubles, Evaluation
from algos.linear_learner.rows import LossesOfRows


class SparseRows(LossesOfRows):
    """Rows x = X / scale of a CSR matrix X in canonical format.

    Parameters
    ----------
    X : csr_array or csr_matrix of shape (n, d), float32 or float64
    scale : ndarray of shape (d,), float64, positive
    n_threads : int
    """

    is_sparse = True

    def __init__(self, X: Any, scale: Doubles, n_threads: int) -> None:
        self.X, self.n_threads = X, n_threads
        self.n, self.d = X.shape
        self.shift, self.scale = np.zeros(self.d), scale

    @property
    def dtype(self) -> Any:
        """Type of the data."""
        return self.X.dtype

    def decision(self, coef: Doubles, intercept: Doubles) -> Doubles:
        """Return x·coef + intercept, of shape (n, k), for coef (k, d), intercept (k,)."""
        found: Doubles = self.X @ (coef / self.scale).T + intercept
        return found

    def evaluate(
        self, coef: Doubles, intercept: Doubles, target: Doubles, weight: Doubles, loss: Loss
    ) -> Evaluation:
        """Return what m models lose, in one pass, for coef (m, n_outputs, d)."""
        m, k, d = coef.shape
        z = self.decision(coef.reshape(m * k, d), np.zeros(m * k)).T.reshape(m, k, self.n).copy()
        values, slopes = np.zeros(m), np.zeros((m, k))
        targets = target.reshape(self.n, -1)
        for i in range(m):
            if loss.is_joint:
                for s in range(0, self.n, 64):
                    part = np.ascontiguousarray(z[i, :, s : s + 64])
                    values[i] += _test_softmax(
                        target[s : s + 64], weight[s : s + 64], part, intercept[i], slopes[i]
                    )
                    z[i, :, s : s + 64] = part
                continue
            for j in range(k):
                sums = np.zeros(2)
                y = np.ascontiguousarray(targets[:, min(j, targets.shape[1] - 1)])
                _test_slopes(y, weight, z[i, j], sums, loss.code, loss.parameter, intercept[i, j])
                values[i] += sums[0]
                slopes[i, j] = sums[1]
        gradient = self.cross(z.reshape(m * k, self.n).T)[:, :-1].reshape(m, k, d)
        return Evaluation(values, gradient, slopes)

    def gram(self, weight: Doubles) -> Doubles:
        """Return Σ weight_i (x_i, 1)(x_i, 1)', of shape (d + 1, d + 1); weights may be 0."""
        weighted = self.X.astype(np.float64)
        weighted.data *= np.repeat(weight, np.diff(self.X.indptr))
        out = np.empty((self.d + 1, self.d + 1))
        out[:-1, :-1] = (weighted.T @ self.X).toarray() / self.scale / self.scale[:, np.newaxis]
        out[-1, :-1] = out[:-1, -1] = (weighted.T @ np.ones(self.n)) / self.scale
        out[-1, -1] = weight.sum()
        return out

    def cross(self, values: Doubles) -> Doubles:
        """Return Σ values_i (x_i, 1)', of shape (k, d + 1), for values (n, k)."""
        return np.c_[(self.X.T @ values).T / self.scale, values.sum(axis=0)]

    def subset(self, indices: NDArray[np.intp]) -> SparseRows:
        """Return the rows of those indices, gathered into a copy; same scale."""
        return SparseRows(self.X[indices], self.scale, self.n_threads)
