"""Best intercepts, and the null model, which has only an intercept.

The null model is the start of descents and sets the grid of penalties and the unit of certificates.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from algos._common.arrays import Float64Array
from algos.linear_learner.decisions import loss_derivatives, losses_of
from algos.linear_learner.losses import Loss
from algos.linear_learner.problem import Control, Problem
from algos.linear_learner.solvers.curvature import weighted_curvatures
from algos.linear_learner.solvers.descent import Limits
from algos.linear_learner.solvers.multinomial import log_shares
from algos.linear_learner.solvers.points import Points

_EPS = float(np.finfo(np.float64).eps)
_TINY = float(np.finfo(np.float64).tiny)
_MOST_STEPS = 100
_MOST = 1e150  # whose square does not overflow
_OF_SUMS = 1e-12  # rounding error of sums of weights
_OF_SHARES = 64 * _EPS  # rounding error of pairwise sums of total 1


def best_intercept(problem: Problem, decision: Float64Array, begin: float = 0.0) -> float:
    """Return the b that minimises the weighted mean loss at decision + b.

    Parameters
    ----------
    problem : Problem
        Of one output.
    decision : ndarray of shape (n,)
    begin : float, default=0.0
        Start of Newton's method.

    Returns
    -------
    intercept : float
        Finite even if the optimum is not; among several optima the one nearest to 0.
    """
    if problem.loss.name == "squared_error":
        return float(problem.weight @ (problem.target - decision))
    if problem.loss.is_smooth:
        return _by_newton(problem, decision, begin)
    return _by_breakpoints(problem, decision)


def null_intercept(problem: Problem) -> Float64Array:
    """Return the best intercepts (n_outputs,) for a model without coefficients."""
    loss, target = problem.loss, problem.target
    if not problem.fit_intercept:
        return np.zeros(problem.n_outputs)
    if loss.is_joint:
        return log_shares(problem)
    if target.ndim == 2:
        columns = (np.ascontiguousarray(column) for column in target.T)
        each = [null_intercept(replace(problem, target=one, n_outputs=1)) for one in columns]
        return np.concatenate(each)
    return np.array([_null_intercept(problem, float(problem.weight @ target))])


def constant_model(problem: Problem) -> tuple[Float64Array, Float64Array]:
    """Return the null model in the form that `Problem.evaluate` takes."""
    coef = np.zeros((1, problem.n_outputs, problem.rows.d))
    return coef, null_intercept(problem)[np.newaxis]


def _null_intercept(problem: Problem, mean: float) -> float:
    loss = problem.loss
    if loss.has_log_link:  # targets may be all zero in the first rows of a stream
        return float(np.log(mean)) if mean > 0 else 0.0
    if loss.name == "log_loss":
        share = min(max((1 + mean) / 2, _EPS), 1 - _EPS)
        return float(np.log(share / (1 - share)))
    if loss.name == "squared_hinge":
        return loss.parameter * mean
    if loss.is_of_classes:  # kinked: all from one class to the other lose the same at a tie
        return loss.parameter * _heavier_class(problem)
    return best_intercept(problem, np.zeros(len(problem.target)), mean)


def _heavier_class(problem: Problem) -> float:
    """Return -1 or 1; of classes of equal weight neither, 0, for rounding must not choose one."""
    # Not by BLAS: long sums of equal shares round one way, unless they are added in pairs.
    mean = float((problem.weight * problem.target).sum())
    if abs(mean) > _OF_SHARES:
        return float(np.sign(mean))
    # Where z is 0, the perceptron would have no slope, and never learn.
    return 1.0 if problem.loss.name == "perceptron" else 0.0


class Null(NamedTuple):
    """What the best model without coefficients loses.

    Attributes
    ----------
    value : float
    unit : float
        What certificates are relative to; positive.
    rounding : float
        What sums of losses of that size cannot show.
    """

    value: float
    unit: float
    rounding: float


def null_model(problem: Problem) -> Null:
    """Return what the null model of one output loses."""
    intercept, zeros = null_intercept(problem), np.zeros(problem.rows.n)
    value, without = (
        float(problem.weight @ losses_of(zeros + b, problem.target, problem.loss))
        for b in (intercept[0], 0.0)
    )
    rounding = 16 * _EPS * max(abs(value), abs(without))
    return Null(value, _unit(problem, value, intercept), rounding)


class NullPoint(NamedTuple):
    """The null model as descents begin with it."""

    point: Float64Array
    value: float
    gradient: Float64Array
    unit: float


def evaluated_null(points: Points) -> NullPoint:
    """Return the null model, from one pass."""
    intercept = null_intercept(points.problem)
    point = points.point(np.zeros((points.k, points.d)), intercept)
    values, gradients = points.evaluate(point[np.newaxis])
    value = float(values[0])
    return NullPoint(point, value, gradients[0], _unit(points.problem, value, intercept))


def limits_of(points: Points, control: Control, unit: float) -> Limits:
    """Return the stopping rules of descents; `tol` is at least the precision of the rows."""
    eps = float(np.finfo(points.problem.rows.dtype).eps)
    return Limits(unit, max(control.tol, 2 * eps), 4 * eps, control.max_iter)


def _unit(problem: Problem, value: float, intercept: Float64Array) -> float:
    """Return the divisor of certificates, from the null model's objective.

    With a log link the loss may pass through 0; the unit is then at least a power of the mean. If
    the null model is perfect, it is the rounding error of losses.
    """
    loss, y = problem.loss, problem.target
    size = max(1.0, min(abs(loss.parameter), _MOST) ** 2)
    if loss.has_log_link:
        power = {"poisson": 1.0, "gamma": 2.0}.get(loss.name, loss.parameter)
        return max(abs(value), float(np.exp((2 - power) * intercept[0])))
    if not loss.is_of_classes:
        steepest = loss.parameter if loss.name == "huber" else np.inf if loss.is_smooth else 1.0
        size = float(problem.weight @ (np.abs(y) * np.minimum(np.abs(y), steepest)))
    return max(value, 4 * _EPS * size, _TINY)


def _by_newton(problem: Problem, decision: Float64Array, begin: float) -> float:
    """Return the root of the derivative, by Newton's method with a shrinking bracket."""
    b, low, high, reach = begin, -np.inf, np.inf, 1.0
    if not (problem.loss.has_log_link or problem.loss.is_of_classes):
        residual = problem.target - decision
        low, high = float(residual.min()), float(residual.max())
        b, reach = min(max(begin, low), high), high - low
    for _ in range(_MOST_STEPS):
        z = decision + b
        derivatives = loss_derivatives(z, problem.target, problem.loss)
        derivative = float(problem.weight @ derivatives)
        if abs(derivative) <= 2 * _EPS * float(problem.weight @ np.abs(derivatives)):
            break
        low, high = (low, b) if derivative > 0 else (b, high)
        after = b - derivative / max(float(weighted_curvatures(problem, z).sum()), _TINY)
        # Far from the optimum Newton's step may have any length, so it is limited.
        if not low < after < high or abs(after - b) > reach:
            middle = low + (high - low) / 2 if np.isfinite(low + high) else np.nan
            stride = b - np.copysign(reach, derivative)
            after = stride if low < stride < high else middle
            reach *= 4
        if not np.isfinite(after) or abs(after - b) <= 2 * _EPS * abs(b):
            break
        b = after
    return b


