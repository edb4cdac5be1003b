"""The squared loss learned from batches: exactly, and for all candidates at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from algos._common.random import Key
from algos._common.row_key import row_keys
from algos.linear_learner import squared_state
from algos.linear_learner.data import Data
from algos.linear_learner.decisions import decision_values, mean_losses
from algos.linear_learner.pack import Outcome, table_of
from algos.linear_learner.penalties import Strength, penalty_of
from algos.linear_learner.problem import Control, Doubles
from algos.linear_learner.scores import Scores
from algos.linear_learner.solvers.choice import Choice
from algos.linear_learner.squared_state import SquaredState
from algos.linear_learner.stream_state import State, StreamSettings
from algos.linear_learner.targets import Unit
from algos.linear_learner.threshold import Target
from algos.linear_learner.trained import LARGEST, Model

_CHOICE = Choice("gram", "squared loss in batches: products of the columns were kept")


@dataclass(frozen=True)
class SquaredStream(State):
    """Products of columns and targets, of rows to train on and of rows to choose by.

    Which rows choose is decided by their content; with one candidate, none do.

    Attributes
    ----------
    trained, held_out : dict
        The parts of a `SquaredState`; empty for no rows.
    """

    trained: dict[str, Any] = field(default_factory=dict)
    held_out: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def empty(cls, key: Key, d: int, strengths: list[Strength], n_outputs: int) -> SquaredStream:
        """Return the state before the first row."""
        alphas, l1_ratios = np.array(strengths).T
        return cls(key, alphas, l1_ratios)

    @classmethod
    def after_fit(
        cls, after: dict[str, Any], coef: Doubles, intercept: Doubles, strength: Strength
    ) -> SquaredStream:
        """Return the state from which to go on after a fit, which kept all products."""
        if not after["products"]:
            raise ValueError(
                "this fit had too many columns to keep their products, so it cannot be continued "
                "exactly; call partial_fit from the start, or fit all rows together"
            )
        alphas, l1_ratios = np.array([strength]).T
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
        """Return the mean loss of the latest batch by the model of all rows before it."""
        if not before.trained and not before.held_out:
            return None
        model = before.outcome(settings, Target("loss", 1.0, 0.0, 0.0), 1).model
        decision = decision_values(data.X, model.coef, model.intercept, settings.n_threads)
        return mean_losses(decision, data.target, data.shares, settings.loss)

    def joined(self, other: SquaredStream, settings: StreamSettings) -> SquaredStream:
        """Return the state of the rows of both."""
        return replace(
            self,
            trained=_joined(self.trained, other.trained),
            held_out=_joined(self.held_out, other.held_out),
        )

    def check_criterion(self, criterion: str) -> None:
        """Raise ValueError if candidates cannot be judged so, of which there are several."""
        if len(self.alphas) > 1 and criterion == "absolute_error":
            raise ValueError(
                "`selection_criterion`='absolute_error' must be 'loss' or 'squared_error' in "
                "partial_fit of the squared loss, which keeps products of columns but no rows"
            )

    def outcome(self, settings: StreamSettings, target: Target, top_k: int) -> Outcome:
        """Return the best candidate's model, of all rows."""
        everything = SquaredState(**_joined(self.trained, self.held_out))
        how: dict[str, Any] = {
            "fit_intercept": settings.fit_intercept,
            "standardize": settings.standardize,
        }
        if len(self.alphas) == 1:
            (model,) = models_of(everything, self.strengths, **how)
            return Outcome(model, _CHOICE, table_of([model], None, None))
        self.check_criterion(target.criterion)
        train = SquaredState(**self.trained) if self.trained else everything
        choose = SquaredState(**self.held_out) if self.held_out else everything
        candidates = models_of(train, self.strengths, **how)
        scores = scores_of(choose, candidates)
        (model,) = models_of(everything, [self.strengths[scores.best]], **how)
        table = table_of(candidates, scores, None)
        return Outcome(model, _CHOICE, table, scores.best)


def models_of(
    state: SquaredState,
    strengths: list[Strength],
    *,
    fit_intercept: bool,
    standardize: bool,
    control: Control | None = None,
) -> list[Model]:
    """Return the candidates, solved from one state."""
    shift, scale = squared_state.standard(state, center=fit_intercept)
    rows: Any = SimpleNamespace(scale=scale, d=state.d)
    penalties = [penalty_of(one, rows, standardize, Unit()) for one in strengths]
    solutions = squared_state.solve(
        state, penalties, control or Control(), fit_intercept=fit_intercept
    )
    models = []
    for strength, solution in zip(strengths, solutions, strict=True):
        with np.errstate(over="ignore"):
            coef = np.clip(solution.coef / scale, -LARGEST, LARGEST)
        models.append(
            Model(
                strength,
                coef,
                solution.intercept - coef @ shift,
                solution.objective,
                solution.certificate,
                solution.criterion,
                solution.n_iter,
                solution.converged,
                solution.objectives,
            )
        )
    return models


def scores_of(state: SquaredState, models: list[Model]) -> Scores:
    """Return how candidates do on the rows of a state."""
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
