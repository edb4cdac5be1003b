"""Dual coordinate descent, for L2 penalties: one dual variable for each row.

The dual variable s_i of a row is called its pull: v = sum_i w_i s_i x_i / l2, and each step
optimises one pull given the others (`_linear_dual.h`). The method suits fewer rows than columns.

The free intercept b requires that pulls balance, sum_i w_i s_i = 0. This is achieved by the
proximal point method: sweeps use the penalty kappa (b - b_0)² / 2, and b_0 follows b
(Rockafellar, "Augmented Lagrangians and applications of the proximal point algorithm in
convex programming", Mathematics of Operations Research 1, 1976). The solution returned is certified
by pulls that balance exactly, and its intercept is optimal for its coefficients.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, Int64Array
from algos._common.threads import one_thread_blas
from algos._cython.linear_dual import square_norms, sweep_rows
from algos.linear_learner.decisions import loss_derivatives, losses_of
from algos.linear_learner.problem import Control, Penalty, Problem, Solution
from algos.linear_learner.solvers.columns import (
    Distinct,
    ScaledRows,
    distinct_rows,
    scaled_rows,
    spanned_rows,
)
from algos.linear_learner.solvers.conjugates import conjugates_at
from algos.linear_learner.solvers.null_model import Null, best_intercept, null_model

_KEY = np.array([0x70756C6C, 0x73], dtype=np.uint64)
_SWEEPS_A_CHECK = 20  # at most
_RESTING = 0.1  # share of |b - b_0| by which b may still move in a sweep when b_0 is updated
_LEAST_SHARE = 1e-9  # of the pulls of a start; with less it would be useless
_PARTIAL = 2  # sweeps over rows that still move, after each sweep over all
_STILL = 0.1  # share of the mean gap below which rows are left out of these
_SPANNED = 200  # rows for each candidate up to which sweeps repay products of rows
_MOST_SPANNED = 1000  # rows; products take n² d operations, and packs need few sweeps
_WORTH = 0.7  # share of moving rows above which all are swept


def path(
    problem: Problem,
    penalties: list[Penalty],
    control: Control,
    start: list[Solution] | None = None,
) -> Iterator[Solution]:
    """Yield the solution for each penalty, the strongest first, each from the previous pulls.

    Parameters
    ----------
    problem : Problem
        Of one output and a loss that `has_boxes`.
    penalties : list of Penalty
        l1 is 0 and l2 positive.
    control : Control
        `max_iter` counts sweeps over the rows.
    start : list of Solution, default=None
        For smooth losses, the coefficients of the first one give the initial pulls.

    Yields
    ------
    solution : Solution
        Certified by the duality gap.
    """
    with one_thread_blas():
        descent = _Descent.prepare(problem, control, len(penalties))
        if start and problem.loss.is_smooth:
            descent.begin_at(start[0], penalties[0])
    for k, penalty in enumerate(penalties):
        with one_thread_blas():
            found = descent.solve(k, penalty)
        yield found


@dataclass
class _Model:
    """A model with a dual point whose pulls balance."""

    coef: Float64Array  # (1, d)
    intercept: Float64Array  # (1,)
    objective: float
    gap: float


@dataclass
class _Descent:
    """State of the sweeps over one problem."""

    problem: Problem
    control: Control
    distinct: Distinct
    null: Null
    tol: float
    is_spanned: bool
    pull: Float64Array
    center: float = 0.0  # b_0
    epoch: int = 0
    scaled: ScaledRows | None = None
    norms: Float64Array = field(default_factory=lambda: np.empty(0))

    @staticmethod
    def prepare(problem: Problem, control: Control, count: int) -> _Descent:
        rows = problem.rows
        # With kinks, the objective depends linearly on rounding errors.
        precision = (2 if problem.loss.is_smooth else 16) * float(np.finfo(rows.dtype).eps)
        null = null_model(problem)
        return _Descent(
            problem, control, distinct_rows(problem), null, max(control.tol, precision),
            not rows.is_sparse and rows.n <= min(rows.d // 2, _SPANNED * count, _MOST_SPANNED),
            pull=np.zeros(rows.n),
        )  # fmt: skip

    def begin_at(self, solution: Solution, penalty: Penalty) -> None:
        """Start from the pulls at a model, or from the best of their halves, quarters and so on.

        Pulls for another penalty or other targets may move the model much too far.
        """
        problem, weight = self.problem, self.distinct.weight
        z = problem.rows.decision(solution.coef, solution.intercept)[:, 0]
        pull = -loss_derivatives(z, problem.target, problem.loss)
        if problem.fit_intercept:
            pull = _balanced(pull, weight)
        cross = problem.rows.cross((weight * pull)[:, np.newaxis])[0]
        norm = penalty.value((cross[:-1] / penalty.l2)[np.newaxis])
        best, share = -np.inf, 1.0
        while share > _LEAST_SHARE:
            dual = -float(weight @ conjugates_at(problem.loss, problem.target, share * pull))
            if dual - share**2 * norm <= best:
                break
            best, self.pull = dual - share**2 * norm, share * pull
            share /= 2
        self.center = float(solution.intercept[0])

    def solve(self, candidate: int, penalty: Penalty) -> Solution:
        """Sweep until the certificate is small enough."""
        sweeps = _Sweeps.begin(self, penalty)
        objectives: list[float] = []
        target, give_up = max(self.tol * self.null.unit, self.null.rounding), self.control.give_up
        n_iter, goal = 0, target / 2
        while True:
            n_sweeps = sweeps.run(goal, min(_SWEEPS_A_CHECK, self.control.max_iter - n_iter))
            n_iter += n_sweeps
            model = sweeps.model()
            objectives += [model.objective] * n_sweeps  # known at the last of them
            certificate = model.gap / self.null.unit
            converged = model.gap <= target
            if converged or n_iter >= self.control.max_iter:
                break
            if give_up and give_up(candidate, model.coef, model.intercept, certificate):
                break
            goal = min(goal, 0.2 * sweeps.estimate)
        self.pull = sweeps.pull
        self.center = sweeps.center
        return Solution(
            model.coef, model.intercept, model.objective, certificate, "duality gap",
            n_iter, converged, objectives,
        )  # fmt: skip


@dataclass
class _Sweeps:
    """Sweeps for one penalty."""

    descent: _Descent
    penalty: Penalty
    strength: float  # lambda
    kappa: float  # 0 without an intercept
    curvature: Float64Array
    pull: Float64Array
    center: float  # b_0
    intercept: float  # b
    coef: NDArray[np.floating]
    gaps: Float64Array
    estimate: float = np.inf

    @staticmethod
    def begin(descent: _Descent, penalty: Penalty) -> _Sweeps:
        rows, weight = descent.problem.rows, descent.distinct.weight
        if descent.scaled is None or not descent.scaled.serves(penalty.l2):
            descent.scaled = (spanned_rows if descent.is_spanned else scaled_rows)(rows, penalty.l2)
            descent.norms = np.empty(rows.n)
            square_norms(descent.scaled.lines, descent.norms)
        strength = float(penalty.l2[0] * descent.scaled.factor[0] ** 2)
        kappa = 0.0
        curvature = descent.norms / strength
        if descent.problem.fit_intercept:
            kappa = _kappa(descent.problem, float(weight @ curvature))
            curvature = curvature + 1 / kappa
        sweeps = _Sweeps(
            descent, penalty, strength, kappa, weight * curvature, descent.pull.copy(),
            descent.center, 0.0, np.empty(0), np.empty(rows.n),
        )  # fmt: skip
        if sweeps.pull.any():
            sweeps.refresh(rows.cross((weight * sweeps.pull)[:, np.newaxis])[0])
        else:
            sweeps.refresh(np.zeros(rows.d + 1))
        return sweeps

    def refresh(self, cross: Float64Array) -> None:
        """Recompute the model, to remove the rounding errors of sweeps."""
        scaled = self.descent.scaled
        assert scaled is not None
        if scaled.spanned is None:
            coef = cross[:-1] / (self.penalty.l2 * scaled.factor)
            self.coef = coef.astype(self.descent.problem.rows.dtype)
        else:
            self.coef = (self.descent.distinct.weight * self.pull) @ scaled.spanned / self.strength
        self.intercept = self.center + (float(cross[-1]) / self.kappa if self.kappa else 0.0)

    def run(self, goal: float, most: int) -> int:
        """Sweep until the gaps of the rows are likely to sum to no more than the goal."""
        done = 0
        every = self.descent.distinct.rows
        while done < most:
            order, before = every.copy(), self.intercept
            self.estimate = self.sweep(order)
            done += 1
            self.move_center(abs(self.intercept - before))
            if self.estimate <= goal:
                break
            done += self.sweep_moving(order)
            if self.estimate <= goal:
                break
        return done

    def sweep_moving(self, order: Int64Array) -> int:
        """Sweep over the rows with the largest gaps; return the number of sweeps.

        Their total gap is assumed to shrink as much as in the last sweep; once it is less than the
        total gap of the other rows, another sweep would gain little.
        """
        every, off_center = len(order), self.estimate - float(self.gaps[: len(order)].sum())
        rest = 0.0
        for done in range(_PARTIAL):
            gaps = self.gaps[: len(order)]
            moves = gaps > _STILL * gaps.sum() / every
            before = float(gaps[moves].sum())
            order = order[moves]
            if len(order) > _WORTH * every or not before > 0:  # gaps may round to less than 0
                return done
            rest += float(gaps.sum()) - before
            left = self.sweep(order)
            left *= left / before  # left**2 would raise OverflowError if it overflows
            self.estimate = rest + left + off_center
            if left <= rest:
                return done + 1
        return _PARTIAL

    def sweep(self, order: Int64Array) -> float:
        descent, problem = self.descent, self.descent.problem
        assert descent.scaled is not None
        descent.epoch += 1
        estimate, self.intercept = sweep_rows(
            descent.scaled.lines, problem.target, descent.distinct.weight, self.curvature,
            problem.loss.code, problem.loss.parameter, 1 / self.strength,
            1 / self.kappa if self.kappa else 0.0, _KEY, descent.epoch, order, self.pull,
            self.coef, self.intercept, self.gaps,
        )  # fmt: skip
        return estimate

    def move_center(self, wavering: float) -> None:
        """Update b_0 to b, once b moves little compared with their distance."""
        moved = self.intercept - self.center
        if self.kappa and wavering <= _RESTING * abs(moved):
            self.center += moved
            self.intercept += moved
        self.estimate += self.kappa * moved**2

    def model(self) -> _Model:
        """Return the coefficients of balanced pulls, the best intercept, and their gap."""
        problem, weight = self.descent.problem, self.descent.distinct.weight
        rows, loss, y = problem.rows, problem.loss, problem.target
        # One product at a time: together they would not fit in cache.
        own = cross = rows.cross((weight * self.pull)[:, np.newaxis])[0]
        self.refresh(own)
        pull = self.pull
        if problem.fit_intercept:
            pull = _balanced(pull, weight)
            cross = rows.cross((weight * pull)[:, np.newaxis])[0]
        coef = (cross[:-1] / self.penalty.l2)[np.newaxis]
        z = rows.decision(coef, np.zeros(1))[:, 0]
        b = 0.0
        if problem.fit_intercept:
            b = best_intercept(problem, z, self.intercept)
        penalty = self.penalty.value(coef)
        objective = float(weight @ losses_of(z + b, y, loss)) + penalty
        dual = -float(weight @ conjugates_at(loss, y, pull)) - penalty
        return _Model(coef, np.array([b]), objective, max(objective - dual, 0.0))


def _balanced(pull: Float64Array, weight: Float64Array) -> Float64Array:
    """Return pulls of sum 0, by reducing those of the stronger side, which any loss allows."""
    up, down = weight @ np.maximum(pull, 0), weight @ np.maximum(-pull, 0)
    if up > down:
        return np.where(pull > 0, pull * (down / up), pull)
    return np.where(pull < 0, pull * (up / down), pull) if down > up else pull


def _kappa(problem: Problem, curvature: float) -> float:
    """Return a penalty of the intercept that is about as stiff as that of the coefficients.

    A weaker one needs fewer updates of b_0, a stiffer one fewer sweeps.
    """
    loss, y = problem.loss, problem.target
    unit = 1.0
    if not loss.is_smooth and not loss.is_of_classes:
        spread = float(np.sqrt(problem.weight @ (y - problem.weight @ y) ** 2))
        unit = 1 / spread if spread > 0 else 1.0
    return min(1 / curvature if curvature > 0 else 1.0, 0.1 * unit)
