"""The intercept that loses least beside given decision values: one dimension, exactly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from algos.linear_learner.conjugates import curvatures_at, losses_at, slopes_at
from algos.linear_learner.losses import Loss
from algos.linear_learner.problem import Doubles, Problem

_EPS = float(np.finfo(np.float64).eps)
_TINY = float(np.finfo(np.float64).tiny)
_MOST_STEPS = 100


def best_intercept(
    loss: Loss, target: Doubles, weight: Doubles, decision: Doubles, begin: float = 0.0
) -> float:
    """Return the b that minimises the weighted mean loss at decision + b.

    Parameters
    ----------
    loss : Loss
        Not multinomial.
    target, weight, decision : ndarray of shape (n,)
    begin : float, default=0.0
        Where Newton's method begins.

    Returns
    -------
    intercept : float
        Finite, also where the optimum is not.
    """
    if loss.name == "squared_error":
        return float(weight @ (target - decision))
    if loss.is_smooth:
        return _by_newton(loss, target, weight, decision, begin)
    return _by_breakpoints(loss, target, weight, decision)


class Null(NamedTuple):
    """What constants lose.

    Attributes
    ----------
    value : float
        The mean loss of the best one; of 0 where there is no intercept.
    rounding : float
        What sums of losses of that size cannot show.
    """

    value: float
    rounding: float


def null_model(problem: Problem) -> Null:
    """Return what the best model without coefficients loses."""
    loss, y, weight, zeros = problem.loss, problem.target, problem.weight, np.zeros(problem.rows.n)
    b = best_intercept(loss, y, weight, zeros) if problem.fit_intercept else 0.0
    value, without = (float(weight @ losses_at(loss, y, zeros + c)) for c in (b, 0.0))
    return Null(max(value, _TINY), 16 * _EPS * max(abs(value), abs(without)))


def _by_newton(
    loss: Loss, target: Doubles, weight: Doubles, decision: Doubles, begin: float
) -> float:
    """Return the root of the slope, within a bracket that closes."""
    b, low, high, reach = begin, -np.inf, np.inf, 1.0
    for _ in range(_MOST_STEPS):
        z = decision + b
        slope = float(weight @ slopes_at(loss, target, z))
        if slope == 0:
            break
        low, high = (low, b) if slope > 0 else (b, high)
        curvature = float(weight @ curvatures_at(loss, target, z))
        after = b - slope / curvature if curvature > 0 else np.nan
        # Far from the optimum Newton's step may be of any length: doubled, it is long enough.
        if not low < after < high or abs(after - b) > reach:
            middle = (low + high) / 2 if np.isfinite(low + high) else np.nan
            stride = b - np.copysign(reach, slope)
            after = stride if low < stride < high else middle
            reach *= 4
        if not np.isfinite(after) or abs(after - b) <= 2 * _EPS * abs(b):
            break
        b = after
    return b


def _by_breakpoints(loss: Loss, target: Doubles, weight: Doubles, decision: Doubles) -> float:
    """Return where a sum of straight pieces turns upwards."""
    offset, jumps = _kinks(loss, target, decision)
    order = np.argsort(offset, kind="stable")
    climbs = np.cumsum((jumps * np.tile(weight, len(offset) // len(weight)))[order])
    # Far to the left each row has the slope of its first piece.
    left = float(weight @ slopes_at(loss, target, np.full_like(target, -1e300)))
    first = int(np.searchsorted(climbs, -left * (1 - 4 * _EPS)))
    return float(offset[order][min(first, len(offset) - 1)])


def _kinks(loss: Loss, y: Doubles, z: Doubles) -> tuple[Doubles, Doubles]:
    """Return the intercepts at which the rows' slopes change, and by how much."""
    p, ones = loss.parameter, np.ones_like(z)
    if loss.name == "hinge":
        return p * y - z, ones
    if loss.name == "perceptron":
        return -z, ones
    if loss.name == "epsilon_insensitive":
        return np.concatenate([y - z - p, y - z + p]), np.ones(2 * len(z))
    return y - z, (2.0 if loss.name == "absolute_error" else 1.0) * ones
