"""The values that "auto" took in a fit, in the units of the parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from algos.factorization_machine.block_solvers import (
    chain_of,
    penalties_of,
    scale_of_start,
    sweeps_of,
)
from algos.factorization_machine.fields import groups_of
from algos.factorization_machine.learners import (
    epochs_of,
    is_constant,
    patience_of,
    scale_of_first,
    stochastic_settings,
)
from algos.factorization_machine.machine import Outcome, Problem
from algos.factorization_machine.rows import Columns
from algos.factorization_machine.stochastic import StepSettings

Values = dict[str, Any]


def values_used(problem: Problem, solver: str, outcome: Outcome, columns: Columns) -> Values:
    """Return the values of the "auto" parameters that a solver used, by name.

    Parameters
    ----------
    problem : Problem
    solver : {"mcmc", "als", "adagrad"}
    outcome : Outcome
    columns : Columns
        The columns of X that the problem's columns stand for.
    """
    if is_constant(problem):
        return {"solver": solver}
    used = _USED[solver](problem, outcome, columns)
    if problem.start is not None:  # a warm start draws nothing
        del used["init_scale"]
    return {"solver": solver, **used}


def in_units(used: Values, spread: float) -> Values:
    """Return the values as a user would give them, for targets that were divided by `spread`."""
    factors = {"alpha": spread, "init_scale": float(np.sqrt(spread))}
    return {name: value * factors[name] if name in factors else value
            for name, value in used.items()}  # fmt: skip


def _used_by_mcmc(problem: Problem, outcome: Outcome, columns: Columns) -> Values:
    assert problem.fields is not None
    max_iter, burn_in = chain_of(problem.settings)
    groups = groups_of(problem.settings.feature_groups, problem.fields)
    labels = np.zeros(columns.d, dtype=np.int32)  # columns that do not occur may be in any group
    labels[slice(None) if columns.places is None else columns.places] = groups
    return {
        "max_iter": max_iter,
        "burn_in": burn_in,
        "feature_groups": labels,
        "init_scale": scale_of_start(problem, is_chain=True),
    }


def _used_by_als(problem: Problem, outcome: Outcome, columns: Columns) -> Values:
    penalties = penalties_of(problem)
    return {
        "max_iter": sweeps_of(problem.settings),
        "alpha": penalties.alpha,
        "alpha_linear": penalties.alpha_linear,
        "init_scale": scale_of_start(problem),
    }


def values_of_stream(problem: Problem, beginning: Problem | None) -> Values:
    """Return the values of the "auto" parameters that a stream uses from this batch on.

    Parameters
    ----------
    problem : Problem
    beginning : Problem or None
        The problem for which initial factors were drawn; None if there was a model.
    """
    used = _values_of_steps(problem, stochastic_settings(problem))
    if beginning is not None:
        used["init_scale"] = scale_of_first(beginning)
    return {"solver": "adagrad", **used}


def _values_of_steps(problem: Problem, steps: StepSettings) -> Values:
    return {
        # For squared errors, the value of "auto" at a mean squared error of 1.
        "alpha": steps.alpha or steps.alpha_of_noise,
        "alpha_linear": steps.alpha_linear or steps.alpha_linear_of_noise,
        "learning_rate_init": steps.rate,
        "learning_rate_linear": steps.rate_linear,
        "learning_rate_intercept": steps.rate_intercept,
        "batch_size": steps.batch_of(problem.table.rows),
        "initial_accumulator_value": steps.accumulator,
    }


def _used_by_adagrad(problem: Problem, outcome: Outcome, columns: Columns) -> Values:
    steps = stochastic_settings(problem, outcome.rate)
    used = {
        "max_iter": epochs_of(problem.settings),
        **_values_of_steps(problem, steps),
        "n_iter_no_change": patience_of(problem, steps),
        "init_scale": scale_of_first(problem),
    }
    if problem.loss == "bpr":  # pairs need no intercept, and none are held out
        del used["learning_rate_intercept"]
        return used
    if problem.held_out is None or problem.whole is not None:  # no `X_val` was given
        used["early_stopping"] = problem.whole is not None
    return used


_USED = {"mcmc": _used_by_mcmc, "als": _used_by_als, "adagrad": _used_by_adagrad}
