"""From checked data to models: one candidate, or a pack of which the best is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.random import Key
from algos._common.row_key import row_keys
from algos.linear_learner import squared_fit, squared_state
from algos.linear_learner.losses import Loss
from algos.linear_learner.penalties import (
    Strength,
    audible,
    candidate_grid,
    is_loud,
    mean_curvature,
    null_slope,
    penalty_of,
    slope_size,
)
from algos.linear_learner.problem import Control, Doubles, GiveUp, Penalty, Problem, Rows, Solution
from algos.linear_learner.solvers.choice import Choice, choose_solver, path
from algos.linear_learner.solvers.gram import Sums, largest_mean_slope, sums_of
from algos.linear_learner.solvers.null_model import null_intercept
from algos.linear_learner.solvers.schedule import Schedule
from algos.linear_learner.solvers.stochastic import Epochs
from algos.linear_learner.squared_state import SquaredState
from algos.linear_learner.targets import has_unit, in_unit, one_against_rest, target_unit
from algos.linear_learner.trained import Model, UsersUnits
from algos.linear_learner.used_columns import UsedColumns

_ONE_OUTPUT = ("coordinate_descent", "dual_coordinate_descent")  # solve one at a time


@dataclass(frozen=True)
class Data:
    """Rows with their targets.

    Attributes
    ----------
    X : ndarray or CSR matrix of shape (n, d), float32 or float64
    target : ndarray of shape (n,) or (n, n_outputs), float64
        As losses take it (`targets.py`).
    weight : ndarray of shape (n,), float64
        Positive.
    """

    X: Any
    target: Doubles
    weight: Doubles

    def __len__(self) -> int:
        return int(self.X.shape[0])

    @property
    def arrays(self) -> tuple[Any, Doubles, Doubles]:
        return self.X, self.target, self.weight

    def subset(self, rows: NDArray[np.intp]) -> Data:
        return Data(self.X[rows], self.target[rows], self.weight[rows])

    def weighted(self, factor: Doubles | float) -> Data:
        is_one = isinstance(factor, float) and factor == 1
        return self if is_one else replace(self, weight=self.weight * factor)

    @property
    def shares(self) -> Doubles:
        """The weights, over their sum; without overflow for weights of any size."""
        largest = self.weight.max()
        if self.weight.min() == largest:
            return np.full(len(self), 1 / len(self))
        scaled = self.weight / largest
        return np.asarray(scaled / scaled.sum())


@dataclass(frozen=True)
class Settings:
    """What the estimator's parameters say about training."""

    loss: Loss
    alpha: Any
    l1_ratio: Any
    n_alphas: int
    fit_intercept: bool
    standardize: bool
    solver: str
    tol: float
    max_iter: int
    n_threads: int
    n_outputs: int = 1
    verbose: int = 0
    schedule: Schedule = field(default_factory=Schedule)
    key: Key | None = None
    estimator_name: str = ""


# (candidate, coef (n_outputs, d), intercept, certificate), in the user's units
Watch = Callable[[int, Doubles, Doubles, float], bool]

# coef (n_outputs, d) and intercept, in the user's units → loss
LossOf = Callable[[Doubles, Doubles], float]


