"""L-BFGS on fused passes over the rows, if a Hessian is too large or more expensive than passes.

Memory: 2 · 10 vectors of p values for each candidate in progress, where p is the number of
parameters; `_VALUES` limits the number in progress at once; for sparse rows it is one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from algos._common.arrays import Float64Array
from algos._common.callbacks import NO_CALLBACKS
from algos._common.threads import one_thread_blas
from algos.linear_learner.problem import Control, Penalty, Problem, Solution
from algos.linear_learner.solvers.curvature import curvature_along, mean_curvature
from algos.linear_learner.solvers.descent import Descent, descend_together, solution
from algos.linear_learner.solvers.null_model import evaluated_null, limits_of
from algos.linear_learner.solvers.points import Penalties, Points
from algos.linear_learner.solvers.quadratic import Secants
from algos.linear_learner.solvers.sample import sampled

_SECANTS = 10
_TOGETHER = 8  # candidates on dense rows that share passes; later ones may be skipped
_VALUES = 1 << 26  # in the secants of a pack
_ROWS = 2000  # in the sample for the length of the first step
_SLOWEST = 0.98  # largest assumed rate at which gains shrink
_BEFORE = 8  # steps over which that rate is measured
_NEGLIGIBLE = 1e-14  # a penalty too small for a bound
_FAR = 1e3  # times the tolerance; a larger bound is not replaced by an estimate
_TINY = 1e-10  # of a mean curvature
_MORE = {4: 50, 8: 1000}  # steps to reach a bound instead of an estimate, by bytes of the rows


def path(
    problem: Problem,
    penalties: list[Penalty],
    control: Control,
    start: list[Solution] | None = None,
) -> Iterator[Solution]:
    """Yield minima of smooth losses without an L1 penalty, for any number of columns.

    They are computed one after the other for sparse rows, in groups for dense ones.
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


def continued(problem: Problem, penalty: Penalty, control: Control, start: Solution) -> Solution:
    """Return the minimum for one penalty, starting from another solver's result."""
    (found,) = path(problem, [penalty], control, [start])
    return found


class _Runner(NamedTuple):
    """A candidate in progress."""

    descent: Descent
    metric: PlainMetric


def _begin_behind(points: Points, part: list[_Runner], last: list[_Runner]) -> None:
    """Start candidates from the solutions of those before them.

    For sparse rows the cost of a pass is proportional to the number of candidates, so sharing
    passes would save less: these start from an extrapolation of the last two solutions, and with
    the secants of the last.
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


def _means(problem: Problem) -> Float64Array | None:
    """Return the columns' means, if they may differ from zero and there is an intercept."""
    if not (problem.fit_intercept and problem.rows.is_sparse):
        return None
    means: Float64Array = problem.rows.cross(problem.weight[:, np.newaxis])[0, :-1]
    return means


class PlainMetric:
    """L-BFGS from a multiple of a diagonal: the mean curvature of the loss plus each l2.

    Columns have standard deviation 1, so the diagonal is nearly constant, unless the penalty acts
    on unscaled columns: then it varies with the squares of their scales.

    Parameters
    ----------
    sample : Problem
        A few rows, for the length of the first step.
    points : Points
    penalties : Penalties
    enough : float
        Predicted gain at which the descent ends.
    """

    is_uncertain = False

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

    def step(self, point: Float64Array, gradient: Float64Array) -> tuple[Float64Array, float]:
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
        if self._has_bound and self._gains[-1] <= self._enough:  # a sudden decrease
            gains = min(gains, self._bound(point, gradient))
        return step, gains

    def _sure_gains(self, point: Float64Array, gradient: Float64Array, estimate: float) -> float:
        """Return a bound on all further gains, or the estimate if the bound takes too long.

        Small gains may be due to small curvature along the steps; only the curvature of the penalty
        guarantees that no more is left. A bound far above the tolerance is never ignored.
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

    def _bound(
        self, point: Float64Array, gradient: Float64Array, *, in_full: bool = False
    ) -> float:
        """Return the possible gain if the objective had only the curvature of its penalty.

        Unless `in_full`, the unpenalised part, which needs passes, is only computed if the rest is
        within the tolerance.
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

    def learn(self, step: Float64Array, change: Float64Array, is_whole: bool) -> None:
        """Record the change of the gradient by a step."""
        self._secants.learn(step, change)

    def inherit(self, other: PlainMetric) -> None:
        """Take over the secants of another candidate, adjusted for the difference of penalties."""
        self._secants = other._secants.stiffened(self._l2 - other._l2)
        other._secants.clear()

    def shortened(self, point: Float64Array, step: Float64Array) -> float:
        """Return 0: a search needs a pass or two."""
        return 0.0

    def renew(self, point: Float64Array) -> bool:
        """Clear the secants; False if there are none."""
        has_past = self._secants.scale(self._diagonal) is not None
        self._secants.clear()
        return has_past

    def _first_scale(self, point: Float64Array, gradient: Float64Array) -> float:
        way = self._diagonal * gradient
        curvature = curvature_along(self._sample, self._points, point, way)
        curvature += float((self._l2 * way) @ way)
        return float(gradient @ way) / curvature if curvature > 0 else 1.0

    def _all_gains(self) -> float:
        """Estimate the total gain of this and further steps.

        Gains may shrink geometrically, or with the inverse square of the number of steps if the
        objective is flat in many directions; they fluctuate.
        """
        gains = self._gains[-_BEFORE:]
        most = max(gains[-_BEFORE // 2 :])
        steps = len(gains) - 1
        if steps < _BEFORE // 2 or gains[-1] <= 0:
            return most / (1 - _SLOWEST)
        rate = (gains[-1] / gains[0]) ** (1 / steps)
        return most * max(1 / (1 - min(rate, _SLOWEST)), len(self._gains) / 2)
