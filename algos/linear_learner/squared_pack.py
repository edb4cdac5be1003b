"""A pack of the squared loss: all candidates, and the winner's refit, from one pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from algos.linear_learner import squared_state
from algos.linear_learner.pack import Outcome, table_of
from algos.linear_learner.selection import Validation
from algos.linear_learner.squared_stream import models_of
from algos.linear_learner.training import Data, Settings, Training


def fit_squared_pack(
    data: Data,
    held_out: NDArray[np.intp],
    settings: Settings,
    validation: Validation,
    *,
    refit: bool,
) -> Outcome | None:
    """Return the best candidate; None where the products of the columns are not at hand.

    Products add up: those of the rows to train on are those of all rows less those held out.

    Parameters
    ----------
    data : Data
        All rows.
    held_out : ndarray of shape (m,)
        Which of them to choose by; `validation` has them too.
    settings : Settings
    validation : Validation
    refit : bool
        Whether the winner is then trained on all rows.
    """
    training = Training(data, settings)
    strengths = training.strengths()
    choice = training.solver_for(strengths)
    everything = training.state if choice.name == "gram" else None
    if everything is None:
        return None
    own = training.rows.subset(held_out)
    part = squared_state.measure(own, data.target[held_out], data.weight[held_out])
    train = squared_state.without(everything, part)
    candidates = models_of(
        train, strengths, fit_intercept=settings.fit_intercept, standardize=settings.standardize
    )
    scores = validation.score(candidates)
    best = scores.best
    outcome = Outcome(
        candidates[best],
        choice,
        table_of(candidates, scores, None),
        best,
        0.0,
        float(scores.criterion[best]),
    )
    if refit:
        (outcome.model,) = training.solve(choice, [strengths[best]])
        return replace(outcome, moments=training.moments(data.weight))
    moments = training.moments(data.weight)
    return replace(outcome, moments={**moments, "products": train._asdict()})