class Training:
    """Rows, made once, on which candidates are trained.

    Attributes
    ----------
    problems : list of Problem
        One, or one for each output where those have nothing in common.
    """

    def __init__(self, data: Data, settings: Settings) -> None:
        self.settings, self.X, self.weight = settings, data.X, data.weight
        self.unit = target_unit(data.target, settings.loss)
        target, loss = in_unit(data.target, settings.loss, self.unit)
        shares = data.shares
        self._target_square = _mean_square(target, shares) if has_unit(loss) else 0.0
        # Products of all columns are kept, and first coefficients may be drawn for all.
        looks = loss.name != "squared_error" and settings.solver != "sgd"
        self._columns = UsedColumns(data.X, looks=looks)
        X, how = (
            self._columns.of(data.X),
            (settings.fit_intercept, settings.n_threads, settings.estimator_name),
        )
        self.rows: Rows
        self._sums: Sums | None
        self.rows, self._sums = squared_fit.rows_and_sums(X, target, shares, loss, *how)
        self._users = UsersUnits(self.rows, self._columns, self.unit, loss.is_joint)
        self._made: dict[Strength, Penalty] = {}
        self._state: SquaredState | None = None
        self._slope: float | None = None
        self._slope_bound: float | None = None
        self._null_loss: float | None = None
        self.problems = _problems(self.rows, target, shares, loss, settings)
        self._whole = self.problems[0]

    @property
    def sums(self) -> Sums | None:
        """The products of the columns, for the squared loss and where they are few."""
        if self._sums is None and squared_fit.keeps_products(self._whole):
            self._sums = sums_of(self.rows, self._whole.target, self._whole.weight)
        return self._sums

    @property
    def state(self) -> SquaredState | None:
        """The same as a stream has it."""
        sums = self.sums
        if self._state is None and sums is not None:
            self._state = squared_state.state_of(self.rows, sums, float(self.weight.sum()))
        return self._state

    def strengths(self) -> list[Strength]:
        """Return the candidates that the parameters ask for."""
        settings = self.settings
        slope = curvature = 0.0
        if isinstance(settings.alpha, str):
            slope, curvature = self._null_slope_and_curvature()
        return candidate_grid(
            settings.alpha,
            settings.l1_ratio,
            settings.n_alphas,
            slope,
            curvature,
            self.rows.n < self._columns.d,
        )

    def solver_for(self, strengths: list[Strength]) -> Choice:
        """Return the solver for these candidates, and why."""
        penalties = self._penalties(strengths)
        choice = choose_solver(self.settings.solver, self.problems[0], penalties)
        if choice.name in _ONE_OUTPUT and self.problems[0].target.ndim == 2:
            self.problems = self.problems[0].parted(self.problems[0].target)
        return choice

    def solve(
        self,
        choice: Choice,
        strengths: list[Strength],
        *,
        start: list[Model] | None = None,
        watch: Watch | None = None,
        loss_of: LossOf | None = None,
    ) -> list[Model]:
        """Return the trained candidates, in the order of the strengths.

        Parameters
        ----------
        choice : Choice
        strengths : list of Strength
        start : list of Model, default=None
            Models to begin from, one for each candidate.
        watch : callable, default=None
            Sees each candidate after each iteration and may give it up.
        loss_of : callable, default=None
            A model's loss on validation rows, by which stochastic steps end.
        """
        return list(self.path(choice, strengths, start=start, watch=watch, loss_of=loss_of))

    def path(
        self,
        choice: Choice,
        strengths: list[Strength],
        *,
        start: list[Model] | None = None,
        watch: Watch | None = None,
        loss_of: LossOf | None = None,
        is_over: Callable[[int], bool] | None = None,
    ) -> Iterator[Model]:
        """Yield the same one after the other, as far as the solver takes candidates in turn.

        Parameters
        ----------
        choice, strengths, start, watch, loss_of
            See `solve`.
        is_over : callable, default=None
            Tells of a candidate, but the first, whether to spare it: then it stays where the one
            before it ended.
        """
        penalties = self._penalties(strengths)
        turns = _Turns()
        last: list[Solution] = []
        for number, strength in enumerate(strengths):
            begun = time.perf_counter()
            can_end = is_over is not None and not turns.are_made
            is_spared = bool(number and can_end and is_over is not None and is_over(number))
            if is_spared:
                turns.close()
                way = penalties[number - 1 : number + 1]
                last = [_left_at(one, *way) for one in last]
            else:
                if not turns.are_open:
                    turns = self._turns(choice, penalties, number, start, watch, loss_of)
                last = turns.next()
            if len(penalties) == 1:
                squared_fit.measure_objective(self.problems[0], penalties[0], last[0])
            left = np.inf
            if is_over is not None and not turns.are_made:
                left = self._left_to_lose(last, penalties[number])
            seconds = time.perf_counter() - begun
            model = self._users.model(strength, last, seconds, left)
            if number + 1 == len(strengths):
                turns.close()
            yield replace(model, n_iter=0, objectives=[], seconds=[]) if is_spared else model

    def null_intercept(self) -> Doubles:
        """Return the intercepts of the best constant model, in the user's units."""
        intercept = np.concatenate([null_intercept(problem) for problem in self.problems])
        return self._users.of(np.zeros((len(intercept), self.rows.d)), intercept)[1]

    def _left_to_lose(self, solutions: list[Solution], penalty: Penalty) -> float:
        """Return a bound of what weaker penalties could gain, as a share of what constants lose.

        Losses with kinks reach 0 at a finite model, which then no weaker penalty changes.
        """
        loss = self._whole.loss
        if not (loss.is_positive and all(one.converged for one in solutions)):
            return np.inf
        if self._null_loss is None:
            each = (one.evaluate(*_constant(one)).values[0] for one in self.problems)
            self._null_loss = float(sum(each))
        left = sum(
            one.objective - (0.0 if loss.is_smooth else penalty.value(one.coef))
            for one in solutions
        )
        return left / self._null_loss if self._null_loss > 0 else 0.0

    def _turns(
        self,
        choice: Choice,
        penalties: list[Penalty],
        first: int,
        start: list[Model] | None,
        watch: Watch | None,
        loss_of: LossOf | None,
    ) -> _Turns:
        """Return the solver on its way through the candidates from `first` on."""
        settings, turns = self.settings, _Turns()
        for output, problem in enumerate(self.problems):
            control = Control(
                settings.tol,
                settings.max_iter,
                settings.verbose,
                give_up=self._give_up(watch, turns, output, first),
                epochs=self._epochs(choice, problem, loss_of),
            )
            begin = None
            if start is not None:
                one = slice(None) if len(self.problems) == 1 else slice(output, output + 1)
                begin = [self._users.solution(model, one) for model in start[first:]]
            sums = self.sums if choice.name == "gram" else None
            if sums is not None:
                turns.add(
                    squared_fit.solve(
                        problem, lambda: self.state, sums, penalties[first:], control, begin
                    )
                )
            else:
                turns.add(path(choice.name, problem, penalties[first:], control, begin))
        return turns

    def moments(self, weight: Doubles) -> dict[str, Any]:
        """Return what a stream goes on from, beside the model; the rows' own weights given."""
        rows, products = self.rows, {}
        if self.sums is not None:
            products = squared_state.parts_of(rows, self.sums, float(self.weight.sum()))
        with np.errstate(over="ignore"):
            targets = np.ldexp(self._target_square, 2 * self.unit.exponent)
        return {
            "weight": float(weight.sum()),
            "mean": self._columns.spread(rows.mean),
            "square": self._columns.spread(rows.variance),
            "filled": self._columns.spread(self._filled()),
            "shift": self._columns.spread(rows.shift),
            "target_square": min(float(targets), np.finfo(np.float64).max / 4),
            "products": products,
        }

    def _filled(self) -> Doubles:
        """Return the shares of rows that are not 0 in a column; dense ones are not looked at."""
        rows: Any = self.rows
        return rows.measured_filled(self.problems[0].weight) if rows.is_sparse else np.ones(rows.d)

    def _penalties(self, strengths: list[Strength]) -> list[Penalty]:
        made, standardize = self._made, self.settings.standardize
        for one in strengths:
            if one not in made:
                penalty = penalty_of(one, self.rows, standardize, self.unit)
                made[one] = self._audible(penalty) if penalty.has_l1 else penalty
        return [made[one] for one in strengths]

    def _audible(self, penalty: Penalty) -> Penalty:
        if not self.settings.loss.is_smooth:  # their certificates mind no slopes
            return penalty
        if self._slope is None and self._sums is not None:
            self._slope_bound = self._slope_bound or largest_mean_slope(self._sums)
            if is_loud(penalty, self._slope_bound):
                return penalty  # without a look at each row's slope
        if self._slope is None:
            self._slope = slope_size(self.problems)
        return audible(penalty, self._slope, keep=self.settings.solver == "coordinate_descent")

    def _null_slope_and_curvature(self) -> tuple[float, float]:
        """Return what the grid of alphas hangs on, in the user's units."""
        if self.state is not None:
            return squared_state.largest_slope(
                self.state,
                fit_intercept=self.settings.fit_intercept,
                standardize=self.settings.standardize,
            ), 1.0
        gradients, curvature = [], 0.0
        for problem in self.problems:
            coef, intercept = _constant(problem)
            found = problem.evaluate(coef, intercept)
            gradients.append(found.gradient[0])
            curvature = max(curvature, mean_curvature(problem, intercept[0], found.values[0]))
        slope = null_slope(self.problems, gradients, self.settings.standardize)
        return (
            float(np.ldexp(slope, self.unit.of_l1)),
            float(np.ldexp(curvature, self.unit.of_l2)),
        )

    def _give_up(
        self, watch: Watch | None, turns: _Turns, output: int, first: int
    ) -> GiveUp | None:
        """Return the watch as a solver of one output asks it."""
        if watch is None:
            return None

        def give_up(candidate: int, coef: Doubles, intercept: Doubles, certificate: float) -> bool:
            zeros = np.zeros_like(coef), np.zeros_like(intercept)
            parts = [
                (coef, intercept) if other == output else turns.found(other, candidate) or zeros
                for other in range(len(self.problems))
            ]
            whole = [np.concatenate(part) for part in zip(*parts, strict=True)]
            return watch(first + candidate, *self._users.of(*whole), certificate)

        return give_up

    def _epochs(self, choice: Choice, problem: Problem, loss_of: LossOf | None) -> Any:
        if choice.name != "sgd":
            return None
        key = self.settings.key
        assert key is not None  # every caller that may ask for "sgd" gives it
        keys = row_keys(self.X, key, problem.target, n_threads=self.settings.n_threads)

        def validate(theta: Doubles) -> Doubles:
            assert loss_of is not None
            models = [self._users.of(one[:, :-1], one[:, -1]) for one in theta]
            return np.array([loss_of(*model) for model in models])

        has_own = loss_of is not None and len(self.problems) == 1
        return Epochs(self.settings.schedule, keys, key, validate if has_own else None)