def _by_breakpoints(problem: Problem, decision: Float64Array) -> float:
    """Return the minimum of a piecewise linear function of the intercept."""
    loss, target, weight = problem.loss, problem.target, problem.weight
    offset, jumps = _kinks(loss, target, decision)
    order = np.argsort(offset, kind="stable")
    offset = offset[order]
    climbs = np.cumsum((jumps * np.tile(weight, len(offset) // len(weight)))[order])
    # Far to the left each row has the slope of its first piece.
    fall = -float(weight @ loss_derivatives(np.full_like(target, -1e300), target, loss))
    first, beyond = np.searchsorted(climbs, [fall * (1 - _OF_SUMS), fall * (1 + _OF_SUMS)])
    low, high = offset[np.minimum([first, beyond], len(offset) - 1)]
    return float(min(max(0.0, low), high))


def _kinks(loss: Loss, y: Float64Array, z: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return the intercepts at which the rows' slopes change, and by how much."""
    p, ones = loss.parameter, np.ones_like(z)
    if loss.name == "hinge":
        return p * y - z, ones
    if loss.name == "perceptron":
        return -z, ones
    if loss.name == "epsilon_insensitive":
        return np.concatenate([y - z - p, y - z + p]), np.ones(2 * len(z))
    return y - z, (2.0 if loss.name == "absolute_error" else 1.0) * ones
