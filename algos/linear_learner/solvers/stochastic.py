"""Averaged stochastic gradient steps for a pack of candidates at once.

Kingma and Ba (2015), "Adam"; Duchi, Hazan and Singer (2011), "Adaptive subgradient methods";
averages as in Shamir and Zhang (2013), "Stochastic gradient descent for non-smooth
optimization", eq. 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.random import Key, stream
from algos.linear_learner.problem import Control, Doubles, Penalty, Problem, Solution
from algos.linear_learner.shifted_rows import ShiftedRows
from algos.linear_learner.solvers.null_model import null_intercept
from algos.linear_learner.solvers.rounding import without_rounding

OPTIMIZERS = ("adam", "sgd", "rmsprop", "adagrad")
# In standardised units, where a coefficient of 1 is a large one.
_AUTOMATIC_RATES = {"adam": 0.05, "sgd": 0.1, "rmsprop": 0.02, "adagrad": 0.3}
_TINY = 1e-8  # added to the root of mean squared gradients
_RMS_DECAY = 0.9
_ROWS = 1000  # of a step, if nothing else is asked; streams begin with
_FIRST_ROWS, _PARAMETERS_A_ROW = 10, 1000  # so many, or more where a step itself is work,
_GROWTH = 1 + 1 / 64  # and make each step so much larger than the one before
_RECENT = 3.0  # later iterates count more in the average; 0 would count all alike
_OF_INIT = 1 << 31  # the stream of first coefficients; the others are of epochs
_FILLED = 20  # columns of a row: with fewer, steps of each are longer
_LARGEST = 1e50  # of a gradient: its square must be a number


@dataclass(frozen=True)
class Schedule:
    """How steps are made.

    Attributes
    ----------
    optimizer : str
        One of `OPTIMIZERS`.
    rate : float or None
        First learning rate; None for one that suits the optimizer.
    momentum : float
        Of "sgd".
    beta_1, beta_2 : float
        Of "adam".
    intercept_factor : float
        What the learning rate of the intercept is multiplied by.
    intercept_l2 : float
    every, factor, least : int, float, float
        After each `every` steps the rate is multiplied by `factor`, down to `least`.
    batch_size : int or None
        Different rows in a step; None for sizes that suit.
    patience, improvement : int, float
        A fit ends when the objective has not fallen by that share for so many epochs.
    init : {"zeros", "uniform", "normal"}
        The first coefficients; their half width or deviation is `init_scale`.
    init_intercept : float or None
        The first intercept, for columns of mean 0; None for the best constant.
    """

    optimizer: str = "adam"
    rate: float | None = None
    momentum: float = 0.0
    beta_1: float = 0.9
    beta_2: float = 0.999
    intercept_factor: float = 10.0
    intercept_l2: float = 0.0
    every: int = 100
    factor: float = 0.99
    least: float = 1e-5
    batch_size: int | None = None
    patience: int = 3
    improvement: float = 1e-3
    init: str = "zeros"
    init_scale: float = 0.07
    init_intercept: float | None = None

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        first = _AUTOMATIC_RATES[self.optimizer] if self.rate is None else self.rate
        return max(first * self.factor ** (step // self.every), min(self.least, first))

    def size_of_epochs(self) -> int:
        """Return how many different rows a step of an epoch takes."""
        return _ROWS if self.batch_size is None else self.batch_size

    def size_at(self, step: int, n_parameters: int) -> int:
        """Return how many different rows a step of a stream takes, counted from 0.

        Few at first, since a short stream needs many steps, and more where the gradient's
        noise is what is left.
        """
        if self.batch_size is not None:
            return self.batch_size
        first = max(_FIRST_ROWS, n_parameters // _PARAMETERS_A_ROW)
        return int(min(first * _GROWTH ** min(step, _ROWS), _ROWS))


@dataclass(frozen=True)
class Epochs:
    """What a fit by epochs needs beyond the problem.

    Attributes
    ----------
    schedule : Schedule
    keys : ndarray of shape (n,), dtype uint64
        Of the rows.
    key : ndarray of shape (2,), dtype uint64
        Of the random streams.
    validate : callable, default=None
        Takes the iterates (m, n_outputs, d + 1) and returns (m,) losses of validation rows;
        the best epoch is then chosen by these, and not by the objective.
    """

    schedule: Schedule
    keys: NDArray[np.uint64]
    key: Key
    validate: Callable[[Doubles], Doubles] | None = None


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
        penalised = l2 * self.theta
        penalised += gradient
        gradient = penalised
        if not max(gradient.max(), -gradient.min()) <= _LARGEST:
            np.nan_to_num(gradient, copy=False, posinf=_LARGEST, neginf=-_LARGEST)
            np.clip(gradient, -_LARGEST, _LARGEST, out=gradient)
        rate = schedule.rate_at(self.n_steps) * columns.reach
        rate[-1] *= schedule.intercept_factor
        rate *= min(1.0, weight / self.typical)
        direction, size = self._direction(gradient, columns.is_seen, schedule)
        step = rate / size
        self.theta -= np.multiply(step, direction, out=gradient)
        if l1.any():
            shrunk = np.maximum(np.abs(self.theta) - step * l1, 0.0)
            np.copysign(shrunk, self.theta, out=self.theta)
        self.n_steps += 1
        share = (_RECENT + 1) * (weight / (self.weight + _RECENT * weight))
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
        return cls(reach, np.append(rows.filled() > 0, True))


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


def penalty_arrays(penalties: list[Penalty], intercept_l2: float = 0.0) -> tuple[Doubles, Doubles]:
    """Return l1 and l2 of shape (m, 1, d + 1), with the intercept's at the end."""
    l1 = np.stack([np.append(penalty.l1, 0.0) for penalty in penalties])
    l2 = np.stack([np.append(penalty.l2, intercept_l2) for penalty in penalties])
    return l1[:, None, :], l2[:, None, :]


