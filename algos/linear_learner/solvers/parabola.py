"""The minimum of a quadratic function with an L1 penalty, also for nearly dependent columns."""

from __future__ import annotations

import numpy as np

from algos._common.arrays import Float64Array
from algos._cython.linear_gram_descent import gram_descent
from algos.linear_learner.solvers.quadratic import Factor

_EPS = float(np.finfo(float).eps)
_SWEEPS = 30
_ROUNDS = 20


def minimise(
    A: Float64Array,
    c: Float64Array,
    l1: Float64Array,
    l2: Float64Array,
    v: Float64Array,
    square: float,
    tol: float,
) -> float:
    """Move v to the minimum of v'Av/2 - c'v + Σ l1|v| + l2 v²/2.

    Coordinate descent finds which coordinates are zero, but may be slow for nearly dependent
    columns. So it alternates with direct solves for the other coordinates, as far as none changes
    its sign.

    Parameters
    ----------
    A : ndarray of shape (p, p)
    c, l1, l2 : ndarray of shape (p,)
    v : ndarray of shape (p,)
        The start, overwritten by the minimum.
    square : float
        c'A⁻¹c, the mean square behind A and c, or a number not much below it.
    tol : float
        Of the gap.

    Returns
    -------
    gap : float
        Bound on the distance of the objective from its minimum.
    """
    rest = np.empty_like(c)
    for _ in range(_ROUNDS):
        gap = gram_descent(A, c, l1, l2, v, rest, square, tol, _SWEEPS)[1]
        if gap <= tol:
            break
        _solve_for_signs(A, c, l1, l2, v)
    return gap


def _solve_for_signs(
    A: Float64Array, c: Float64Array, l1: Float64Array, l2: Float64Array, v: Float64Array
) -> None:
    """Move v towards the minimum among points of the same signs and zeros."""
    held = np.flatnonzero((v != 0) | (l1 == 0))
    if len(held) == 0:  # LAPACK takes no empty matrix
        return
    before = v[held]
    signs = np.sign(before)
    penalised = A[np.ix_(held, held)]
    penalised.ravel()[:: len(held) + 1] += l2[held]
    step = Factor(penalised, _EPS).solve(c[held] - l1[held] * signs) - before
    may_not_cross = (l1[held] > 0) & (signs * (before + step) < 0)
    ends = np.where(may_not_cross, -before / np.where(may_not_cross, step, 1.0), 1.0)
    length = ends.min(initial=1.0)
    after = before + length * step
    after[may_not_cross & (ends <= length)] = 0.0
    v[held] = after
