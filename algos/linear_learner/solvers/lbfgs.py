"""L-BFGS on fused passes over the rows: where a Hessian has no room, or costs more than these.

Memory: 2 · 10 vectors of p values for each candidate on its way, p being the number of
parameters; no more of them are on their way at once than `_VALUES` allows, and of sparse rows
one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from algos._common.callbacks import NO_CALLBACKS
from algos._common.threads import one_thread_blas
from algos.linear_learner.problem import Control, Doubles, Penalty, Problem, Solution
from algos.linear_learner.solvers.curvature import curvature_along, mean_curvature
from algos.linear_learner.solvers.descent import Descent, descend_together, solution
from algos.linear_learner.solvers.null_model import evaluated_null, limits_of
from algos.linear_learner.solvers.points import Penalties, Points
from algos.linear_learner.solvers.quadratic import Secants
from algos.linear_learner.solvers.sample import sampled

_SECANTS = 10
_TOGETHER = 8  # dense candidates that share passes: those behind them may be spared
_VALUES = 1 << 26  # in the secants of a pack
_ROWS = 2000  # that tell the length of the first step
_SLOWEST = 0.98  # rate at which gains are taken to shrink
_BEFORE = 8  # steps over which that rate is measured
_NEGLIGIBLE = 1e-14  # a penalty that makes no bound
_FAR = 1e3  # times enough: a bound that no estimate speaks against
_TINY = 1e-10  # of a mean curvature
_MORE = {4: 50, 8: 1000}  # steps for a bound instead of an estimate, by the rows' bytes


def path(
    problem: Problem,
    penalties: list[Penalty],
    control: Control,
    start: list[Solution] | None = None,
) -> Iterator[Solution]:
    """Yield minima of smooth losses without an l1 penalty, for any number of columns.

    Of sparse rows they are found one after the other, of dense ones some at a time.
    """
    points = Points(problem, _means(problem))
    columns = points.by_column
    if len(penalties) > 1:
        control = dataclasses.replace(control, task=NO_CALLBACKS)
    with one_thread_blas():
        null = evaluated_null(points)
        limits = limits_of(points, control, null.unit)
        sample = problem if problem.rows.n <= _ROWS else sampled(problem, _ROWS)
    room = max(1, _VALUES // (2 * _SECANTS * points.size))
    size = 1 if problem.rows.is_sparse else min(_TOGETHER, room)
    last: list[_Runner] = []  # two at most
    for first in range(0, len(penalties), size):
        part = []
        for number in range(first, min(first + size, len(penalties))):
            own = Penalties(columns(penalties[number].l1), columns(penalties[number].l2))
            metric = PlainMetric(sample, points, own, limits.tol * limits.unit)
            descent = Descent(metric, own, limits, number)
            descent.offer(null.point, null.value, null.gradient)
            part.append(_Runner(descent, metric))
        with one_thread_blas():
            if last:
                _begin_behind(points, part, last)
            near = [[points.point(one.coef, one.intercept)] for one in (start or [])[first:]]
            starts = near or [[] for _ in part]
            pairs = zip(part, starts, strict=False)
            running = [(one.descent, one.descent.steps(own)) for one, own in pairs]
            descend_together(points, running, control)
        yield from (solution(points, one.descent) for one in part)
        last = [*last[-1:], *part][-2:]


class _Runner(NamedTuple):
    """A candidate on its way."""

    descent: Descent
    metric: PlainMetric


def _begin_behind(points: Points, part: list[_Runner], last: list[_Runner]) -> None:
    """Let candidates begin where those before them ended.

    A pass over sparse rows costs by the candidate, so that sharing passes would save less:
    these begin where the two before point to, and with what the last has learned.
    """
    if not points.problem.rows.is_sparse:
        for one in part:
            one.descent.offer(*last[-1].descent.without_penalty())
        return
    (own,) = part
    point = last[-1].descent.point
    ahead = [2 * point - last[0].descent.point] if len(last) > 1 else []
    offers = np.stack([point, *ahead])
    for offered, *found in zip(offers, *points.evaluate(offers), strict=True):
        own.descent.offer(offered, *found)
    own.metric.inherit(last[-1].metric)


def _means(problem: Problem) -> Doubles | None:
    """Return the columns' means, where they may differ from zero and an intercept minds."""
    if not (problem.fit_intercept and problem.rows.is_sparse):
        return None
    means: Doubles = problem.rows.cross(problem.weight[:, np.newaxis])[0, :-1]
    return means


