"""Piecewise linear losses with an L1 term and many columns: working sets of columns.

A program of few columns is solved; its duals then show which others must join: those whose pull
exceeds their l1. Scaled down until none does, the same duals bound the whole problem.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from algos._common.arrays import Float64Array, IndexArray
from algos.linear_learner.problem import Penalty
from algos.linear_learner.solvers.bands import Found, rounds
from algos.linear_learner.solvers.kinks import Bent, Products
from algos.linear_learner.solvers.program import program_of_all

MANY = 500  # columns from which working sets are used
FIRST = 50  # columns in the first working set
GROWTH = 2  # columns for each nonzero one


class ColumnRows:
    """Some columns of some rows, as a dense float64 array in solver units.

    Parameters
    ----------
    x : ndarray of shape (n, d)
    like : Products
        The rows they were taken from.
    """

    def __init__(self, x: Float64Array, like: Products) -> None:
        self.x, self._like = x, like
        self.n, self.d = x.shape

    @property
    def dtype(self) -> Any:
        """Type of the data."""
        return self._like.dtype

    def decision(self, coef: Float64Array, intercept: Float64Array) -> Float64Array:
        """Return x·coef + intercept, of shape (n, k), for coef (k, d), intercept (k,)."""
        found: Float64Array = self.x @ coef.T + intercept
        return found

    def gram(self, weight: Float64Array) -> Float64Array:
        """Return Σ weight_i (x_i, 1)(x_i, 1)', of shape (d + 1, d + 1)."""
        used = np.flatnonzero(weight)
        extended = np.c_[self.x[used], np.ones(len(used))] * np.sqrt(weight[used])[:, None]
        found: Float64Array = extended.T @ extended
        return found

    def cross(self, values: Float64Array) -> Float64Array:
        """Return Σ values_i (x_i, 1)', of shape (k, d + 1), for values (n, k)."""
        return np.c_[values.T @ self.x, values.sum(axis=0)]

    def subset(self, indices: IndexArray) -> ColumnRows:
        """Return the rows of those indices."""
        return ColumnRows(self.x[indices], self._like)


def has_few_columns(bent: Bent, penalty: Penalty) -> bool:
    """Return whether to use working sets of columns for a problem."""
    return bent.rows.d > MANY and bool((penalty.l1 > 0).all())


def rounds_of_columns(
    bent: Bent, penalty: Penalty, *, tol: float, max_iter: int, near: Float64Array | None = None
) -> Iterator[Found]:
    """Yield successively better solutions, each from more columns, until no other one must join.

    Parameters
    ----------
    bent : Bent
    penalty : Penalty
        With an L1 term on every column.
    tol : float
        Relative gap asked of each program.
    max_iter : int
        Of all programs together.
    near : ndarray of shape (d + 1,), default=None
        A point near the solution.

    Yields
    ------
    found : Found
    """
    d = bent.rows.d
    point = np.zeros(d + 1) if near is None else near.copy()
    columns = np.flatnonzero(point[:-1])
    x, objectives = _columns(bent.rows, columns), list[float]()
    while True:
        some = replace(bent, rows=ColumnRows(x, bent.rows))
        inside = Penalty(penalty.l1[columns], penalty.l2[columns])
        start = np.append(point[columns], point[-1])
        left = max_iter - len(objectives)
        for found in rounds(some, inside, tol=tol, max_iter=left, near=start):
            if found.gap <= tol:
                break
        point = np.zeros(d + 1)
        point[columns], point[-1] = found.point[:-1], found.point[-1]
        objectives = objectives + found.objectives
        pull = bent.rows.cross(found.dual[:, None])[0]
        bound = program_of_all(bent, penalty).bound(found.paired, pull, point)
        excess = np.abs(pull[:-1]) - penalty.l1
        excess[columns] = 0
        gap = (found.objective - bound) / bent.null
        yield found._replace(
            point=point, gap=gap, objectives=objectives, is_final=not (excess > 0).any()
        )
        wanted = max(FIRST, GROWTH * int(np.count_nonzero(point)))
        count = min(int((excess > 0).sum()), wanted)
        more = np.sort(np.argpartition(-excess, count - 1)[:count])
        x = np.concatenate([x, _columns(bent.rows, more)], axis=1)
        columns = np.concatenate([columns, more])


def _columns(rows: Products, columns: IndexArray) -> Float64Array:
    """Return some columns, of shape (n, k), in the solver's units."""
    unit = np.zeros((len(columns), rows.d))
    unit[np.arange(len(columns)), columns] = 1
    return rows.decision(unit, np.zeros(len(columns)))
