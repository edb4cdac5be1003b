"""Packs of few rows: each candidate is judged on all rows, by models that have not learned them.

A tenth of few rows would choose by chance. Candidates are trained on all rows, and again on
those outside each fold; the decision values on the folds are scored as if of one model.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from algos.linear_learner import squared_state
from algos.linear_learner.pack import Outcome, Tell, Variant, table_of, watched
from algos.linear_learner.penalties import Strength
from algos.linear_learner.problem import Control, Doubles
from algos.linear_learner.selection import Validation
from algos.linear_learner.squared_stream import models_of
from algos.linear_learner.trained import Model
from algos.linear_learner.training import Data, Settings, Training

N_FOLDS = 5

Rows = NDArray[np.intp]
Folds = list[tuple[Rows, Rows]]  # to train on, to validate on
Judge = Callable[[Data], Validation]  # of rows without class weights


class FoldedPack:
    """Candidates of few rows.

    Parameters
    ----------
    data : Data
        Without class weights.
    settings : Settings
    folds : list of (rows to train on, rows to validate on)
    judge : callable
        Returns the validation by some of the rows.
    gives_up : bool
        Whether folds leave hopeless candidates unfinished.
    tell : callable, default=None
    is_stopped : callable
        Whether `tell` wants the fit to stop; no fold is begun then.
    """

    def __init__(
        self,
        data: Data,
        settings: Settings,
        folds: Folds,
        judge: Judge,
        *,
        gives_up: bool,
        tell: Tell | None,
        is_stopped: Callable[[], bool],
    ) -> None:
        self._data, self._settings, self._folds, self._judge = data, settings, folds, judge
        self._gives_up, self._tell, self._is_stopped = gives_up, tell, is_stopped

    def fit(self, variants: list[Variant]) -> Outcome:
        """Return the best candidate, trained on all rows."""
        models: list[Model] = []
        decisions: list[Doubles] = []
        trainings = []
        for variant in variants:
            data = self._data.weighted(variant.factor)
            training = Training(data, self._settings)
            strengths = training.strengths()
            choice = training.solver_for(strengths)
            found = training.solve(choice, strengths, watch=watched(self._tell, None))
            decisions += self._held_out(data, strengths)
            trainings += [(training, choice, variant.power)] * len(strengths)
            models += found
        n_judged = min(len(one) for one in decisions)  # fewer where a callback has stopped the fit
        judged = np.concatenate([rows for _, rows in self._folds])[:n_judged]
        validation = self._judge(self._data.subset(judged))
        scores = validation.score_decisions([one[:n_judged] for one in decisions])
        best = scores.best
        training, choice, _ = trainings[best]
        powers = [power for *_, power in trainings] if len(variants) > 1 else None
        return Outcome(
            models[best],
            choice,
            table_of(models, scores, powers),
            best,
            float(scores.thresholds[best]),
            float(scores.criterion[best]),
            training.moments(self._data.weight),
            by_folds=True,
            judged=validation.judged_by(lambda: decisions[best][:n_judged]),
        )

    def _held_out(self, data: Data, strengths: list[Strength]) -> list[Doubles]:
        """Return each candidate's decision values on the rows of one fold after the other.

        Folds do not begin at the models of all rows: within the tolerance these would remain.
        """
        parts: list[list[Doubles]] = []
        for rows, held_out in self._folds:
            if parts and self._is_stopped():
                break
            training = Training(data.subset(rows), self._settings)
            validation = self._judge(self._data.subset(held_out))
            choice = training.solver_for(strengths)
            is_hopeless = None
            if self._gives_up and len(strengths) > 1 and len(training.problems) == 1:
                is_hopeless = validation.watch()
            models = training.solve(
                choice,
                strengths,
                watch=watched(self._tell, is_hopeless),
                loss_of=validation.loss_of,
            )
            parts.append(validation.decisions(models))
        return _joined(parts)


def fit_squared_folds(data: Data, settings: Settings, folds: Folds, judge: Judge) -> Outcome | None:
    """Return the best candidate; None where the products of the columns are not at hand.

    Products add up: those of the rows to train on are those of all folds but one.

    Parameters
    ----------
    data : Data
    settings : Settings
    folds : list of (rows to train on, rows to validate on)
    judge : callable
        Returns the validation by some of the rows.
    """
    training = Training(data, settings)
    strengths = training.strengths()
    choice = training.solver_for(strengths)
    everything = training.state if choice.name == "gram" else None
    if everything is None:
        return None

    def solved(state: squared_state.SquaredState) -> list[Model]:
        return models_of(
            state,
            strengths,
            fit_intercept=settings.fit_intercept,
            standardize=settings.standardize,
            control=Control(settings.tol, settings.max_iter),
        )

    held_out = [data.subset(rows) for _, rows in folds]
    states = [squared_state.updated(None, *one.arrays, settings.n_threads) for one in held_out]
    parts = []
    for number, one in enumerate(held_out):
        others = states[:number] + states[number + 1 :]
        parts.append(judge(one).decisions(solved(reduce(squared_state.joined, others))))
    judged = data.subset(np.concatenate([rows for _, rows in folds]))
    scores = judge(judged).score_decisions(_joined(parts))
    best = scores.best
    candidates = solved(everything)
    (model,) = training.solve(choice, [strengths[best]])
    return Outcome(
        model,
        choice,
        table_of(candidates, scores, None),
        best,
        0.0,
        float(scores.criterion[best]),
        training.moments(data.weight),
        by_folds=True,
    )


def _joined(parts: list[list[Doubles]]) -> list[Doubles]:
    return [np.concatenate(one) for one in zip(*parts, strict=True)]
