"""The solver of losses with kinks: absolute, quantile, epsilon-insensitive and hinge.

Exact, by an interior-point method on bands of rows (`bands.py`) and, if an L1 term leaves few of
many columns, on working sets of columns (`kinked_columns.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from algos._common.arrays import Float64Array
from algos._common.threads import one_thread_blas
from algos.linear_learner.problem import Control, Penalty, Problem, Solution
from algos.linear_learner.solvers.bands import Found, no_worse, rounds
from algos.linear_learner.solvers.kinked_columns import has_few_columns, rounds_of_columns
from algos.linear_learner.solvers.kinks import Bent, Mask, bent_from

FEW = 1 << 20  # values, few enough to copy
ROUNDINGS = 32  # rounding errors of the rows' type, the smallest gap to ask for
MOST_ROUNDS = 100
NEGLIGIBLE = 1e-10  # penalties that linear programs cannot distinguish from none


def path(
    problem: Problem,
    penalties: list[Penalty],
    control: Control,
    start: list[Solution] | None = None,
) -> Iterator[Solution]:
    """Yield the solution for each penalty, to a duality gap over all rows.

    Parameters
    ----------
    problem : Problem
        Its loss is absolute_error, quantile, epsilon_insensitive or hinge.
    penalties : list of Penalty
        Each candidate starts from the solution of the one before.
    control : Control
        `max_iter` bounds the interior point's iterations of each candidate.
    start : list of Solution, default=None
        Where candidates start instead.

    Yields
    ------
    solution : Solution
    """
    with one_thread_blas():
        bent = bent_from(_in_double(problem))
    near = _Near()
    for number, penalty in enumerate(penalties):
        with one_thread_blas():
            if start is not None:
                near = _Near(_point_of(bent, start[number]), None, near.error)
            found = _solve_one(bent, bent.penalty(penalty), near, control, number)
        near = _Near(found.point, found.at, near.error_at(found.point))
        yield _solution(bent, found, _tolerance(bent, control))


class _Near(NamedTuple):
    """The start of a candidate.

    Attributes
    ----------
    point : ndarray of shape (d + 1,), default=None
        The solution of a neighbouring candidate, if there is one.
    at : ndarray of shape (p, n), default=None
        Which lines are at their kinks there.
    error : float
        Approximate error of the point: the distance between the last two solutions.
    """

    point: Float64Array | None = None
    at: Mask | None = None
    error: float = np.inf

    def error_at(self, found: Float64Array) -> float:
        """Return the distance of the start from a solution."""
        return np.inf if self.point is None else float(np.linalg.norm(found - self.point))


def _in_double(problem: Problem) -> Problem:
    """Return few float32 rows in double precision, so that dual points are feasible for L1.

    A dual point that violates an L1 constraint by a rounding error is not a bound.
    """
    rows = problem.rows
    if rows.dtype == np.float64 or rows.n * rows.d > FEW:
        return problem
    return replace(problem, rows=rows.in_double())


def _tolerance(bent: Bent, control: Control) -> float:
    return max(control.tol, ROUNDINGS * float(np.finfo(bent.rows.dtype).eps))


def _solve_without_negligible(
    bent: Bent, penalty: Penalty, near: _Near, control: Control, number: int
) -> Found | None:
    """Return a solution without tiny penalties; None if there are none, or they matter.

    Their value at the solution bounds their effect.
    """
    if has_few_columns(bent, penalty):
        return None
    kept = Penalty(*(np.where(part > NEGLIGIBLE, part, 0.0) for part in penalty))
    if all(np.array_equal(*pair) for pair in zip(kept, penalty, strict=True)):
        return None
    found = _solve_one(bent, kept, near, control, number)
    coef = found.point[None, :-1]
    cost = penalty.value(coef) - kept.value(coef)
    gap = max(found.gap, 0.0) + cost / bent.null if bent.null > 0 else 0.0
    if gap > _tolerance(bent, control):
        return None
    return found._replace(objective=found.objective + cost, gap=gap)


def _solve_one(bent: Bent, penalty: Penalty, near: _Near, control: Control, number: int) -> Found:
    d, tol = bent.rows.d, _tolerance(bent, control)
    if bent.null == 0:
        return Found(np.zeros(d + 1), np.zeros(bent.rows.n), 0.0, 0.0, 0.0, [], True)
    nearly = _solve_without_negligible(bent, penalty, near, control, number)
    if nearly is not None:
        return nearly
    most = control.max_iter
    if has_few_columns(bent, penalty):
        search = rounds_of_columns(bent, penalty, tol=tol, max_iter=most, near=near.point)
    else:
        search = rounds(
            bent, penalty, tol=tol, max_iter=most, near=near.point, error=near.error, at=near.at
        )
    best: Found | None = None
    for step in control.task.loop("iteration", range(MOST_ROUNDS)):
        found = next(search)
        if best is None or found.gap < best.gap:
            best = found
        if best.gap <= tol or found.is_final or len(found.objectives) >= control.max_iter:
            break
        if control.give_up is not None:
            coef, intercept = _in_problem_units(bent, best.point)
            if control.give_up(number, coef, intercept, best.gap):
                return best._replace(objectives=found.objectives)
        step.finish()
    assert best is not None
    if best.gap > tol:  # then at least no worse than the start
        starts = [one for one in (near.point, np.zeros(d + 1)) if one is not None]
        best = no_worse(bent, penalty, best, starts)
    return best._replace(objectives=found.objectives)


def _in_problem_units(bent: Bent, point: Float64Array) -> tuple[Float64Array, Float64Array]:
    return bent.unit * point[None, :-1], bent.center + bent.unit * point[-1:]


def _point_of(bent: Bent, solution: Solution) -> Float64Array:
    intercept = (solution.intercept - bent.center) / bent.unit
    return np.append(solution.coef[0] / bent.unit, intercept if bent.fit_intercept else 0.0)


def _solution(bent: Bent, found: Found, tol: float) -> Solution:
    coef, intercept = _in_problem_units(bent, found.point)
    return Solution(
        coef,
        intercept,
        bent.unit * found.objective,
        max(found.gap, 0.0),
        "duality gap",
        len(found.objectives),
        found.gap <= tol,
        [bent.unit * objective for objective in found.objectives],
    )
