"""L-BFGS or dual steps while they are likely to be cheap, then Newton's method or L-BFGS.

The number of passes that a problem needs is not known beforehand. If they do not converge, this
takes up to about twice as long as the other solver alone, more if its estimated cost was too high.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from algos._common.arrays import Float64Array
from algos.linear_learner.problem import Control, Penalty, Problem, Solution, Solver


def path(
    begin: Solver,
    end: Callable[[Problem, Penalty, Control, Solution], Solution],
    problem: Problem,
    penalty: Penalty,
    control: Control,
    start: list[Solution] | None,
    budget: int,
) -> Iterator[Solution]:
    """Yield the minimum of a smooth loss without an l1 penalty.

    Parameters
    ----------
    begin, end : callable
        `path` of the first solver, and `continued` of the other.
    problem : Problem
    penalty : Penalty
    control : Control
    start : list of Solution or None
    budget : int
        Iterations of the first, at most half of `control.max_iter`.
    """
    budget = min(budget, control.max_iter // 2)
    is_stopped = False

    def give_up(
        candidate: int, coef: Float64Array, intercept: Float64Array, certificate: float
    ) -> bool:
        nonlocal is_stopped
        assert control.give_up is not None
        is_stopped = control.give_up(candidate, coef, intercept, certificate)
        return is_stopped

    own = replace(control, max_iter=budget, give_up=give_up if control.give_up else None)
    (first,) = begin(problem, [penalty], own, start)
    if first.converged or is_stopped or not np.isfinite(first.objective):
        yield first
        return
    rest = replace(control, max_iter=control.max_iter - first.n_iter)
    second = end(problem, penalty, rest, first)
    yield replace(
        second,
        n_iter=first.n_iter + second.n_iter,
        objectives=first.objectives + second.objectives[1:],  # whose first is the start
        n_passes_before=first.n_iter,
    )
