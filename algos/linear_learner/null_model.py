"""The model without coefficients: where descents begin, and the unit of their certificates."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from algos.linear_learner.curvature import weighted_curvatures
from algos.linear_learner.descent import Limits
from algos.linear_learner.losses import Loss
from algos.linear_learner.multinomial import log_shares
from algos.linear_learner.points import Points
from algos.linear_learner.problem import Control, Doubles, Problem

_TINY = float(np.finfo(float).tiny)
_EPS = float(np.finfo(float).eps)


def best_intercept(problem: Problem) -> Doubles:
    """Return the intercepts that lose least where all coefficients are 0; finite always."""
    if not problem.fit_intercept:
        return np.zeros(problem.n_outputs)
    loss, y, weight = problem.loss, problem.target, problem.weight
    if loss.is_joint:
        return log_shares(problem)
    mean = float(weight @ y)
    if loss.has_log_link:
        return np.array([np.log(mean if mean > 0 else _EPS)])
    if loss.name == "log_loss":
        share = min(max((1 + mean) / 2, _EPS), 1 - _EPS)
        return np.array([np.log(share / (1 - share))])
    if loss.name == "squared_hinge":
        return np.array([loss.parameter * mean])
    return np.array([_location(problem, mean)])


def _location(problem: Problem, center: float) -> float:
    """Return the best constant for a loss of y - z, by Newton's method within a bracket."""
    loss, y = problem.loss, problem.target
    low, high = float(y.min()), float(y.max())
    for _ in range(60):
        slope = float(problem.weight @ _slope_of_residual(loss, y - center))
        low, high = (center, high) if slope > 0 else (low, center)
        curvature = float(weighted_curvatures(problem, np.full_like(y, center)).sum())
        after = center + slope / max(curvature, _TINY)
        if not low <= after <= high:
            after = low + (high - low) / 2
        if abs(after - center) <= 4 * _EPS * max(abs(low), abs(high)):
            break
        center = after
    return center


def _slope_of_residual(loss: Loss, r: Doubles) -> Doubles:
    if loss.name == "huber":
        return np.clip(r, -loss.parameter, loss.parameter)
    outside: Doubles = 2 * (r - np.clip(r, -loss.parameter, loss.parameter))
    return outside


def _unit(problem: Problem, value: float, intercept: Doubles) -> float:
    """Return what certificates are relative to, from the null model's objective.

    A log link's loss may pass through 0 there: then its scale is the mean's power. Where the
    null model is perfect, the rounding of the losses' size remains.
    """
    loss, y = problem.loss, problem.target
    size = max(1.0, loss.parameter**2)
    if loss.has_log_link:
        power = {"poisson": 1.0, "gamma": 2.0}.get(loss.name, loss.parameter)
        return max(abs(value), float(np.exp((2 - power) * intercept[0])))
    if not loss.is_of_classes:
        slope = loss.parameter if loss.name == "huber" else np.inf
        size = float(problem.weight @ (np.abs(y) * np.minimum(np.abs(y), slope)))
    return max(value, 4 * _EPS * size, _TINY)


class Null(NamedTuple):
    """The null model, evaluated."""

    point: Doubles
    value: float
    gradient: Doubles
    unit: float


def evaluated_null(points: Points) -> Null:
    """Return the model without coefficients, from one pass."""
    intercept = best_intercept(points.problem)
    point = points.point(np.zeros((points.k, points.d)), intercept)
    values, gradients = points.evaluate(point[np.newaxis])
    value = float(values[0])
    return Null(point, value, gradients[0], _unit(points.problem, value, intercept))


def limits_of(points: Points, control: Control, unit: float) -> Limits:
    """Return where descents end; no tolerance is below what the rows' dtype can show."""
    eps = float(np.finfo(points.problem.rows.dtype).eps)
    return Limits(unit, max(control.tol, 2 * eps), 4 * eps, control.max_iter)
