"""How far a model is from its optimum, as columns with L1 and L2 penalties tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from algos._cython.linear_descent import column_moments, combine, correlate
from algos.linear_learner.decisions import losses_of, slopes_of
from algos.linear_learner.problem import Doubles, Penalty, Problem
from algos.linear_learner.solvers.columns import Columns
from algos.linear_learner.solvers.conjugates import conjugates_at, has_conjugate
from algos.linear_learner.solvers.curvature import weighted_curvatures
from algos.linear_learner.solvers.quadratic import Factor

Numbers = NDArray[np.int64]

# Where a loss is straight, its quadratic model keeps a part of its most curvature.
_STRAIGHT = {"squared_epsilon_insensitive": 2e-3, "huber": 1e-3, "squared_hinge": 2e-3}
_EPS = float(np.finfo(np.float64).eps)
_MOST_MOVING = 1 << 22  # values of columns that are judged together


@dataclass
class State:
    """A model and its decision values, coefficients in the columns' units."""

    coef: Doubles  # (d,)
    intercept: float
    z: Doubles  # (n,)


@dataclass
class Bound:
    """What a pass over all columns tells."""

    slope: Doubles  # (d,): x_j · loss', for pulls that balance
    shrink: float  # the dual point is this times the pulls
    objective: float
    dual: float
    gap: float


@dataclass
class Quadratic:
    """A quadratic model of the loss, as `linear_descent` takes it."""

    h: Doubles  # (n,)
    mean: Doubles  # (d,)
    curvature: Doubles  # (d,)
    inverse: float


class Objective:
    """A loss and one penalty of columns: its value, its models, and what it may still lose.

    Parameters
    ----------
    problem : Problem
        Of one output and a smooth loss.
    columns : Columns
    penalty : Penalty

    Attributes
    ----------
    l1, l2 : ndarray of shape (d,)
        The penalty in the columns' units.
    is_free : ndarray of shape (d,)
        Columns without any.
    has_gap : bool
        Whether a dual point bounds what a model lacks; else steps tell.
    """

    def __init__(self, problem: Problem, columns: Columns, penalty: Penalty) -> None:
        self.problem, self.lines = problem, columns.lines
        self.l1, self.l2 = penalty.l1 * columns.scale, penalty.l2 * columns.scale**2
        self.is_free = (self.l1 == 0) & (self.l2 == 0)
        # Pulls would have to be exactly orthogonal to free columns.
        self.has_gap = has_conjugate(problem.loss) and not self.is_free.any()

    def bound(self, state: State, which: Numbers) -> Bound:
        """Return the slopes along some columns and the gap of the problem of these alone."""
        problem = self.problem
        pull = -slopes_of(state.z, problem.target, problem.loss)
        slope = np.zeros(problem.rows.d)
        correlate(self.lines, which, -problem.weight * pull, slope, problem.rows.n_threads)
        objective = self.value(state.coef, state.z)
        if not self.has_gap:
            unpaid = self._unpaid(state, which, slope)
            return Bound(slope, 1.0, objective, objective - unpaid, unpaid)
        shrink, dual = 1.0, -np.inf
        for trial in {1.0, self._feasible(which, slope)}:
            value = self._dual(which, pull, slope, trial)
            if value > dual:
                shrink, dual = trial, value
        return Bound(slope, shrink, objective, dual, max(objective - dual, 0.0))

    def value(self, coef: Doubles, z: Doubles) -> float:
        """Return the objective at coefficients whose decision values are z."""
        problem = self.problem
        losses = losses_of(z, problem.target, problem.loss)
        return float(problem.weight @ losses) + self.penalty(coef)

    def penalty(self, coef: Doubles) -> float:
        return float(self.l1 @ np.abs(coef) + self.l2 @ coef**2 / 2)

    def _feasible(self, which: Numbers, slope: Doubles) -> float:
        """Return what pulls must shrink by where no L2 penalty pays for too long ones."""
        strict = which[self.l2[which] == 0]
        ratio = np.abs(slope[strict]) / self.l1[strict]
        return float(1 / max(1.0, ratio.max(initial=0.0)))

    def _dual(self, which: Numbers, pull: Doubles, slope: Doubles, shrink: float) -> float:
        """Return the dual objective, -inf where a column forbids the point."""
        loss, y, weight = self.problem.loss, self.problem.target, self.problem.weight
        excess = np.maximum(shrink * np.abs(slope[which]) - self.l1[which], 0)
        l2, excess = self.l2[which][excess > 0], excess[excess > 0]
        if np.any((l2 == 0) & (excess > 4 * _EPS * self.l1.max(initial=0.0))):
            return -np.inf
        paid = excess[l2 > 0] ** 2 / (2 * l2[l2 > 0])
        return -float(weight @ conjugates_at(loss, y, shrink * pull)) - float(paid.sum())

    def _unpaid(self, state: State, which: Numbers, slope: Doubles) -> float:
        """Return what steps would gain, where no dual point tells.

        All columns that want to move do so together, but for too many: these alone.
        """
        model = self.quadratic(state, which)
        stiff = model.curvature[which] + self.l2[which]
        coef = state.coef[which]
        pull = model.curvature[which] * coef - slope[which]
        after = np.sign(pull) * np.maximum(np.abs(pull) - self.l1[which], 0)
        step = np.divide(after, stiff, out=coef.copy(), where=stiff > 0) - coef
        alone = float((stiff * step**2).sum() / 2)
        moving = which[(coef != 0) | (step != 0)]
        if not 1 < len(moving) <= _MOST_MOVING // self.problem.rows.n:
            return alone
        return max(alone, self._decrement(state.coef[moving], moving, slope, model))

    def _decrement(self, coef: Doubles, moving: Numbers, slope: Doubles, model: Quadratic) -> float:
        """Return half the squared Newton decrement of some columns."""
        side = np.where(coef != 0, np.sign(coef), -np.sign(slope[moving]))
        gradient = slope[moving] + self.l1[moving] * side + self.l2[moving] * coef
        block = np.zeros((len(moving), self.problem.rows.n))
        ones = np.ones(self.problem.rows.d)
        for line, column in zip(block, moving, strict=True):
            combine(self.lines, np.array([column]), ones, line)
        mean = model.mean[moving]
        hessian = (block * model.h) @ block.T - np.outer(mean, mean) * model.inverse
        hessian.ravel()[:: len(moving) + 1] += self.l2[moving]
        eps = float(np.finfo(self.problem.rows.dtype).eps)
        return max(float(gradient @ Factor(hessian, eps).solve(gradient)) / 2, 0.0)

    def quadratic(self, state: State, which: Numbers) -> Quadratic:
        """Return the loss's second derivative and what columns make of it."""
        problem = self.problem
        loss, d = problem.loss, problem.rows.d
        h = weighted_curvatures(problem, state.z)
        h = np.maximum(h, _STRAIGHT.get(loss.name, 1e-12) * problem.weight)
        mean, square = np.zeros(d), np.zeros(d)
        column_moments(self.lines, which, h, mean, square, problem.rows.n_threads)
        inverse = 1 / float(h.sum()) if problem.fit_intercept else 0.0
        curvature = square - mean**2 * inverse
        # What is left of constant columns is rounding.
        curvature[curvature <= 16 * _EPS * square] = 0
        return Quadratic(h, mean, curvature, inverse)
