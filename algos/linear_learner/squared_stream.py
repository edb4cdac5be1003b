"""Streams of the squared loss: exact, for all candidates at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from algos._common.arrays import Float64Array
from algos._common.random import Key
from algos._common.row_key import row_keys
from algos.linear_learner import squared_state
from algos.linear_learner.data import Data
from algos.linear_learner.decisions import decision_values, mean_losses
from algos.linear_learner.pack import FitResult, table_of
from algos.linear_learner.penalties import PenaltyParams, penalty_of
from algos.linear_learner.problem import Control
from algos.linear_learner.scores import Scores
from algos.linear_learner.solvers.choice import Choice
from algos.linear_learner.squared_state import SquaredState
from algos.linear_learner.stream_state import State, StreamSettings
from algos.linear_learner.targets import Unit
from algos.linear_learner.threshold import Criterion
from algos.linear_learner.trained import LARGEST, Model

_CHOICE = Choice("gram", "squared loss in batches: products of the columns were kept")


@dataclass(frozen=True)
class SquaredStream(State):
    """Products of columns and targets, of training rows and of validation rows.

    The validation rows are drawn by their content; with one candidate there are none.

    Attributes
    ----------
    trained, held_out : dict
        The fields of a `SquaredState`; empty for no rows.
    """

    trained: dict[str, Any] = field(default_factory=dict)
    held_out: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def empty(cls, key: Key, d: int, grid: list[PenaltyParams], n_outputs: int) -> SquaredStream:
        """Return the state before the first row."""
        alphas, l1_ratios = np.array(grid).T
        return cls(key, alphas, l1_ratios)

    @classmethod
    def after_fit(
        cls,
        after: dict[str, Any],
        coef: Float64Array,
        intercept: Float64Array,
        params: PenaltyParams,
    ) -> SquaredStream:
        """Return the state after a fit, which kept all products."""
        if not after["products"]:
            raise ValueError(
                "this fit had too many columns to keep their products, so it cannot be continued "
                "exactly; call partial_fit from the start, or fit all rows together"
            )
        alphas, l1_ratios = np.array([params]).T
        state = squared_state.made_of(after["products"])
        return cls(after["key"], alphas, l1_ratios, state._asdict())

    def received(self, data: Data, settings: StreamSettings) -> SquaredStream:
        """Return the state after one more batch."""
        if len(self.alphas) == 1:
            return replace(self, trained=_updated(self.trained, data, settings.n_threads))
        target = data.target
        single = target if target.ndim == 1 else np.ascontiguousarray(target[:, 0])
        keys = row_keys(data.X, self.key, single, n_threads=settings.n_threads)
        chooses = keys < np.uint64(settings.validation_fraction * 2.0**64)
        sides: dict[str, Any] = {}
        for name, is_there in (("trained", ~chooses), ("held_out", chooses)):
            before, rows = getattr(self, name), np.flatnonzero(is_there)
            if len(rows):
                part = data if len(rows) == len(data) else data.subset(rows)
                sides[name] = _updated(before, part, settings.n_threads)
        return replace(self, **sides)

    def loss_of_batch(
        self, before: SquaredStream, data: Data, settings: StreamSettings
    ) -> float | None:
        """Return the mean loss of the latest batch under the model of all earlier rows."""
        if not before.trained and not before.held_out:
            return None
        model = before.result(settings, Criterion("loss"), top_k=1).model
        decision = decision_values(data.X, model.coef, model.intercept, settings.n_threads)
        return mean_losses(decision, data.target, data.shares, settings.loss)

    def joined(self, other: SquaredStream, settings: StreamSettings) -> SquaredStream:
        """Return the state of the rows of both states."""
        return replace(
            self,
            trained=_joined(self.trained, other.trained),
            held_out=_joined(self.held_out, other.held_out),
        )

    def check_criterion(self, criterion: str) -> None:
        """Raise ValueError if several candidates cannot be compared by a criterion."""
        if len(self.alphas) > 1 and criterion == "absolute_error":
            raise ValueError(
                "`selection_criterion`='absolute_error' must be 'loss' or 'squared_error' in "
                "partial_fit of the squared loss, which keeps products of columns but no rows"
            )

    def result(self, settings: StreamSettings, criterion: Criterion, top_k: int) -> FitResult:
        """Return the best candidate, trained on all rows."""
        everything = SquaredState(**_joined(self.trained, self.held_out))
        how: dict[str, Any] = {
            "fit_intercept": settings.fit_intercept,
            "standardize": settings.standardize,
        }
        if len(self.alphas) == 1:
            (model,) = models_of(everything, self.grid, **how)
            return FitResult(model, _CHOICE, table_of([model], None, None))
        self.check_criterion(criterion.name)
        train = SquaredState(**self.trained) if self.trained else everything
        choose = SquaredState(**self.held_out) if self.held_out else everything
        candidates = models_of(train, self.grid, **how)
        scores = scores_of(choose, candidates)
        (model,) = models_of(everything, [self.grid[scores.best]], **how)
        table = table_of(candidates, scores, None)
        return FitResult(model, _CHOICE, table, scores.best)


def models_of(
    state: SquaredState,
    grid: list[PenaltyParams],
    *,
    fit_intercept: bool,
    standardize: bool,
    control: Control | None = None,
) -> list[Model]:
    """Return the candidates, solved from a state."""
    shift, scale = squared_state.standard(state, center=fit_intercept)
    rows: Any = SimpleNamespace(scale=scale, d=state.d)
    penalties = [penalty_of(one, rows, standardize, Unit()) for one in grid]
    solutions = squared_state.solve(
        state, penalties, control or Control(), fit_intercept=fit_intercept
    )
    models = []
    for params, solution in zip(grid, solutions, strict=True):
        with np.errstate(over="ignore"):
            coef = np.clip(solution.coef / scale, -LARGEST, LARGEST)
        models.append(
            Model(
                params,
                coef,
                solution.intercept - coef @ shift,
                objective=solution.objective,
                certificate=solution.certificate,
                criterion=solution.criterion,
                n_iter=solution.n_iter,
                converged=solution.converged,
                objectives=solution.objectives,
            )
        )
    return models


def scores_of(state: SquaredState, models: list[Model]) -> Scores:
    """Return the scores of candidates on the rows of a state."""
    coef, intercept = np.array([m.coef for m in models]), np.array([m.intercept for m in models])
    errors = squared_state.mean_squared_error(state, coef, intercept).mean(axis=1)
    d, unit = state.d, float(state.unit[-1])
    spread = np.diagonal(state.scatter)[d:].mean() / state.weight
    r2 = 1 - errors / spread if spread > 0 else np.full(len(errors), np.nan)
    with np.errstate(over="ignore"):  # targets of extreme size
        columns = {
            "validation_loss": errors * unit * unit * state.n_outputs / 2,
            "squared_error": errors * unit * unit,
            "root_squared_error": np.sqrt(errors) * unit,
            "r2": r2,
        }
    return Scores(columns, -errors, np.zeros(len(models)))


def _updated(before: dict[str, Any], data: Data, n_threads: int) -> dict[str, Any]:
    state = SquaredState(**before) if before else None
    return squared_state.updated(state, data.X, data.target, data.weight, n_threads)._asdict()


def _joined(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    if not a or not b:
        return a or b
    return squared_state.joined(SquaredState(**a), SquaredState(**b))._asdict()
