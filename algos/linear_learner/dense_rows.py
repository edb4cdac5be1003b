"""Dense rows in the solver's units: passes over X itself, without a scaled copy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import copy
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algos._common.arrays import Float64Array, FloatArray, IndexArray
from algos._common.scale import with_values
from algos._cython._losses import weigh_curvatures
from algos._cython.linear_decision import dense_decision
from algos._cython.linear_gram import weighted_gram
from algos._cython.linear_pass import linear_cross, linear_pass
from algos.linear_learner.losses import Loss
from algos.linear_learner.problem import Evaluation

Exponents = NDArray[np.intc] | int

_BLOCK = 1 << 23  # bytes of rows that are gathered at a time
_WIDE = 200  # columns from which a row's products cost many times its copy
_FEW_TARGETS = 8  # targets that cost less as further columns than a pass of their own
_MODERATE = 60  # exponents of 2 up to which products of targets with columns are float32
_EXTREME = 900  # exponents up to which factors of targets are float64


def over_power_of_two(X: Any, exponents: Exponents) -> Any:
    """Return X with its columns (for a vector: its values) divided by 2**exponents.

    Parameters
    ----------
    X : ndarray of shape (n, d) or (d,), or CSR matrix of shape (n, d)
    exponents : ndarray of shape (d,), int, or 0
        0 returns X itself.
    """
    if not np.ndim(exponents):
        return X
    if sparse.issparse(X):
        return with_values(X, np.ldexp(X.data, -np.take(exponents, X.indices)))
    return np.ldexp(X, -exponents)


def bounded_targets(target: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return targets scaled so that products with columns stay within float32, and the factors."""
    exponents = np.frexp(np.maximum(target.max(axis=0), -target.min(axis=0)))[1]
    exponents[np.abs(exponents) <= _MODERATE] = 0
    if not exponents.any():
        return target, np.ones(target.shape[1])
    exponents = np.clip(exponents, -_EXTREME, _EXTREME)
    return np.ldexp(target, -exponents), np.ldexp(1.0, -exponents)


class AnyRows(ABC):
    """Base of dense and CSR rows: everything that needs no pass over X.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n, d)
    shift, scale : ndarray of shape (d,), float64
    n_threads : int
    exponents : ndarray of shape (d,), int, or 0
        Passes are over a copy whose columns are those of X / 2**exponents; for 0, over X
        itself.

    Attributes
    ----------
    mean, variance : ndarray of shape (d,), float64
        Of the columns of X, if `make_rows` has made the rows.
    """

    mean: Float64Array
    variance: Float64Array

    def __init__(
        self, X: Any, shift: Float64Array, scale: Float64Array, n_threads: int, exponents: Exponents
    ) -> None:
        self.X, self.n_threads = X, n_threads
        self.n, self.d = X.shape
        self._exponents = exponents
        self._set_units(shift, scale)

    def _set_units(self, shift: Float64Array, scale: Float64Array) -> None:
        self.shift, self.scale = shift, scale
        with np.errstate(over="ignore"):  # values that are negligible beside the scale become 0
            self._scale = over_power_of_two(scale, self._exponents)

    def in_units(self, shift: Float64Array, scale: Float64Array) -> Self:
        """Return the same rows with another shift and scale."""
        other = copy(self)
        other._set_units(shift, scale)
        return other

    @property
    def dtype(self) -> Any:
        """Type of the data."""
        return self.X.dtype

    @abstractmethod
    def decision(self, coef: Float64Array, intercept: Float64Array) -> Float64Array:
        """Return x·coef + intercept, of shape (n, k), for coef (k, d), intercept (k,)."""

    @abstractmethod
    def gram(self, weight: Float64Array) -> Float64Array:
        """Return Σ weight_i (x_i, 1)(x_i, 1)', of shape (d + 1, d + 1); weights may be 0."""

    @abstractmethod
    def cross(self, values: Float64Array) -> Float64Array:
        """Return Σ values_i (x_i, 1)', of shape (k, d + 1), for values (n, k)."""

    def gram_and_cross(
        self, weight: Float64Array, target: Float64Array
    ) -> tuple[Float64Array, Float64Array]:
        """Return `gram(weight)` and `cross(weight * target)`, for target (n, k)."""
        return self.gram(weight), self.cross(weight[:, np.newaxis] * target)

    @abstractmethod
    def filled(self, weight: Float64Array | None = None) -> Float64Array:
        """Return for each column of X the sum of the weights of rows that are not 0 there.

        Parameters
        ----------
        weight : ndarray of shape (n,), default=None
            None counts the rows.
        """

    def measured_filled(self, weight: Float64Array) -> Float64Array:
        """Return `filled` for the weights that the rows were made with."""
        return self.filled(weight)

    def are_filled(self) -> NDArray[np.bool_]:
        """Tell which columns have a value other than 0 in some row of X."""
        return self.filled() > 0

    def curvatures(
        self,
        coef: Float64Array,
        intercept: float,
        target: Float64Array,
        weight: Float64Array,
        loss: Loss,
    ) -> Float64Array:
        """Return weight_i times the second derivative of loss_i by the decision value.

        For one output: coef is (d,), and the result (n,). Where the first derivative has a
        kink, the generalised second derivative is returned.
        """
        z = self.decision(coef[np.newaxis], np.array([intercept], dtype=np.float64))[:, 0]
        found = np.empty(len(z))
        weigh_curvatures(target, weight, z, found, loss.code, loss.parameter)
        return found


