"""Linear and quadratic programs of bent lines, and their solutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from algos._common.arrays import Float64Array
from algos.linear_learner.problem import Penalty
from algos.linear_learner.solvers.kinks import Bent, Lines, Mask, Products


@dataclass(frozen=True)
class Program:
    """Bent lines of some rows, a penalty, and linear terms for all other rows.

    Minimises Σ w_i lines_i(x_i·v + b) + penalty(v) - linear·(v, b) + constant.
    """

    rows: Products
    weight: Float64Array
    lines: Lines
    penalty: Penalty
    fit_intercept: bool
    linear: Float64Array  # (d + 1,)
    constant: float
    null: float  # gaps are relative to it; 0 bounds the objective from below

    def values(self, point: Float64Array) -> Float64Array:
        """Return the rows' decision values at (v, b)."""
        return self.rows.decision(point[None, :-1], point[-1:])[:, 0]

    def objective(self, point: Float64Array, z: Float64Array) -> float:
        """Return the objective at (v, b), whose decision values are z."""
        return (
            float(self.weight @ self.lines.cost(z))
            + self.penalty.value(point[None, :-1])
            - float(self.linear @ point)
            + self.constant
        )

    def paired(self, theta: Float64Array) -> float:
        """Return Σ w_i θ_i kink_i plus the constant, the dual objective without penalty."""
        return float((theta * self.lines.kink).sum(axis=0) @ self.weight) + self.constant

    def bound(self, paired: float, pull: Float64Array, point: Float64Array) -> float:
        """Return a lower bound of the optimum from duals within their limits.

        Parameters
        ----------
        paired : float
        pull : ndarray of shape (d + 1,)
            Σ w_i θ_i (x_i, 1) + linear.
        point : ndarray of shape (d + 1,)
            Violations of equalities (no pull on unpenalised columns) are multiplied by twice the
            size of this point.
        """
        l1, l2 = self.penalty
        size = np.abs(pull[:-1])
        hard = (l2 == 0) & (l1 > 0)
        shrink = 1.0
        if hard.any():
            shrink = float(np.min(l1[hard] / np.maximum(size[hard], l1[hard])))
        free = (l2 == 0) & (l1 == 0)
        left = float(size[free].sum()) + abs(pull[-1]) * self.fit_intercept
        soft = l2 > 0
        excess = np.maximum(shrink * size[soft] - l1[soft], 0)
        reach = 1 + 2 * float(np.abs(point).max())
        return max(
            0.0, shrink * (paired - left * reach) - float((excess**2 / (2 * l2[soft])).sum())
        )


class Inner(NamedTuple):
    """The result of the interior-point method, or of the search for a vertex.

    Attributes
    ----------
    point : ndarray of shape (d + 1,)
    theta : ndarray of shape (p, n)
    doubt : ndarray of shape (p·n + n_l1,)
        Below 1 where a line (then an L1 term) seems to be at its kink, above 1 elsewhere.
    pull : ndarray of shape (d + 1,)
        Σ w_i θ_i (x_i, 1) + linear.
    objective, gap : float
    objectives : list of float
    """

    point: Float64Array
    theta: Float64Array
    doubt: Float64Array
    pull: Float64Array
    objective: float
    gap: float
    objectives: list[float]


def program_of_all(bent: Bent, penalty: Penalty) -> Program:
    """Return the program of all rows."""
    nothing = np.zeros(bent.rows.d + 1)
    return Program(
        bent.rows, bent.weight, bent.lines, penalty, bent.fit_intercept, nothing, 0.0, bent.null
    )


def program_of_band(bent: Bent, penalty: Penalty, band: Mask, z: Float64Array) -> Program:
    """Return the program of a band, in which all other rows are linear on their side of z."""
    inside = np.flatnonzero(band)
    theta = bent.weight * np.where(band, 0.0, bent.lines.side(z))
    return Program(
        bent.rows.subset(inside),
        bent.weight[inside],
        bent.lines.of(inside),
        penalty,
        bent.fit_intercept,
        bent.rows.cross(theta.sum(axis=0)[:, None])[0],
        float((theta * bent.lines.kink).sum()),
        bent.null,
    )
