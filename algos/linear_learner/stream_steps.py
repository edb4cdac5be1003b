"""The steps that a stream makes over one batch, and where they begin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from algos._common.random import Key
from algos._common.row_key import row_keys
from algos.linear_learner.data import Data
from algos.linear_learner.penalties import penalty_of
from algos.linear_learner.problem import Doubles, Penalty, Problem
from algos.linear_learner.recent import Recent
from algos.linear_learner.solvers.iterates import Iterates, reach_of
from algos.linear_learner.solvers.schedule import Schedule
from algos.linear_learner.solvers.stochastic import (
    beginning,
    learn_batch,
    mini_batches,
    penalty_arrays,
)
from algos.linear_learner.stream_state import StreamSettings
from algos.linear_learner.targets import Unit

_LEAST_SHARE = 0.01  # of a class, when a stream begins


def first_iterates(problem: Problem, n_candidates: int, schedule: Schedule, key: Key) -> Iterates:
    """Return where a stream begins, whose first batch is the problem."""
    theta = beginning(problem, n_candidates, schedule, key)
    if schedule.init_intercept is None and problem.loss.is_of_classes:
        theta[..., -1] = _moderate(theta[..., -1])
    return Iterates(theta)


def _moderate(intercepts: Doubles) -> Doubles:
    """Return log odds that leave each class a chance: a first batch need not have it."""
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
    filled: Doubles,
) -> Iterator[tuple[Doubles, Recent | None]]:
    """Make the steps over one batch; `iterates` is written to.

    Parameters
    ----------
    iterates : Iterates
    problem : Problem
        The batch in the units of the steps.
    data : Data
        The same as it came.
    settings : StreamSettings
    key : ndarray of shape (2,), dtype uint64
    n_batches : int
        How many came before.
    filled : ndarray of shape (d,)
        Share of all rows that are not 0 in a column.

    Yields
    ------
    losses : ndarray of shape (m,)
        Weighted sum of the losses of a step's rows, before it.
    recent : Recent or None
        What was said of them before it; None if the settings do not ask.
    """
    penalties = _penalties(settings, problem.rows)
    arrays = penalty_arrays(penalties, settings.schedule.intercept_l2)
    reach = reach_of(filled)
    single = data.target if data.target.ndim == 1 else np.ascontiguousarray(data.target[:, 0])
    keys = row_keys(data.X, key, single, n_threads=settings.n_threads)
    # Of all columns, though the problem may leave out those that no row has filled.
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
        recent = None
        if settings.keeps_decisions:
            recent = _decisions(batch, iterates.average), data.target[part], weight
        losses = learn_batch(iterates, batch, arrays, settings.schedule, reach, total)
        yield total * losses, recent


def _penalties(settings: StreamSettings, rows: Any) -> list[Penalty]:
    return [penalty_of(one, rows, settings.standardize, Unit()) for one in settings.strengths]


def _decisions(problem: Problem, theta: Doubles) -> Doubles:
    m, k, _ = theta.shape
    flat = theta.reshape(m * k, -1)
    coef, intercept = np.ascontiguousarray(flat[:, :-1]), np.ascontiguousarray(flat[:, -1])
    return problem.rows.decision(coef, intercept).reshape(-1, m, k)
