"""Objective, duality gap and quadratic model of a loss with L1 and L2 penalties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from algos._common.arrays import Float64Array, Int64Array
from algos._cython.linear_descent import column_moments, combine, correlate
from algos.linear_learner.decisions import loss_derivatives, losses_of
from algos.linear_learner.problem import Penalty, Problem
from algos.linear_learner.solvers.columns import ScaledColumns
from algos.linear_learner.solvers.conjugates import conjugates_at, has_conjugate
from algos.linear_learner.solvers.curvature import weighted_curvatures
from algos.linear_learner.solvers.quadratic import Factor

Numbers = Int64Array

# Where a loss is linear, its quadratic model keeps a share of the largest curvature.
_STRAIGHT = {"squared_epsilon_insensitive": 2e-3, "huber": 1e-3, "squared_hinge": 2e-3}
_EPS = float(np.finfo(np.float64).eps)
_MOST_MOVING = 1 << 22  # values of columns in one Newton decrement


@dataclass
class State:
    """A model and its decision values, coefficients in the columns' units."""

    coef: Float64Array  # (d,)
    intercept: float
    z: Float64Array  # (n,)


@dataclass
class Bound:
    """The bounds from a pass over all columns."""

    gradient: Float64Array  # (d,): x_j · loss', at the optimal intercept
    shrink: float  # factor from the negative derivatives of the loss to the dual point
    objective: float
    dual: float
    gap: float


@dataclass
class Quadratic:
    """A quadratic model of the loss, as `linear_descent` takes it."""

    h: Float64Array  # (n,)
    mean: Float64Array  # (d,)
    curvature: Float64Array  # (d,)
    inverse: float


class Objective:
    """A loss with one penalty: its value, quadratic models and duality gap.

    Parameters
    ----------
    problem : Problem
        Of one output and a smooth loss.
    columns : ScaledColumns
    penalty : Penalty

    Attributes
    ----------
    l1, l2 : ndarray of shape (d,)
        The penalty in the columns' units.
    is_free : ndarray of shape (d,)
        Columns without any penalty.
    has_gap : bool
        Whether a dual point gives a duality gap; otherwise the gain of steps is estimated.
    """

    def __init__(self, problem: Problem, columns: ScaledColumns, penalty: Penalty) -> None:
        self.problem, self.lines = problem, columns.lines
        self.l1, self.l2 = penalty.l1 * columns.scale, penalty.l2 * columns.scale**2
        self.is_free = (self.l1 == 0) & (self.l2 == 0)
        # A dual point would have to be exactly orthogonal to free columns.
        self.has_gap = has_conjugate(problem.loss) and not self.is_free.any()

    def bound(self, state: State, which: Numbers) -> Bound:
        """Return the gradient for some columns and the gap of the problem restricted to them."""
        problem = self.problem
        pull = -loss_derivatives(state.z, problem.target, problem.loss)
        gradient = np.zeros(problem.rows.d)
        correlate(self.lines, which, -problem.weight * pull, gradient, problem.rows.n_threads)
        objective = self.value(state.coef, state.z)
        if not self.has_gap:
            unpaid = self._unpaid(state, which, gradient)
            return Bound(gradient, 1.0, objective, objective - unpaid, unpaid)
        shrink, dual = 1.0, -np.inf
        for trial in {1.0, self._feasible(which, gradient)}:
            value = self._dual(which, pull, gradient, trial)
            if value > dual:
                shrink, dual = trial, value
        return Bound(gradient, shrink, objective, dual, max(objective - dual, 0.0))

    def value(self, coef: Float64Array, z: Float64Array) -> float:
        """Return the objective at coefficients whose decision values are z."""
        problem = self.problem
        losses = losses_of(z, problem.target, problem.loss)
        return float(problem.weight @ losses) + self.penalty(coef)

    def penalty(self, coef: Float64Array) -> float:
        return float(self.l1 @ np.abs(coef) + self.l2 @ coef**2 / 2)

    def _feasible(self, which: Numbers, gradient: Float64Array) -> float:
        """Return the factor that makes the dual point feasible for columns without L2."""
        strict = which[self.l2[which] == 0]
        ratio = np.abs(gradient[strict]) / self.l1[strict]
        return float(1 / max(1.0, ratio.max(initial=0.0)))

    def _dual(
        self, which: Numbers, pull: Float64Array, gradient: Float64Array, shrink: float
    ) -> float:
        """Return the dual objective, -inf if the point is infeasible."""
        loss, y, weight = self.problem.loss, self.problem.target, self.problem.weight
        excess = np.maximum(shrink * np.abs(gradient[which]) - self.l1[which], 0)
        l2, excess = self.l2[which][excess > 0], excess[excess > 0]
        if np.any((l2 == 0) & (excess > 4 * _EPS * self.l1.max(initial=0.0))):
            return -np.inf
        paid = excess[l2 > 0] ** 2 / (2 * l2[l2 > 0])
        return -float(weight @ conjugates_at(loss, y, shrink * pull)) - float(paid.sum())

    def _unpaid(self, state: State, which: Numbers, gradient: Float64Array) -> float:
        """Return an estimate of the gain of further steps, if there is no dual point.

        It is that of a joint step of all columns that would move; with too many of them, that of
        separate steps.
        """
        model = self.quadratic(state, which)
        stiff = model.curvature[which] + self.l2[which]
        coef = state.coef[which]
        pull = model.curvature[which] * coef - gradient[which]
        after = np.sign(pull) * np.maximum(np.abs(pull) - self.l1[which], 0)
        step = np.divide(after, stiff, out=coef.copy(), where=stiff > 0) - coef
        alone = float((stiff * step**2).sum() / 2)
        moving = which[(coef != 0) | (step != 0)]
        if not 1 < len(moving) <= _MOST_MOVING // self.problem.rows.n:
            return alone
        return max(alone, self._decrement(state.coef[moving], moving, gradient, model))

    def _decrement(
        self, coef: Float64Array, moving: Numbers, gradient: Float64Array, model: Quadratic
    ) -> float:
        """Return half the squared Newton decrement of some columns."""
        side = np.where(coef != 0, np.sign(coef), -np.sign(gradient[moving]))
        penalised = gradient[moving] + self.l1[moving] * side + self.l2[moving] * coef
        block = np.zeros((len(moving), self.problem.rows.n))
        ones = np.ones(self.problem.rows.d)
        for line, column in zip(block, moving, strict=True):
            combine(self.lines, np.array([column]), ones, line)
        mean = model.mean[moving]
        hessian = (block * model.h) @ block.T - np.outer(mean, mean) * model.inverse
        hessian.ravel()[:: len(moving) + 1] += self.l2[moving]
        eps = float(np.finfo(self.problem.rows.dtype).eps)
        return max(float(penalised @ Factor(hessian, eps).solve(penalised)) / 2, 0.0)

    def quadratic(self, state: State, which: Numbers) -> Quadratic:
        """Return the quadratic model: second derivatives of the loss, and moments of columns."""
        problem = self.problem
        loss, d = problem.loss, problem.rows.d
        h = weighted_curvatures(problem, state.z)
        h = np.maximum(h, _STRAIGHT.get(loss.name, 1e-12) * problem.weight)
        mean, square = np.zeros(d), np.zeros(d)
        column_moments(self.lines, which, h, mean, square, problem.rows.n_threads)
        inverse = 1 / float(h.sum()) if problem.fit_intercept else 0.0
        curvature = square - mean**2 * inverse
        # For constant columns only rounding errors are left.
        curvature[curvature <= 16 * _EPS * square] = 0
        return Quadratic(h, mean, curvature, inverse)
