"""Exact solutions for piecewise linear losses: a primal-dual interior-point method.

A bent line at e = z - kink is written e = s - r with s, r ≥ 0; its dual θ has the slacks
α = θ - low and β = high - θ, and α s = β r = μ → 0. Weights multiply costs and barrier alike, so
that a row of weight two has the same iterates as two rows. Mehrotra's predictor-corrector method:
Mehrotra (1992), "On the implementation of a primal-dual interior point method"; for quantiles,
Portnoy and Koenker (1997), "The Gaussian hare and the Laplacian tortoise".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from algos._common.arrays import Float64Array
from algos._cython.linear_interior import (
    interior_ahead,
    interior_aim,
    interior_go,
    interior_look,
    interior_move,
    interior_recenter,
    interior_start,
)
from algos.linear_learner.solvers.newton_systems import DualSystem, PrimalSystem, Solve, system_for
from algos.linear_learner.solvers.program import Inner, Program

CORRECTIONS = 2  # of Gondzio (1996), "Multiple centrality corrections"
FARTHER, WORTH, NEAR = 0.3, 0.1, 3.0
PATIENCE = 12  # iterations without a better gap
MOST_SHIFTS, BALANCED = 20, 0.1  # share of the weaker side's pull that may be left
LEAST_OFF = 1e-290  # twice this is still a valid divisor
BOLD = 0.3
FLOOR = 1e-24
TOO_SHORT = 1e-12
INSIDE = 0.9995  # of the distance to the boundary


class InteriorPoint:
    """The interior-point method for one program.

    Parameters
    ----------
    program : Program
    start : ndarray of shape (d + 1,), default=None
        Initial point; None is 0.
    mu : float, default=None
        Initial barrier parameter, smaller for better starts; None is for a cold start.
    first : float, default=1.0
        With `mu=None`, the initial barrier parameter relative to the differences between values
        and kinks.
    """

    def __init__(
        self,
        program: Program,
        start: Float64Array | None = None,
        mu: float | None = None,
        first: float = 1.0,
    ) -> None:
        self._system = system_for(program.rows, program.penalty, program.fit_intercept)
        point = np.zeros(program.rows.d + 1) if start is None else start
        self._walk = _Walk(_Lines(program), point, mu, first)
        self.best = self._walk.inner([])
        self._first = self._least = self._walk.mu
        self._nearest, self._worse = self.best.gap, 0

    def run(self, tol: float, max_iter: int) -> Inner:
        """Continue until the relative gap is `tol`, or there is no more progress.

        Parameters
        ----------
        tol : float
            Of the duality gap over `program.null`.
        max_iter : int
            Iterations in all.

        Returns
        -------
        inner : Inner
            The iterate of the smallest gap.
        """
        walk, objectives = self._walk, self.best.objectives
        while self.best.gap > tol and len(objectives) < max_iter and self._worse < PATIENCE:
            if walk.mu < FLOOR * self._first or not walk.step(walk.factor(self._system)):
                self._worse = PATIENCE
                break
            now = walk.inner(objectives)
            objectives.append(now.objective)
            self.best = min(self.best, now, key=lambda inner: inner.gap)
            # Many short steps are progress too, if they reduce the gap or mu together.
            self._worse += 1
            if now.gap < 0.9 * self._nearest or walk.mu < 0.9 * self._least:
                self._nearest, self._least = self.best.gap, min(self._least, walk.mu)
                self._worse = 0
        return self.best


class _Lines:
    """All bent lines of a program as flat arrays: those of rows, then those of L1 terms."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.bent = np.flatnonzero(program.penalty.l1)
        lines, n_l1 = program.lines, len(self.bent)
        self.shape, self.n = lines.kink.shape, lines.kink.size
        self.kink = np.concatenate([lines.kink.ravel(), np.zeros(n_l1)])
        self.low = np.concatenate([lines.low.ravel(), np.full(n_l1, -1.0)])
        self.high = np.concatenate([lines.high.ravel(), np.ones(n_l1)])
        self.width = self.high - self.low
        weight, l1 = program.weight, program.penalty.l1[self.bent]
        self.weight = np.concatenate([np.tile(weight, self.shape[0]), l1])
        self.ease = np.ones(len(self.weight))
        # An L1 term, however strong, has the barrier of an average row.
        self.ease[self.n :] = weight.mean() / l1
        self.total = float(self.weight @ self.ease)

    def values(self, point: Float64Array) -> Float64Array:
        z = self.program.values(point)
        if len(z) == len(self.kink):
            return z
        return np.concatenate([np.tile(z, self.shape[0]), point[self.bent]])

    def by_row(self, values: Float64Array) -> Float64Array:
        if self.shape[0] == 1:
            return values[: self.n]
        return values[: self.n].reshape(self.shape).sum(axis=0)

    def by_column(self, values: Float64Array) -> Float64Array:
        columns = np.zeros(self.program.rows.d)
        columns[self.bent] = values[self.n :]
        return columns

    def pulls(self, *values: Float64Array) -> list[Float64Array]:
        """Return Σ values_i (x_i, 1) over the rows' lines, for each of several values."""
        by_row = [self.by_row(v) for v in values]
        columns = by_row[0][:, np.newaxis] if len(by_row) == 1 else np.stack(by_row, axis=1)
        return list(self.program.rows.cross(columns))