class PlainMetric:
    """L-BFGS from a multiple of a diagonal: the loss's mean curvature, and each l2.

    Columns of deviation 1 make it the identity, but for a penalty of columns as they are: of
    very different scales, that differs by their squares.

    Parameters
    ----------
    sample : Problem
        A few rows, for the first step's length.
    points : Points
    penalties : Penalties
    enough : float
        A gain that ends the descent.
    """

    def __init__(
        self, sample: Problem, points: Points, penalties: Penalties, enough: float
    ) -> None:
        self._sample, self._points, self._l2 = sample, points, penalties.l2
        self._enough, self._n_close = enough, 0
        self._secants = Secants(_SECANTS)
        self._gains: list[float] = []
        is_column = points.by_column(np.ones(points.d)) > 0
        self._is_penalised = penalties.l2 > _NEGLIGIBLE
        self._has_bound = bool(self._is_penalised[is_column].all())
        self._diagonal = np.empty(0)  # inverted

    def step(self, point: Doubles, gradient: Doubles) -> tuple[Doubles, float]:
        """Return the step of L-BFGS, and an estimate of what all later ones will gain."""
        if not len(self._diagonal):
            stiffness = max(mean_curvature(self._sample, self._points, point), _TINY) + self._l2
            self._diagonal = stiffness.min() / stiffness
        scale = self._secants.scale(self._diagonal) or self._first_scale(point, gradient)
        step = -self._secants.solve(gradient, lambda vector: scale * self._diagonal * vector)
        self._gains.append(-float(gradient @ step) / 2)
        gains = self._all_gains()
        if gains <= self._enough:
            return step, self._sure_gains(point, gradient, gains)
        if self._has_bound and self._gains[-1] <= self._enough:  # that was sudden
            gains = min(gains, self._bound(point, gradient))
        return step, gains

    def _sure_gains(self, point: Doubles, gradient: Doubles, estimate: float) -> float:
        """Return a bound of all gains to come, or the estimate if that takes too long.

        Steps that see little curvature gain little: only the penalty's tells that no more is
        left. A bound that is far off is never passed over.
        """
        if not self._is_penalised.any():
            return estimate
        self._n_close += 1
        is_late = self._n_close > _MORE[self._points.problem.rows.dtype.itemsize]
        bound = self._bound(point, gradient, in_full=is_late)
        if not self._has_bound:
            bound = max(bound, estimate)
        is_near = bound <= _FAR * self._enough
        return estimate if is_late and is_near and bound > self._enough else bound

    def _bound(self, point: Doubles, gradient: Doubles, *, in_full: bool = False) -> float:
        """Return what an objective as curved as its penalty could still gain.

        Unless `in_full`, what nothing penalises is looked at, which takes passes, only where the
        rest would be little enough.
        """
        own = self._is_penalised
        bound = float((gradient[own] ** 2 / self._l2[own]).sum()) / 2
        if bound > self._enough and not in_full:
            return bound
        rest = np.where(own, 0.0, gradient)
        if rest.any():  # intercepts, above all
            curvature = curvature_along(self._sample, self._points, point, rest)
            square = float(rest @ rest)
            bound += square**2 / (2 * curvature) if curvature > 0 else np.inf
        return bound

    def learn(self, step: Doubles, change: Doubles, is_whole: bool) -> None:
        """Take in how the gradient changed by a step."""
        self._secants.learn(step, change)

    def inherit(self, other: PlainMetric) -> None:
        """Take from another what it learned of the same loss under its own penalty."""
        self._secants = other._secants.stiffened(self._l2 - other._l2)
        other._secants.clear()

    def renew(self, point: Doubles) -> bool:
        """Forget the past once; False if there is none."""
        has_past = self._secants.scale(self._diagonal) is not None
        self._secants.clear()
        return has_past

    def _first_scale(self, point: Doubles, gradient: Doubles) -> float:
        way = self._diagonal * gradient
        curvature = curvature_along(self._sample, self._points, point, way)
        curvature += float((self._l2 * way) @ way)
        return float(gradient @ way) / curvature if curvature > 0 else 1.0

    def _all_gains(self) -> float:
        """Return about what this step and those to come will gain.

        Gains may shrink by a rate, or like the inverse square of their number, where the
        objective is flat in many directions; they go up and down on their way.
        """
        gains = self._gains[-_BEFORE:]
        most = max(gains[-_BEFORE // 2 :])
        steps = len(gains) - 1
        if steps < _BEFORE // 2 or gains[-1] <= 0:
            return most / (1 - _SLOWEST)
        rate = (gains[-1] / gains[0]) ** (1 / steps)
        return most * max(1 / (1 - min(rate, _SLOWEST)), len(self._gains) / 2)
