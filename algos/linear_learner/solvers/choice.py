"""The choice of a solver, and its reason."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import NamedTuple

import numpy as np

from algos.linear_learner.losses import Loss
from algos.linear_learner.problem import Control, Penalty, Problem, Solution, Solver
from algos.linear_learner.solvers import handover
from algos.linear_learner.solvers.costs import passes_first

SOLVERS = (
    "gram",
    "newton",
    "lbfgs",
    "coordinate_descent",
    "dual_coordinate_descent",
    "interior_point",
    "sgd",
)

_MOST_GRAM_COLUMNS = 5000  # their Gram matrix and its factor take 400 MB
_MOST_NEWTON_PARAMETERS = 1500
_WIDE = 1000  # columns from which fewer rows favour passes over factors
_MOST_INTERIOR_COLUMNS = 3000
_OF_START = 4  # divisor of the budget of passes if a fit starts from an earlier model
_SWEEPS_FIRST = 150  # of the dual: at most about as much time as Newton's method takes
_FEWEST_SWEEPS = 20
_LARGEST_L2 = 1e250  # by which dual steps divide; its inverse is the smallest
_UNEVEN = 1e3  # ratio of the largest to the smallest L2 penalty of a column

_DUAL = "dual_coordinate_descent"
_REASONS = {
    "gram": "squared loss: one pass serves all candidates",
    "newton": "smooth loss, few parameters: Hessians cost less than more passes",
    "lbfgs": "smooth loss, many parameters or few rows: passes cost less than Hessians",
    "coordinate_descent": "L1 penalty on many columns: most of them stay inactive",
    _DUAL: "fewer rows than columns, L2 only",
    "interior_point": "a loss with kinks is a linear or quadratic program",
}
_REASON_OF_ONE = (
    "smooth loss, one candidate: up to {} passes are estimated to cost less than Hessians, after "
    "which 'newton' takes over"
)
_REASON_OF_DUAL = (
    "one candidate with fewer rows than columns: up to {} sweeps over the rows, after which "
    "{!r} takes over"
)
_REASON_AFTER = (
    "smooth loss, one candidate: {} iterations of {!r} did not converge, and {!r} "
    "continued from there"
)


class Choice(NamedTuple):
    """The name of a solver, and the reason for the choice.

    Attributes
    ----------
    name : str
    reason : str
    budget : int
        Iterations after which another solver continues; 0 if none does.
    then : str
        The other solver.
    """

    name: str
    reason: str
    budget: int = 0
    then: str = "newton"


def after_passes(first: Choice, count: int) -> Choice:
    """Return the choice of the solver that continued after `count` iterations of the first."""
    return Choice(first.then, _REASON_AFTER.format(count, first.name, first.then))


def choose_solver(
    asked: str,
    problem: Problem,
    penalties: list[Penalty],
    *,
    begins_near: bool = False,
    has_start: bool = False,
    max_iter: int = 1000,
) -> Choice:
    """Return the solver for all candidates of a problem.

    Parameters
    ----------
    asked : str
        `solver` of the estimator.
    problem : Problem
    penalties : list of Penalty
    begins_near : bool, default=False
        Whether the single candidate is the refit of the best one of a pack, from its solution.
    has_start : bool, default=False
        Whether it starts from the model of an earlier fit.
    max_iter : int, default=1000
        Iterations of a candidate.

    Raises
    ------
    ValueError
        If the solver that was asked for cannot solve it.
    """
    if problem.loss.name == "perceptron" and asked != "sgd":
        raise ValueError(
            f"`solver`={asked!r} cannot solve loss='perceptron', which has no optimum; "
            f"write solver='sgd', or call partial_fit"
        )
    has_l1 = any(penalty.has_l1 for penalty in penalties)
    has_l2 = all(bool(penalty.l2.all()) for penalty in penalties)
    if asked == "auto":
        name = _automatic(problem, penalties, has_l1, has_l2)
        is_alone = len(penalties) == 1 and not has_l1 and not begins_near
        can_begin = is_alone and name in ("newton", "lbfgs") and not has_start
        if can_begin and _most_are_near_margins(problem) and _can_divide(penalties):
            budget = min(_SWEEPS_FIRST, max_iter // 2)
            if budget >= _FEWEST_SWEEPS:
                then = "newton" if _has_room(problem) else "lbfgs"
                return Choice(_DUAL, _REASON_OF_DUAL.format(budget, then), budget, then)
        budget = passes_first(problem, penalties[0], max_iter) if is_alone else 0
        if has_start and problem.n_outputs == 1:  # few passes suffice if it is near, or one Hessian
            budget = -(-budget // _OF_START)
        if name == "newton" and budget:
            return Choice("lbfgs", _REASON_OF_ONE.format(budget), budget)
        return Choice(name, _REASONS[name])
    _check_suits(asked, problem.loss, has_l1, _can_divide(penalties))
    return Choice(asked, f"solver={asked!r} was asked for")


def _automatic(problem: Problem, penalties: list[Penalty], has_l1: bool, has_l2: bool) -> str:
    n, d, loss = problem.rows.n, problem.rows.d, problem.loss
    if loss.name == "squared_error":
        is_few = n < d or (len(penalties) == 1 and d >= _WIDE and n <= 2 * d)
        is_apart = has_l1 and (is_few or d > _MOST_GRAM_COLUMNS)
        return "coordinate_descent" if is_apart else "gram"
    # A dual step costs one row, which is cheap if sparse, and does not depend on how different the
    # penalties of columns are.
    is_dual = not has_l1 and _can_divide(penalties) and loss.has_boxes and n < d
    is_dual = is_dual and (problem.rows.is_sparse or (loss.is_smooth and _is_uneven(penalties)))
    if not loss.is_smooth:
        many = is_dual and d > _MOST_INTERIOR_COLUMNS
        return _DUAL if many else "interior_point"
    is_margin = loss.name == "squared_hinge" and len(penalties) == 1
    if is_margin and has_l1 and problem.rows.is_sparse and n < 2 * d:
        return "coordinate_descent"  # most rows are near their margins
    is_wide = n < d and d >= _WIDE and not has_l1 and has_l2
    if _has_room(problem) and not is_wide:
        return "newton"
    if has_l1:  # coordinate descent cannot solve outputs with a joint loss
        return "newton" if loss.is_joint else "coordinate_descent"
    return _DUAL if is_dual else "lbfgs"


def _has_room(problem: Problem) -> bool:
    return problem.n_outputs * (problem.rows.d + 1) <= _MOST_NEWTON_PARAMETERS


def _most_are_near_margins(problem: Problem) -> bool:
    """Tell whether Newton's steps would move many rows beyond their margins, and others back.

    As columns suffice to separate the rows, most of them are near their margins. Dual steps end in
    30 to 200 sweeps, which cost less than Hessians, unless columns are correlated.
    """
    return problem.loss.name == "squared_hinge" and problem.rows.n < problem.rows.d


def _can_divide(penalties: list[Penalty]) -> bool:
    """Tell whether all columns have L2 penalties whose inverses do not overflow."""
    least = 1 / _LARGEST_L2
    return all(bool(np.all((one.l2 > least) & (one.l2 < _LARGEST_L2))) for one in penalties)


def _is_uneven(penalties: list[Penalty]) -> bool:
    return any(bool(one.l2.max() > _UNEVEN * one.l2.min()) for one in penalties)


def _check_suits(name: str, loss: Loss, has_l1: bool, can_divide: bool) -> None:
    remedy = None
    if name == "gram" and loss.name != "squared_error":
        remedy = "it solves loss='squared_error' only"
    elif name in ("newton", "coordinate_descent", "lbfgs") and not loss.is_smooth:
        remedy = "it needs a smooth loss"
    elif name == "lbfgs" and has_l1:
        remedy = "it does not support an L1 penalty: l1_ratio must be 0"
    elif name == "coordinate_descent" and loss.is_joint:
        remedy = "it takes one output at a time"
    elif name == "coordinate_descent" and not has_l1:
        remedy = "it is for an L1 penalty: l1_ratio must be positive"
    elif name == "interior_point" and loss.is_smooth:
        remedy = "it solves losses with kinks only"
    elif name == "dual_coordinate_descent" and (has_l1 or not can_divide or not loss.has_boxes):
        remedy = (
            "it needs alpha > 0 (not too small or large in the units of the columns), l1_ratio=0 "
            "and a loss for two classes or with an identity link"
        )
    if remedy is not None:
        raise ValueError(
            f"`solver`={name!r} cannot solve loss={loss.name!r} with this penalty: {remedy}; "
            f"write solver='auto'"
        )


def path(
    choice: Choice,
    problem: Problem,
    penalties: list[Penalty],
    control: Control,
    start: list[Solution] | None,
) -> list[Solution] | Iterator[Solution]:
    """Return the solutions for all penalties: a list, or an iterator, which may be stopped."""
    solver = import_module(f"algos.linear_learner.solvers.{_home(choice.name, penalties)}")
    solve: Solver = solver.path if hasattr(solver, "path") else solver.solve
    if choice.budget:
        end = import_module(f"algos.linear_learner.solvers.{choice.then}").continued
        return handover.path(solve, end, problem, penalties[0], control, start, choice.budget)
    return solve(problem, penalties, control, start)


def _home(name: str, penalties: list[Penalty]) -> str:
    if name == "newton" and any(penalty.has_l1 for penalty in penalties):
        return "proximal"
    return {
        "gram": "least_squares",
        "newton": "newton",
        "lbfgs": "lbfgs",
        "coordinate_descent": "working_set",
        "dual_coordinate_descent": "dual",
        "interior_point": "kinked",
        "sgd": "stochastic",
    }[name]
