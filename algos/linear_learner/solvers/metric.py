"""Metrics made of a Hessian, and when they look at it anew."""

from __future__ import annotations

import abc

import numpy as np

from algos.linear_learner.problem import Doubles
from algos.linear_learner.solvers.points import Penalties
from algos.linear_learner.solvers.shape import Shape

_LEFT = 1 / 500  # of the last gain, by parameter: above that, another Hessian is worth its while
_SLOW = 0.5  # of the last gain, twice: above that, a sample's is not like that of all rows
_LONG = 16  # steps that blocks on the diagonal are kept for


class HessianMetric(abc.ABC):
    """A Hessian of some point on the way, and the steps since then.

    Parameters
    ----------
    shape : Shape
    penalties : Penalties
    enough : float
        A gain that needs no accurate prediction.
    matrices : list of ndarray, default=None
        The Hessian at a point that may be near, to try first.
    """

    def __init__(
        self,
        shape: Shape,
        penalties: Penalties,
        enough: float,
        matrices: list[Doubles] | None = None,
    ) -> None:
        self.shape, self.penalties, self.enough = shape, penalties, enough
        self.matrices = matrices
        self._age = 1  # steps since the Hessian was made, or more
        self._slow = 0  # steps in a row that gained little less than the one before
        self._left = min(max(0.1, _LEFT * shape.parameters), _SLOW)
        self._is_bold = True
        self._gain = np.inf
        if matrices is not None:
            self._prepare(matrices)

    def step(self, point: Doubles, gradient: Doubles) -> tuple[Doubles, float]:
        """Return the step to the model's minimum, and what it gains."""
        if self.matrices is None:
            self._make(point)
        step, gain = self._towards(point, gradient)
        if self._is_unsure(gain):
            if self._slow:
                self.shape = self.shape.grown()
            self._make(point)
            step, gain = self._towards(point, gradient)
        before, self._gain = self._gain, gain
        if gain <= self.enough < before and not self.shape.is_continuous:
            gain = 2 * self.enough  # the step may free rows from their part: look there too
        return step, gain

    def learn(self, step: Doubles, change: Doubles, is_whole: bool) -> None:
        """Take in how the gradient changed by a step, which may be a part of one's own."""
        self._age += 1
        self._is_bold = is_whole
        self._remember(step, change)

    def renew(self, point: Doubles) -> bool:
        """Look at the Hessian anew, cautiously; False if that has just been done."""
        if self._age == 0 and not self._is_bold:
            return False
        self._is_bold = False
        self._make(point)
        return True

    def _is_unsure(self, gain: float) -> bool:
        """Return whether to look again before going on, or before calling it the end."""
        if gain <= self.enough:
            # A cautious Hessian, or one of rows that were on a curved part, hides gains.
            is_smooth = self.shape.is_continuous and not self.shape.is_cheap
            is_sure = self._is_bold and (self._age == 0 or is_smooth)
            self._is_bold = True
            return not is_sure
        if not self.shape.is_whole and self._age < _LONG:  # blocks are slow by themselves
            is_stale = False
        elif self.shape.has_all_rows:
            is_stale = self.shape.is_cheap or gain > self._left * self._gain
        else:
            self._slow = self._slow + 1 if gain > _SLOW * self._gain else 0
            is_stale = self._slow > 1
        return self._age > 0 and (is_stale or not self._is_bold)

    def _make(self, point: Doubles) -> None:
        self.matrices = self.shape.at(point, bold=self._is_bold)
        self._age, self._slow = 0, 0
        self._prepare(self.matrices)

    @abc.abstractmethod
    def _prepare(self, matrices: list[Doubles]) -> None:
        """Make ready for a new Hessian of the mean loss, which stays as it is."""

    @abc.abstractmethod
    def _towards(self, point: Doubles, gradient: Doubles) -> tuple[Doubles, float]:
        """Return the step to the minimum, and what it gains."""

    @abc.abstractmethod
    def _remember(self, step: Doubles, change: Doubles) -> None:
        """Keep what a step has shown."""
