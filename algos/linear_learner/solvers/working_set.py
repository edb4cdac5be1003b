"""Coordinate descent on working sets of columns, for penalties with L1.

Most coefficients are 0 at the optimum. Descent works on the few columns whose coefficients may not
be, and a pass over all columns after each working set computes the duality gap, drops columns that
can never enter, and chooses the next working set (Massias, Gramfort and Salmon, "Celer: a fast
solver for the lasso with dual extrapolation", ICML 2018; screening: Ndiaye, Fercoq, Gramfort and
Salmon, "Gap safe screening rules for sparsity enforcing penalties", JMLR 18, 2017, theorem 6). For
losses that are not quadratic, descent uses quadratic models with a line search (proximal Newton).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from algos._common.arrays import Float64Array
from algos._common.threads import one_thread_blas
from algos._cython.linear_descent import column_moments, combine, descend
from algos.linear_learner.decisions import loss_derivatives
from algos.linear_learner.problem import Control, Penalty, Problem, Solution
from algos.linear_learner.solvers import least_squares
from algos.linear_learner.solvers.column_bounds import Bound, Numbers, Objective, State
from algos.linear_learner.solvers.columns import ScaledColumns, columns_of
from algos.linear_learner.solvers.null_model import Null, best_intercept, null_model

# Largest curvature of each loss, with which a duality gap bounds the distance of the dual optimum.
_MOST_CURVED = {
    "squared_error": 1.0,
    "squared_epsilon_insensitive": 2.0,
    "huber": 1.0,
    "log_loss": 0.25,
    "squared_hinge": 2.0,
}
_EPS = float(np.finfo(np.float64).eps)
_FIRST, _GROWTH = 32, 2  # columns in the first working set; in the next, per column in use
_MOST_ROUNDS = 50  # on a working set
_MOST_CIRCLES = 100  # sweeps on one quadratic model
_PART = 0.3  # of the gap, to which a working set is solved
_MOST_HALVINGS = 40
_CRAWL = 16  # passes over all columns after which products of columns may pay
_MOST_PRODUCTS = 2000  # columns whose products are cheap


def path(
    problem: Problem,
    penalties: list[Penalty],
    control: Control,
    start: list[Solution] | None = None,
) -> Iterator[Solution]:
    """Yield the solution for each penalty, the strongest first, each from the one before.

    Parameters
    ----------
    problem : Problem
        Of one output and a smooth loss.
    penalties : list of Penalty
    control : Control
        `max_iter` counts passes over all columns.
    start : list of Solution, default=None
        The descent begins at the first.

    Yields
    ------
    solution : Solution
        Certified by the duality gap. For columns without any penalty, and for losses without a
        conjugate in closed form, the remaining gain is estimated.
    """
    with one_thread_blas(), np.errstate(over="ignore", invalid="ignore"):
        descent = _Descent.prepare(problem, control)
        if start:
            descent.begin_at(start[0])
    for k, penalty in enumerate(penalties):
        with one_thread_blas(), np.errstate(over="ignore", invalid="ignore"):
            found = descent.solve(k, penalty)
        yield found


@dataclass
class _Descent:
    """State of the descent over one problem."""

    problem: Problem
    control: Control
    columns: ScaledColumns
    null: Null
    tol: float
    state: State
    norms: Float64Array  # (d,): sum_i w_i x_ij²

    @staticmethod
    def prepare(problem: Problem, control: Control) -> _Descent:
        rows = problem.rows
        columns = columns_of(rows)
        norms, means = np.empty(rows.d), np.empty(rows.d)
        column_moments(
            columns.lines, np.arange(rows.d), problem.weight, means, norms, rows.n_threads
        )
        tol = max(control.tol, 2 * float(np.finfo(rows.dtype).eps))
        state = State(np.zeros(rows.d), 0.0, np.zeros(rows.n))
        return _Descent(problem, control, columns, null_model(problem), tol, state, norms)

    def begin_at(self, solution: Solution) -> None:
        self.state.coef = solution.coef[0] / self.columns.scale
        self.state.intercept = float(solution.intercept[0])

    def solve(self, candidate: int, penalty: Penalty) -> Solution:
        """Alternate passes over all columns with descent on working sets."""
        sets = _Sets(self, penalty)
        objectives: list[float] = []
        target, give_up = max(self.tol * self.null.unit, self.null.rounding), self.control.give_up
        n_iter = 0
        while True:
            bound = sets.bound()
            objectives.append(bound.objective)
            is_number = np.isfinite(bound.gap) and np.isfinite(self.null.unit)
            certificate = bound.gap / self.null.unit if is_number else np.inf
            converged = is_number and bound.gap <= target
            if converged or not is_number or n_iter >= self.control.max_iter:
                break
            coef, intercept = self.model()
            if give_up and give_up(candidate, coef, intercept, certificate):
                break
            if n_iter == _CRAWL and self.has_products():
                self.begin_at(self.solved_with_products(penalty))
            else:
                sets.descend_on(sets.choose(bound), max(_PART * bound.gap, target / 2))
            n_iter += 1
        coef, intercept = self.model()
        return Solution(
            coef, intercept, bound.objective, certificate, sets.criterion, n_iter, converged,
            objectives,
        )  # fmt: skip

    def has_products(self) -> bool:
        return self.problem.loss.name == "squared_error" and self.problem.rows.d <= _MOST_PRODUCTS

    def solved_with_products(self, penalty: Penalty) -> Solution:
        """Return the result of coordinate descent and direct solves on a Gram matrix.

        Single coordinates converge very slowly for nearly dependent columns or very different
        penalties.
        """
        begin = Solution(*self.model(), np.inf, np.inf, "", 0, False)
        control = replace(self.control, tol=self.tol / 2, give_up=None)
        return least_squares.solve(self.problem, [penalty], control, [begin])[0]

    def model(self) -> tuple[Float64Array, Float64Array]:
        return (
            (self.state.coef * self.columns.scale)[np.newaxis],
            np.array([self.state.intercept]),
        )


class _Sets:
    """Descent for one penalty."""

    def __init__(self, descent: _Descent, penalty: Penalty) -> None:
        self.descent, self.problem, self.state = descent, descent.problem, descent.state
        self.objective = Objective(descent.problem, descent.columns, penalty)
        self.lines, self.has_gap = descent.columns.lines, self.objective.has_gap
        self.kept = np.arange(self.problem.rows.d)
        self.size = _FIRST
        self.best_dual = -np.inf
        self.criterion = "duality gap" if self.has_gap else "gradient norm"

    def bound(self) -> Bound:
        """Return the bounds from a pass over all remaining columns."""
        problem, state = self.problem, self.state
        state.z = self.decision(state.coef)
        if problem.fit_intercept:
            raw = state.z - state.intercept
            state.intercept = best_intercept(problem, raw, state.intercept)
            state.z = raw + state.intercept
        found = self.objective.bound(state, self.kept)
        # An older dual bound remains valid. Dual points are feasible for the intercept only here.
        self.best_dual = max(self.best_dual, found.dual) if self.has_gap else found.dual
        gap = max(found.objective - self.best_dual, 0.0)
        if problem.loss.is_positive:  # nothing is below zero
            gap = min(gap, found.objective)
        return replace(found, gap=gap)

    def decision(self, coef: Float64Array) -> Float64Array:
        z = np.full(self.problem.rows.n, self.state.intercept)
        combine(self.lines, np.flatnonzero(coef), coef, z)
        return z

    def choose(self, bound: Bound) -> Numbers:
        """Return the columns in use and those nearest to entering; drop the impossible ones."""
        kept = self.kept
        norm = np.sqrt(self.descent.norms[kept])
        room = self.objective.l1[kept] - bound.shrink * np.abs(bound.gradient[kept])
        distance = np.divide(room, norm, out=np.full(len(kept), np.inf), where=norm > 0)
        in_use = self.state.coef[kept] != 0
        most_curved = _MOST_CURVED.get(self.problem.loss.name)
        if most_curved is not None and self.has_gap:
            gap = max(bound.objective - bound.dual, 0.0)  # of the current dual point
            radius = np.sqrt(2 * most_curved * gap) * (1 + 1e-9)
            stays = (distance <= radius) | in_use
            kept, distance, in_use = kept[stays], distance[stays], in_use[stays]
            self.kept = kept
        distance[in_use | self.objective.is_free[kept]] = -np.inf
        count = min(len(kept), max(self.size, _GROWTH * int(np.isneginf(distance).sum())))
        self.size = max(self.size, count)
        if count == len(kept):
            return kept
        return np.sort(kept[np.argpartition(distance, count)[:count]])

    def descend_on(self, which: Numbers, goal: float) -> None:
        """Solve the problem of some columns until its gap is within the goal."""
        problem, objective, state = self.problem, self.objective, self.state
        quadratic = None
        is_quadratic = problem.loss.name == "squared_error"
        part = 0.03 if is_quadratic else 0.1
        for _ in range(_MOST_ROUNDS):
            if quadratic is None or not is_quadratic:
                quadratic = objective.quadratic(state, which)
            derivatives = problem.weight * loss_derivatives(state.z, problem.target, problem.loss)
            e, coef = derivatives.copy(), state.coef.copy()
            begin = -float(derivatives.sum()) * quadratic.inverse
            _, _, shift = descend(
                self.lines, which, quadratic.h, quadratic.mean, quadratic.curvature,
                objective.l1, objective.l2, coef, e, quadratic.inverse, begin, _MOST_CIRCLES, part,
            )  # fmt: skip
            if not self.move(coef, shift, derivatives, is_quadratic):
                return
            if objective.bound(state, which).gap <= goal:
                return

    def move(
        self, coef: Float64Array, shift: float, derivatives: Float64Array, is_quadratic: bool
    ) -> bool:
        """Line search along the step of the model; False if there is no step."""
        objective, state = self.objective, self.state
        step = coef - state.coef
        way = np.full(self.problem.rows.n, shift)
        combine(self.lines, np.flatnonzero(step), step, way)
        if not way.any() and not step.any():
            return False
        value = objective.value(state.coef, state.z)
        before = objective.penalty(state.coef)
        promised = float(derivatives @ way) + objective.penalty(coef) - before
        t = 1.0
        for _ in range(0 if is_quadratic else _MOST_HALVINGS):
            after = state.coef + t * step
            reached = objective.value(after, state.z + t * way)
            if reached <= value + 1e-4 * t * promised + 4 * _EPS * abs(value):
                break
            t /= 2
        state.coef = coef if t == 1 else state.coef + t * step
        state.intercept += t * shift
        state.z = state.z + t * way
        return True
