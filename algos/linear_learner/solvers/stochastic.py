"""Stochastic gradient steps over a batch, and epochs of them until they gain little."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, IndexArray
from algos._common.random import Key, stream
from algos.linear_learner.problem import Control, Penalty, Problem, Solution
from algos.linear_learner.shifted_rows import ShiftedRows
from algos.linear_learner.solvers.iterates import Iterates, StepColumns, rate_multipliers
from algos.linear_learner.solvers.null_model import null_intercept
from algos.linear_learner.solvers.rounding import without_rounding
from algos.linear_learner.solvers.schedule import Schedule

_OF_INIT = 1 << 31  # random stream of initial coefficients; the others are those of epochs


@dataclass(frozen=True)
class Epochs:
    """Settings of a fit by epochs.

    Attributes
    ----------
    schedule : Schedule
    keys : ndarray of shape (n,), dtype uint64
        Of the rows.
    key : ndarray of shape (2,), dtype uint64
        Of the random streams.
    validate : callable, default=None
        Takes the iterates (m, n_outputs, d + 1) and returns (m,) losses of validation rows;
        the best epoch is then chosen by these instead of the objective.
    """

    schedule: Schedule
    keys: NDArray[np.uint64]
    key: Key
    validate: Callable[[Float64Array], Float64Array] | None = None


def penalty_arrays(
    penalties: list[Penalty], intercept_l2: float = 0.0
) -> tuple[Float64Array, Float64Array]:
    """Return l1 and l2 of shape (m, 1, d + 1), with the intercept's at the end."""
    l1 = np.stack([np.append(penalty.l1, 0.0) for penalty in penalties])
    l2 = np.stack([np.append(penalty.l2, intercept_l2) for penalty in penalties])
    return l1[:, None, :], l2[:, None, :]


def learn_batch(
    iterates: Iterates,
    problem: Problem,
    arrays: tuple[Float64Array, Float64Array],
    schedule: Schedule,
    multipliers: Float64Array,
    weight: float = 1.0,
) -> Float64Array:
    """Take one step along the gradient of all rows of a problem; return the losses before."""
    found = problem.evaluate(
        np.ascontiguousarray(iterates.theta[..., :-1]),
        np.ascontiguousarray(iterates.theta[..., -1]),
    )
    gradient_intercept = (
        found.gradient_intercept if problem.fit_intercept else 0 * found.gradient_intercept
    )
    gradient = np.concatenate([found.gradient, gradient_intercept[..., None]], axis=-1)
    gradient = without_rounding(problem, found, gradient)
    columns = StepColumns.of(multipliers, problem.rows)
    iterates.step(gradient, *arrays, schedule, columns, weight)
    return found.values


def mini_batches(
    keys: NDArray[np.uint64], size_of: Callable[[int], int], key: Key, epoch: int
) -> list[IndexArray]:
    """Return the rows in random batches, the i-th with `size_of(i)` distinct keys.

    Equal rows are in the same batch, so that a row of weight 2 is equivalent to two rows.
    """
    if len(keys) <= size_of(0):
        return [np.argsort(keys, kind="stable")]
    by_key = np.argsort(keys, kind="stable")
    begins = np.append(0, np.flatnonzero(np.diff(keys[by_key])) + 1)  # of runs of equal keys
    permuted = stream(key, epoch).permutation(len(begins))
    lengths = np.diff(begins, append=len(keys))[permuted]
    ends = np.cumsum(lengths)
    order = by_key[np.repeat(begins[permuted] - (ends - lengths), lengths) + np.arange(len(keys))]
    cuts = [0]
    done = size_of(0)
    while done < len(ends):
        cuts.append(int(ends[done - 1]))
        done += size_of(len(cuts) - 1)
    cuts.append(len(order))
    return [order[begin:end] for begin, end in itertools.pairwise(cuts)]


def solve(
    problem: Problem,
    penalties: list[Penalty],
    control: Control,
    start: list[Solution] | None = None,
) -> list[Solution]:
    """Return candidates after epochs of stochastic steps, which end near their optima.

    The certificate is the relative decrease of the objective in the last epoch.
    """
    epochs: Epochs = control.epochs
    problem, at_zero = _centered(problem)
    iterates = Iterates(_beginning(problem, len(penalties), epochs, start, at_zero))
    arrays = penalty_arrays(penalties, epochs.schedule.intercept_l2)
    rows_of_all: Any = problem.rows
    multipliers = rate_multipliers(rows_of_all.measured_filled(problem.weight))
    best = _Best(iterates.average, epochs.schedule)
    traces: list[list[float]] = [[] for _ in penalties]
    validations: list[list[float]] = [[] for _ in penalties]
    size = epochs.schedule.size_of_epochs()
    for epoch in range(control.max_iter):
        for rows in mini_batches(epochs.keys, lambda _: size, epochs.key, epoch):
            learn_batch(iterates, _part(problem, rows), arrays, epochs.schedule, multipliers)
        objectives = _objectives(problem, penalties, iterates.average)
        for trace, value in zip(traces, objectives, strict=True):
            trace.append(float(value))
        users = at_zero(iterates.average, 1)
        values = objectives
        if epochs.validate is not None:
            values = epochs.validate(users)
            for trace, value in zip(validations, values, strict=True):
                trace.append(float(value))
        best.offer(iterates.average, values)
        if _all_given_up(users, traces, control) or best.is_final:
            break
    objectives = _objectives(problem, penalties, best.theta)
    return [
        Solution(
            theta[:, :-1].copy(),
            theta[:, -1].copy(),
            float(value),
            _last_gain(trace),
            "gain of the last epoch",
            len(trace),
            best.is_final,
            trace,
            validation,
        )
        for theta, value, trace, validation in zip(
            at_zero(best.theta, 1), objectives, traces, validations, strict=True
        )
    ]


