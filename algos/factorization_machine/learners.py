"""The solver "adagrad" from a problem to an outcome, and the table of all solvers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from algos._common.history import History
from algos.factorization_machine import stochastic
from algos.factorization_machine.batches import Data
from algos.factorization_machine.block_solvers import fit_als, fit_mcmc
from algos.factorization_machine.cut_points import start_cuts
from algos.factorization_machine.machine import (
    Listener,
    Machine,
    Outcome,
    Problem,
    Settings,
    largest_fall,
)
from algos.factorization_machine.ranking import learn_choices
from algos.factorization_machine.rows import Table
from algos.factorization_machine.steps import Start, Steps, start_scale
from algos.factorization_machine.stochastic import (
    Trial,
    has_diverged,
    learn,
    mean_loss,
    tried_rate,
)

# Defaults of stochastic steps, measured on ratings, clicks and choices: alpha, alpha_linear and
# the learning rate, by loss. For classes the first epoch shows which rate suits; for numbers it
# would suggest one that is too large in the end.
_EPOCHS = 100
_NUMBERS = (1e-1, 1.4e-2, 0.05)
_CLASSES = (1e-2, 1e-3, 0.1)
_PAIRS = (1e-2, 1e-3, 0.2)
_RATES = (0.2, 0.1, 0.05)
_ACCUMULATOR = 0.1
# Epochs without progress before stopping, and the least number of batches in them: interactions
# without main effects are found late. Measured on 900 rows of interactions, 100 epochs of one
# batch: predictions are better than a constant from the 15th on.
_PATIENCE = 2
_PATIENT_BATCHES = 100


def is_constant(problem: Problem) -> bool:
    """Tell whether no column has a nonzero value, or all numbers (or levels) are equal."""
    table = problem.table
    if problem.loss in ("squared_error", "ordered_probit") and not table.target.any():
        return True
    return table.rows.stored == 0


def fit_constant(problem: Problem, reporter: Listener) -> Outcome:
    """Return the best constant."""
    table, k = problem.table, problem.settings.n_factors
    shape = table.rows.n_columns
    cuts = None
    if problem.loss == "ordered_probit":
        mass = np.bincount(table.target.astype(np.intp), table.weight, problem.n_classes)
        cuts = start_cuts(mass.astype(np.float64))
    machines = [
        Machine(start, np.zeros(shape), np.zeros((shape, k)), cuts=cuts)
        for start in np.atleast_1d(best_constant(problem)).tolist()
    ]
    history = {"objective": [np.nan], "seconds": [0.0], "validation": [np.nan]}
    return Outcome(machines, 1, history, np.nan)


def best_constant(problem: Problem) -> Any:
    """Return the intercept of each output that is best without any columns."""
    table = problem.table
    if problem.loss == "log_loss":
        if problem.n_outputs > 1:
            mass = np.bincount(table.target.astype(np.intp), table.weight, problem.n_classes)
            shares = np.log(np.maximum(mass, 1e-12 * mass.sum()))
            return shares - shares.mean()
        mass = np.bincount((table.target > 0).astype(np.intp), table.weight, 2)
        mass = np.maximum(mass, 1e-12 * mass.sum())
        return float(np.log(mass[1] / mass[0]))
    return 0.0  # targets are centred; ordered levels have cut points; pairs need none


def loss_of_constant(problem: Problem, rows: Data, loss: str) -> float:
    """Return the mean loss of rows if all get the best constant scores."""
    scores = np.atleast_1d(best_constant(problem))
    return mean_loss(np.broadcast_to(scores, (rows.rows.n, len(scores))), rows, loss)


def fit_adagrad(problem: Problem, reporter: Listener) -> Outcome:
    """Learn by stochastic steps, up to the best epoch if there are validation rows.

    If these were held out, all rows are then learned afresh for as many epochs.
    """
    given, held_out = problem.settings, None
    data = data_of(problem.table, problem)
    if problem.held_out is not None:
        held_out = data_of(problem.held_out, problem)
    stop_rows = held_out if problem.stops_early else None
    first, settings, trial = _beginning(problem, data, stop_rows)
    history = History()

    def watch(now: Steps, loss: float, validation: float | None) -> bool:
        checked = np.nan if validation is None else validation
        if held_out is not None and validation is None:  # only recorded
            scores = now.scores(held_out.rows, n_threads=problem.n_threads)
            checked = mean_loss(scores, held_out, settings.loss)
        history.record(loss, validation=checked)
        return reporter(lambda: machines_of(now), loss, checked)

    control: dict[str, Any] = {
        "max_iter": epochs_of(given),
        "tol": given.tol,
        "patience": patience_of(problem, settings),
        "watch": watch,
        "n_threads": problem.n_threads,
        "keeps_best": problem.whole is None,
    }
    start, groups = (first, data), problem.table.groups
    if groups is not None:
        steps = learn_choices(
            *start, groups, settings, problem.key, is_of_item=problem.is_of_item, **control
        )
    else:
        steps = learn(*start, settings, problem.key, validation=stop_rows, trial=trial, **control)
    columns = history.arrays()
    if problem.whole is not None and groups is None:
        n_best = int(np.argmin(columns["validation"])) + 1
        del steps
        steps = learn(
            first, data_of(problem.whole, problem), settings, problem.key, max_iter=n_best,
            patience=n_best + 1, n_threads=problem.n_threads,
        )  # fmt: skip
    best = columns["objective" if stop_rows is None else "validation"]
    fall = largest_fall(best, given.n_iter_no_change or _PATIENCE)
    is_lost = stop_rows is None and has_diverged(best[-1], best[0]) and best[0] == min(best)
    return Outcome(
        machines_of(steps), len(best), columns, float(np.min(best)), state=state_of(steps),
        fall=fall if len(best) == control["max_iter"] and fall > given.tol else 0.0,
        is_lost=is_lost, rate=settings.rate,
        constant=None if stop_rows is None else loss_of_constant(problem, stop_rows, settings.loss),
    )  # fmt: skip


def _beginning(
    problem: Problem, data: Data, held_out: Data | None
) -> tuple[Steps, stochastic.StepSettings, Trial | None]:
    """Return the initial learner, the settings, and the trial that chose their rate, if any."""
    settings = stochastic_settings(problem)
    first = first_steps(problem, settings)
    if problem.settings.learning_rate is not None or problem.loss != "log_loss":
        return first, settings, None
    trial = tried_rate(
        first, data, settings, problem.key, rates=_RATES, validation=held_out,
        n_threads=problem.n_threads,
    )  # fmt: skip
    return first, stochastic_settings(problem, trial.settings.rate), trial


def stochastic_settings(problem: Problem, tried: float | None = None) -> stochastic.StepSettings:
    """Return the settings of steps, with defaults for "auto"; `tried` is the chosen rate."""
    given = problem.settings
    defaults = {"squared_error": _NUMBERS, "bpr": _PAIRS}.get(problem.loss, _CLASSES)
    alpha, alpha_linear, usual = defaults
    rate = _or(given.learning_rate, usual if tried is None else tried)
    # With squared errors, "auto" penalties are proportional to the mean squared error.
    follows = problem.loss == "squared_error"
    alpha_of_noise = alpha if follows and given.alpha is None else 0.0
    linear_of_noise = alpha_linear if follows and given.alpha_linear is None else 0.0
    loss = "multinomial" if problem.n_outputs > 1 else problem.loss
    return stochastic.StepSettings(
        loss=loss,
        rate=rate,
        rate_linear=_or(given.learning_rate_linear, rate),
        rate_intercept=_or(given.learning_rate_intercept, rate),
        alpha=0.0 if alpha_of_noise else _or(given.alpha, alpha),
        alpha_linear=0.0 if linear_of_noise else _or(given.alpha_linear, alpha_linear),
        alpha_of_noise=alpha_of_noise,
        alpha_linear_of_noise=linear_of_noise,
        alpha_intercept=given.alpha_intercept,
        accumulator=_or(given.initial_accumulator_value, _ACCUMULATOR),
        batch_size=given.batch_size,
        clip=given.clip_gradient,
    )


def first_steps(problem: Problem, settings: stochastic.StepSettings) -> Steps:
    """Return the initial learner."""
    given, n_columns = problem.settings, problem.table.rows.n_columns
    intercept = given.init_intercept
    zeros = given.init_linear == "zeros"
    steps = Steps.begin(
        n_columns,
        given.n_factors,
        problem.key,
        n_outputs=problem.n_outputs,
        start=Start(
            scale=scale_of_first(problem),
            init=given.init,
            linear_scale=0.0 if zeros else given.init_linear_scale,
            linear_init="constant" if zeros else given.init_linear,
            intercept=best_constant(problem) if intercept is None else intercept,
        ),
        accumulator=settings.accumulator,
    )
    return steps if problem.start is None else started(steps, problem.start)


def epochs_of(given: Settings) -> int:
    """Return the maximum number of epochs."""
    return _EPOCHS if given.max_iter is None else given.max_iter


def patience_of(problem: Problem, settings: stochastic.StepSettings) -> int:
    """Return the number of epochs without progress that ends the fit."""
    given, rows = problem.settings.n_iter_no_change, problem.table.rows
    if given is not None:
        return given
    if not problem.stops_early:
        return _PATIENCE
    batches = -(-rows.n // settings.batch_of(rows))
    return max(_PATIENCE, -(-_PATIENT_BATCHES // batches))


def scale_of_first(problem: Problem) -> float:
    """Return the scale of initial factors."""
    given = problem.settings
    return _or(given.init_scale, start_scale(problem.table.rows, given.n_factors))


def started(steps: Steps, machines: list[Machine]) -> Steps:
    """Return the learner with the given models as its parameters."""
    return steps.in_place_of(
        np.array([one.intercept for one in machines]),
        np.stack([one.linear for one in machines]),
        np.stack([one.factors for one in machines]),
    )


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def data_of(table: Table, problem: Problem, unit: float | None = None) -> Data:
    """Return rows in the form that steps need, with classes 0, 1, …"""
    target = table.target
    if problem.loss in ("log_loss", "bpr") and problem.n_outputs == 1:
        target = (target > 0).astype(np.float64)
    return Data.of(table.rows, target, table.weight, unit)


def machines_of(steps: Steps) -> list[Machine]:
    """Return the current models of a learner."""
    each = zip(steps.intercept.tolist(), steps.linear, steps.factors, strict=True)
    return [Machine(*one) for one in each]


def state_of(steps: Steps) -> dict[str, Any]:
    """Return a learner's state as plain arrays and numbers."""
    return dict(vars(steps))


LEARNERS: dict[str, Callable[[Problem, Listener], Outcome]] = {
    "mcmc": fit_mcmc,
    "als": fit_als,
    "adagrad": fit_adagrad,
}
