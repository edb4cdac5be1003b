"""Descents that take turns: each yields the point it wants to know, all are told in one pass.

A descent walks from point to point of its own objective; what direction it takes is up to its
`Metric`. It is a generator, so that many of them (the candidates of a pack) can share every
pass over the rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from algos._common.callbacks import NO_CALLBACKS, Task
from algos.linear_learner.problem import Control, Doubles, Solution
from algos.linear_learner.solvers.multinomial import centred
from algos.linear_learner.solvers.points import Penalties, Points

# Yields points, is told the mean loss and its gradient there.
Steps = Generator[Doubles, tuple[float, Doubles], None]

_ENOUGH = 1e-4  # of the decrease that the slope promises (Armijo's rule)
_ALL_OF_IT = 4  # times the gain of a Newton step, what an exponential has left to fall
_FLATTER = 0.9  # of the slope, where values differ by their rounding
_TRIALS = 40
_SHORTEST, _LONGEST = 0.05, 0.5  # of a step that went too far
# Down exp(-t), whose curvature fades as it falls, a Newton step gains 1.26 times what it
# promises, and as much as it promises is left beyond that: 4 times the surplus.
_BEYOND, _MOST_BEYOND = 4.0, 3.0
_SHOWS = 1000  # roundings: from that promise on, what a step gained can be compared with it


class Metric(Protocol):
    """What a descent knows of its objective's shape."""

    def step(self, point: Doubles, gradient: Doubles) -> tuple[Doubles, float]:
        """Return how to go to the minimum of a model of the objective, and what that gains."""
        ...

    def learn(self, step: Doubles, change: Doubles, is_whole: bool) -> None:
        """Take in how the gradient changed by a step, which may be a part of one's own."""
        ...

    def renew(self, point: Doubles) -> bool:
        """Look at the shape anew, at a point where steps fail; False if that cannot help."""
        ...


class Limits(NamedTuple):
    """Where descents end.

    Attributes
    ----------
    unit : float
        What certificates are relative to: the null model's objective.
    tol : float
        Of the certificate.
    rounding : float
        Of a value of the objective, in units.
    max_iter : int
    """

    unit: float
    tol: float
    rounding: float
    max_iter: int


class Descent:
    """One candidate's way to its optimum, and where it is.

    Parameters
    ----------
    metric : Metric
    penalties : Penalties
    limits : Limits
    number : int, default=0
        The candidate's place in its pack.
    """

    def __init__(
        self, metric: Metric, penalties: Penalties, limits: Limits, number: int = 0
    ) -> None:
        self.metric, self.limits, self.number = metric, limits, number
        self.l1 = penalties.l1 if penalties.l1.any() else None
        self.l2 = penalties.l2
        self.value, self.certificate = np.inf, np.inf
        self.gain, self._beyond = np.inf, 0.0
        self.point = self.gradient = np.empty(0)
        self.n_iter, self.converged = 0, False
        self.objectives: list[float] = []

    def offer(self, point: Doubles, value: float, gradient: Doubles) -> None:
        """Move to a point whose mean loss and gradient are known, if it is better, or the first."""
        value, gradient = self._with_penalty(point, value, gradient)
        if value < self.value or not len(self.point):
            self.point, self.value, self.gradient = point, value, gradient

    def without_penalty(self) -> tuple[Doubles, float, Doubles]:
        """Return what another descent can be offered: the point, mean loss and gradient here."""
        penalty = float((self.l2 * self.point) @ self.point) / 2
        if self.l1 is not None:
            penalty += float(self.l1 @ np.abs(self.point))
        return self.point, self.value - penalty, self.gradient - self.l2 * self.point

    def steps(self, starts: Sequence[Doubles]) -> Steps:
        """Descend from here or from the first of these points that beats the null model."""
        for point in starts:
            self.offer(point, *(yield point))
            if self.value <= self.limits.unit:
                break
        while not self._is_at_end():
            point, gradient, value = self.point, self.gradient, self.value
            length = yield from self._search()
            if length:
                self.n_iter += 1
                self._beyond = self._left_beyond(value - self.value, length)
                self.metric.learn(self.point - point, self.gradient - gradient, length == 1)
            elif self.metric.renew(point):
                self.objectives.pop()
            else:  # the last digits
                self.converged = self.certificate <= 100 * self.limits.rounding
                return

    def _is_at_end(self) -> bool:
        """Make the next step, and a certificate of it; return whether it is not needed."""
        if not np.isfinite(self.value):
            return True
        step, gain = self.metric.step(self.point, self.gradient)
        slope = self._slope(step)
        if not np.isfinite(slope):
            return True
        self._step, self._slope_along = step, min(slope, 0.0)
        self.gain = max(gain, 0.0)
        self.certificate = (1 + self._beyond) * self.gain / self.limits.unit
        self.objectives.append(self.value)
        self.converged = self.certificate <= self.limits.tol
        return self.converged or self.n_iter >= self.limits.max_iter

    def _left_beyond(self, gained: float, length: float) -> float:
        """Return how much is left beyond the next promise, as its share, after a step.

        Zero for parabolas; where curvature fades, as for rows that are nearly separable,
        promises are too small, and a certificate made of them alone would be.
        """
        if length < 1 or self.gain <= _SHOWS * self.limits.rounding * self.limits.unit:
            return 0.0
        return min(max(_BEYOND * (gained / self.gain - 1), 0.0), _MOST_BEYOND)

    def _with_penalty(
        self, point: Doubles, value: float, gradient: Doubles
    ) -> tuple[float, Doubles]:
        pull = self.l2 * point
        value += float(pull @ point) / 2
        if self.l1 is not None:
            value += float(self.l1 @ np.abs(point))
        return (value if np.isfinite(value) else np.inf), gradient + pull

    def _slope(self, step: Doubles) -> float:
        slope = float(self.gradient @ step)
        if self.l1 is not None:
            slope += float(self.l1 @ (np.abs(self.point + step) - np.abs(self.point)))
        return slope

    def _search(self) -> Generator[Doubles, tuple[float, Doubles], float]:
        """Go along the step as far as it serves; return that part of it, 0 if none does."""
        length, slope = 1.0, self._slope_along
        noise = self.limits.rounding * self.limits.unit
        for _ in range(_TRIALS):
            point = self.point + length * self._step
            found = yield point
            value, gradient = self._with_penalty(point, *found)
            gain = self.value - value
            is_better = gain >= -_ENOUGH * length * slope
            if not is_better and abs(gain) <= noise:  # values are too coarse: ask the slopes
                is_better = abs(float(gradient @ self._step)) <= -_FLATTER * slope
            if is_better:
                self.point, self.value, self.gradient = point, value, gradient
                return length
            if np.isfinite(value):  # the parabola through both values with this slope
                best = -slope * length / (2 * (-gain / length - slope))
                length *= min(max(best / length, _SHORTEST), _LONGEST)
            else:
                length *= _SHORTEST
        return 0.0


