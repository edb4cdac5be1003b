"""Cross-validated packs, for few rows.

A tenth of few rows is too few for a reliable choice. Candidates are trained on all rows, and again
on those outside each fold; the decision values on all folds are scored as if of one model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce

import numpy as np

from algos._common.arrays import Float64Array, IndexArray
from algos.linear_learner import squared_state
from algos.linear_learner.data import Data
from algos.linear_learner.pack import FitResult, Tell, Variant, watched
from algos.linear_learner.path_stopping import PathStopping
from algos.linear_learner.penalties import PenaltyParams
from algos.linear_learner.problem import Control
from algos.linear_learner.selection import Validation
from algos.linear_learner.settings import Settings
from algos.linear_learner.solvers.choice import Choice
from algos.linear_learner.squared_stream import models_of
from algos.linear_learner.trained import Model
from algos.linear_learner.training import Training

N_FOLDS = 5
MOST_FOLDED_AT_ONCE = 1 << 22  # stored values of X, of which each fold has a copy

Folds = list[tuple[IndexArray, IndexArray]]  # to train on, to validate on
MakeValidation = Callable[[Data], Validation]  # takes rows without class weights


class FoldedPack:
    """A cross-validated pack of candidates.

    Parameters
    ----------
    data : Data
        Without class weights.
    settings : Settings
    folds : list of (rows to train on, rows to validate on)
    make_validation : callable
        Returns the `Validation` for some of the rows.
    gives_up : bool
        Whether hopeless candidates are left unfinished or skipped.
    tell : callable, default=None
    is_stopped : callable
        Whether `tell` wants the fit to stop; no candidate is started then.
    """

    def __init__(
        self,
        data: Data,
        settings: Settings,
        folds: Folds,
        make_validation: MakeValidation,
        *,
        gives_up: bool,
        tell: Tell | None,
        is_stopped: Callable[[], bool],
    ) -> None:
        self._data, self._settings, self._folds = data, settings, folds
        self._make_validation, self._gives_up = make_validation, gives_up
        self._tell, self._is_stopped = tell, is_stopped

    def fit(self, variants: list[Variant]) -> FitResult:
        """Return the best candidate, trained on all rows."""
        models: list[Model] = []
        decisions: list[Float64Array] = []
        trainings = []
        given_up: set[int] = set()
        validated = np.concatenate([rows for _, rows in self._folds])
        is_small = self._data.X.size <= MOST_FOLDED_AT_ONCE
        validation = self._make_validation(self._data.subset(validated)) if is_small else None
        for variant in variants:
            data = self._data.weighted(variant.factor)
            training = Training(data, self._settings)
            grid = training.grid()
            choice = training.solver_for(grid)
            job = training, choice, data, grid
            path = self._one_by_one(*job) if validation is None else self._path(*job, validation)
            for model, decision in path:
                if model.is_skipped:
                    given_up.add(len(models))
                models.append(model)
                decisions.append(decision)
            trainings += [(training, choice, variant.power)] * len(grid)
        n_validated = min(len(one) for one in decisions)  # fewer if a callback stopped the fit
        if validation is None or n_validated < len(validated):
            validation = self._make_validation(self._data.subset(validated[:n_validated]))
            decisions = [one[:n_validated] for one in decisions]
        scores = validation.score_decisions(decisions)
        training, choice, _ = trainings[scores.best]
        return FitResult.of(
            models,
            choice,
            scores,
            [power for *_, power in trainings] if len(variants) > 1 else None,
            moments=training.moments(self._data.weight),
            given_up=given_up,
            by_folds=True,
            threshold_rows=validation.threshold_rows(lambda: decisions[scores.best]),
        )

    def _path(
        self,
        training: Training,
        choice: Choice,
        data: Data,
        grid: list[PenaltyParams],
        validation: Validation,
    ) -> Iterator[tuple[Model, Float64Array]]:
        """Yield each candidate with its decision values on the rows of all folds, in order.

        Models of the folds do not start from the models of all rows: within the tolerance they
        would still contain the held-out rows.
        """
        folds = [self._fold(data, *sides) for sides in self._folds]
        null = np.concatenate([fold.null_decision() for fold in folds])
        settings = self._settings
        ending = PathStopping(
            grid,
            validation.mean_loss(null) if settings.loss.is_positive else None,
            settings.tol,
            is_even=settings.standardize,
        )
        parts = [self._part(fold, grid, ending.is_over) for fold in folds]
        watch = watched(self._tell, None)
        whole = training.path(choice, grid, watch=watch, is_over=ending.is_over)
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
        grid: list[PenaltyParams],
    ) -> Iterator[tuple[Model, Float64Array]]:
        """Yield the same for all candidates, with the rows of one fold at a time in memory."""
        models = list(training.path(choice, grid, watch=watched(self._tell, None)))
        parts: list[list[Float64Array]] = []
        for sides in self._folds:
            if not parts or not self._is_stopped():
                part = self._part(self._fold(data, *sides), grid, None)
                parts.append([decision for _, decision in part])
        yield from zip(models, _joined(parts), strict=True)

    def _fold(self, data: Data, to_train: IndexArray, held_out: IndexArray) -> _Fold:
        validation = self._make_validation(self._data.subset(held_out))
        return _Fold(data.subset(to_train), self._settings, validation)

    def _part(
        self, fold: _Fold, grid: list[PenaltyParams], is_over: Callable[[int], bool] | None
    ) -> Iterator[tuple[Model, Float64Array]]:
        return fold.path(grid, is_over, self._tell, gives_up=self._gives_up)


class _Fold:
    """The rows outside a fold, to train on, and those of it, to make_validation by."""

    def __init__(self, train: Data, settings: Settings, validation: Validation) -> None:
        self._training, self._validation = Training(train, settings), validation

    def null_decision(self) -> Float64Array:
        """Return the decision values of the best constant model on the fold's rows."""
        return np.tile(self._training.null_intercept(), (len(self._validation.data), 1))

    def path(
        self,
        grid: list[PenaltyParams],
        is_over: Callable[[int], bool] | None,
        tell: Tell | None,
        *,
        gives_up: bool,
    ) -> Iterator[tuple[Model, Float64Array]]:
        """Yield the candidates in turn, and their decision values on the fold's rows."""
        training, validation = self._training, self._validation
        choice = training.solver_for(grid)
        has_rivals = gives_up and len(grid) > 1 and len(training.problems) == 1
        models = training.path(
            choice,
            grid,
            watch=watched(tell, validation.watch() if has_rivals else None),
            loss_of=validation.loss_of,
            is_over=is_over,
        )
        for model in models:
            yield model, validation.decisions([model])[0]


