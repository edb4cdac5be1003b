"""A pack of the squared loss: all candidates, and the winner's refit, from one pass."""

from __future__ import annotations

from dataclasses import replace

from algos.linear_learner import squared_state
from algos.linear_learner.pack import Outcome, table_of
from algos.linear_learner.selection import Validation
from algos.linear_learner.squared_stream import models_of, scores_of
from algos.linear_learner.training import Data, Settings, Training


def fit_squared_pack(
    data: Data,
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
    settings : Settings
    validation : Validation
        Those of them to choose by.
    refit : bool
        Whether the winner is then trained on all rows.
    """
    training = Training(data, settings)
    strengths = training.strengths()
    choice = training.solver_for(strengths)
    everything = training.state if choice.name == "gram" else None
    if everything is None:
        return None
    chosen_by = validation.data
    part = squared_state.updated(
        None, chosen_by.X, chosen_by.target, chosen_by.weight, settings.n_threads
    )
    train = squared_state.without(everything, part)
    candidates = models_of(
        train, strengths, fit_intercept=settings.fit_intercept, standardize=settings.standardize
    )
    if validation.criterion == "absolute_error":
        scores = validation.score(candidates)  # the products cannot tell
    else:
        scores = scores_of(part, candidates)
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
