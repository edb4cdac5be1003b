"""Stochastic steps of a stream over one batch, and the first iterates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from algos._common.arrays import Float64Array
from algos._common.random import Key
from algos._common.row_key import row_keys
from algos.linear_learner.data import Data
from algos.linear_learner.penalties import penalty_of
from algos.linear_learner.problem import Penalty, Problem
from algos.linear_learner.solvers.iterates import Iterates, rate_multipliers
from algos.linear_learner.solvers.schedule import Schedule
from algos.linear_learner.solvers.stochastic import (
    beginning,
    learn_batch,
    mini_batches,
    penalty_arrays,
)
from algos.linear_learner.stream_state import StreamSettings
from algos.linear_learner.targets import Unit
from algos.linear_learner.threshold_rows import ThresholdRows

_LEAST_SHARE = 0.01  # of a class when a stream begins


def first_iterates(problem: Problem, n_candidates: int, schedule: Schedule, key: Key) -> Iterates:
    """Return the first iterates of a stream, given its first batch as a problem."""
    theta = beginning(problem, n_candidates, schedule, key)
    if schedule.init_intercept is None and problem.loss.is_of_classes:
        theta[..., -1] = clipped_log_odds(theta[..., -1])
    return Iterates(theta)


def clipped_log_odds(intercepts: Float64Array) -> Float64Array:
    """Return log odds with a least share for each class, which the first batch may lack."""
    if intercepts.shape[-1] == 1:
        return np.clip(intercepts, np.log(_LEAST_SHARE), -np.log(_LEAST_SHARE))
    least = intercepts.max(axis=-1, keepdims=True) + np.log(_LEAST_SHARE)
    return np.maximum(intercepts, least)


def steps_over(
    iterates: Iterates,
    problem: Problem,
    data: Data,
    settings: StreamSettings,
    key: Key,
    n_batches: int,
    nonzero_share: Float64Array,
) -> Iterator[tuple[Float64Array, ThresholdRows | None]]:
    """Make the steps over one batch; `iterates` is written to.

    Parameters
    ----------
    iterates : Iterates
    problem : Problem
        The batch in the units of the steps.
    data : Data
        The batch in its original units.
    settings : StreamSettings
    key : ndarray of shape (2,), dtype uint64
    n_batches : int
        Number of earlier batches.
    nonzero_share : ndarray of shape (d,)
        Share of all rows that are nonzero in a column.

    Yields
    ------
    losses : ndarray of shape (m,)
        Weighted sum of the losses of the rows of a step, before the step.
    rows : ThresholdRows or None
        Their decision values before the step; None unless the settings ask for them.
    """
    penalties = _penalties(settings, problem.rows)
    arrays = penalty_arrays(penalties, settings.schedule.intercept_l2)
    multipliers = rate_multipliers(nonzero_share)
    single = data.target if data.target.ndim == 1 else np.ascontiguousarray(data.target[:, 0])
    keys = row_keys(data.X, key, single, n_threads=settings.n_threads)
    # Counts all columns, though the problem may omit those that no row has filled.
    n_parameters = len(penalties) * problem.n_outputs * (data.X.shape[1] + 1)
    begun = iterates.n_steps

    def size_of(batch: int) -> int:
        return settings.schedule.size_at(begun + batch, n_parameters)

    for part in mini_batches(keys, size_of, key, n_batches):
        weight = data.weight[part]
        total = float(weight.sum())
        batch = Problem(
            problem.rows.subset(part),
            problem.target[part],
            weight / total,
            problem.loss,
            problem.fit_intercept,
            problem.n_outputs,
        )
        rows = None
        if settings.keeps_decisions:
            rows = _decisions(batch, iterates.average), data.target[part], weight
        losses = learn_batch(iterates, batch, arrays, settings.schedule, multipliers, total)
        yield total * losses, rows


def _penalties(settings: StreamSettings, rows: Any) -> list[Penalty]:
    return [penalty_of(one, rows, settings.standardize, Unit()) for one in settings.grid]


def _decisions(problem: Problem, theta: Float64Array) -> Float64Array:
    m, k, _ = theta.shape
    flat = theta.reshape(m * k, -1)
    coef, intercept = np.ascontiguousarray(flat[:, :-1]), np.ascontiguousarray(flat[:, -1])
    return problem.rows.decision(coef, intercept).reshape(-1, m, k)
