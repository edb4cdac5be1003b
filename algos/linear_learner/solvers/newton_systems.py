"""The linear systems of interior-point methods, (A' diag(a) A + diag(e)) x = b with A = (X, 1).

The intercept has no entry in e. The primal system factors a Gram matrix of columns; the dual
system, for more columns than rows, one of rows (Woodbury).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import lapack

from algos._common.arrays import Float64Array
from algos._common.memory import require_memory
from algos.linear_learner.problem import Penalty
from algos.linear_learner.solvers.kinks import Products

MOST = 5000  # rows or columns, the largest order of a matrix to factor
LEAST = 1e-10  # least entry of e relative to the largest, in the dual system
WIDE = 2  # columns per row from which the dual system is used
REFINEMENTS = 2

Solve = Callable[[Float64Array], Float64Array]


class PrimalSystem:
    """Systems of order d + 1, or d without an intercept."""

    def __init__(self, rows: Products, fit_intercept: bool) -> None:
        self._rows = rows
        self._order = rows.d + fit_intercept

    def factor(self, weight: Float64Array, extra: Float64Array) -> Solve:
        """Return the solver for a = weight, e = extra, of shape (d,)."""
        matrix = self._rows.gram(weight)
        diagonal = np.einsum("ii->i", matrix)
        diagonal[:-1] += extra
        solve = _spd_solver(matrix[: self._order, : self._order])

        def solve_extended(b: Float64Array) -> Float64Array:
            x = np.zeros(len(matrix))
            x[: self._order] = solve(b[: self._order])
            return x

        return solve_extended


class DualSystem:
    """Systems of order n, for n < d; X is kept as one dense float64 array."""

    def __init__(self, rows: Products, fit_intercept: bool) -> None:
        self._x = np.ascontiguousarray(rows.cross(np.eye(rows.n))[:, :-1])
        self._fit_intercept = fit_intercept

    def factor(self, weight: Float64Array, extra: Float64Array) -> Solve:
        """Return the solver for a = weight, e = extra, of shape (d,)."""
        x, pull = self._x, np.maximum(extra, LEAST * (extra.max() or weight.max()))
        used = np.flatnonzero(weight)
        x = x if len(used) == len(x) else x[used]
        over = x / pull
        matrix = over @ x.T
        np.einsum("ii->i", matrix)[:] += 1 / weight[used]
        solve = _spd_solver(matrix)
        ones = solve(np.ones(len(used)))

        def once(b: Float64Array) -> Float64Array:
            t = solve(over @ b[:-1])
            intercept = (b[-1] - t.sum()) / ones.sum() if self._fit_intercept else 0.0
            return np.append((b[:-1] - (t + intercept * ones) @ x) / pull, intercept)

        def solve_extended(b: Float64Array) -> Float64Array:
            found = once(b)
            for _ in range(REFINEMENTS):  # small e and large a cost digits here
                t = weight[used] * (x @ found[:-1] + found[-1])
                found += once(b - np.append(t @ x + pull * found[:-1], t.sum()))
            return found

        return solve_extended


def system_for(rows: Products, penalty: Penalty, fit_intercept: bool) -> PrimalSystem | DualSystem:
    """Return the cheaper kind of system; raise ValueError if both are too large.

    The dual system loses precision for small e: it needs an L2 term on every column.
    """
    if rows.n <= MOST and WIDE * rows.n < rows.d and (penalty.l2 > 0).all():
        require_memory(24 * rows.n * rows.d, "a dense copy of the rows", "use fewer columns")
        return DualSystem(rows, fit_intercept)
    if rows.d > MOST:
        raise ValueError(
            f"{rows.d} columns are too many for the interior-point solver, which supports at most "
            f"{MOST} columns, or {MOST} rows with an L2 penalty; use fewer columns, or "
            f"solver='dual_coordinate_descent' with an L2 penalty"
        )
    return PrimalSystem(rows, fit_intercept)


def _spd_solver(matrix: Float64Array) -> Solve:
    """Return the solver for a positive semidefinite matrix, which may be singular.

    The matrix is scaled to a unit diagonal. If it is numerically singular, its diagonal is raised
    slightly, which changes a Newton step but not the limit of the steps.
    """
    scale = np.sqrt(np.maximum(np.diagonal(matrix), 0))
    scale[scale == 0] = 1
    with np.errstate(over="ignore", invalid="ignore"):  # no factor, no step: the walk ends
        scaled = matrix / scale / scale[:, None]
    diagonal = np.einsum("ii->i", scaled)
    diagonal[diagonal == 0] = 1
    lift = 1e-15
    while True:
        diagonal *= 1 + lift
        factor, failed = lapack.dpotrf(scaled, lower=1)
        if not failed or lift > 1:
            break
        lift *= 100

    def solve(b: Float64Array) -> Float64Array:
        x, _ = lapack.dpotrs(factor, b / scale, lower=1)
        return x / scale

    return solve
