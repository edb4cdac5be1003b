"""Fits of the squared loss from the products of columns, which also go on as a stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from algos._common.moments import guessed_mean
from algos.linear_learner import squared_state
from algos.linear_learner.dense_rows import DenseRows
from algos.linear_learner.losses import Loss
from algos.linear_learner.problem import Control, Doubles, Penalty, Problem, Rows, Solution
from algos.linear_learner.rows import extreme_exponents, make_rows, scale_of
from algos.linear_learner.solvers import least_squares
from algos.linear_learner.solvers.gram import Sums, good_enough, ridge_inverse, sums_of
from algos.linear_learner.squared_state import SquaredState

_FEW = 1 << 16  # numbers, of which all digits are to be had at no cost worth mentioning
_SMALL = 0.1  # of what the null model loses
_NEAR = 0.5  # deviations, by which a guessed mean may be wrong at little cost of digits


def keeps_products(problem: Problem) -> bool:
    """Tell whether the matrix of the columns' products is made, and kept, for a problem."""
    rows = problem.rows
    return problem.loss.name == "squared_error" and least_squares.fits(
        rows.n, rows.d, rows.is_sparse
    )


def rows_and_sums(
    X: Any, target: Doubles, weight: Doubles, loss: Loss, center: bool, n_threads: int
) -> tuple[Rows, Sums | None]:
    """Return rows as `make_rows` makes them, and their sums where one pass tells of both.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n, d), float32 or float64
    target : ndarray of shape (n,) or (n, n_outputs), float64
    weight : ndarray of shape (n,), float64
        Of sum 1.
    loss : Loss
    center : bool
    n_threads : int
    """
    if loss.name == "squared_error" and center and not sparse.issparse(X):
        measured = _measured(X, target, weight, n_threads)
        if measured is not None:
            return measured
    return make_rows(X, weight, center=center, n_threads=n_threads), None


def _measured(
    X: Any, target: Doubles, weight: Doubles, n_threads: int
) -> tuple[DenseRows, Sums] | None:
    """Return both from the products of columns less the means of a few rows.

    None where those are not to be relied on, or nobody will ask for the products.
    """
    n, d = X.shape
    is_few = n * d <= _FEW and X.dtype == np.float32  # its moments cost nothing in double
    if is_few or not least_squares.fits(n, d, False):
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        guess = guessed_mean(X).astype(X.dtype).astype(np.float64)
        sums = sums_of(DenseRows(X, guess, np.ones(d), n_threads), target, weight)
        extended, cross = sums.extended, sums.cross
        step = extended[-1, :-1] / extended[-1, -1]
        variance = np.diagonal(extended)[:-1] / extended[-1, -1] - step**2
        rounding = 4 * np.finfo(X.dtype).eps * np.abs(guess)
        is_near = np.abs(step) <= np.maximum(_NEAR * np.sqrt(variance), rounding)
        mean, variance = guess + step, np.maximum(variance, 0)
        exponents = extreme_exponents(X, mean, variance)
    if not is_near.all() or isinstance(exponents, np.ndarray):
        return None
    scale = scale_of(mean, variance, True)
    extended[:-1, :-1] -= np.outer(step, extended[-1, :-1])
    extended[:-1, :-1] /= scale * scale[:, np.newaxis]
    extended[-1, :-1] = extended[:-1, -1] = 0
    cross[:, :-1] = (cross[:, :-1] - cross[:, -1:] * step) / scale
    rows = DenseRows(X, mean, scale, n_threads)
    rows.mean, rows.variance = mean, variance
    return rows, sums


def solve(
    problem: Problem,
    make_state: Callable[[], SquaredState | None],
    sums: Sums,
    penalties: list[Penalty],
    control: Control,
    start: list[Solution] | None,
) -> list[Solution]:
    """Return the minimum for each penalty: from the state where that is exact enough.

    Parameters
    ----------
    problem : Problem
    make_state : callable
        Returns the state of the problem's rows.
    sums : Sums
        What it is made of.
    penalties : list of Penalty
    control : Control
    start : list of Solution, default=None
    """
    rows = problem.rows
    if rows.n * rows.d <= _FEW:
        return least_squares.solve(problem, penalties, control, start, sums)
    state = make_state()
    assert state is not None  # there are sums
    if not _is_exact(problem, state, penalties, control.tol):
        return least_squares.solve(problem, penalties, control, start, sums)
    found = squared_state.solve(state, penalties, control, fit_intercept=problem.fit_intercept)
    shift, scale = squared_state.standard(state, center=problem.fit_intercept)
    for solution in found:
        users = solution.coef / scale
        solution.coef = users * rows.scale
        solution.intercept = solution.intercept + users @ (rows.shift - shift)
    return found


def measure_objective(problem: Problem, penalty: Penalty, solution: Solution) -> None:
    """Measure the objective by residuals, where the products' rounding is not small beside it.

    Products of float32 columns tell what is small beside the targets' squares to few digits.
    """
    if problem.loss.name != "squared_error" or problem.rows.dtype != np.float32:
        return
    target, weight = problem.target.reshape(problem.rows.n, -1), problem.weight
    with np.errstate(over="ignore", invalid="ignore"):  # targets of extreme size
        spread = float((weight @ (target - weight @ target) ** 2).sum()) / 2
        if not solution.objective < _SMALL * spread < np.inf:
            return
        residual = target - problem.rows.decision(solution.coef, solution.intercept)
        loss = float((weight @ residual**2).sum()) / 2
    solution.objective = loss + penalty.value(solution.coef)
    if solution.objectives:
        solution.objectives[-1] = solution.objective


def _is_exact(problem: Problem, state: SquaredState, penalties: list[Penalty], tol: float) -> bool:
    """Tell whether products alone give coefficients to the digits that rows would."""
    ridges = [penalty for penalty in penalties if not penalty.has_l1]
    if not ridges:
        return True
    products = squared_state.products(state, fit_intercept=problem.fit_intercept)
    weakest = min(ridges, key=lambda penalty: float(penalty.l2.sum()))
    inverse = ridge_inverse(products, weakest.l2)
    if inverse is None:
        return False
    return inverse.condition * products.noise <= good_enough(problem.rows.dtype, tol)
