"""Models as flat vectors: output by output, the coefficients and then the intercept."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from algos._common.arrays import Float64Array
from algos.linear_learner.problem import Problem


class Points:
    """Converts between models of a problem and the flat vectors of descents.

    Parameters
    ----------
    problem : Problem
    center : ndarray of shape (d,), default=None
        Is subtracted from the columns, so that the intercept entry of a point is the decision value
        at the center. Means far from zero would correlate columns with the intercept.
    """

    def __init__(self, problem: Problem, center: Float64Array | None = None) -> None:
        self.problem, self._center = problem, center
        self.k, self.d = problem.n_outputs, problem.rows.d
        self.width = self.d + int(problem.fit_intercept)
        self.size = self.k * self.width

    def point(self, coef: Float64Array, intercept: Float64Array) -> Float64Array:
        """Return the point of one model: coef (k, d), intercept (k,)."""
        point = np.empty((self.k, self.width))
        point[:, : self.d] = coef
        if self.width > self.d:
            point[:, self.d] = intercept
            if self._center is not None:
                point[:, self.d] += coef @ self._center
        return point.ravel()

    def model(self, points: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Return coef (..., k, d) and intercept (..., k) of points (..., size)."""
        parts = points.reshape(*points.shape[:-1], self.k, self.width)
        coef = np.ascontiguousarray(parts[..., : self.d])
        if self.width == self.d:
            return coef, np.zeros(parts.shape[:-1])
        if self._center is not None:
            return coef, parts[..., self.d] - coef @ self._center
        return coef, np.ascontiguousarray(parts[..., self.d])

    def by_column(self, values: Float64Array) -> Float64Array:
        """Expand values (d,) of a penalty to all coordinates of a point, with 0 for intercepts."""
        columns = np.zeros((self.k, self.width))
        columns[:, : self.d] = values
        return columns.ravel()

    def evaluate(self, points: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Return the mean loss of points (m, size), and its gradients, from one pass."""
        with np.errstate(over="ignore", invalid="ignore"):
            found = self.problem.evaluate(*self.model(points))
        if self.width == self.d:
            return found.values, found.gradient.reshape(points.shape)
        gradients = np.empty((len(points), self.k, self.width))
        gradients[..., : self.d] = found.gradient
        gradients[..., self.d] = found.gradient_intercept
        if self._center is not None:
            gradients[..., : self.d] -= found.gradient_intercept[..., np.newaxis] * self._center
        return found.values, gradients.reshape(points.shape)


class Penalties(NamedTuple):
    """A penalty on each coordinate of a point."""

    l1: Float64Array
    l2: Float64Array
