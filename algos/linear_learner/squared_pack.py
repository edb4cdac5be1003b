"""A pack of the squared loss: all candidates, and the refit of the best one, from one pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from algos.linear_learner import squared_state
from algos.linear_learner.data import Data
from algos.linear_learner.pack import FitResult
from algos.linear_learner.problem import Control
from algos.linear_learner.scores import Scores
from algos.linear_learner.selection import Validation
from algos.linear_learner.settings import Settings
from algos.linear_learner.squared_state import SquaredState
from algos.linear_learner.squared_stream import models_of, scores_of
from algos.linear_learner.trained import Model
from algos.linear_learner.training import Training

_CANCELS = 1e4  # rounding errors; a residual variance below this many needs the rows


def fit_squared_pack(
    data: Data,
    settings: Settings,
    validation: Validation,
    *,
    are_among: bool,
    refit: bool,
) -> FitResult | None:
    """Return the best candidate; None if there are no products of the columns.

    Products are additive: those of the training rows are those of all rows minus those held out.
    Candidates are computed from them; the best one is then refined with the rows.

    Parameters
    ----------
    data : Data
    settings : Settings
    validation : Validation
    are_among : bool
        Whether the validation rows are part of the data.
    refit : bool
        Whether the best candidate is then trained on all data.
    """
    training = Training(data, settings)
    grid = training.grid()
    choice = training.solver_for(grid)
    everything = training.products.state if choice.name == "gram" else None
    if everything is None:
        return None
    chosen_by = validation.data
    part = squared_state.updated(
        None, chosen_by.X, chosen_by.target, chosen_by.weight, settings.n_threads
    )
    train = squared_state.without(everything, part) if are_among else everything
    candidates = models_of(
        train,
        grid,
        fit_intercept=settings.fit_intercept,
        standardize=settings.standardize,
        control=Control(settings.tol, settings.max_iter),
    )
    scores = _scores(validation, part, candidates)
    best = scores.best
    if not are_among:
        (candidates[best],) = training.path(choice, [grid[best]], start=[candidates[best]])
    result = FitResult.of(candidates, choice, scores)
    if refit and are_among:
        (result.model,) = training.path(choice, [grid[best]])
        return replace(result, moments=training.moments(data.weight))
    moments = training.moments(data.weight)
    return replace(result, moments={**moments, "products": train._asdict()})


def _scores(validation: Validation, part: SquaredState, candidates: list[Model]) -> Scores:
    """Return the scores of candidates, from products if these are precise enough."""
    if validation.criterion != "absolute_error":
        scores = scores_of(part, candidates)
        rounding = _CANCELS * float(np.finfo(validation.data.X.dtype).eps)
        if not (1 - scores.columns["r2"] < rounding).any():
            return scores
    return validation.score(candidates)