class _Best:
    """The best epoch of each candidate, and whether there is no more improvement."""

    def __init__(self, theta: Float64Array, schedule: Schedule) -> None:
        self.theta, self._schedule = theta.copy(), schedule
        self._values = np.full(len(theta), np.inf)
        self._least, self._since = np.inf, 0

    def offer(self, theta: Float64Array, values: Float64Array) -> None:
        """Record the values after one more epoch."""
        better = values < self._values
        self.theta[better], self._values[better] = theta[better], values[better]
        least = float(self._values.sum())
        enough = self._schedule.improvement * abs(self._least) if self._least < np.inf else 0.0
        if least < self._least - enough:
            self._least, self._since = least, 0
        else:
            self._since += 1

    @property
    def is_final(self) -> bool:
        return self._since >= self._schedule.patience


def _all_given_up(theta: Float64Array, traces: list[list[float]], control: Control) -> bool:
    """Tell whether all candidates are given up; they stop together, as they share passes."""
    if control.give_up is None:
        return False
    asked = [
        control.give_up(i, one[:, :-1], one[:, -1], _last_gain(traces[i]))
        for i, one in enumerate(theta)
    ]
    return all(asked)


def _centered(problem: Problem) -> tuple[Problem, Callable[[Float64Array, int], Float64Array]]:
    """Return the problem for centred columns, and a function that converts iterates.

    The function converts from the centred problem with 1 and to it with -1. Dense rows are
    centred already; CSR rows are centred implicitly.
    """
    rows: Any = problem.rows
    if not (problem.fit_intercept and rows.is_sparse):
        return problem, lambda theta, sign: theta
    means = (rows.mean - rows.shift) / rows.scale

    def moved(theta: Float64Array, sign: int) -> Float64Array:
        theta = theta.copy()
        theta[..., -1] -= sign * (theta[..., :-1] @ means)
        return theta

    shifted: Any = ShiftedRows(rows, rows.mean)
    return replace(problem, rows=shifted), moved


def _last_gain(trace: list[float]) -> float:
    if len(trace) < 2 or trace[0] == 0:
        return 0.0 if trace and trace[0] == 0 else float("inf")
    return abs(trace[-2] - trace[-1]) / abs(trace[0])


def beginning(problem: Problem, n_candidates: int, schedule: Schedule, key: Key) -> Float64Array:
    """Return the initial iterates, the same for all candidates."""
    k, d = problem.n_outputs, problem.rows.d
    theta = np.zeros((n_candidates, k, d + 1))
    generator = stream(key, _OF_INIT)
    if schedule.init == "uniform":
        theta[..., :-1] = schedule.init_scale * generator.uniform(-1, 1, size=(k, d))
    elif schedule.init == "normal":
        theta[..., :-1] = schedule.init_scale * generator.normal(size=(k, d))
    given = schedule.init_intercept
    if problem.fit_intercept:
        theta[..., -1] = null_intercept(problem) if given is None else given
    return theta


def _beginning(
    problem: Problem,
    n_candidates: int,
    epochs: Epochs,
    start: list[Solution] | None,
    at_zero: Callable[[Float64Array, int], Float64Array],
) -> Float64Array:
    if start is None:
        return beginning(problem, n_candidates, epochs.schedule, epochs.key)
    theta = [np.column_stack([one.coef, one.intercept]) for one in start]
    return at_zero(np.stack(theta), -1)


def _part(problem: Problem, rows: IndexArray) -> Problem:
    weight = problem.weight[rows]
    return replace(
        problem,
        rows=problem.rows.subset(rows),
        target=problem.target[rows],
        weight=weight / weight.sum(),
    )


def _objectives(problem: Problem, penalties: list[Penalty], theta: Float64Array) -> Float64Array:
    coef = np.ascontiguousarray(theta[..., :-1])
    values = problem.evaluate(coef, np.ascontiguousarray(theta[..., -1])).values
    return values + np.array([p.value(one) for p, one in zip(penalties, coef, strict=True)])
