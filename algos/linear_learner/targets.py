"""Targets and weights: checks for each loss, and units for extreme values."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import column_or_1d

from algos._common.arrays import Float64Array
from algos._common.scale import exponent_of
from algos._common.targets import checked_numbers
from algos.linear_learner.losses import Loss

_EXTREME = 64  # exponent of 2 from which squares of targets might overflow
_EXTREME_WEIGHT = 300  # the same for products of weights
_LEAST_WEIGHT = 2.0**-1000  # negligible beside others, but all rows of a step may weigh so little
_BEYOND = 500  # exponent of 2 far above errors of targets near 1

# Losses that grow as the square of the target, and those that grow as the target itself. The
# solvers of squared_error handle extreme targets themselves.
_SQUARES = frozenset({"huber", "squared_epsilon_insensitive"})
_LINES = frozenset({"absolute_error", "quantile", "epsilon_insensitive"})
_MARGINS = frozenset({"hinge", "squared_hinge"})  # the same with their margin


def one_against_rest(codes: Float64Array, n_classes: int) -> Float64Array:
    """Return 1 where a row is of the class and -1 elsewhere, of shape (n, n_classes)."""
    return np.where(codes[:, np.newaxis] == np.arange(n_classes), 1.0, -1.0)


def regression_target(y: ArrayLike, loss: Loss, name: str = "y") -> Float64Array:
    """Return y as float64 of shape (n,), or (n, n_outputs), inside the loss's domain."""
    target = checked_numbers(y, name)
    if target.ndim == 2 and target.shape[1] == 1:
        target = column_or_1d(target, warn=True)
    if loss.has_log_link:
        _check_domain(target, loss, name)
    return target


def _check_domain(target: Float64Array, loss: Loss, name: str) -> None:
    least = float(target.min())
    may_be_zero = loss.name == "poisson" or (loss.name == "tweedie" and loss.parameter < 2)
    if least < 0 or (least == 0 and not may_be_zero):
        bound = "at least 0" if may_be_zero else "positive"
        raise ValueError(
            f"Some value(s) of `{name}` are out of the valid range of the loss {loss.name!r}: "
            f"the minimum, {least!r}, must be {bound}; use another loss or correct y"
        )


def check_has_optimum(target: Float64Array, loss: Loss) -> None:
    """Raise ValueError if no finite intercept is optimal, since exp(z) is never zero."""
    if loss.has_log_link and not target.any(axis=0).all():
        raise ValueError(
            f"`y` is all zero; with loss={loss.name!r} it must have a positive value, since "
            f"exp(z) is never zero; use another loss"
        )


class Unit(NamedTuple):
    """The power of two by which extreme targets or margins are divided."""

    exponent: int = 0
    of_loss: int = 0  # the loss is divided by 2**of_loss

    @property
    def of_l1(self) -> int:
        """alpha · l1_ratio is divided by 2**of_l1."""
        return self.of_loss - self.exponent

    @property
    def of_l2(self) -> int:
        return self.of_loss - 2 * self.exponent


def has_unit(loss: Loss) -> bool:
    """Tell whether extreme targets of the loss are rescaled here and not by its solvers."""
    return loss.name in _SQUARES | _LINES


def target_unit(target: Float64Array, loss: Loss) -> Unit:
    """Return the unit in which squares of the target, or of the margin, do not overflow."""
    exponent = exponent_of(target) if has_unit(loss) else 0
    if loss.name in _MARGINS:
        exponent = int(np.frexp(loss.parameter)[1])
    if abs(exponent) < _EXTREME:
        return Unit()
    return Unit(exponent, 2 * exponent if loss.name in _SQUARES | {"squared_hinge"} else exponent)


def score_unit(target: Float64Array, loss: Loss) -> Unit:
    """Return the unit in which losses and squared errors of rows do not overflow."""
    if loss.name == "squared_error":
        exponent = exponent_of(target)
        return Unit(exponent, 2 * exponent) if abs(exponent) >= _EXTREME else Unit()
    return target_unit(target, loss)


def unit_exponent(target_square: float, loss: Loss) -> int:
    """Return the exponent e for which targets / 2**e are about 1, for losses of y - z."""
    if loss.is_of_classes or loss.has_log_link or not target_square > 0:
        return 0
    return int(np.frexp(np.sqrt(target_square))[1])


def in_unit(target: Float64Array, loss: Loss, unit: Unit) -> tuple[Float64Array, Loss]:
    """Return the target and its loss in a unit; classes do not change."""
    if unit.exponent == 0:
        return target, loss
    scaled = target if loss.name in _MARGINS else np.ldexp(target, -unit.exponent)
    if loss.name == "quantile":
        return scaled, loss
    own = int(np.frexp(loss.parameter)[1])
    exponent = min(-unit.exponent, _BEYOND - own)  # for tiny targets the kink would overflow
    return scaled, loss._replace(parameter=float(np.ldexp(loss.parameter, exponent)))


def weight_unit(weight: Float64Array | None) -> int:
    """Return the exponent of the power of 2 by which extreme weights are divided, else 0."""
    if weight is None:
        return 0
    exponent = int(np.frexp(weight.max())[1])
    return 0 if abs(exponent) < _EXTREME_WEIGHT else exponent


def weight_in(weight: Float64Array, unit: int) -> Float64Array:
    """Return weights / 2**unit.

    Raises
    ------
    ValueError
        If they differ so much from earlier weights that sums of both are meaningless.
    """
    if abs(int(np.frexp(weight.max())[1]) - unit) > 2 * _EXTREME_WEIGHT:
        raise ValueError(
            f"`sample_weight` has the maximum {float(weight.max())!r}, which must be within a "
            f"factor of 1e180 of the first batch's; use weights of similar magnitude"
        )
    return np.maximum(np.ldexp(weight, -unit), _LEAST_WEIGHT)
