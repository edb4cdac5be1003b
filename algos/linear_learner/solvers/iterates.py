"""Averaged stochastic gradient steps of a pack of candidates at once.

Kingma and Ba (2015), "Adam"; Duchi, Hazan and Singer (2011), "Adaptive subgradient methods";
averages as in Shamir and Zhang (2013), "Stochastic gradient descent for non-smooth
optimization", eq. 4.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array
from algos.linear_learner.solvers.schedule import Schedule

_TINY = 1e-8  # added to the root of mean squared gradients
_RMS_DECAY = 0.9
_RECENT = 3.0  # later iterates have more weight in the average; 0 would be uniform weights
_FILLED = 20  # columns per row; with fewer, steps of each column are longer
_BLOCK = 1 << 13  # values of each array that are processed together, in cache
_LARGEST = 1e50  # of a gradient, whose square must not overflow


@dataclass
class Iterates:
    """Iterates of m candidates: coefficients, and the intercept as the last column.

    Attributes
    ----------
    theta, average, first_moment, second_moment : ndarray of shape (m, n_outputs, d + 1)
        The iterates, their average, and the running mean and mean square of gradients.
    seen : ndarray of shape (d + 1,)
        Running share of the steps whose rows had a value in the column.
    n_steps : int
    weight, mean_step_weight : float
        Total weight of the rows of all steps, and the mean weight of the step of a row.
    """

    theta: Float64Array
    average: Float64Array = field(default_factory=lambda: np.empty(0))
    first_moment: Float64Array = field(default_factory=lambda: np.empty(0))
    second_moment: Float64Array = field(default_factory=lambda: np.empty(0))
    seen: Float64Array = field(default_factory=lambda: np.empty(0))
    n_steps: int = 0
    weight: float = 0.0
    mean_step_weight: float = 0.0

    def __post_init__(self) -> None:
        if self.average.size == 0:
            self.average = self.theta.copy()
            self.first_moment = np.zeros_like(self.theta)
            self.second_moment = np.zeros_like(self.theta)
            self.seen = np.zeros(self.theta.shape[-1])

    def step(
        self,
        gradient: Float64Array,
        l1: Float64Array,
        l2: Float64Array,
        schedule: Schedule,
        columns: StepColumns,
        weight: float = 1.0,
    ) -> None:
        """Take a step of all candidates, in place; shorter if its rows weigh less than usual.

        Parameters
        ----------
        gradient : ndarray of shape (m, n_outputs, d + 1)
            Gradient of the loss without penalty.
        l1, l2 : ndarray of shape (m, 1, d + 1)
            Penalties.
        schedule : Schedule
        columns : StepColumns
        weight : float, default=1.0
            Weight of the rows of the step.
        """
        self.weight += weight
        self.mean_step_weight += weight / self.weight * (weight - self.mean_step_weight)
        rate = schedule.rate_at(self.n_steps) * columns.rate_multipliers
        rate[-1] *= schedule.intercept_factor
        rate *= min(1.0, weight / self.mean_step_weight)
        share = (_RECENT + 1) * (weight / (self.weight + _RECENT * weight))
        shrinks = bool(l1.any())
        k, d = self.theta.shape[1:]
        width = max(_BLOCK // (len(self.theta) * k), 1)
        for start in range(0, d, width):
            part = slice(start, start + width)
            self._part(part)._move(
                gradient[..., part],
                l1[..., part] if shrinks else None,
                l2[..., part],
                schedule,
                rate[part],
                columns.is_seen[part],
                share,
            )
        self.n_steps += 1

    def _part(self, columns: slice) -> Iterates:
        """Return the iterates of some columns: views."""
        return Iterates(
            self.theta[..., columns],
            self.average[..., columns],
            self.first_moment[..., columns],
            self.second_moment[..., columns],
            self.seen[columns],
            self.n_steps,
        )

    def _move(
        self,
        gradient: Float64Array,
        l1: Float64Array | None,
        l2: Float64Array,
        schedule: Schedule,
        rate: Float64Array,
        is_seen: NDArray[np.bool_],
        share: float,
    ) -> None:
        """Take a step of these columns, and move the average by a share towards the iterate."""
        penalised = l2 * self.theta
        penalised += gradient
        gradient = penalised
        if not max(gradient.max(), -gradient.min()) <= _LARGEST:
            np.nan_to_num(gradient, copy=False, posinf=_LARGEST, neginf=-_LARGEST)
            np.clip(gradient, -_LARGEST, _LARGEST, out=gradient)
        direction, size = self._direction(gradient, is_seen, schedule)
        step = rate / size
        self.theta -= np.multiply(step, direction, out=gradient)
        if l1 is not None:
            shrunk = np.maximum(np.abs(self.theta) - step * l1, 0.0)
            np.copysign(shrunk, self.theta, out=self.theta)
        _approach(self.average, self.theta, share)

    def _direction(
        self, gradient: Float64Array, is_seen: NDArray[np.bool_], schedule: Schedule
    ) -> tuple[Float64Array, Any]:
        """Return the direction of the step, and its divisor."""
        # In place: with the many columns of texts, temporaries are expensive.
        if schedule.optimizer == "sgd":
            self.first_moment *= schedule.momentum
            self.first_moment += gradient
            return self.first_moment, 1.0
        if schedule.optimizer == "adagrad":
            self.second_moment += gradient**2
            return gradient, np.sqrt(self.second_moment) + _TINY
        decay = schedule.beta_2 if schedule.optimizer == "adam" else _RMS_DECAY
        size = gradient * gradient
        _approach(self.second_moment, size, 1 - decay)
        self.seen += (1 - decay) * (is_seen - self.seen)
        # Corrects for the initial zeros of both means; and the size is that of gradients of a
        # filled column, without the many zeros in between for a rare one.
        np.divide(self.second_moment, np.where(self.seen > 0, self.seen, 1 - decay), out=size)
        np.sqrt(size, out=size)
        size += _TINY
        if schedule.optimizer == "rmsprop":
            return gradient, size
        _approach(self.first_moment, gradient, 1 - schedule.beta_1)
        size *= 1 - schedule.beta_1 ** (self.n_steps + 1)
        return self.first_moment, size


def _approach(mean: Float64Array, values: Float64Array, share: float) -> None:
    """Move a running mean by a share towards the latest values."""
    way = values - mean
    way *= share
    mean += way


@dataclass(frozen=True)
class StepColumns:
    """Properties of the columns in a step; the last one is the intercept.

    Attributes
    ----------
    rate_multipliers : ndarray of shape (d + 1,)
        Factors of the learning rate, see the function `rate_multipliers`.
    is_seen : ndarray of shape (d + 1,), dtype bool
        Whether the rows of the step have a value in the column.
    """

    rate_multipliers: Float64Array
    is_seen: NDArray[np.bool_]

    @classmethod
    def of(cls, multipliers: Float64Array, rows: Any) -> StepColumns:
        """Return the properties for a step over `rows`."""
        is_seen = np.ones(len(multipliers), dtype=bool)
        is_seen[:-1] = rows.are_filled()
        return cls(multipliers, is_seen)


def rate_multipliers(nonzero_share: Float64Array) -> Float64Array:
    """Return the factors of the learning rates of columns and intercept.

    A column of standard deviation 1 that a share p of the rows fill has values of about p**-0.5
    there. With the factor p**0.5, a step changes the decision values of these rows as much as a
    column that all rows fill. Rows with few values allow longer steps in each column.

    Parameters
    ----------
    nonzero_share : ndarray of shape (d,)
        Shares of rows that are nonzero in a column.
    """
    values = max(float(nonzero_share.sum()), 1.0)
    return np.append(np.minimum(np.sqrt(nonzero_share) * max(_FILLED / values, 1.0), 1.0), 1.0)
