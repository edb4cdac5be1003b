"""Packs of few rows: each candidate is judged on all rows, by models that have not learned them.

A tenth of few rows would choose by chance. Candidates are trained on all rows, and again on
those outside each fold; the decision values on the folds are scored as if of one model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from algos.linear_learner import squared_state
from algos.linear_learner.data import Data
from algos.linear_learner.ending import Ending
from algos.linear_learner.pack import Outcome, Tell, Variant, watched
from algos.linear_learner.penalties import Strength
from algos.linear_learner.problem import Control, Doubles
from algos.linear_learner.selection import Validation
from algos.linear_learner.settings import Settings
from algos.linear_learner.solvers.choice import Choice
from algos.linear_learner.squared_stream import models_of
from algos.linear_learner.trained import Model
from algos.linear_learner.training import Training

N_FOLDS = 5
MOST_FOLDED_AT_ONCE = 1 << 22  # stored values of X: there are as many copies as folds

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
        Whether hopeless candidates are left unfinished, or not begun.
    tell : callable, default=None
    is_stopped : callable
        Whether `tell` wants the fit to stop; no candidate is begun then.
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
        given_up: set[int] = set()
        judged = np.concatenate([rows for _, rows in self._folds])
        is_small = self._data.X.size <= MOST_FOLDED_AT_ONCE
        validation = self._judge(self._data.subset(judged)) if is_small else None
        for variant in variants:
            data = self._data.weighted(variant.factor)
            training = Training(data, self._settings)
            strengths = training.strengths()
            choice = training.solver_for(strengths)
            job = training, choice, data, strengths
            path = self._one_by_one(*job) if validation is None else self._path(*job, validation)
            for model, decision in path:
                if model.is_spared:
                    given_up.add(len(models))
                models.append(model)
                decisions.append(decision)
            trainings += [(training, choice, variant.power)] * len(strengths)
        n_judged = min(len(one) for one in decisions)  # fewer where a callback has stopped the fit
        if validation is None or n_judged < len(judged):
            validation = self._judge(self._data.subset(judged[:n_judged]))
            decisions = [one[:n_judged] for one in decisions]
        scores = validation.score_decisions(decisions)
        training, choice, _ = trainings[scores.best]
        return Outcome.of(
            models,
            choice,
            scores,
            [power for *_, power in trainings] if len(variants) > 1 else None,
            moments=training.moments(self._data.weight),
            given_up=given_up,
            by_folds=True,
            judged=validation.judged_by(lambda: decisions[scores.best]),
        )

    def _path(
        self,
        training: Training,
        choice: Choice,
        data: Data,
        strengths: list[Strength],
        validation: Validation,
    ) -> Iterator[tuple[Model, Doubles]]:
        """Yield each candidate, and the decision values on the rows of one fold after the other.

        Folds do not begin at the models of all rows: within the tolerance these would remain.
        """
        folds = [self._fold(data, *sides) for sides in self._folds]
        null = np.concatenate([fold.null_decision() for fold in folds])
        settings = self._settings
        ending = Ending(
            strengths,
            validation.mean_loss(null) if settings.loss.is_positive else None,
            settings.tol,
            is_even=settings.standardize,
        )
        parts = [self._part(fold, strengths, ending.is_over) for fold in folds]
        watch = watched(self._tell, None)
        whole = training.path(choice, strengths, watch=watch, is_over=ending.is_over)
        for number, model in enumerate(whole):
            if self._is_stopped():
                ending.stop()
            found = [next(part) for part in parts]
            decision = np.concatenate([one for _, one in found])
            if self._gives_up:
                left = max(one.left for one, _ in found)
                ending.see(number, validation.mean_loss(decision), left)
            yield model, decision

    def _one_by_one(
        self,
        training: Training,
        choice: Choice,
        data: Data,
        strengths: list[Strength],
    ) -> Iterator[tuple[Model, Doubles]]:
        """Yield the same, none spared, with the rows of one fold at a time in memory."""
        models = list(training.path(choice, strengths, watch=watched(self._tell, None)))
        parts: list[list[Doubles]] = []
        for sides in self._folds:
            if not parts or not self._is_stopped():
                part = self._part(self._fold(data, *sides), strengths, None)
                parts.append([decision for _, decision in part])
        yield from zip(models, _joined(parts), strict=True)

    def _fold(self, data: Data, to_train: Rows, held_out: Rows) -> _Fold:
        judged = self._judge(self._data.subset(held_out))
        return _Fold(data.subset(to_train), self._settings, judged)

    def _part(
        self, fold: _Fold, strengths: list[Strength], is_over: Callable[[int], bool] | None
    ) -> Iterator[tuple[Model, Doubles]]:
        return fold.path(strengths, is_over, self._tell, gives_up=self._gives_up)


class _Fold:
    """The rows outside a fold, to train on, and those of it, to judge by."""

    def __init__(self, train: Data, settings: Settings, validation: Validation) -> None:
        self._training, self._validation = Training(train, settings), validation

    def null_decision(self) -> Doubles:
        """Return the decision values of the best constant model on the fold's rows."""
        return np.tile(self._training.null_intercept(), (len(self._validation.data), 1))

    def path(
        self,
        strengths: list[Strength],
        is_over: Callable[[int], bool] | None,
        tell: Tell | None,
        *,
        gives_up: bool,
    ) -> Iterator[tuple[Model, Doubles]]:
        """Yield the candidates in turn, and their decision values on the fold's rows."""
        training, validation = self._training, self._validation
        choice = training.solver_for(strengths)
        has_rivals = gives_up and len(strengths) > 1 and len(training.problems) == 1
        models = training.path(
            choice,
            strengths,
            watch=watched(tell, validation.watch() if has_rivals else None),
            loss_of=validation.loss_of,
            is_over=is_over,
        )
        for model in models:
            yield model, validation.decisions([model])[0]


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
    everything = training.products.state if choice.name == "gram" else None
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
    (model,) = training.path(choice, [strengths[scores.best]])
    return Outcome.of(
        solved(everything),
        choice,
        scores,
        model=model,
        moments=training.moments(data.weight),
        by_folds=True,
    )


def _joined(parts: list[list[Doubles]]) -> list[Doubles]:
    return [np.concatenate(one) for one in zip(*parts, strict=True)]
