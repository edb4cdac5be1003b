"""Second derivatives of the smooth losses, and the Hessians they make.

A second derivative that vanishes where the loss is straight would leave Newton's method
without a scale there. So what is returned is at least a small part of the curvature of a
parabola above the loss that touches it (the weights of iteratively reweighted least squares).
"""

from __future__ import annotations

import numpy as np

from algos.linear_learner.losses import Loss
from algos.linear_learner.multinomial import (
    multinomial_blocks,
    multinomial_hessian,
    spread_along,
)
from algos.linear_learner.points import Points
from algos.linear_learner.problem import Doubles, Problem

STRAIGHT = 1e-6  # the part of the touching parabola's curvature that is always there


def second_derivative(loss: Loss, target: Doubles, z: Doubles, *, bold: bool = True) -> Doubles:
    """Return the curvature of each row's loss by its decision value.

    Parameters
    ----------
    loss : Loss
        Smooth, and not joint.
    target, z : ndarray of shape (n,)
    bold : bool, default=True
        False is for points far from the optimum: the parabola above the loss, where the
        loss has straight parts.

    Returns
    -------
    curvature : ndarray of shape (n,)
        Not negative.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        curvature = _FORMULAS[loss.name](loss.parameter, target, z, STRAIGHT if bold else 1.0)
        result: Doubles = np.nan_to_num(curvature, nan=0.0, posinf=1e300)
    return result


def _log_loss(_: float, y: Doubles, z: Doubles, part: float) -> Doubles:
    small = np.exp(-np.abs(z))
    return small / (1 + small) ** 2


def _huber(delta: float, y: Doubles, z: Doubles, part: float) -> Doubles:
    size = np.abs(y - z)
    return np.where(size <= delta, 1.0, part * delta / np.maximum(size, delta))


def _squared_epsilon(epsilon: float, y: Doubles, z: Doubles, part: float) -> Doubles:
    return np.where(np.abs(y - z) > epsilon, 2.0, 2 * part)


def _squared_hinge(margin: float, y: Doubles, z: Doubles, part: float) -> Doubles:
    return np.where(y * z < margin, 2.0, 2 * part)


def _tweedie(power: float, y: Doubles, z: Doubles, part: float) -> Doubles:
    expected = np.exp((2 - power) * z)  # the Fisher information
    exact = (2 - power) * expected - (1 - power) * y * np.exp((1 - power) * z)
    # Outside of 1 … 2, the loss is not convex.
    return np.where(exact > expected / 8, exact, expected)


_FORMULAS = {
    "log_loss": _log_loss,
    "poisson": lambda _, y, z, part: np.exp(z),
    "gamma": lambda _, y, z, part: y * np.exp(-z),
    "tweedie": _tweedie,
    "huber": _huber,
    "squared_hinge": _squared_hinge,
    "squared_epsilon_insensitive": _squared_epsilon,
    "squared_error": lambda _, y, z, part: np.ones_like(z),
}


def hessian(problem: Problem, points: Points, point: Doubles, *, bold: bool = True) -> Doubles:
    """Return the Hessian of the mean loss at a point, of shape (size, size)."""
    z = problem.rows.decision(*points.model(point))
    if problem.loss.is_joint:
        return multinomial_hessian(problem, points.width, z)
    return _gram(problem, points, z, bold)


def blocks(problem: Problem, points: Points, point: Doubles, *, bold: bool = True) -> list[Doubles]:
    """Return the Hessian's blocks on the diagonal, one for each output."""
    z = problem.rows.decision(*points.model(point))
    if problem.loss.is_joint:
        return multinomial_blocks(problem, points.width, z)
    return [_gram(problem, points, z, bold)]


def curvature_along(problem: Problem, points: Points, point: Doubles, way: Doubles) -> float:
    """Return the second derivative of the mean loss along a way."""
    z, moved = (problem.rows.decision(*points.model(at)) for at in (point, way))
    if problem.loss.is_joint:
        return spread_along(problem, z, moved)
    curvature = second_derivative(problem.loss, problem.target, z[:, 0])
    return float((problem.weight * curvature) @ moved[:, 0] ** 2)


def _gram(problem: Problem, points: Points, z: Doubles, bold: bool) -> Doubles:
    curvature = second_derivative(problem.loss, problem.target, z[:, 0], bold=bold)
    return problem.rows.gram(problem.weight * curvature)[: points.width, : points.width]