def learn_batch(
    iterates: Iterates,
    problem: Problem,
    arrays: tuple[Doubles, Doubles],
    schedule: Schedule,
    reach: Doubles,
    weight: float = 1.0,
) -> Doubles:
    """Take one step along the gradient of all rows of a problem; return the losses before."""
    found = problem.evaluate(
        np.ascontiguousarray(iterates.theta[..., :-1]),
        np.ascontiguousarray(iterates.theta[..., -1]),
    )
    slopes = found.gradient_intercept if problem.fit_intercept else 0 * found.gradient_intercept
    gradient = np.concatenate([found.gradient, slopes[..., None]], axis=-1)
    gradient = without_rounding(problem, found, gradient)
    columns = Columns.of(reach, problem.rows)
    iterates.step(gradient, *arrays, schedule, columns, weight)
    return found.values


def mini_batches(
    keys: NDArray[np.uint64], size_of: Callable[[int], int], key: Key, epoch: int
) -> list[NDArray[np.intp]]:
    """Return the rows in batches, the i-th of `size_of(i)` different keys, as keys decide.

    Equal rows stand together, so that a row of weight 2 is the same as two rows.
    """
    if len(keys) <= size_of(0):
        return [np.argsort(keys, kind="stable")]
    distinct, code = np.unique(keys, return_inverse=True)
    places = np.empty(len(distinct), dtype=np.intp)
    places[stream(key, epoch).permutation(len(distinct))] = np.arange(len(distinct))
    order = np.argsort(places[code], kind="stable")
    ends = np.flatnonzero(np.diff(places[code[order]], append=-1) != 0) + 1
    cuts: list[int] = []
    done = size_of(0)
    while done < len(ends):
        cuts.append(int(ends[done - 1]))
        done += size_of(len(cuts))
    return np.split(order, cuts)


