"""Optima of a pack: first on a sample of the rows, then on all of them.

Candidates are solved on the sample one by one, each from the solution of the one before, and then
share the passes over all rows.

Memory: the sample, and matrices of p² values for each candidate in progress, where p is the number
of parameters (of each class, if all together are too many); `_VALUES` limits the number in progress
at once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Protocol, cast

import numpy as np

from algos._common.arrays import Float64Array
from algos._common.callbacks import NO_CALLBACKS
from algos._common.threads import one_thread_blas
from algos.linear_learner.problem import Control, Penalty, Problem, Solution
from algos.linear_learner.solvers.descent import Descent, descend_together, solution
from algos.linear_learner.solvers.metric import HessianMetric
from algos.linear_learner.solvers.null_model import evaluated_null, limits_of, null_intercept
from algos.linear_learner.solvers.points import Penalties, Points
from algos.linear_learner.solvers.shape import Shape

_VALUES = 1 << 25  # in the matrices of a pack
_ITERATIONS_OF_SAMPLE = 50
_OF_NOISE = 0.05  # tolerance on the sample, relative to its noise


class MakeMetric(Protocol):
    """A class of metrics."""

    def __call__(
        self,
        shape: Shape,
        penalties: Penalties,
        enough: float,
        known: HessianMetric | None = None,
    ) -> HessianMetric: ...


def solve_in_stages(
    problem: Problem,
    penalties: list[Penalty],
    control: Control,
    start: list[Solution] | None,
    make_metric: MakeMetric,
) -> list[Solution] | Iterator[Solution]:
    """Return the candidates' optima, as an iterator if they are solved one by one on all rows.

    Parameters
    ----------
    problem : Problem
    penalties : list of Penalty
    control : Control
    start : list of Solution or None
    make_metric : callable
        A class of metrics.
    """
    points = Points(problem)
    columns = points.by_column
    pack = [Penalties(columns(penalty.l1), columns(penalty.l2)) for penalty in penalties]
    starts = [points.point(s.coef, s.intercept) for s in start] if start else []
    if len(pack) > 1:
        control = dataclasses.replace(control, task=NO_CALLBACKS)
    with one_thread_blas():
        shape = Shape(problem, points, is_of_pack=len(pack) > 1)
        if not shape.has_all_rows:
            return _after_a_sample(points, shape, pack, starts, control, make_metric)
    found = _in_turn(points, shape, pack, starts, control, make_metric)
    return (solution(points, descent) for descent in found)


def descend_from(
    problem: Problem,
    penalty: Penalty,
    control: Control,
    start: Solution,
    make_metric: MakeMetric,
) -> Solution:
    """Return a candidate's optimum from a good start, with all rows and without a sample."""
    points = Points(problem)
    penalties = Penalties(points.by_column(penalty.l1), points.by_column(penalty.l2))
    with one_thread_blas():
        shape = Shape(problem, points)
        null = evaluated_null(points)
        limits = limits_of(points, control, null.unit)
        metric = make_metric(shape, penalties, limits.tol * limits.unit)
        descent = Descent(metric, penalties, limits)
        descent.offer(null.point, null.value, null.gradient)  # dual steps may end far above it
        steps = descent.steps([points.point(start.coef, start.intercept)])
        descend_together(points, [(descent, steps)], control)
    return solution(points, descent)


def _after_a_sample(
    points: Points,
    shape: Shape,
    pack: list[Penalties],
    starts: list[Float64Array],
    control: Control,
    make_metric: MakeMetric,
) -> list[Solution]:
    """Solve on the sample of the shape, then on all rows."""
    sample = Points(shape.problem)
    rough = Control(max(control.tol, _OF_NOISE * shape.noise), _ITERATIONS_OF_SAMPLE)
    room = max(1, _VALUES // (points.size * shape.parameters))
    null = points.point(np.zeros((points.k, points.d)), null_intercept(sample.problem))
    found: list[Solution] = []
    for first in range(0, len(pack), room):
        some, own = pack[first : first + room], starts[first : first + room]
        roughly = Shape(shape.problem, sample, is_rough=True)
        on_sample = list(_in_turn(sample, roughly, some, own, rough, make_metric))
        limits = limits_of(points, control, on_sample[0].limits.unit)
        running = []
        for number, (penalties, before) in enumerate(zip(some, on_sample, strict=True), first):
            known = cast(HessianMetric, before.metric)
            metric = make_metric(shape, penalties, limits.tol * limits.unit, known)
            descent = Descent(metric, penalties, limits, number)
            running.append((descent, descent.steps([before.point, null])))
        descend_together(points, running, control)
        found += [solution(points, descent) for descent, _ in running]
    return found


def _in_turn(
    points: Points,
    shape: Shape,
    pack: list[Penalties],
    starts: list[Float64Array],
    control: Control,
    make_metric: MakeMetric,
) -> Iterator[Descent]:
    """Solve for each candidate, from the solution of the one before or from its own start."""
    with one_thread_blas():
        null = evaluated_null(points)
    limits = limits_of(points, control, null.unit)
    known: HessianMetric | None = None
    last: Descent | None = None
    for number, penalties in enumerate(pack):
        with one_thread_blas():
            metric = make_metric(shape, penalties, limits.tol * limits.unit, known)
            descent = Descent(metric, penalties, limits, number)
            descent.offer(null.point, null.value, null.gradient)
            near = starts[number : number + 1]
            if last is not None and not near:
                descent.offer(*last.without_penalty())
            descend_together(points, [(descent, descent.steps(near))], control)
        known, last = metric, descent
        yield descent