class _Turns:
    """A solver of each output, whose solutions are taken in turn.

    Attributes
    ----------
    are_open : bool
        Whether there are any.
    are_made : bool
        Whether all candidates were solved together, so that none can be spared any more.
    """

    def __init__(self) -> None:
        self._is_made = True
        self._outputs: list[Iterator[Solution]] = []
        self._found: list[list[Solution]] = []
        self._number = 0

    @property
    def are_open(self) -> bool:
        return bool(self._outputs)

    @property
    def are_made(self) -> bool:
        return self.are_open and self._is_made

    def close(self) -> None:
        """End the solvers, whose rows would stay in memory: each knows these turns in its turn."""
        for one in self._outputs:
            if isinstance(one, Generator):
                one.close()
        self._outputs, self._found = [], []

    def add(self, solutions: list[Solution] | Iterator[Solution]) -> None:
        """Take in those of the next output."""
        is_made = isinstance(solutions, list)
        self._is_made &= is_made
        self._found.append(list(solutions) if is_made else [])
        self._outputs.append(iter(()) if is_made else iter(solutions))

    def next(self) -> list[Solution]:
        """Return the next candidate's solutions, output by output."""
        number, self._number = self._number, self._number + 1
        for known, ahead in zip(self._found, self._outputs, strict=True):
            if len(known) <= number:
                known.append(next(ahead))
        return [known[number] for known in self._found]

    def found(self, output: int, candidate: int) -> tuple[Doubles, Doubles] | None:
        """Return an output's coefficients and intercept, if they are known yet."""
        known = self._found[output] if output < len(self._found) else []
        return (
            (known[candidate].coef, known[candidate].intercept) if candidate < len(known) else None
        )


