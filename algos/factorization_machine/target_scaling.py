"""The unit of a stream's targets: the mean and standard deviation of the first rows.

The first batch may be a single row, without a deviation. So mean and deviation are updated until
enough rows have been seen. When they have changed by much, the learner is converted to the new
unit: in the unit of y its scores stay the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from algos._common.arrays import Float32Array, Float64Array
from algos.factorization_machine.targets import Unit, moments_of

ENOUGH_ROWS = 1000
_NOTABLE = 0.1  # relative change of a unit from which on the learner is converted
_MOST = 1e30  # largest float32 value


class TargetMoments(NamedTuple):
    """Moments of the targets seen so far.

    Attributes
    ----------
    weight, mean, deviation : float
    """

    weight: float
    mean: float
    deviation: float

    @classmethod
    def of(cls, y: Float64Array, weight: Float64Array | None) -> TargetMoments:
        """Return the moments of a batch."""
        total = float(len(y) if weight is None else weight.sum())
        return cls(total, *moments_of(y, weight))

    def joined(self, other: TargetMoments) -> TargetMoments:
        """Return the moments of both; no sum exceeds the largest target."""
        share = other.weight / (self.weight + other.weight)
        root = float(np.sqrt(share * (1 - share)))
        parts = (
            np.sqrt(1 - share) * self.deviation,
            np.sqrt(share) * other.deviation,
            root * self.mean - root * other.mean,
        )
        with np.errstate(
            over="ignore"
        ):  # only by rounding: deviations are at most the largest target
            deviation = float(np.hypot(np.hypot(parts[0], parts[1]), parts[2]))
        deviation = min(deviation, float(np.finfo(np.float64).max))
        mean = (1 - share) * self.mean + share * other.mean
        return TargetMoments(self.weight + other.weight, mean, deviation)

    def unit(self, now: Unit) -> Unit:
        """Return the unit of these targets, or the current one if that is close."""
        if self.deviation == 0:
            return Unit(self.mean, 1.0)
        near = self.deviation * _NOTABLE
        if abs(self.deviation - now.spread) <= near and abs(self.mean - now.center) <= near:
            return now
        return Unit(self.mean, self.deviation)


@dataclass(frozen=True)
class UnitChange:
    """Conversion of scores from one unit to another: f' = ratio * f + shift.

    Attributes
    ----------
    ratio, shift : float
    """

    ratio: float
    shift: float

    @classmethod
    def between(cls, old: Unit, new: Unit) -> UnitChange | None:
        """Return the conversion, or None if the units are equal."""
        if old == new:
            return None
        with np.errstate(over="ignore"):
            ratio = np.float64(old.spread) / new.spread
            shift = (np.float64(old.center) - new.center) / new.spread
        return cls(float(np.clip(ratio, 1 / _MOST, _MOST)), float(np.clip(shift, -_MOST, _MOST)))

    def of_columns(
        self, factor_state: Float32Array, linear_state: Float32Array, accumulator: float
    ) -> tuple[Float32Array, Float32Array]:
        """Return factors and coefficients, with their sums of squared gradients, in the new unit.

        Parameters
        ----------
        factor_state : ndarray of shape (n_columns, n_outputs, 2, rank)
        linear_state : ndarray of shape (n_columns, n_outputs, 2)
        accumulator : float
            Initial value of the sums.
        """
        root = float(np.sqrt(self.ratio))
        return (
            _stretched(factor_state, 2, root, self.ratio * root, accumulator),
            _stretched(linear_state, 2, self.ratio, self.ratio, accumulator),
        )

    def of_intercept(self, intercept_state: Float32Array, accumulator: float) -> Float32Array:
        """Return intercepts, with their sums, of shape (n_outputs, 2) in the new unit."""
        changed = _stretched(intercept_state, 1, self.ratio, self.ratio, accumulator)
        changed[:, 0] += np.float32(self.shift)
        return changed


def _stretched(
    numbers: Float32Array, axis: int, factor: float, of_gradient: float, accumulator: float
) -> Float32Array:
    """Return parameters times a factor, and sums of squared gradients in the new unit."""
    values = numbers.take(0, axis).astype(np.float64) * factor
    sums = np.maximum(numbers.take(1, axis).astype(np.float64) - accumulator, 0.0)
    sums = accumulator + sums * of_gradient**2
    both = np.stack([values, sums], axis)
    return np.clip(both, -_MOST, _MOST).astype(np.float32)
