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

from algos.linear_learner.problem import Doubles
from algos.linear_learner.solvers.schedule import Schedule

_TINY = 1e-8  # added to the root of mean squared gradients
_RMS_DECAY = 0.9
_RECENT = 3.0  # later iterates count more in the average; 0 would count all alike
_FILLED = 20  # columns of a row: with fewer, steps of each are longer
_BLOCK = 1 << 13  # numbers of each array that go through all of a step while they are in cache
_LARGEST = 1e50  # of a gradient: its square must be a number


@dataclass
class Iterates:
    """m candidates on their way: coefficients, and the intercept as the last column.

    Attributes
    ----------
    theta, average, first, second : ndarray of shape (m, n_outputs, d + 1)
        The iterates, their average, and the gradients' running mean and mean square.
    seen : ndarray of shape (d + 1,)
        Running share of the steps whose rows held a value in the column.
    n_steps : int
    weight, typical : float
        Of the rows of all steps: their sum, and what a row's step weighs on average.
    """

    theta: Doubles
    average: Doubles = field(default_factory=lambda: np.empty(0))
    first: Doubles = field(default_factory=lambda: np.empty(0))
    second: Doubles = field(default_factory=lambda: np.empty(0))
    seen: Doubles = field(default_factory=lambda: np.empty(0))
    n_steps: int = 0
    weight: float = 0.0
    typical: float = 0.0

    def __post_init__(self) -> None:
        if self.average.size == 0:
            self.average = self.theta.copy()
            self.first = np.zeros_like(self.theta)
            self.second = np.zeros_like(self.theta)
            self.seen = np.zeros(self.theta.shape[-1])

    def step(
        self,
        gradient: Doubles,
        l1: Doubles,
        l2: Doubles,
        schedule: Schedule,
        columns: Columns,
        weight: float = 1.0,
    ) -> None:
        """Move all candidates, in place: less far on rows that weigh less than is typical.

        Parameters
        ----------
        gradient : ndarray of shape (m, n_outputs, d + 1)
            Of the loss alone.
        l1, l2 : ndarray of shape (m, 1, d + 1)
            Penalties.
        schedule : Schedule
        columns : Columns
        weight : float, default=1.0
            Of the step's rows.
        """
        self.weight += weight
        self.typical += weight / self.weight * (weight - self.typical)
        rate = schedule.rate_at(self.n_steps) * columns.reach
        rate[-1] *= schedule.intercept_factor
        rate *= min(1.0, weight / self.typical)
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
            self.first[..., columns],
            self.second[..., columns],
            self.seen[columns],
            self.n_steps,
        )

    def _move(
        self,
        gradient: Doubles,
        l1: Doubles | None,
        l2: Doubles,
        schedule: Schedule,
        rate: Doubles,
        is_seen: NDArray[np.bool_],
        share: float,
    ) -> None:
        """Make a step of these columns, and move the average by a share of the way."""
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
        self, gradient: Doubles, is_seen: NDArray[np.bool_], schedule: Schedule
    ) -> tuple[Doubles, Any]:
        """Return what to move along, and what to divide it by."""
        # In place: texts have so many columns that each temporary is worth avoiding.
        if schedule.optimizer == "sgd":
            self.first *= schedule.momentum
            self.first += gradient
            return self.first, 1.0
        if schedule.optimizer == "adagrad":
            self.second += gradient**2
            return gradient, np.sqrt(self.second) + _TINY
        decay = schedule.beta_2 if schedule.optimizer == "adam" else _RMS_DECAY
        size = gradient * gradient
        _approach(self.second, size, 1 - decay)
        self.seen += (1 - decay) * (is_seen - self.seen)
        # Both means began at zero; and the size is that of gradients which a column has, not
        # of the many zeros between those of a rare one.
        np.divide(self.second, np.where(self.seen > 0, self.seen, 1 - decay), out=size)
        np.sqrt(size, out=size)
        size += _TINY
        if schedule.optimizer == "rmsprop":
            return gradient, size
        _approach(self.first, gradient, 1 - schedule.beta_1)
        size *= 1 - schedule.beta_1 ** (self.n_steps + 1)
        return self.first, size


def _approach(mean: Doubles, values: Doubles, share: float) -> None:
    """Move a running mean by a share of the way to the latest values."""
    way = values - mean
    way *= share
    mean += way


@dataclass(frozen=True)
class Columns:
    """What a step must know of the columns and the intercept, which is the last of them.

    Attributes
    ----------
    reach : ndarray of shape (d + 1,)
        What the learning rate is multiplied by, see `reach_of`.
    is_seen : ndarray of shape (d + 1,), dtype bool
        Whether the step's rows hold a value.
    """

    reach: Doubles
    is_seen: NDArray[np.bool_]

    @classmethod
    def of(cls, reach: Doubles, rows: Any) -> Columns:
        """Return those of a step over `rows`."""
        is_seen = np.ones(len(reach), dtype=bool)
        is_seen[:-1] = rows.are_filled()
        return cls(reach, is_seen)


def reach_of(filled: Doubles) -> Doubles:
    """Return what rates of columns and intercept are multiplied by.

    A column of deviation 1 that few rows fill has large values there, as the inverse root of
    their share: with that root, a step moves the decisions of these rows as far as it moves
    those of all rows by a column that all fill. Rows of few values may go further in each.

    Parameters
    ----------
    filled : ndarray of shape (d,)
        Shares of rows that are not 0 in a column.
    """
    values = max(float(filled.sum()), 1.0)
    return np.append(np.minimum(np.sqrt(filled) * max(_FILLED / values, 1.0), 1.0), 1.0)
