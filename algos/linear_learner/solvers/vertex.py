"""From near the optimum to the exact optimum: rows exactly at kinks, coefficients exactly zero.

The interior-point method ends close to all active kinks. Taking these as equalities leaves one
linear system; its solution is kept if the objective does not increase.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from algos._common.arrays import Float64Array, IndexArray
from algos.linear_learner.solvers.kinks import Mask
from algos.linear_learner.solvers.program import Inner, Program

SURE = (1.0, 1e-3, 1e3)  # thresholds of `doubt` for lines at their kinks, tried in turn
MOST = 1500  # unknowns and equalities together
MOST_PER_UNKNOWN, FEW = 1.5, 20  # equalities; more mean that the active set is not yet clear
ROUNDINGS = 64
TIGHT = 1e-9  # distance from its kink of a line that is at it
TRIES = 6  # active sets, each of at most half the gap of the one before
SPROUT = 1e-300  # of a coefficient that leaves 0, where only its sign matters


def polish(program: Program, inner: Inner) -> Inner:
    """Return the vertex or face near an interior point, or the interior point itself."""
    eps = ROUNDINGS * float(np.finfo(program.rows.dtype).eps)
    for doubt in SURE:
        better = _on_kinks(program, inner, inner.doubt < doubt)
        if better is not None and better.objective <= inner.objective + eps * program.null:
            return better
    return inner


def follow(program: Program, near: Float64Array, at: Mask | None, tol: float) -> Inner | None:
    """Return the vertex or face where nearly the same lines are at their kinks as at a point.

    An active-set method: lines whose dual leaves its limits are dropped from the active set, and
    lines whose kink is crossed join, until the duality gap is small enough. None if the gap does
    not decrease.

    Parameters
    ----------
    program : Program
    near : ndarray of shape (d + 1,)
        The solution for a penalty not much different.
    at : ndarray of shape (p, n) or None
        Which lines are at their kinks there; None decides by their distance.
    tol : float
        Of the gap over `program.null`.
    """
    lines, l1 = program.lines, program.penalty.l1
    bent = np.flatnonzero(l1)
    z = program.values(near)
    theta = lines.side(z)
    at_zero = near[bent] == 0
    if at is None:
        at = np.abs(z - lines.kink) <= TIGHT * (1 + np.abs(lines.kink))
    pull, gap = _pull(program, theta), np.inf
    inner = Inner(near, theta, np.empty(0), pull, np.inf, np.inf, [])
    for _ in range(TRIES):
        face = _on_kinks(program, inner, np.append(at, at_zero), theta)
        if face is None or face.gap <= tol:
            return face
        if face.gap > gap / 2:
            return None
        gap = face.gap
        z, theta = program.values(face.point), face.theta
        has_left = at & ((theta <= lines.low) | (theta >= lines.high))
        crossed = ~at & (lines.side(z) != theta)
        at = at & ~has_left | crossed
        point, pulls = face.point.copy(), face.pull[bent]
        flips = ~at_zero & (point[bent] * inner.point[bent] < 0)
        pulled = at_zero & (np.abs(pulls) > l1[bent])
        point[bent[pulled]] = np.copysign(SPROUT, pulls[pulled])
        at_zero = at_zero & ~pulled | flips
        inner = face._replace(point=point)
    return None


def _pull(program: Program, theta: Float64Array) -> Float64Array:
    weighted = (program.weight * theta).sum(axis=0)
    found: Float64Array = program.rows.cross(weighted[:, None])[0] + program.linear
    return found


def _on_kinks(
    program: Program, inner: Inner, at: Mask, theta: Float64Array | None = None
) -> Inner | None:
    """Return the solution with the lines `at` their kinks, and all others linear.

    The others are on the side of the kink given by the point, or by `theta`.
    """
    p, n = inner.theta.shape
    at_rows, bent = at[: p * n].reshape(p, n), np.flatnonzero(program.penalty.l1)
    piece, row = np.nonzero(at_rows)
    is_free = np.ones(program.rows.d + 1, dtype=bool)
    is_free[bent[at[p * n :]]] = False
    is_free[-1] = program.fit_intercept
    free = np.flatnonzero(is_free)
    if len(row) > MOST_PER_UNKNOWN * len(free) + FEW or len(row) + len(free) > MOST:
        return None
    point = np.where(is_free, inner.point, 0.0)
    if theta is None:
        side = program.lines.side(program.values(inner.point))
        theta = np.where(at_rows, inner.theta, side)
    theta = theta.copy()
    equal = _extended(program, row)[:, free] if len(row) else np.empty((0, len(free)))
    lack = program.lines.kink[piece, row] - equal @ point[free]
    l2 = np.append(program.penalty.l2, 0.0)[free]
    slope = _slope(program, theta, at_rows) + program.linear
    slope[:-1] -= program.penalty.l1 * np.sign(point[:-1])
    step, pulls = _saddle(equal, l2, slope[free] - l2 * point[free], lack)
    point[free] += step
    theta[piece, row] = pulls / program.weight[row]
    if not (np.isfinite(point).all() and np.isfinite(theta).all()):
        return None
    theta = np.clip(theta, program.lines.low, program.lines.high)
    pull = _pull(program, theta)
    bound = program.bound(program.paired(theta), pull, point)
    before = program.bound(program.paired(inner.theta), inner.pull, point)
    if before > bound:
        theta, pull, bound = inner.theta, inner.pull, before
    objective = program.objective(point, program.values(point))
    gap = (objective - bound) / program.null
    return inner._replace(point=point, theta=theta, pull=pull, objective=objective, gap=gap)


def _extended(program: Program, row: IndexArray) -> Float64Array:
    """Return some rows as (x, 1)."""
    rows = program.rows.subset(row)
    return rows.cross(np.eye(rows.n))


def _slope(program: Program, theta: Float64Array, at: Mask) -> Float64Array:
    """Return the pull of the linear lines."""
    straight = (program.weight * np.where(at, 0.0, theta)).sum(axis=0)
    return program.rows.cross(straight[:, None])[0]


def _saddle(
    equal: Float64Array, l2: Float64Array, slope: Float64Array, lack: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Solve [diag(l2), -A'; A, 0] (step, pulls) = (slope, lack), by least squares."""
    k, f = equal.shape
    if k == 0:
        return np.divide(slope, l2, out=np.zeros(f), where=l2 > 0), np.zeros(0)
    if not l2.any():
        return _least(equal, lack), _least(equal.T, -slope)
    matrix, unit = np.zeros((f + k, f + k)), l2.max()
    np.einsum("ii->i", matrix)[:f] = l2 / unit
    matrix[:f, f:], matrix[f:, :f] = -equal.T, equal
    both = _least(matrix, np.append(slope / unit, lack))
    return both[:f], both[f:] * unit


def _least(matrix: Float64Array, right: Float64Array) -> Float64Array:
    found: Float64Array = linalg.lstsq(matrix, right, lapack_driver="gelsy", check_finite=False)[0]
    return found
