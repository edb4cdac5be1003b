"""Newton's method with the Hessian of a sample of the rows, and the gradient of all.

A Hessian costs as much as many passes over the rows. That of a sample is accurate enough that a few
steps of L-BFGS, preconditioned with it, lead from the sample's optimum to that of all rows: about
four passes (compare Byrd et al., 2011, "On the use of stochastic Hessian information in
optimization methods for machine learning").
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from algos._common.arrays import Float64Array
from algos.linear_learner.problem import Control, Penalty, Problem, Solution
from algos.linear_learner.solvers.metric import HessianMetric
from algos.linear_learner.solvers.quadratic import Factor, Secants
from algos.linear_learner.solvers.stages import descend_from, solve_in_stages

_SECANTS = 10


def path(
    problem: Problem,
    penalties: list[Penalty],
    control: Control,
    start: list[Solution] | None = None,
) -> list[Solution] | Iterator[Solution]:
    """Return minima of smooth losses without an L1 penalty, if p² values fit in memory."""
    return solve_in_stages(problem, penalties, control, start, NewtonMetric)


def continued(problem: Problem, penalty: Penalty, control: Control, start: Solution) -> Solution:
    """Return the minimum for one penalty, starting from another solver's result."""
    return descend_from(problem, penalty, control, start, NewtonMetric)


class NewtonMetric(HessianMetric):
    """The Cholesky factor of a Hessian, corrected by L-BFGS."""

    _secants: Secants

    def _prepare(self, matrices: list[Float64Array]) -> None:
        self._secants = Secants(_SECANTS)
        size = len(matrices[0])
        parts = np.split(self.penalties.l2, len(matrices))
        self._factors = []
        for matrix, l2 in zip(matrices, parts, strict=True):
            penalised = matrix.copy()
            penalised.ravel()[:: size + 1] += l2
            self._factors.append(Factor(penalised, self.shape.eps))

    def _towards(self, point: Float64Array, gradient: Float64Array) -> tuple[Float64Array, float]:
        step = -self._secants.solve(gradient, self._solve)
        return step, -float(gradient @ step) / 2

    def _solve(self, vector: Float64Array) -> Float64Array:
        if len(self._factors) == 1:
            return self._factors[0].solve(vector)
        parts = np.split(vector, len(self._factors))
        solved = [f.solve(part) for f, part in zip(self._factors, parts, strict=True)]
        return np.concatenate(solved)

    def _remember(self, step: Float64Array, change: Float64Array) -> None:
        self._secants.learn(step, change)
