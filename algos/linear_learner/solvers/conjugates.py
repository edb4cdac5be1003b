"""Convex conjugates of the losses.

The conjugate of a loss at -s is sup_z (-s z - loss(z)); the dual variable s of a row is -loss'(z)
at the optimum. Formulas assume that s is in their domain.
"""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from algos._common.arrays import Float64Array
from algos.linear_learner.losses import Loss


def conjugates_at(loss: Loss, y: Float64Array, pull: Float64Array) -> Float64Array:
    """Return each row's conjugate at -pull."""
    if not has_conjugate(loss):
        raise ValueError(f"loss={loss.name!r} has no conjugate in closed form")
    result: Float64Array = _CONJUGATES[loss.name](loss.parameter, y, pull)
    return result


def has_conjugate(loss: Loss) -> bool:
    """Whether `conjugates_at` knows the loss."""
    return loss.name in _CONJUGATES


def _of_classes(p: float, y: Float64Array, s: Float64Array) -> Float64Array:
    t = np.clip(y * s, 0, 1)
    result: Float64Array = xlogy(t, t) + xlogy(1 - t, 1 - t)
    return result


# Functions of (p, y, s), in the notation of the table in `losses.py`.
_CONJUGATES = {
    "squared_error": lambda p, y, s: s**2 / 2 - s * y,
    "absolute_error": lambda p, y, s: -s * y,
    "quantile": lambda p, y, s: -s * y,
    "epsilon_insensitive": lambda p, y, s: p * np.abs(s) - s * y,
    "squared_epsilon_insensitive": lambda p, y, s: s**2 / 4 + p * np.abs(s) - s * y,
    "huber": lambda p, y, s: s**2 / 2 - s * y,
    "poisson": lambda p, y, s: xlogy(y - s, y - s) - (y - s),
    "gamma": lambda p, y, s: xlogy(1 + s, (1 + s) / y) - (1 + s),
    "log_loss": _of_classes,
    "hinge": lambda p, y, s: -p * y * s,
    "squared_hinge": lambda p, y, s: s**2 / 4 - p * y * s,
}
