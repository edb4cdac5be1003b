"""Fits of the squared loss from the products of columns, which also go on as a stream."""

from __future__ import annotations

from algos.linear_learner import least_squares, squared_state
from algos.linear_learner.gram import Sums, ridge_inverse
from algos.linear_learner.problem import Control, Penalty, Problem, Solution
from algos.linear_learner.squared_state import SquaredState

_FEW = 1 << 16  # numbers, of which all digits are to be had at no cost worth mentioning
_GOOD = {4: 1e-5, 8: 1e-10}  # relative errors of coefficients, by the size of a value


def keeps_products(problem: Problem) -> bool:
    """Tell whether the matrix of the columns' products is made, and kept, for a problem."""
    rows = problem.rows
    return problem.loss.name == "squared_error" and least_squares.fits(
        rows.n, rows.d, rows.is_sparse
    )


def solve(
    problem: Problem,
    state: SquaredState,
    sums: Sums,
    penalties: list[Penalty],
    control: Control,
    start: list[Solution] | None,
) -> list[Solution]:
    """Return the minimum for each penalty: from the state where that is exact enough.

    Parameters
    ----------
    problem : Problem
    state : SquaredState
        Of the problem's rows.
    sums : Sums
        What it was made of.
    penalties : list of Penalty
    control : Control
    start : list of Solution, default=None
    """
    rows = problem.rows
    if rows.n * rows.d <= _FEW or not _is_exact(problem, state, penalties):
        return least_squares.solve(problem, penalties, control, start, sums)
    found = squared_state.solve(state, penalties, control, fit_intercept=problem.fit_intercept)
    shift, scale = squared_state.standard(state, center=problem.fit_intercept)
    for solution in found:
        users = solution.coef / scale
        solution.coef = users * rows.scale
        solution.intercept = solution.intercept + users @ (rows.shift - shift)
    return found


def _is_exact(problem: Problem, state: SquaredState, penalties: list[Penalty]) -> bool:
    """Tell whether products alone give coefficients to the digits that rows would."""
    ridges = [penalty for penalty in penalties if not penalty.has_l1]
    if not ridges:
        return True
    products = squared_state.products(state, fit_intercept=problem.fit_intercept)
    weakest = min(ridges, key=lambda penalty: float(penalty.l2.sum()))
    inverse = ridge_inverse(products, weakest.l2)
    enough = _GOOD[problem.rows.dtype.itemsize]
    return inverse is not None and inverse.condition * products.noise <= enough
