"""Exact solutions for losses of bent lines: a primal-dual interior point.

Each line at e = z - kink is written e = s - r with s, r ≥ 0; its dual θ has the slacks
α = θ - low and β = high - θ, and α s = β r = μ → 0. Weights multiply costs and barrier alike,
so that a row of weight two walks the very path of two rows. Mehrotra's predictor and
corrector: Mehrotra (1992), "On the implementation of a primal-dual interior point method";
for quantiles, Portnoy and Koenker (1997), "The Gaussian hare and the Laplacian tortoise".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from algos.linear_learner.kinks import Lines
from algos.linear_learner.newton_systems import Solve, system_for
from algos.linear_learner.problem import Doubles, Penalty, Rows

CORRECTIONS = 2  # of Gondzio (1996), "Multiple centrality corrections"
FARTHER, WORTH, NEAR = 0.3, 0.1, 3.0
PATIENCE = 12  # iterations without a better gap
FIRST = 1.0
BOLD = 0.3
FLOOR = 1e-24
INSIDE = 0.9995  # of the way to the wall


@dataclass(frozen=True)
class Program:
    """Bent lines of some rows, a penalty, and straight lines for all other rows.

    Minimises Σ w_i lines_i(x_i·v + b) + penalty(v) - linear·(v, b) + constant.
    """

    rows: Rows
    weight: Doubles
    lines: Lines
    penalty: Penalty
    fit_intercept: bool
    linear: Doubles  # (d + 1,)
    constant: float
    null: float  # gaps are relative to it; 0 bounds the objective from below

    def values(self, point: Doubles) -> Doubles:
        """Return the rows' decision values at (v, b)."""
        return self.rows.decision(point[None, :-1], point[-1:])[:, 0]

    def objective(self, point: Doubles, z: Doubles) -> float:
        """Return the objective at (v, b), whose decision values are z."""
        return (
            float(self.weight @ self.lines.cost(z))
            + self.penalty.value(point[None, :-1])
            - float(self.linear @ point)
            + self.constant
        )

    def bound(self, theta: Doubles, pull: Doubles, point: Doubles) -> float:
        """Return a lower bound of the optimum from duals (p, n) within their limits.

        Parameters
        ----------
        theta : ndarray of shape (p, n)
        pull : ndarray of shape (d + 1,)
            Σ w_i θ_i (x_i, 1) + linear.
        point : ndarray of shape (d + 1,)
            What is left of equalities (no pull on unpenalised columns) counts as far as twice
            this point reaches.
        """
        l1, l2 = self.penalty
        size = np.abs(pull[:-1])
        hard = (l2 == 0) & (l1 > 0)
        shrink = 1.0
        if hard.any():
            shrink = float(np.min(l1[hard] / np.maximum(size[hard], l1[hard])))
        paired = float((theta * self.lines.kink).sum(axis=0) @ self.weight) + self.constant
        free = (l2 == 0) & (l1 == 0)
        left = float(size[free].sum()) + abs(pull[-1]) * self.fit_intercept
        soft = l2 > 0
        excess = np.maximum(shrink * size[soft] - l1[soft], 0)
        reach = 1 + 2 * float(np.abs(point).max())
        return max(
            0.0, shrink * (paired - left * reach) - float((excess**2 / (2 * l2[soft])).sum())
        )


class Inner(NamedTuple):
    """Where an interior point ended.

    Attributes
    ----------
    point : ndarray of shape (d + 1,)
    theta : ndarray of shape (p, n)
    doubt : ndarray of shape (p·n + n_l1,)
        Below 1 where a line (then an L1 term) seems to be at its kink, above 1 elsewhere.
    pull : ndarray of shape (d + 1,)
        Σ w_i θ_i (x_i, 1) + linear.
    objective, gap : float
    objectives : list of float
    """

    point: Doubles
    theta: Doubles
    doubt: Doubles
    pull: Doubles
    objective: float
    gap: float
    objectives: list[float]