def descend_together(
    points: Points, running: list[tuple[Descent, Steps]], control: Control
) -> None:
    """Run descents to their ends, one pass over the rows for a step of each of them."""
    first = ((descent, steps, next(steps, None)) for descent, steps in running)
    waiting = [(descent, steps, point) for descent, steps, point in first if point is not None]
    if not waiting:
        return
    for task in _tasks(control, len(running)):
        while waiting:
            waiting, has_ended = _pass(points, waiting, control)
            if has_ended:
                break
        task.finish()
        if not waiting:
            break


def _tasks(control: Control, count: int) -> Iterator[Task]:
    if count == 1:
        return control.task.loop("iteration", range(control.max_iter + 1))
    return NO_CALLBACKS.loop("iteration", itertools.count())


Waiting = list[tuple[Descent, Steps, Doubles]]


def _pass(points: Points, waiting: Waiting, control: Control) -> tuple[Waiting, bool]:
    """Tell each descent of its point; return who goes on, and whether one made an iteration."""
    wanted = np.stack([point for _, _, point in waiting])
    values, gradients = points.evaluate(wanted)
    going, has_ended = [], False
    for (descent, steps, _), value, gradient in zip(waiting, values, gradients, strict=True):
        before = descent.n_iter
        try:
            point = steps.send((float(value), gradient))
        except StopIteration:
            has_ended = True
            _is_given_up(points, descent, control)
            continue
        if descent.n_iter > before:
            has_ended = True
            if _is_given_up(points, descent, control):
                steps.close()
                continue
        going.append((descent, steps, point))
    return going, has_ended


def _is_given_up(points: Points, descent: Descent, control: Control) -> bool:
    if control.give_up is None:
        return False
    coef, intercept = points.model(descent.point)
    return control.give_up(descent.number, coef, intercept, descent.certificate)


def _runs_away(points: Points, descent: Descent) -> bool:
    """Return whether no model is best: the classes are separable, and nothing is penalised."""
    if points.problem.loss.name not in ("log_loss", "multinomial") or descent.l1 is not None:
        return False
    least = max(_ALL_OF_IT * descent.gain, descent.limits.tol * descent.limits.unit)
    return descent.value <= least and not descent.l2.any()


def solution(points: Points, descent: Descent) -> Solution:
    """Return where a descent has come."""
    coef, intercept = points.model(descent.point)
    if points.problem.loss.is_joint:
        is_free = descent.l2[: points.d] == 0
        if descent.l1 is not None:
            is_free &= descent.l1[: points.d] == 0
        coef, intercept = centred(coef, intercept, is_free)
    certificate = descent.certificate
    if points.problem.loss.is_positive:  # nothing is below zero
        certificate = min(certificate, descent.value / descent.limits.unit)
    is_enough = descent.converged or certificate <= descent.limits.tol
    return Solution(
        coef=coef,
        intercept=intercept,
        objective=descent.value,
        certificate=certificate,
        criterion="gradient norm",
        n_iter=descent.n_iter,
        converged=is_enough and not _runs_away(points, descent),
        objectives=descent.objectives,
    )