def fit_squared_folds(
    data: Data, settings: Settings, folds: Folds, make_validation: MakeValidation
) -> FitResult | None:
    """Return the best candidate; None if there are no products of the columns.

    Products are additive: those of the training rows are the sum over all folds but one.

    Parameters
    ----------
    data : Data
    settings : Settings
    folds : list of (rows to train on, rows to validate on)
    make_validation : callable
        Returns the `Validation` for some of the rows.
    """
    training = Training(data, settings)
    grid = training.grid()
    choice = training.solver_for(grid)
    everything = training.products.state if choice.name == "gram" else None
    if everything is None:
        return None

    def solved(state: squared_state.SquaredState) -> list[Model]:
        return models_of(
            state,
            grid,
            fit_intercept=settings.fit_intercept,
            standardize=settings.standardize,
            control=Control(settings.tol, settings.max_iter),
        )

    held_out = [data.subset(rows) for _, rows in folds]
    states = [squared_state.updated(None, *one.arrays, settings.n_threads) for one in held_out]
    parts = []
    for number, one in enumerate(held_out):
        others = states[:number] + states[number + 1 :]
        parts.append(make_validation(one).decisions(solved(reduce(squared_state.joined, others))))
    validated = data.subset(np.concatenate([rows for _, rows in folds]))
    scores = make_validation(validated).score_decisions(_joined(parts))
    (model,) = training.path(choice, [grid[scores.best]])
    return FitResult.of(
        solved(everything),
        choice,
        scores,
        model=model,
        moments=training.moments(data.weight),
        by_folds=True,
    )


def _joined(parts: list[list[Float64Array]]) -> list[Float64Array]:
    return [np.concatenate(one) for one in zip(*parts, strict=True)]