def solve(
    problem: Problem,
    penalties: list[Penalty],
    control: Control,
    start: list[Solution] | None = None,
) -> list[Solution]:
    """Return candidates after epochs of stochastic steps: near their optima, none certified.

    The certificate is the share by which an epoch still lowered the objective.
    """
    epochs: Epochs = control.epochs
    problem, at_zero = _centred(problem)
    iterates = Iterates(_beginning(problem, len(penalties), epochs, start, at_zero))
    arrays = penalty_arrays(penalties, epochs.schedule.intercept_l2)
    rows_of_all: Any = problem.rows
    reach = reach_of(rows_of_all.filled(problem.weight))
    best = _Best(iterates.average, epochs.schedule)
    traces: list[list[float]] = [[] for _ in penalties]
    validations: list[list[float]] = [[] for _ in penalties]
    size = epochs.schedule.size_of_epochs()
    for epoch in range(control.max_iter):
        for rows in mini_batches(epochs.keys, lambda _: size, epochs.key, epoch):
            learn_batch(iterates, _part(problem, rows), arrays, epochs.schedule, reach)
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
    """Each candidate's best epoch, and whether that was long ago for all of them."""

    def __init__(self, theta: Doubles, schedule: Schedule) -> None:
        self.theta, self._schedule = theta.copy(), schedule
        self._values = np.full(len(theta), np.inf)
        self._least, self._since = np.inf, 0

    def offer(self, theta: Doubles, values: Doubles) -> None:
        """Take in the values after one more epoch."""
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


def _all_given_up(theta: Doubles, traces: list[list[float]], control: Control) -> bool:
    """Ask for each candidate; they stop together, since they share their passes."""
    if control.give_up is None:
        return False
    asked = [
        control.give_up(i, one[:, :-1], one[:, -1], _last_gain(traces[i]))
        for i, one in enumerate(theta)
    ]
    return all(asked)


def _centred(problem: Problem) -> tuple[Problem, Callable[[Doubles, int], Doubles]]:
    """Return the problem for columns of mean 0, and what moves iterates from it (1) or to it (-1).

    Dense rows are centred already; CSR rows are without being written down.
    """
    rows: Any = problem.rows
    if not (problem.fit_intercept and rows.is_sparse):
        return problem, lambda theta, sign: theta
    means = (rows.mean - rows.shift) / rows.scale

    def moved(theta: Doubles, sign: int) -> Doubles:
        theta = theta.copy()
        theta[..., -1] -= sign * (theta[..., :-1] @ means)
        return theta

    shifted: Any = ShiftedRows(rows, rows.mean)
    return replace(problem, rows=shifted), moved


def _last_gain(trace: list[float]) -> float:
    if len(trace) < 2 or trace[0] == 0:
        return 0.0 if trace and trace[0] == 0 else float("inf")
    return abs(trace[-2] - trace[-1]) / abs(trace[0])


def beginning(problem: Problem, n_candidates: int, schedule: Schedule, key: Key) -> Doubles:
    """Return the first iterates: all candidates begin alike."""
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
    at_zero: Callable[[Doubles, int], Doubles],
) -> Doubles:
    if start is None:
        return beginning(problem, n_candidates, epochs.schedule, epochs.key)
    theta = [np.column_stack([one.coef, one.intercept]) for one in start]
    return at_zero(np.stack(theta), -1)


def _part(problem: Problem, rows: NDArray[np.intp]) -> Problem:
    weight = problem.weight[rows]
    return replace(
        problem,
        rows=problem.rows.subset(rows),
        target=problem.target[rows],
        weight=weight / weight.sum(),
    )


def _objectives(problem: Problem, penalties: list[Penalty], theta: Doubles) -> Doubles:
    coef = np.ascontiguousarray(theta[..., :-1])
    values = problem.evaluate(coef, np.ascontiguousarray(theta[..., -1])).values
    return values + np.array([p.value(one) for p, one in zip(penalties, coef, strict=True)])
