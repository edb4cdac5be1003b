"""Training of candidates on one set of rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from algos._common.arrays import Float64Array
from algos._common.row_key import row_keys
from algos.linear_learner import squared_fit
from algos.linear_learner.candidates import Candidates
from algos.linear_learner.data import Data
from algos.linear_learner.losses import Loss
from algos.linear_learner.penalties import PenaltyParams
from algos.linear_learner.problem import Control, GiveUp, Penalty, Problem, Rows, Solution
from algos.linear_learner.settings import Settings
from algos.linear_learner.solution_paths import SolutionPaths, skipped_solution
from algos.linear_learner.solvers.choice import Choice, choose_solver, path
from algos.linear_learner.solvers.null_model import constant_model, null_intercept
from algos.linear_learner.solvers.stochastic import Epochs
from algos.linear_learner.squared_fit import KeptProducts
from algos.linear_learner.targets import has_unit, in_unit, one_against_rest, target_unit
from algos.linear_learner.trained import LossOf, Model, UsersUnits, Watch
from algos.linear_learner.used_columns import UsedColumns

_ONE_OUTPUT = ("coordinate_descent", "dual_coordinate_descent")  # solve one at a time


class Training:
    """Trains candidates on rows that are prepared once.

    Attributes
    ----------
    problems : list of Problem
        One, or one for each output if these are independent.
    products : KeptProducts
        Products of the columns, for the squared loss with few columns.
    """

    def __init__(self, data: Data, settings: Settings) -> None:
        self.settings, self._X = settings, data.X
        self._unit = target_unit(data.target, settings.loss)
        target, loss = in_unit(data.target, settings.loss, self._unit)
        shares = data.shares
        self._target_square = _mean_square(target, shares) if has_unit(loss) else 0.0
        # Products of all columns are kept, and initial coefficients may be drawn for all.
        looks = loss.name != "squared_error" and settings.solver != "sgd"
        self._columns = UsedColumns(data.X, looks=looks)
        self._rows, sums = squared_fit.rows_and_sums(
            self._columns.of(data.X),
            target,
            shares,
            loss,
            settings.fit_intercept,
            settings.n_threads,
            settings.estimator_name,
        )
        self._users = UsersUnits(self._rows, self._columns, self._unit, loss.is_joint)
        self._null_loss: float | None = None
        self.problems = _problems(self._rows, target, shares, loss, settings)
        self.products = KeptProducts(self.problems[0], data.weight, sums)
        self._candidates = Candidates(
            settings,
            self.problems,
            self.products,
            self._unit,
            is_wide=self._rows.n < self._columns.d,
        )

    def grid(self) -> list[PenaltyParams]:
        """Return the candidates that the parameters ask for."""
        return self._candidates.grid()

    def solver_for(
        self, grid: list[PenaltyParams], *, begins_near: bool = False, has_start: bool = False
    ) -> Choice:
        """Return the solver for some candidates, and the reason (see `choose_solver`)."""
        problem, penalties = self.problems[0], self._candidates.penalties(grid)
        choice = choose_solver(
            self.settings.solver,
            problem,
            penalties,
            begins_near=begins_near,
            has_start=has_start,
            max_iter=self.settings.max_iter,
        )
        if choice.name in _ONE_OUTPUT and self.problems[0].target.ndim == 2:
            self.problems = self.problems[0].parted(self.problems[0].target)
        return choice

    def path(
        self,
        choice: Choice,
        grid: list[PenaltyParams],
        *,
        start: list[Model] | None = None,
        watch: Watch | None = None,
        loss_of: LossOf | None = None,
        is_over: Callable[[int], bool] | None = None,
    ) -> Iterator[Model]:
        """Yield the trained candidates, in the order of the grid.

        Parameters
        ----------
        choice : Choice
        grid : list of PenaltyParams
        start : list of Model, default=None
            Models to start from, one for each candidate.
        watch : callable, default=None
            Is called for each candidate after each iteration and may give it up.
        loss_of : callable, default=None
            Returns a model's validation loss, by which stochastic steps stop.
        is_over : callable, default=None
            Predicate: skip this candidate? A skipped one is the model of the candidate before
            it. Not called for the first one, nor if the solver computes all together.
        """
        penalties = self._candidates.penalties(grid)
        paths = SolutionPaths()
        last: list[Solution] = []
        for number, params in enumerate(grid):
            begun = time.perf_counter()
            can_end = number > 0 and not paths.is_complete
            is_skipped = can_end and is_over is not None and is_over(number)
            if is_skipped:
                paths.close()
                way = penalties[number - 1 : number + 1]
                last = [skipped_solution(one, *way) for one in last]
            else:
                if not paths.is_open:
                    paths = self._solution_paths(choice, penalties, number, start, watch, loss_of)
                last = paths.next()
            if len(penalties) == 1:
                squared_fit.measure_objective(self.problems[0], penalties[0], last[0])
            left = np.inf
            if is_over is not None and not paths.is_complete:
                left = self._left_to_lose(last, penalties[number])
            seconds = time.perf_counter() - begun
            model = self._users.model(params, last, seconds, left)
            if number + 1 == len(grid):
                paths.close()
            yield replace(model, n_iter=0, objectives=[], seconds=[]) if is_skipped else model

    def null_intercept(self) -> Float64Array:
        """Return the intercepts of the best constant model, in the user's units."""
        intercept = np.concatenate([null_intercept(problem) for problem in self.problems])
        return self._users.of(np.zeros((len(intercept), self._rows.d)), intercept)[1]

    def _left_to_lose(self, solutions: list[Solution], penalty: Penalty) -> float:
        """Return a bound on the gain of weaker penalties, relative to the loss of a constant.

        Losses with kinks reach 0 at a finite model, which weaker penalties then do not change.
        """
        loss = self.problems[0].loss
        if not (loss.is_positive and all(one.converged for one in solutions)):
            return np.inf
        if self._null_loss is None:
            each = (one.evaluate(*constant_model(one)).values[0] for one in self.problems)
            self._null_loss = float(sum(each))
        left = sum(
            one.objective - (0.0 if loss.is_smooth else penalty.value(one.coef))
            for one in solutions
        )
        return left / self._null_loss if self._null_loss > 0 else 0.0

    def _solution_paths(
        self,
        choice: Choice,
        penalties: list[Penalty],
        first: int,
        start: list[Model] | None,
        watch: Watch | None,
        loss_of: LossOf | None,
    ) -> SolutionPaths:
        """Start the solver for the candidates from `first` on."""
        settings, paths = self.settings, SolutionPaths()
        for output, problem in enumerate(self.problems):
            control = Control(
                settings.tol,
                settings.max_iter,
                settings.verbose,
                give_up=self._give_up(watch, paths, output, first),
                epochs=self._epochs(choice, problem, loss_of),
            )
            begin = None
            if start is not None:
                one = slice(None) if len(self.problems) == 1 else slice(output, output + 1)
                begin = [self._users.solution(model, one) for model in start[first:]]
            job = problem, penalties[first:], control, begin
            if choice.name == "gram" and self.products.sums is not None:
                paths.add(squared_fit.solve(self.products, *job))
            else:
                paths.add(path(choice, *job))
        return paths

    def moments(self, weight: Float64Array) -> dict[str, Any]:
        """Return the statistics from which a stream continues, given the original weights."""
        rows = self._rows
        with np.errstate(over="ignore"):
            targets = np.ldexp(self._target_square, 2 * self._unit.exponent)
        return {
            "weight": float(weight.sum()),
            "mean": self._columns.spread(rows.mean),
            "square": self._columns.spread(rows.variance),
            "nonzero_share": self._columns.spread(self._filled()),
            "shift": self._columns.spread(rows.shift),
            "target_square": min(float(targets), np.finfo(np.float64).max / 4),
            "products": self.products.parts(),
        }

    def _filled(self) -> Float64Array:
        """Return the shares of rows that are nonzero in a column, taken as 1 for dense rows."""
        rows: Any = self._rows
        return rows.measured_filled(self.problems[0].weight) if rows.is_sparse else np.ones(rows.d)

    def _give_up(
        self, watch: Watch | None, paths: SolutionPaths, output: int, first: int
    ) -> GiveUp | None:
        """Return the watch in the form that the solver of one output calls."""
        if watch is None:
            return None

        def give_up(
            candidate: int, coef: Float64Array, intercept: Float64Array, certificate: float
        ) -> bool:
            zeros = np.zeros_like(coef), np.zeros_like(intercept)
            parts = [
                (coef, intercept) if other == output else paths.found(other, candidate) or zeros
                for other in range(len(self.problems))
            ]
            whole = [np.concatenate(part) for part in zip(*parts, strict=True)]
            return watch(first + candidate, *self._users.of(*whole), certificate)

        return give_up

    def _epochs(self, choice: Choice, problem: Problem, loss_of: LossOf | None) -> Any:
        if choice.name != "sgd":
            return None
        key = self.settings.key
        assert key is not None  # all callers that allow "sgd" pass it
        keys = row_keys(self._X, key, problem.target, n_threads=self.settings.n_threads)

        def validate(theta: Float64Array) -> Float64Array:
            assert loss_of is not None
            models = [self._users.of(one[:, :-1], one[:, -1]) for one in theta]
            return np.array([loss_of(*model) for model in models])

        has_own = loss_of is not None and len(self.problems) == 1
        return Epochs(self.settings.schedule, keys, key, validate if has_own else None)


def _mean_square(target: Float64Array, shares: Float64Array) -> float:
    return float(shares @ (target.reshape(len(target), -1) ** 2).mean(axis=1))


def _problems(
    rows: Rows, target: Float64Array, shares: Float64Array, loss: Loss, settings: Settings
) -> list[Problem]:
    whole = Problem(rows, target, shares, loss, settings.fit_intercept, settings.n_outputs)
    if settings.n_outputs == 1 or loss.is_joint or loss.name == "squared_error":
        return [whole]
    if loss.is_of_classes:  # one-vs-rest
        target = one_against_rest(target, settings.n_outputs)
    return whole.parted(target)
