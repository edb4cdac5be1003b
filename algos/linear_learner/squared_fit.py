"""Fits of the squared loss from products of columns, which a stream can continue."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from algos._common.arrays import Float64Array
from algos._common.checked import assert_all_finite
from algos.linear_learner import squared_state
from algos.linear_learner.dense_gram import FEW, measured_rows
from algos.linear_learner.losses import Loss
from algos.linear_learner.problem import Control, Penalty, Problem, Rows, Solution
from algos.linear_learner.rows import make_rows
from algos.linear_learner.solvers import least_squares
from algos.linear_learner.solvers.gram import Products, Sums, good_enough, ridge_inverse, sums_of
from algos.linear_learner.solvers.inverse import Inverse
from algos.linear_learner.squared_state import SquaredState

_SMALL = 0.1  # of the null model's loss


def keeps_products(problem: Problem) -> bool:
    """Tell whether the products of columns are computed and kept for a problem."""
    rows = problem.rows
    return problem.loss.name == "squared_error" and least_squares.fits(
        rows.n, rows.d, rows.is_sparse
    )


def sums_show_finite(loss: Loss, n: int, d: int) -> bool:
    """Tell whether the first pass over dense rows detects NaN and infinity."""
    return loss.name == "squared_error" and least_squares.fits(n, d, False)


def rows_and_sums(
    X: Any,
    target: Float64Array,
    weight: Float64Array,
    loss: Loss,
    center: bool,
    n_threads: int,
    estimator_name: str = "",
) -> tuple[Rows, Sums | None]:
    """Return rows as `make_rows` does, and their sums if one pass gives both.

    NaN and infinity raise scikit-learn's ValueError if `sums_show_finite`.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n, d), float32 or float64
    target : ndarray of shape (n,) or (n, n_outputs), float64
    weight : ndarray of shape (n,), float64
        Of sum 1.
    loss : Loss
    center : bool
    n_threads : int
    estimator_name : str, default=""
        For errors.
    """
    if not sparse.issparse(X) and sums_show_finite(loss, *X.shape):
        measured = measured_rows(X, target, weight, n_threads, center=center)
        if measured is not None:
            return measured
        assert_all_finite(X, estimator_name=estimator_name, input_name="X")
    return make_rows(X, weight, center=center, n_threads=n_threads), None


class KeptProducts:
    """Products of a problem's columns, computed when they are first needed.

    Parameters
    ----------
    problem : Problem
    weight : ndarray of shape (n,), float64
        Weights of its rows, in the user's unit.
    known : Sums or None
        The products, if they are known already.

    Attributes
    ----------
    known : Sums or None
        The products, if they have been computed.
    """

    def __init__(self, problem: Problem, weight: Float64Array, known: Sums | None) -> None:
        self._problem, self._weight, self.known = problem, weight, known
        self._state: SquaredState | None = None

    @property
    def sums(self) -> Sums | None:
        """The products; None for losses other than the squared one, and for many columns."""
        problem = self._problem
        if self.known is None and keeps_products(problem):
            self.known = sums_of(problem.rows, problem.target, problem.weight)
        return self.known

    @property
    def state(self) -> SquaredState | None:
        """The products as the state of a stream."""
        sums = self.sums
        if self._state is None and sums is not None:
            rows, total = self._problem.rows, float(self._weight.sum())
            self._state = squared_state.state_of(rows, sums, total)
        return self._state

    def parts(self) -> dict[str, Any]:
        """Return the parts of a stream's state; empty if there are no products."""
        sums = self.sums
        if sums is None:
            return {}
        return squared_state.parts_of(self._problem.rows, sums, float(self._weight.sum()))


def solve(
    kept: KeptProducts,
    problem: Problem,
    penalties: list[Penalty],
    control: Control,
    start: list[Solution] | None,
) -> list[Solution]:
    """Return the minimum for each penalty, from the state if that is exact enough.

    Parameters
    ----------
    kept : KeptProducts
        Of the problem's columns; they must exist.
    problem : Problem
    penalties : list of Penalty
    control : Control
    start : list of Solution, default=None
    """
    rows = problem.rows
    if rows.n * rows.d <= FEW:
        return least_squares.solve(problem, penalties, control, start, kept.sums)
    state = kept.state
    assert state is not None  # there are products
    products = squared_state.products(state, fit_intercept=problem.fit_intercept)
    weakest = _weakest_ridge(penalties)
    inverse = None if weakest is None else ridge_inverse(products, weakest.l2)
    if weakest is not None and not _is_exact(inverse, products, rows.dtype, control.tol):
        return least_squares.solve(problem, penalties, control, start, kept.sums)
    known = None if weakest is None or inverse is None else (weakest, inverse)
    found = squared_state.solve_products(products, penalties, control, known)
    shift, scale = squared_state.standard(state, center=problem.fit_intercept)
    for solution in found:
        users = solution.coef / scale
        solution.coef = users * rows.scale
        solution.intercept = solution.intercept + users @ (rows.shift - shift)
    return found


def measure_objective(problem: Problem, penalty: Penalty, solution: Solution) -> None:
    """Compute the objective from residuals, if the rounding of the products is not negligible.

    From products of float32 columns, a loss much below the mean square of the targets has few
    correct digits.
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


def _weakest_ridge(penalties: list[Penalty]) -> Penalty | None:
    ridges = [penalty for penalty in penalties if not penalty.has_l1]
    return min(ridges, key=lambda penalty: float(penalty.l2.sum()), default=None)


def _is_exact(inverse: Inverse | None, products: Products, dtype: Any, tol: float) -> bool:
    """Tell whether products give coefficients as precise as the rows would."""
    return inverse is not None and inverse.condition * products.noise <= good_enough(dtype, tol)
