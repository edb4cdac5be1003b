"""The linear systems of interior points, (A' diag(a) A + diag(e)) x = b with A = (X, 1).

The intercept is never in e. By columns, a Gram matrix is factored; where there are more
columns than rows, by rows (Woodbury).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import lapack

from algos._common.memory import require_memory
from algos.linear_learner.problem import Doubles, Penalty
from algos.linear_learner.solvers.kinks import Products

MOST = 5000  # rows or columns, whichever are fewer: a matrix of that order is factored
LEAST = 1e-10  # of the largest pull to zero, for columns with none, where rows are factored
WIDE = 2  # times as many columns as rows
REFINEMENTS = 2

Solve = Callable[[Doubles], Doubles]


class Columns:
    """Systems of order d + 1, or d without an intercept."""

    def __init__(self, rows: Products, fit_intercept: bool) -> None:
        self._rows = rows
        self._order = rows.d + fit_intercept

    def factor(self, weight: Doubles, extra: Doubles) -> Solve:
        """Return the solver for a = weight, e = extra, of shape (d,)."""
        matrix = self._rows.gram(weight)
        diagonal = np.einsum("ii->i", matrix)
        diagonal[:-1] += extra
        solve = _spd_solver(matrix[: self._order, : self._order])

        def solve_extended(b: Doubles) -> Doubles:
            x = np.zeros(len(matrix))
            x[: self._order] = solve(b[: self._order])
            return x

        return solve_extended


class Wide:
    """Systems of order n, for n < d; X is kept as one dense float64 array."""

    def __init__(self, rows: Products, fit_intercept: bool) -> None:
        self._x = np.ascontiguousarray(rows.cross(np.eye(rows.n))[:, :-1])
        self._fit_intercept = fit_intercept

    def factor(self, weight: Doubles, extra: Doubles) -> Solve:
        """Return the solver for a = weight, e = extra, of shape (d,)."""
        x, pull = self._x, np.maximum(extra, LEAST * (extra.max() or weight.max()))
        used = np.flatnonzero(weight)
        x = x if len(used) == len(x) else x[used]
        over = x / pull
        matrix = over @ x.T
        np.einsum("ii->i", matrix)[:] += 1 / weight[used]
        solve = _spd_solver(matrix)
        ones = solve(np.ones(len(used)))

        def once(b: Doubles) -> Doubles:
            t = solve(over @ b[:-1])
            intercept = (b[-1] - t.sum()) / ones.sum() if self._fit_intercept else 0.0
            return np.append((b[:-1] - (t + intercept * ones) @ x) / pull, intercept)

        def solve_extended(b: Doubles) -> Doubles:
            found = once(b)
            for _ in range(REFINEMENTS):  # small e and large a cost digits here
                t = weight[used] * (x @ found[:-1] + found[-1])
                found += once(b - np.append(t @ x + pull * found[:-1], t.sum()))
            return found

        return solve_extended


def system_for(rows: Products, penalty: Penalty, fit_intercept: bool) -> Columns | Wide:
    """Return the cheaper kind of system; ValueError where both are too large.

    By rows, digits are lost to pulls near zero: only an L2 term on every column allows it.
    """
    if rows.n <= MOST and WIDE * rows.n < rows.d and (penalty.l2 > 0).all():
        require_memory(24 * rows.n * rows.d, "a dense copy of the rows", "use fewer columns")
        return Wide(rows, fit_intercept)
    if rows.d > MOST:
        raise ValueError(
            f"{rows.d} columns are too many for the interior-point solver, which supports at most "
            f"{MOST} columns, or {MOST} rows with an L2 penalty; use fewer columns, or "
            f"solver='dual_coordinate_descent' with an L2 penalty"
        )
    return Columns(rows, fit_intercept)


def _spd_solver(matrix: Doubles) -> Solve:
    """Return the solver for a positive semidefinite matrix, which need not be regular.

    Scaled to a unit diagonal; what rounding leaves singular is lifted a little, which bends
    a Newton step and not where the steps lead.
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

    def solve(b: Doubles) -> Doubles:
        x, _ = lapack.dpotrs(factor, b / scale, lower=1)
        return x / scale

    return solve