def _left_at(solution: Solution, own: Penalty, weaker: Penalty) -> Solution:
    """Return a candidate that was not begun: where the one before ended."""
    change = weaker.value(solution.coef) - own.value(solution.coef)
    return replace(
        solution,
        objective=solution.objective + change,
        certificate=np.inf,
        n_iter=0,
        converged=False,
        objectives=[],
        validations=[],
    )


def _constant(problem: Problem) -> tuple[Doubles, Doubles]:
    """Return the best constant model as `evaluate` takes it."""
    coef = np.zeros((1, problem.n_outputs, problem.rows.d))
    return coef, null_intercept(problem)[np.newaxis]


def _mean_square(target: Doubles, shares: Doubles) -> float:
    return float(shares @ (target.reshape(len(target), -1) ** 2).mean(axis=1))


def _problems(
    rows: Rows, target: Doubles, shares: Doubles, loss: Loss, settings: Settings
) -> list[Problem]:
    whole = Problem(rows, target, shares, loss, settings.fit_intercept, settings.n_outputs)
    if settings.n_outputs == 1 or loss.is_joint or loss.name == "squared_error":
        return [whole]
    if loss.is_of_classes:  # one class against the rest, for each
        target = one_against_rest(target, settings.n_outputs)
    return whole.parted(target)