def _balance(lines: _Lines, away: Float64Array, mu: float) -> float:
    """Return the shift of all values that leaves no pull on the intercept.

    If one side has few rows, duals in the middle of their limits pull far too much, and many
    iterations would be needed from there. Newton's method, safeguarded by bisection.
    """
    n = lines.n
    low, width, weight = lines.low[:n], lines.width[:n], lines.weight[:n]
    off = np.maximum(2 * mu / width, LEAST_OFF)
    outside = float(lines.program.linear[-1])
    enough = BALANCED * min(float(weight @ lines.high[:n]), -float(weight @ low))
    lowest, highest, shift = -np.inf, np.inf, 0.0
    for _ in range(MOST_SHIFTS):
        root = np.hypot(away + shift, off)
        share = (root + off - (away + shift)) / (2 * (root + off))  # of the width, above low
        pull = float(weight @ (low + width * share)) + outside
        bend = float(weight @ (mu / root / (root + off)))  # a product of both may be 0
        if abs(pull) <= enough or not bend > 0:
            break
        lowest, highest = (shift, highest) if pull > 0 else (lowest, shift)
        shift += pull / bend
        if not lowest < shift < highest:
            shift = (lowest + highest) / 2
        if not np.isfinite(shift):
            return 0.0
    return shift


class _Move(NamedTuple):
    """Changes of the point and of s, r and θ; the step lengths of s, r and of α, β."""

    point: Float64Array
    lines: Float64Array  # (3, n)
    primal: float
    dual: float


class _Walk:
    """The iterate: a point, each line's s, r, α, β, and quantities derived from them."""

    def __init__(self, lines: _Lines, point: Float64Array, mu: float | None, first: float) -> None:
        self.lines, self.point = lines, point
        n = len(lines.kink)
        away = lines.values(point) - lines.kink
        if mu is None:
            mu = first * float(lines.weight @ (np.abs(away) * lines.width)) / lines.total
            if lines.program.fit_intercept and mu > 0:
                shift = _balance(lines, away[: lines.n], mu)
                self.point = point + np.append(np.zeros(len(point) - 1), shift)
                away[: lines.n] += shift
        self._at, self._seen, self._aim = np.empty((4, n)), np.empty((3, n)), np.empty((3, n))
        interior_start(away, lines.width, lines.ease, max(mu, 1e-200), self._at)
        self._look()

    def _look(self) -> None:
        """Compute duals, their pull, and the right-hand side of a plain Newton step."""
        lines, program = self.lines, self.lines.program
        slack = interior_look(lines.low, lines.high, lines.weight, self._at, self._seen)
        self.mu = slack / (2 * lines.total)
        dual, self._curvature, newton = self._seen
        pull, newton_pull = lines.pulls(dual, newton)
        self.pull = pull + program.linear
        left = self.pull.copy()
        left[:-1] += lines.by_column(dual) - program.penalty.l2 * self.point[:-1]
        self._left = left
        self._newton = left + newton_pull
        self._newton[:-1] += lines.by_column(newton)

    def inner(self, objectives: list[float]) -> Inner:
        """Return the iterate with its gap."""
        lines, program = self.lines, self.lines.program
        s, r, a, b = self._at
        z = (s - r + lines.kink)[: lines.n].reshape(lines.shape)[0]
        theta = (self._seen[0][: lines.n] / lines.weight[: lines.n]).reshape(lines.shape)
        objective = program.objective(self.point, z)
        gap = (
            objective - program.bound(program.paired(theta), self.pull, self.point)
        ) / program.null
        doubt = np.maximum(s / a, r / b)
        return Inner(self.point, theta, doubt, self.pull, objective, gap, objectives)

    def factor(self, system: PrimalSystem | DualSystem) -> Solve:
        """Return the solver of Newton systems at this iterate."""
        lines = self.lines
        extra = lines.program.penalty.l2 + lines.by_column(self._curvature)
        return system.factor(lines.by_row(self._curvature), extra)

    def step(self, solve: Solve) -> bool:
        """Take one predictor-corrector step; False if there is no progress."""
        lines, at, aim = self.lines, self._at, self._aim
        interior_aim(lines.ease, at, np.zeros_like(aim), self._curvature, 0.0, 0.0, aim)
        move = self._move(solve, self._newton, 1.0)
        ahead = interior_ahead(lines.weight, at, move.lines, move.primal, move.dual)
        center = min((ahead / (2 * lines.total) / self.mu) ** 3, BOLD) * self.mu
        bend = move.primal * move.dual  # short steps have small second-order terms
        interior_aim(lines.ease, at, move.lines, self._curvature, center, bend, aim)
        move = self._aimed_move(solve)
        for _ in range(CORRECTIONS):
            longer = min(1, move.primal + FARTHER), min(1, move.dual + FARTHER)
            interior_recenter(
                lines.ease, at, move.lines, self._curvature, *longer, center, NEAR, aim
            )
            better = self._aimed_move(solve)
            if better.primal + better.dual < move.primal + move.dual + WORTH * FARTHER:
                break
            move = better
        if not np.isfinite(move.point).all() or max(move.primal, move.dual) < TOO_SHORT:
            return False
        self.point = self.point + move.primal * move.point
        interior_go(move.lines, move.primal, move.dual, at)
        self._look()
        return True

    def _aimed_move(self, solve: Solve) -> _Move:
        newton = self._aim[2]
        (pull,) = self.lines.pulls(newton)
        right = self._left + pull
        right[:-1] += self.lines.by_column(newton)
        return self._move(solve, right, INSIDE)

    def _move(self, solve: Solve, right: Float64Array, inside: float) -> _Move:
        """Return the move to the aim, with step lengths that keep it `inside` the boundary."""
        point, lines = solve(right), np.empty_like(self._aim)
        primal, dual = interior_move(self.lines.values(point), self._at, self._aim, lines)
        if self.lines.program.penalty.l2.any():
            primal = dual = max(primal, dual)
        return _Move(point, lines, 1 / max(primal / inside, 1), 1 / max(dual / inside, 1))
