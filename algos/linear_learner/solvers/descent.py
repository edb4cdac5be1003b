"""Descents that share passes: each yields the point to evaluate, and one pass evaluates all.

A descent minimises its own objective, in directions given by its `Metric`. It is a generator, so
that many descents (the candidates of a pack) can share every pass over the rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from algos._common.arrays import Float64Array
from algos._common.callbacks import NO_CALLBACKS, Task
from algos.linear_learner.problem import Control, Solution
from algos.linear_learner.solvers.multinomial import centered
from algos.linear_learner.solvers.points import Penalties, Points

# Yields points, receives the mean loss and its gradient there.
Steps = Generator[Float64Array, tuple[float, Float64Array], None]

_ENOUGH = 1e-4  # share of the decrease predicted by the derivative (Armijo's rule)
_ALL_OF_IT = 4  # remaining decrease of an exponential, in gains of a Newton step
_FLATTER = 0.9  # of the derivative, if values differ by rounding errors only
_TRIALS = 40
_SHORTEST, _LONGEST = 0.05, 0.5  # factors of a step that went too far
# For exp(-t), whose curvature decreases, a Newton step gains 1.26 times its predicted gain, and
# another predicted gain is left after it: 4 times the surplus.
_BEYOND, _MOST_BEYOND = 4.0, 3.0
_SHOWS = 1000  # rounding errors; smaller predicted gains are not compared with the actual ones


class Metric(Protocol):
    """A quadratic model of the objective.

    Attributes
    ----------
    is_uncertain : bool
        Whether the last step leaves the region in which the model is reliable.
    """

    is_uncertain: bool

    def step(self, point: Float64Array, gradient: Float64Array) -> tuple[Float64Array, float]:
        """Return the step to the minimum of the model, and its predicted gain."""
        ...

    def learn(self, step: Float64Array, change: Float64Array, is_whole: bool) -> None:
        """Update the model with the change of the gradient by a step."""
        ...

    def shortened(self, point: Float64Array, step: Float64Array) -> float:
        """Return the best share of a step that goes too far; 0 if it is to be searched for."""
        ...

    def renew(self, point: Float64Array) -> bool:
        """Recompute the model at a point where steps fail; False if that cannot help."""
        ...


class Limits(NamedTuple):
    """Stopping rules of descents.

    Attributes
    ----------
    unit : float
        Divisor of certificates: the null model's objective.
    tol : float
        Tolerance of the certificate.
    rounding : float
        Rounding error of the objective, in units.
    max_iter : int
    """

    unit: float
    tol: float
    rounding: float
    max_iter: int


class Descent:
    """The descent of one candidate to its optimum.

    Parameters
    ----------
    metric : Metric
    penalties : Penalties
    limits : Limits
    number : int, default=0
        Index of the candidate in its pack.
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

    def offer(self, point: Float64Array, value: float, gradient: Float64Array) -> None:
        """Move to a point with known mean loss and gradient, if it is better or the first one."""
        value, gradient = self._with_penalty(point, value, gradient)
        if value < self.value or not len(self.point):
            self.point, self.value, self.gradient = point, value, gradient

    def without_penalty(self) -> tuple[Float64Array, float, Float64Array]:
        """Return the current point, mean loss and gradient, to offer them to another descent."""
        penalty = float((self.l2 * self.point) @ self.point) / 2
        if self.l1 is not None:
            penalty += float(self.l1 @ np.abs(self.point))
        return self.point, self.value - penalty, self.gradient - self.l2 * self.point

    def steps(self, starts: Sequence[Float64Array]) -> Steps:
        """Descend from here or from the first start that is better than the null model."""
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
                is_best = length in (1, self._shortened)
                self.metric.learn(self.point - point, self.gradient - gradient, is_best)
            elif self.metric.renew(point):
                self.objectives.pop()
            else:  # limited by rounding errors
                enough = max(self.limits.tol, 100 * self.limits.rounding)
                self.converged = self.certificate <= enough
                return

    def _is_at_end(self) -> bool:
        """Compute the next step and the certificate; return whether the descent is finished."""
        if not np.isfinite(self.value):
            return True
        step, gain = self.metric.step(self.point, self.gradient)
        derivative = self._directional_derivative(step)
        if not np.isfinite(derivative):
            return True
        self._step, self._derivative_along = step, min(derivative, 0.0)
        self.gain = max(gain, 0.0)
        self.certificate = (1 + self._beyond) * self.gain / self.limits.unit
        self.objectives.append(self.value)
        self.converged = self.certificate <= self.limits.tol and not self.metric.is_uncertain
        return self.converged or self.n_iter >= self.limits.max_iter

    def _left_beyond(self, gained: float, length: float) -> float:
        """Return the gain beyond the next predicted gain, relative to it, after a step.

        Zero for quadratic objectives. If the curvature decreases, as for nearly separable rows,
        predicted gains are too small, and so would be a certificate made from them only.
        """
        if length < 1 or self.gain <= _SHOWS * self.limits.rounding * self.limits.unit:
            return 0.0
        return min(max(_BEYOND * (gained / self.gain - 1), 0.0), _MOST_BEYOND)

    def _with_penalty(
        self, point: Float64Array, value: float, gradient: Float64Array
    ) -> tuple[float, Float64Array]:
        pull = self.l2 * point
        value += float(pull @ point) / 2
        if self.l1 is not None:
            value += float(self.l1 @ np.abs(point))
        return (value if np.isfinite(value) else np.inf), gradient + pull

    def _directional_derivative(self, step: Float64Array) -> float:
        derivative = float(self.gradient @ step)
        if self.l1 is not None:
            derivative += float(self.l1 @ (np.abs(self.point + step) - np.abs(self.point)))
        return derivative

    def _search(self) -> Generator[Float64Array, tuple[float, Float64Array], float]:
        """Line search along the step; return the accepted share of it, 0 for none."""
        length, derivative = 1.0, self._derivative_along
        noise = self.limits.rounding * self.limits.unit
        self._shortened = 0.0
        for trial in range(_TRIALS):
            point = self.point + length * self._step
            found = yield point
            value, gradient = self._with_penalty(point, *found)
            gain = self.value - value
            is_better = gain >= -_ENOUGH * length * derivative
            if not is_better and abs(gain) <= noise:  # values are too coarse: use derivatives
                is_better = abs(float(gradient @ self._step)) <= -_FLATTER * derivative
            if is_better:
                self.point, self.value, self.gradient = point, value, gradient
                return length
            if trial == 0:
                self._shortened = self.metric.shortened(self.point, self._step)
            if trial == 0 and self._shortened:
                length = self._shortened
            elif np.isfinite(value):  # the parabola through both values with this derivative
                best = -derivative * length / (2 * (-gain / length - derivative))
                length *= min(max(best / length, _SHORTEST), _LONGEST)
            else:
                length *= _SHORTEST
        return 0.0


def descend_together(
    points: Points, running: list[tuple[Descent, Steps]], control: Control
) -> None:
    """Run descents to convergence, with one pass over the rows for a step of each of them."""
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


Waiting = list[tuple[Descent, Steps, Float64Array]]


def _pass(points: Points, waiting: Waiting, control: Control) -> tuple[Waiting, bool]:
    """Evaluate the point of each descent; return those that go on, and whether any iterated."""
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
    """Return whether there is no optimum: the classes are separable, and nothing is penalised."""
    if points.problem.loss.name not in ("log_loss", "multinomial") or descent.l1 is not None:
        return False
    least = max(_ALL_OF_IT * descent.gain, descent.limits.tol * descent.limits.unit)
    return descent.value <= least and not descent.l2.any()


def solution(points: Points, descent: Descent) -> Solution:
    """Return the solution at the current point of a descent."""
    coef, intercept = points.model(descent.point)
    if points.problem.loss.is_joint:
        is_free = descent.l2[: points.d] == 0
        if descent.l1 is not None:
            is_free &= descent.l1[: points.d] == 0
        coef, intercept = centered(coef, intercept, is_free)
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