class DenseRows(AnyRows):
    """Rows x = (X - shift) / scale of a dense X.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64, C-ordered
    shift, scale : ndarray of shape (d,), float64
        The scale is positive. With a shift near the columns' means, float32 loses no digits
        to large means.
    n_threads : int
    exponents : ndarray of shape (d,), int, or 0
        Passes are over a copy whose columns are those of X / 2**exponents; for 0, over X
        itself.
    """

    is_sparse = False

    def __init__(
        self,
        X: FloatArray,
        shift: Float64Array,
        scale: Float64Array,
        n_threads: int,
        exponents: Exponents = 0,
    ) -> None:
        self._X: FloatArray = over_power_of_two(X, exponents)
        super().__init__(X, shift, scale, n_threads, exponents)

    def _set_units(self, shift: Float64Array, scale: Float64Array) -> None:
        super()._set_units(shift, scale)
        self._exact_shift = over_power_of_two(shift, self._exponents)
        self._shift: FloatArray = self._exact_shift.astype(self.X.dtype)
        self._rest = self._exact_shift - self._shift  # rounding error in the type of X

    def filled(self, weight: Float64Array | None = None) -> Float64Array:
        """Return for each column of X the sum of the weights of rows that are not 0 there."""
        found: Float64Array
        if weight is None:
            found = np.count_nonzero(self.X, axis=0).astype(np.float64)
        elif self.X.all():
            found = np.full(self.d, weight.sum())
        else:
            found = np.einsum("n,nd->d", weight, self.X != 0)
        return found

    def are_filled(self) -> NDArray[np.bool_]:
        """Tell which columns have a value other than 0 in some row of X."""
        found: NDArray[np.bool_] = self.X[0] != 0  # usually the first row fills all columns
        return found if found.all() else self.X.any(axis=0)

    def decision(self, coef: Float64Array, intercept: Float64Array) -> Float64Array:
        """Return x·coef + intercept, of shape (n, k), for coef (k, d), intercept (k,)."""
        out = np.empty((self.n, len(coef)))
        dense_decision(
            self._X, self._exact_shift, np.ascontiguousarray(coef / self._scale),
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
        linear_pass(
            self._X, self._shift, self._rest, self._scale, np.ascontiguousarray(coef),
            np.ascontiguousarray(intercept), target.reshape(self.n, -1), weight, loss.code,
            loss.parameter, gradient, sums, self.n_threads,
        )  # fmt: skip
        return Evaluation(sums[:m], gradient, sums[m:].reshape(m, k))

    def gram(self, weight: Float64Array) -> Float64Array:
        """Return Σ weight_i (x_i, 1)(x_i, 1)', of shape (d + 1, d + 1); weights may be 0."""
        kept = np.flatnonzero(weight)
        if len(kept) > (0.85 if self.d >= _WIDE else 0.5) * self.n:
            return self._gram(self._X, weight, np.empty((self.n, 0)))
        out = np.zeros((self.d + 1, self.d + 1))
        step = max(1, _BLOCK // (self.X.itemsize * self.d))
        for start in range(0, len(kept), step):
            some = kept[start : start + step]
            out += self._gram(self._X[some], weight[some], np.empty((len(some), 0)))
        return out

    def gram_and_cross(
        self, weight: Float64Array, target: Float64Array
    ) -> tuple[Float64Array, Float64Array]:
        """Return `gram(weight)` and `cross(weight * target)`, for target (n, k)."""
        factor = np.ones(target.shape[1])
        if self.X.dtype == np.float32:
            target, factor = bounded_targets(target)
        if target.shape[1] > _FEW_TARGETS:
            gram, cross = super().gram_and_cross(weight, target)
        else:
            out, end = self._gram(self._X, weight, np.ascontiguousarray(target)), self.d + 1
            gram, cross = out[:end, :end], out[end:, :end]
        return gram, cross / factor[:, np.newaxis]

    def _gram(self, X: FloatArray, weight: Float64Array, target: Float64Array) -> Float64Array:
        """Return Σ weight_i (x_i, 1, y_i)(x_i, 1, y_i)'."""
        d, size = self.d, self.d + 1 + target.shape[1]
        out, scale = np.empty((size, size)), np.ones(size)
        scale[:d] = self._scale
        weighted_gram(X, self._shift, scale, weight, target, out, self.n_threads)
        if self._rest.any():
            rest = self._rest / self._scale
            along, total = np.outer(out[:d, d], rest), out[d, d]
            out[:d, :d] += total * np.outer(rest, rest) - along - along.T
            out[d:, :d] -= np.outer(out[d:, d], rest)
            out[:d, d:] = out[d:, :d].T
        return out

    def cross(self, values: Float64Array) -> Float64Array:
        """Return Σ values_i (x_i, 1)', of shape (k, d + 1), for values (n, k)."""
        k = values.shape[1]
        out, products, sums = np.empty((k, self.d + 1)), np.empty((k, self.d)), np.empty(1 + k)
        linear_cross(
            self._X, self._shift, self._rest, self._scale, np.ascontiguousarray(values), products,
            sums, self.n_threads,
        )  # fmt: skip
        out[:, :-1], out[:, -1] = products, sums[1:]
        return out

    def in_double(self) -> DenseRows:
        """Return the same rows in double precision."""
        X = self.X.astype(np.float64)
        return DenseRows(X, self.shift, self.scale, self.n_threads, self._exponents)

    def subset(self, indices: IndexArray) -> DenseRows:
        """Return the rows of those indices, gathered into a copy; same shift and scale."""
        other = object.__new__(DenseRows)  # copy() is slow compared with a step of a stream
        other.__dict__.update(self.__dict__)
        other.X = np.take(self.X, indices, axis=0)
        other._X = over_power_of_two(other.X, self._exponents)
        other.n = len(indices)
        return other
