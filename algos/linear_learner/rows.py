"""Dense rows in the solver's units, which are never written down: passes over X as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algos._common.moments import column_mean_and_variance
from algos._cython._losses import add_losses, weigh_curvatures
from algos._cython.linear_pass import linear_cross, linear_pass
from algos.linear_learner.losses import Loss
from algos.linear_learner.problem import Doubles, Evaluation

Floats = NDArray[Any]

_BLOCK = 1 << 23  # bytes of rows that are taken out at a time


class LossesOfRows:
    """What is known of rows by their decision values alone."""

    def decision(self, coef: Doubles, intercept: Doubles) -> Doubles:
        raise NotImplementedError

    def losses(self, decision: Doubles, target: Doubles, loss: Loss) -> Doubles:
        """Return the loss of each row, of shape (n,), for decision values (n, k)."""
        if loss.is_joint:
            return _multinomial_losses(decision, target)
        found = np.zeros(len(decision))
        targets = target.reshape(len(target), -1)
        for j in range(decision.shape[1]):
            y = np.ascontiguousarray(targets[:, min(j, targets.shape[1] - 1)])
            z = np.ascontiguousarray(decision[:, j])
            add_losses(y, z, found, loss.code, loss.parameter)
        return found

    def curvatures(
        self, coef: Doubles, intercept: float, target: Doubles, weight: Doubles, loss: Loss
    ) -> Doubles:
        """Return weight_i times the second derivative of loss_i by the decision value.

        Of one output: coef is (d,), and the result (n,). Where the first derivative has a
        kink, it is the generalised one.
        """
        z = self.decision(coef[np.newaxis], np.array([intercept]))[:, 0]
        found = np.empty(len(z))
        weigh_curvatures(target, weight, np.ascontiguousarray(z), found, loss.code, loss.parameter)
        return found


def _multinomial_losses(decision: Doubles, target: Doubles) -> Doubles:
    most = decision.max(axis=1)
    total = np.exp(decision - most[:, np.newaxis]).sum(axis=1)
    own = np.take_along_axis(decision, target.astype(np.intp)[:, np.newaxis], axis=1)[:, 0]
    found: Doubles = np.log(total) + (most - own)
    return found


class DenseRows(LossesOfRows):
    """Rows x = (X - shift) / scale of a dense X.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64, C-ordered
    shift, scale : ndarray of shape (d,), float64
        The scale is positive. A shift near the columns' means costs float32 no digits.
    n_threads : int
    """

    is_sparse = False

    def __init__(self, X: Floats, shift: Doubles, scale: Doubles, n_threads: int) -> None:
        self.X, self.n_threads = X, n_threads
        self.n, self.d = X.shape
        self.shift, self.scale = shift, scale
        self._shift: Floats = shift.astype(X.dtype)
        self._rest = shift - self._shift  # what the type of X cannot hold

    @property
    def dtype(self) -> Any:
        """Type of the data."""
        return self.X.dtype

    def decision(self, coef: Doubles, intercept: Doubles) -> Doubles:
        """Return x·coef + intercept, of shape (n, k), for coef (k, d), intercept (k,)."""
        vectors = coef / self.scale
        out = np.empty((self.n, len(coef)))
        step = max(1, _BLOCK // (8 * self.d))
        for start in range(0, self.n, step):
            rows = self.X[start : start + step].astype(np.float64) - self.shift
            out[start : start + step] = rows @ vectors.T
        out += intercept
        return out

    def evaluate(
        self, coef: Doubles, intercept: Doubles, target: Doubles, weight: Doubles, loss: Loss
    ) -> Evaluation:
        """Return what m models lose, in one pass, for coef (m, n_outputs, d)."""
        m, k, _ = coef.shape
        gradient, sums = np.empty(coef.shape), np.empty(m + m * k)
        linear_pass(
            self.X, self._shift, self._rest, self.scale, np.ascontiguousarray(coef),
            np.ascontiguousarray(intercept), target.reshape(self.n, -1), weight, loss.code,
            loss.parameter, gradient, sums, self.n_threads,
        )  # fmt: skip
        return Evaluation(sums[:m], gradient, sums[m:].reshape(m, k))

    def gram(self, weight: Doubles) -> Doubles:
        """Return Σ weight_i (x_i, 1)(x_i, 1)', of shape (d + 1, d + 1); weights may be 0."""
        out = np.zeros((self.d + 1, self.d + 1))
        step = max(1, _BLOCK // (8 * self.d))
        kept = np.flatnonzero(weight)
        for start in range(0, len(kept), step):
            some = kept[start : start + step]
            rows = (self.X[some].astype(np.float64) - self.shift) / self.scale
            rows = np.c_[rows, np.ones(len(rows))]
            out += (rows * weight[some][:, np.newaxis]).T @ rows
        return out

    def cross(self, values: Doubles) -> Doubles:
        """Return Σ values_i (x_i, 1)', of shape (k, d + 1), for values (n, k)."""
        k = values.shape[1]
        products, sums = np.empty((k, self.d)), np.empty(1 + k)
        linear_cross(
            self.X, self._shift, self._rest, self.scale, np.ascontiguousarray(values), products,
            sums, self.n_threads,
        )  # fmt: skip
        return np.c_[products, sums[1:]]

    def subset(self, indices: NDArray[np.intp]) -> DenseRows:
        """Return the rows of those indices, gathered into a copy; same shift and scale."""
        return DenseRows(self.X[indices], self.shift, self.scale, self.n_threads)


def make_rows(X: Any, weight: Doubles, *, center: bool, n_threads: int) -> Any:
    """Return X as rows whose columns have mean 0, if `center`, and deviation 1.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n, d), float32 or float64
        C-ordered or in canonical format. CSR is never centred.
    weight : ndarray of shape (n,), float64, positive
    center : bool
        False leaves zero where it is; columns then have the mean square 1.
    n_threads : int

    Returns
    -------
    rows : DenseRows or SparseRows
    """
    # Here, for sparse_rows stands on this module.
    from algos.linear_learner.sparse_rows import SparseRows

    if sparse.issparse(X):
        total = weight.sum()
        mean = X.T @ weight / total
        squares = X.multiply(X).T @ weight / total
        return SparseRows(X, _scale_of(mean, squares - mean**2, center=center), n_threads)
    mean, variance = column_mean_and_variance(X, weight, n_threads)
    shift = mean if center else np.zeros(len(mean))
    return DenseRows(X, shift, _scale_of(mean, variance, center=center), n_threads)


def _scale_of(mean: Doubles, variance: Doubles, *, center: bool) -> Doubles:
    """Return deviations, or roots of mean squares; 1 for what is constant up to rounding."""
    rounding = (10 * np.finfo(np.float64).eps * mean) ** 2
    squares = np.where(variance > rounding, variance, 0.0)
    if not center:
        squares += mean**2
    scale: Doubles = np.sqrt(np.where(squares > 0, squares, 1.0))
    return scale
