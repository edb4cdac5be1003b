"""Hessians of the smooth losses, safeguarded where the losses are linear or concave."""

from __future__ import annotations

import numpy as np

from algos._common.arrays import Float64Array
from algos._cython._losses import weigh_curvatures
from algos.linear_learner.losses import Loss
from algos.linear_learner.problem import Problem
from algos.linear_learner.solvers.multinomial import (
    hessian_at_once,
    multinomial_blocks,
    multinomial_hessian,
    spread_along,
)
from algos.linear_learner.solvers.points import Points

PIECEWISE = frozenset({"huber", "squared_hinge", "squared_epsilon_insensitive"})

MANY_CLASSES, FEW_COLUMNS = 10, 50  # whose pairs have many small products

_STRAIGHT = 1e-6  # least share of the curvature of the majorising parabola
_MOST = 1e300


def weighted_curvatures(problem: Problem, z: Float64Array, *, bold: bool = True) -> Float64Array:
    """Return weight_i times the curvature of loss_i at decision values z.

    As Newton's method fails if the second derivative vanishes, the curvature is at least a small
    share of that of the parabola that majorises the loss (the weights of iteratively reweighted
    least squares).

    Parameters
    ----------
    problem : Problem
        Of one output.
    z : ndarray of shape (n,)
    bold : bool, default=True
        False, for points far from the optimum, uses the curvature of that parabola.

    Returns
    -------
    curvatures : ndarray of shape (n,)
        Not negative.
    """
    loss, weight = problem.loss, problem.weight
    found = np.empty(len(z))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        weigh_curvatures(problem.target, weight, z, found, loss.code, loss.parameter)
        if loss.name in PIECEWISE:
            above = weight * _touching(loss, problem.target, z)
            found = np.maximum(found, _STRAIGHT * above if bold else above)
        elif loss.name == "tweedie" and not 1 <= loss.parameter <= 2:
            # Concave in places, where the Fisher information is positive.
            expected = weight * np.exp((2 - loss.parameter) * z)
            found = np.where(found > expected / 8, found, expected)
    result: Float64Array = np.nan_to_num(found, copy=False, nan=0.0, posinf=_MOST)
    return result


def _touching(loss: Loss, y: Float64Array, z: Float64Array) -> Float64Array:
    if loss.name == "huber":
        return loss.parameter / np.maximum(np.abs(y - z), loss.parameter)
    return np.full(len(z), 2.0)


def hessian(
    problem: Problem,
    points: Points,
    point: Float64Array,
    *,
    bold: bool = True,
    at_once: bool = False,
) -> Float64Array:
    """Return the Hessian of the mean loss at a point, of shape (size, size).

    `at_once` computes many classes with few columns in one product, with other rounding errors.
    """
    z = problem.rows.decision(*points.model(point))
    if problem.loss.is_joint:
        if at_once and points.k > MANY_CLASSES and points.width < FEW_COLUMNS:
            return hessian_at_once(problem, points.width, z)
        return multinomial_hessian(problem, points.width, z)
    return _gram(problem, points, z, bold)


def blocks(
    problem: Problem, points: Points, point: Float64Array, *, bold: bool = True
) -> list[Float64Array]:
    """Return the Hessian's blocks on the diagonal, one for each output."""
    z = problem.rows.decision(*points.model(point))
    if problem.loss.is_joint:
        return multinomial_blocks(problem, points.width, z)
    return [_gram(problem, points, z, bold)]


def curvature_along(
    problem: Problem, points: Points, point: Float64Array, way: Float64Array
) -> float:
    """Return the second derivative of the mean loss along a direction."""
    z, (coef, intercept) = problem.rows.decision(*points.model(point)), points.model(way)
    if coef.any():
        moved = problem.rows.decision(coef, intercept)
    else:  # the same without a pass
        moved = np.tile(intercept, (len(z), 1))
    if problem.loss.is_joint:
        return spread_along(problem, z, moved)
    curvatures = weighted_curvatures(problem, np.ascontiguousarray(z[:, 0]))
    return float(curvatures @ moved[:, 0] ** 2)


def mean_curvature(problem: Problem, points: Points, point: Float64Array) -> float:
    """Return the mean second derivative of the loss by the decision values of a row."""
    z = problem.rows.decision(*points.model(point))
    if problem.loss.is_joint:
        shares = np.exp(z - z.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return float(problem.weight @ (shares * (1 - shares)).mean(axis=1))
    return float(weighted_curvatures(problem, np.ascontiguousarray(z[:, 0])).sum())


def _gram(problem: Problem, points: Points, z: Float64Array, bold: bool) -> Float64Array:
    curvatures = weighted_curvatures(problem, np.ascontiguousarray(z[:, 0]), bold=bold)
    return problem.rows.gram(curvatures)[: points.width, : points.width]
