"""Losses over arrays of decision values: slopes, curvatures, and what duality needs.

The conjugate of a loss at -s is sup_z (-s z - loss(z)); s, a row's pull, is -loss'(z) at the
optimum. Where a formula is undefined outside of its domain, pulls are taken to lie in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, xlogy

from algos.linear_learner.losses import Loss
from algos.linear_learner.problem import Doubles

_STEEP = 350.0  # exp(350)² is still a number

Flags = NDArray[np.bool_]


class _Formulas(NamedTuple):
    """Functions of (p, y, z), but the conjugate at -s of (p, y, s)."""

    loss: Callable[[float, Doubles, Doubles], Doubles]
    slope: Callable[[float, Doubles, Doubles], Doubles]
    conjugate: Callable[[float, Doubles, Doubles], Doubles] | None
    curvature: Callable[[float, Doubles, Doubles], Doubles] | None = None


def losses_at(loss: Loss, y: Doubles, z: Doubles) -> Doubles:
    """Return the loss of each row."""
    return _FORMULAS[loss.name].loss(loss.parameter, y, z)


def slopes_at(loss: Loss, y: Doubles, z: Doubles) -> Doubles:
    """Return each row's derivative by z; at a kink, one of its subgradients."""
    return _FORMULAS[loss.name].slope(loss.parameter, y, z)


def curvatures_at(loss: Loss, y: Doubles, z: Doubles) -> Doubles:
    """Return each row's second derivative by z, for smooth losses."""
    curvature = _FORMULAS[loss.name].curvature
    if curvature is None:
        raise ValueError(f"the {loss.name} loss has no second derivative")
    return curvature(loss.parameter, y, z)


def conjugates_at(loss: Loss, y: Doubles, pull: Doubles) -> Doubles:
    """Return each row's conjugate at -pull."""
    conjugate = _FORMULAS[loss.name].conjugate
    if conjugate is None:
        raise ValueError(f"the {loss.name} loss has no conjugate in closed form")
    return conjugate(loss.parameter, y, pull)


def has_conjugate(loss: Loss) -> bool:
    """Whether `conjugates_at` knows the loss."""
    return loss.name in _FORMULAS and _FORMULAS[loss.name].conjugate is not None


def _excess(p: float, r: Doubles) -> Doubles:
    """Return r shrunk towards 0 by p."""
    result: Doubles = r - np.clip(r, -p, p)
    return result


def _exp(z: Doubles) -> Doubles:
    result: Doubles = np.exp(np.minimum(z, _STEEP))
    return result


def _huber(p: float, y: Doubles, z: Doubles) -> Doubles:
    size = np.abs(y - z)
    return np.where(size <= p, size**2 / 2, p * size - p**2 / 2)


def _tweedie(p: float, y: Doubles, z: Doubles) -> Doubles:
    return _exp((2 - p) * z) / (2 - p) - y * _exp((1 - p) * z) / (1 - p)


def _tweedie_curvature(p: float, y: Doubles, z: Doubles) -> Doubles:
    expected = _exp((2 - p) * z)
    exact = (2 - p) * expected - (1 - p) * y * _exp((1 - p) * z)
    return np.where(exact > 0, exact, expected)  # outside of 1 … 2, the loss is not convex


def _log_curvature(p: float, y: Doubles, z: Doubles) -> Doubles:
    share = expit(-np.abs(z))
    return share * (1 - share)


def _log_conjugate(p: float, y: Doubles, s: Doubles) -> Doubles:
    t = np.clip(y * s, 0, 1)
    return xlogy(t, t) + xlogy(1 - t, 1 - t)


_FORMULAS = {
    "squared_error": _Formulas(
        lambda p, y, z: (y - z) ** 2 / 2,
        lambda p, y, z: z - y,
        lambda p, y, s: s**2 / 2 - s * y,
        lambda p, y, z: np.ones_like(z),
    ),
    "absolute_error": _Formulas(
        lambda p, y, z: np.abs(y - z),
        lambda p, y, z: np.sign(z - y),
        lambda p, y, s: -s * y,
    ),
    "quantile": _Formulas(
        lambda p, y, z: np.maximum(p * (y - z), (p - 1) * (y - z)),
        lambda p, y, z: np.where(y > z, -p, np.where(y < z, 1 - p, 0.0)),
        lambda p, y, s: -s * y,
    ),
    "epsilon_insensitive": _Formulas(
        lambda p, y, z: np.abs(_excess(p, y - z)),
        lambda p, y, z: np.sign(_excess(p, z - y)),
        lambda p, y, s: p * np.abs(s) - s * y,
    ),
    "squared_epsilon_insensitive": _Formulas(
        lambda p, y, z: _excess(p, y - z) ** 2,
        lambda p, y, z: 2 * _excess(p, z - y),
        lambda p, y, s: s**2 / 4 + p * np.abs(s) - s * y,
        lambda p, y, z: np.where(np.abs(y - z) > p, 2.0, 0.0),
    ),
    "huber": _Formulas(
        _huber,
        lambda p, y, z: np.clip(z - y, -p, p),
        lambda p, y, s: s**2 / 2 - s * y,
        lambda p, y, z: np.where(np.abs(y - z) <= p, 1.0, 0.0),
    ),
    "poisson": _Formulas(
        lambda p, y, z: _exp(z) - y * z,
        lambda p, y, z: _exp(z) - y,
        lambda p, y, s: xlogy(y - s, y - s) - (y - s),
        lambda p, y, z: _exp(z),
    ),
    "gamma": _Formulas(
        lambda p, y, z: z + y * _exp(-z),
        lambda p, y, z: 1 - y * _exp(-z),
        lambda p, y, s: xlogy(1 + s, (1 + s) / y) - (1 + s),
        lambda p, y, z: y * _exp(-z),
    ),
    "tweedie": _Formulas(
        _tweedie,
        lambda p, y, z: _exp((2 - p) * z) - y * _exp((1 - p) * z),
        None,
        _tweedie_curvature,
    ),
    "log_loss": _Formulas(
        lambda p, y, z: np.logaddexp(0, -y * z),
        lambda p, y, z: -y * expit(-y * z),
        _log_conjugate,
        _log_curvature,
    ),
    "hinge": _Formulas(
        lambda p, y, z: np.maximum(p - y * z, 0),
        lambda p, y, z: -y * (y * z < p),
        lambda p, y, s: -p * y * s,
    ),
    "squared_hinge": _Formulas(
        lambda p, y, z: np.maximum(p - y * z, 0) ** 2,
        lambda p, y, z: -2 * y * np.maximum(p - y * z, 0),
        lambda p, y, s: s**2 / 4 - p * y * s,
        lambda p, y, z: np.where(y * z < p, 2.0, 0.0),
    ),
}