class _Lines:
    """All bent lines of a program in one row: those of rows, then those of L1 terms."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.bent = np.flatnonzero(program.penalty.l1)
        lines, n_l1 = program.lines, len(self.bent)
        p = len(lines.kink)
        self.kink = np.concatenate([lines.kink.ravel(), np.zeros(n_l1)])
        self.low = np.concatenate([lines.low.ravel(), np.full(n_l1, -1.0)])
        self.high = np.concatenate([lines.high.ravel(), np.ones(n_l1)])
        self.weight = np.concatenate([np.tile(program.weight, p), program.penalty.l1[self.bent]])
        self.width = self.high - self.low
        self.shape = lines.kink.shape
        self.n = lines.kink.size

    def values(self, point: Doubles) -> Doubles:
        z = self.program.values(point)
        return np.concatenate([np.tile(z, self.shape[0]), point[self.bent]])

    def by_row(self, values: Doubles) -> Doubles:
        return values[: self.n].reshape(self.shape).sum(axis=0)

    def by_column(self, values: Doubles) -> Doubles:
        columns = np.zeros(self.program.rows.d)
        columns[self.bent] = values[self.n :]
        return columns

    def pulls(self, *values: Doubles) -> list[Doubles]:
        """Return Σ values over lines times their (x, 1), for each of several values."""
        pulls = self.program.rows.cross(np.stack([self.by_row(v) for v in values], axis=1))
        for pull, v in zip(pulls, values, strict=True):
            pull[self.bent] += v[self.n :]
        return list(pulls)


def solve_band(
    program: Program,
    *,
    tol: float,
    max_iter: int,
    start: Doubles | None = None,
    mu: float | None = None,
) -> Inner:
    """Solve a program to a relative gap.

    Parameters
    ----------
    program : Program
    tol : float
        Of the duality gap over `program.null`.
    max_iter : int
    start : ndarray of shape (d + 1,), default=None
        Where to begin; None is 0.
    mu : float, default=None
        Of the central point to begin at, smaller for better starts; None makes one for a
        start that knows nothing.

    Returns
    -------
    inner : Inner
        The iterate of the smallest gap.
    """
    lines = _Lines(program)
    system = system_for(program.rows, program.penalty, program.fit_intercept)
    walk = _Walk(lines, np.zeros(program.rows.d + 1) if start is None else start.copy(), mu)
    objectives: list[float] = []
    first = least = walk.mu
    best, worse = walk.inner(objectives), 0
    while best.gap > tol and len(objectives) < max_iter and worse < PATIENCE:
        if walk.mu < FLOOR * first:
            break
        solve = walk.factor(system)
        if not walk.step(solve):
            break
        now = walk.inner(objectives)
        objectives.append(now.objective)
        is_better = now.gap < 0.9 * best.gap or walk.mu < 0.9 * least
        worse = 0 if is_better else worse + 1
        best, least = min(best, now, key=lambda inner: inner.gap), min(least, walk.mu)
    return best


class _Move(NamedTuple):
    """Changes of the point, s, r and θ, and how far along them s, r and then α, β may go."""

    d_point: Doubles
    d_s: Doubles
    d_r: Doubles
    d_theta: Doubles
    primal: float
    dual: float


class _Walk:
    """The iterate: a point, and each line's s, r, α, β."""

    def __init__(self, lines: _Lines, point: Doubles, mu: float | None) -> None:
        self.lines, self.point = lines, point
        away = lines.values(point) - lines.kink
        if mu is None:
            mu = float(lines.weight @ (np.abs(away) * lines.width)) / lines.weight.sum() * FIRST
        # The point of the central path for these values: W s² - (W e + 2 μ) s + μ e = 0.
        width, mu = lines.width, max(mu, 1e-300)
        root = np.hypot(away, 2 * mu / width)
        self.s = (np.maximum(root + away, 0) + 2 * mu / width) / 2
        self.r = (np.maximum(root - away, 0) + 2 * mu / width) / 2
        self.a, self.b = width * self.r / (self.s + self.r), width * self.s / (self.s + self.r)
        self._look()

    def _look(self) -> None:
        """Take stock: duals, their pull, and the right side of a plain Newton step."""
        lines, program = self.lines, self.lines.program
        slackness = self.a * self.s + self.b * self.r
        self.mu = float(lines.weight @ slackness) / (2 * float(lines.weight.sum()))
        theta = np.where(self.a < self.b, lines.low + self.a, lines.high - self.b)
        self.theta = theta[: lines.n].reshape(lines.shape)
        self.curvature = lines.weight / (self.s / self.a + self.r / self.b)
        weighted = lines.weight * theta
        weighted_rows = weighted.copy()
        weighted_rows[lines.n :] = 0
        pull, newton = lines.pulls(weighted_rows, self.curvature * (self.r - self.s))
        self.pull = pull + program.linear
        self.left = self.pull.copy()
        self.left[:-1] += lines.by_column(weighted) - program.penalty.l2 * self.point[:-1]
        self.newton = newton

    def inner(self, objectives: list[float]) -> Inner:
        program, n, shape = self.lines.program, self.lines.n, self.lines.shape
        z = (self.s - self.r + self.lines.kink)[:n].reshape(shape)[0]
        objective = program.objective(self.point, z)
        bound = program.bound(self.theta, self.pull, self.point)
        doubt = np.maximum(self.s / self.a, self.r / self.b)
        gap = (objective - bound) / program.null
        return Inner(self.point, self.theta, doubt, self.pull, objective, gap, objectives)

    def factor(self, system) -> Solve:  # type: ignore[no-untyped-def]
        lines = self.lines
        extra = lines.program.penalty.l2 + lines.by_column(self.curvature)
        return system.factor(lines.by_row(self.curvature), extra)

    def step(self, solve: Solve) -> bool:
        """Go one predictor and corrector step; False if there is no way on."""
        s, r, a, b = self.s, self.r, self.a, self.b
        move = self._move(solve, self.left + self.newton, -a * s, -b * r)
        centre = min((self._mu_after(move) / self.mu) ** 3, BOLD) * self.mu
        bend = move.primal * move.dual * move.d_theta  # short steps see little of the curve
        m_s = centre - a * s - bend * move.d_s
        m_r = centre - b * r + bend * move.d_r
        move = self._corrected(solve, m_s, m_r)
        for _ in range(CORRECTIONS):
            longer = min(1, move.primal + FARTHER), min(1, move.dual + FARTHER)
            t_s, t_r = self._off_centre(move, *longer, centre)
            m_s, m_r = m_s + t_s, m_r + t_r
            better = self._corrected(solve, m_s, m_r)
            if better.primal + better.dual < move.primal + move.dual + WORTH * FARTHER:
                break
            move = better
        primal, dual = move.primal, move.dual
        if not np.isfinite(move.d_point).all() or max(primal, dual) < 1e-12:
            return False
        self.point = self.point + primal * move.d_point
        self.s, self.r = s + primal * move.d_s, r + primal * move.d_r
        self.a, self.b = a + dual * move.d_theta, b - dual * move.d_theta
        self._look()
        return True

    def _mu_after(self, move: _Move) -> float:
        slackness = (self.a + move.dual * move.d_theta) * (self.s + move.primal * move.d_s)
        slackness += (self.b - move.dual * move.d_theta) * (self.r + move.primal * move.d_r)
        return float(self.lines.weight @ slackness) / (2 * float(self.lines.weight.sum()))

    def _off_centre(
        self, move: _Move, primal: float, dual: float, centre: float
    ) -> tuple[Doubles, Doubles]:
        """Return what α s and β r lack to be near the centre after a longer step."""
        after_s = (self.a + dual * move.d_theta) * (self.s + primal * move.d_s)
        after_r = (self.b - dual * move.d_theta) * (self.r + primal * move.d_r)
        low, high = centre / NEAR, centre * NEAR
        return (
            np.maximum(np.clip(after_s, low, high) - after_s, -high),
            np.maximum(np.clip(after_r, low, high) - after_r, -high),
        )

    def _corrected(self, solve: Solve, m_s: Doubles, m_r: Doubles) -> _Move:
        (newton,) = self.lines.pulls(self.curvature * (m_s / self.a - m_r / self.b))
        return self._move(solve, self.left + newton, m_s, m_r, INSIDE)

    def _move(
        self, solve: Solve, right: Doubles, m_s: Doubles, m_r: Doubles, inside: float = 1.0
    ) -> _Move:
        """Return the step that makes α s and β r grow by m_s and m_r, and how far it goes."""
        s, r, a, b = self.s, self.r, self.a, self.b
        d_point = solve(right)
        change = m_s / a - m_r / b - self.lines.values(d_point)
        d_theta = change / (s / a + r / b)
        d_s, d_r = (m_s - s * d_theta) / a, (m_r + r * d_theta) / b
        primal = max(float((-d_s / s).max()), float((-d_r / r).max())) / inside
        dual = max(float((-d_theta / a).max()), float((d_theta / b).max())) / inside
        if self.lines.program.penalty.l2.any():
            primal = dual = max(primal, dual)
        return _Move(d_point, d_s, d_r, d_theta, 1 / max(primal, 1), 1 / max(dual, 1))
