"""The unit of a stream's targets, which follows those of the first rows.

The first batch may be a single row, which tells no deviation. So mean and deviation run along
until enough rows have come. When they have changed notably, the learner is brought into the new
unit: it gives the same scores, in the unit of y, as before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from algos.factorization_machine.targets import Doubles, Unit, moments_of

Floats = NDArray[np.float32]

ENOUGH_ROWS = 1000
_NOTABLE = 0.1  # change of a unit, as a share of it
_MOST = 1e30  # in float32


class Seen(NamedTuple):
    """Targets so far.

    Attributes
    ----------
    weight, mean, deviation : float
    """

    weight: float
    mean: float
    deviation: float

    @classmethod
    def of(cls, y: Doubles, weight: Doubles | None) -> Seen:
        """Return those of a batch."""
        total = float(len(y) if weight is None else weight.sum())
        return cls(total, *moments_of(y, weight))

    def joined(self, other: Seen) -> Seen:
        """Return those of both; no sum is larger than the targets."""
        share = other.weight / (self.weight + other.weight)
        root = float(np.sqrt(share * (1 - share)))
        parts = (
            np.sqrt(1 - share) * self.deviation,
            np.sqrt(share) * other.deviation,
            root * self.mean - root * other.mean,
        )
        with np.errstate(over="ignore"):  # by rounding: no deviation exceeds the largest target
            deviation = float(np.hypot(np.hypot(parts[0], parts[1]), parts[2]))
        deviation = min(deviation, float(np.finfo(np.float64).max))
        mean = (1 - share) * self.mean + share * other.mean
        return Seen(self.weight + other.weight, mean, deviation)

    def unit(self, now: Unit) -> Unit:
        """Return the unit of these targets, or the one there is if it is near."""
        if self.deviation == 0:
            return Unit(self.mean, 1.0)
        near = self.deviation * _NOTABLE
        if abs(self.deviation - now.spread) <= near and abs(self.mean - now.centre) <= near:
            return now
        return Unit(self.mean, self.deviation)


@dataclass(frozen=True)
class Turn:
    """From scores in one unit to the same in another: f' = ratio * f + shift.

    Attributes
    ----------
    ratio, shift : float
    """

    ratio: float
    shift: float

    @classmethod
    def between(cls, old: Unit, new: Unit) -> Turn | None:
        """Return the turn, None if there is none."""
        if old == new:
            return None
        with np.errstate(over="ignore"):
            ratio = np.float64(old.spread) / new.spread
            shift = (np.float64(old.centre) - new.centre) / new.spread
        return cls(float(np.clip(ratio, 1 / _MOST, _MOST)), float(np.clip(shift, -_MOST, _MOST)))

    def of_columns(self, table: Floats, line: Floats, accumulator: float) -> tuple[Floats, Floats]:
        """Return factors and coefficients, with their sums of squared gradients, in the new unit.

        Parameters
        ----------
        table : ndarray of shape (n_columns, n_outputs, 2, rank)
        line : ndarray of shape (n_columns, n_outputs, 2)
        accumulator : float
            Where the sums began.
        """
        root = float(np.sqrt(self.ratio))
        return (
            _stretched(table, 2, root, self.ratio * root, accumulator),
            _stretched(line, 2, self.ratio, self.ratio, accumulator),
        )

    def of_base(self, base: Floats, accumulator: float) -> Floats:
        """Return intercepts of shape (n_outputs, 2), with their sums, in the new unit."""
        turned = _stretched(base, 1, self.ratio, self.ratio, accumulator)
        turned[:, 0] += np.float32(self.shift)
        return turned


def _stretched(
    numbers: Floats, axis: int, factor: float, of_gradient: float, accumulator: float
) -> Floats:
    """Return parameters times a factor, and what their gradients' squares have added."""
    values = numbers.take(0, axis).astype(np.float64) * factor
    sums = np.maximum(numbers.take(1, axis).astype(np.float64) - accumulator, 0.0)
    sums = accumulator + sums * of_gradient**2
    both = np.stack([values, sums], axis)
    return np.clip(both, -_MOST, _MOST).astype(np.float32)
