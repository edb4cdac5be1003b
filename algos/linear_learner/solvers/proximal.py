"""Proximal Newton: the loss is replaced by a quadratic model, the L1 penalty is kept exactly.

Coordinate descent on the Hessian finds the minimum of the model with its exact zeros (Lee, Sun and
Saunders, 2014, "Proximal Newton-type methods for minimizing composite functions"). The Hessian is
that of a sample, corrected by the changes of the gradient of all rows (BFGS).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from algos._common.arrays import Float64Array
from algos.linear_learner.problem import Control, Penalty, Problem, Solution
from algos.linear_learner.solvers.metric import HessianMetric
from algos.linear_learner.solvers.parabola import minimise
from algos.linear_learner.solvers.stages import solve_in_stages

_INEXACT = 1e-3  # of the last step's gain, tolerance of the model's minimum
_MARGIN = 4  # for changes of the Hessian since it was factorised
_FLAT = 1e-10  # of the expected curvature, below which a step is ignored


def path(
    problem: Problem,
    penalties: list[Penalty],
    control: Control,
    start: list[Solution] | None = None,
) -> list[Solution] | Iterator[Solution]:
    """Return minima of smooth losses with any penalty, if p² values fit in memory."""
    return solve_in_stages(problem, penalties, control, start, ProximalMetric)


class ProximalMetric(HessianMetric):
    """A Hessian, as one matrix or block by block, corrected by the steps."""

    def _prepare(self, matrices: list[Float64Array]) -> None:
        self._factors = self.shape.factors(matrices)
        self._parts = []
        for matrix in matrices:
            diagonal = matrix.diagonal()
            part = matrix.copy()
            part.ravel()[:: len(part) + 1] += 16 * self.shape.eps * np.maximum(diagonal, 0)
            self._parts.append(part)

    def _towards(self, point: Float64Array, gradient: Float64Array) -> tuple[Float64Array, float]:
        l1, l2 = self.penalties
        tol = max(self.enough / 50, _INEXACT * min(self._gain, 1e5 * self.enough))
        loss_gradient = gradient - l2 * point  # of the mean loss without penalty
        after, gain = point.copy(), 0.0
        size = len(self._parts[0])
        for i, part in enumerate(self._parts):
            own = slice(i * size, (i + 1) * size)
            linear = part @ point[own] - loss_gradient[own]
            square = _MARGIN * max(float(linear @ self._factors[i].solve(linear)), 0.0)
            gain += minimise(part, linear, l1[own], l2[own], after[own], square, tol)
        step = after - point
        gain -= float(gradient @ step + l1 @ (np.abs(after) - np.abs(point)))
        return step, gain - float(self._times(step) @ step + (l2 * step) @ step) / 2

    def _times(self, vector: Float64Array) -> Float64Array:
        pieces = np.split(vector, len(self._parts))
        return np.concatenate([p @ v for p, v in zip(self._parts, pieces, strict=True)])

    def _remember(self, step: Float64Array, change: Float64Array) -> None:
        if len(self._parts) > 1:
            return
        change = change - self.penalties.l2 * step
        expected = self._times(step)
        along, before = float(change @ step), float(expected @ step)
        if before > 0 and along > _FLAT * before:
            self._parts[0] += np.outer(change, change / along)
            self._parts[0] -= np.outer(expected, expected / before)
