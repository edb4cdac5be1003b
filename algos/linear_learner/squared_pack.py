"""A pack of the squared loss: all candidates, and the winner's refit, from one pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from algos.linear_learner import squared_state
from algos.linear_learner.data import Data
from algos.linear_learner.pack import Outcome
from algos.linear_learner.problem import Control
from algos.linear_learner.scores import Scores
from algos.linear_learner.selection import Validation
from algos.linear_learner.settings import Settings
from algos.linear_learner.squared_state import SquaredState
from algos.linear_learner.squared_stream import models_of, scores_of
from algos.linear_learner.trained import Model
from algos.linear_learner.training import Training

_CANCELS = 1e4  # roundings, as shares of the spread: errors below are those of rows alone


def fit_squared_pack(
    data: Data,
    settings: Settings,
    validation: Validation,
    *,
    are_among: bool,
    refit: bool,
) -> Outcome | None:
    """Return the best candidate; None where the products of the columns are not at hand.

    Products add up: those of the rows to train on are those of all rows less those held out.
    Candidates follow from them alone; the winner is brought to the digits that rows tell.

    Parameters
    ----------
    data : Data
    settings : Settings
    validation : Validation
        Rows to choose by.
    are_among : bool
        Whether those are among the data.
    refit : bool
        Whether the winner is then trained on all data.
    """
    training = Training(data, settings)
    strengths = training.strengths()
    choice = training.solver_for(strengths)
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
        strengths,
        fit_intercept=settings.fit_intercept,
        standardize=settings.standardize,
        control=Control(settings.tol, settings.max_iter),
    )
    scores = _scores(validation, part, candidates)
    best = scores.best
    if not are_among:
        (candidates[best],) = training.path(choice, [strengths[best]], start=[candidates[best]])
    outcome = Outcome.of(candidates, choice, scores)
    if refit and are_among:
        (outcome.model,) = training.path(choice, [strengths[best]])
        return replace(outcome, moments=training.moments(data.weight))
    moments = training.moments(data.weight)
    return replace(outcome, moments={**moments, "products": train._asdict()})


def _scores(validation: Validation, part: SquaredState, candidates: list[Model]) -> Scores:
    """Return how candidates do, by products if those can tell."""
    if validation.criterion != "absolute_error":
        scores = scores_of(part, candidates)
        rounding = _CANCELS * float(np.finfo(validation.data.X.dtype).eps)
        if not (1 - scores.columns["r2"] < rounding).any():
            return scores
    return validation.score(candidates)
