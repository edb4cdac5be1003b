"""The solvers "mcmc" and "als", from a problem to an outcome."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit, logit

from algos._common.arrays import Float64Array
from algos._common.history import History
from algos._common.random import Key, stream
from algos.factorization_machine.als import Penalties, solve_als
from algos.factorization_machine.blocks import Sweeper
from algos.factorization_machine.fields import groups_of
from algos.factorization_machine.likelihoods import (
    Gaussian,
    Likelihood,
    Logit,
    OrderedProbit,
    RoundedLogit,
)
from algos.factorization_machine.machine import (
    Listener,
    Machine,
    Outcome,
    Problem,
    Settings,
    largest_fall,
)
from algos.factorization_machine.posterior import require_room_of_draws
from algos.factorization_machine.priors import prior_rates, starts_wide, unit_rates
from algos.factorization_machine.rows import Table
from algos.factorization_machine.sampler import Chain, Posterior, Sweep, sample
from algos.factorization_machine.scoring import scores
from algos.factorization_machine.steps import drawn

Start = tuple[float, NDArray[Any], NDArray[Any]]

_OF_START = 121  # stream of a key
# Measured on ratings: after 300 sweeps the RMSE is .0004 below that after 200; burn-ins of 10 to
# 20 are equivalent.
_SWEEPS, _BURN_IN = 300, 15
_SWEEPS_OF_ALS = 100
_INIT_SCALE = 0.1
# Chains for classes start wide: after a narrow start, factors and their priors' precisions keep
# each other small for hundreds of sweeps. Log loss on Frappe after 50 sweeps .221 from 0.1, .152
# from 0.5, .146 from 1 and 2; on 10,000 of its rows after 300 .340 from 0.1, .325 from 1. Numbers
# are learned from a narrow start: RMSE of ratings after 200 sweeps .9064 from 0.1, .908 from 0.3
# to 1. So are dense rows, where all pairs occur and a wide start adds noise to each: 300 rows of
# 100 normal columns, of which two matter, end at .523 from 0.1, .554 from 1.
_INIT_SCALE_OF_CLASSES = 1.0
# For targets with unit variance and columns with values of 1.
_ALPHA, _ALPHA_LINEAR = 10.0, 2.0
# The same for latent targets, whose noise has unit variance.
_LATENT_ALPHA, _LATENT_ALPHA_LINEAR = 7.0, 1.0


def fit_mcmc(problem: Problem, reporter: Listener) -> Outcome:
    """Draw from the posterior of each output."""
    return _each_output(problem, reporter, _sampled)


def fit_als(problem: Problem, reporter: Listener) -> Outcome:
    """Minimise the penalised loss of each output."""
    return _each_output(problem, reporter, _solved)


# Fits one output: from (problem, its number, the key, a listener for model, objective and
# validation loss) to (model, traces, by which share the loss still fell).
OneOutput = Callable[[Problem, int, Key, Any], tuple[Machine, dict[str, Any], float]]


def _each_output(problem: Problem, reporter: Listener, fit_one: OneOutput) -> Outcome:
    """Fit the outputs one after the other; classes against the rest."""
    shape = problem.table.rows.n_columns
    unmet = [0.0] * problem.n_outputs
    nothing = Machine(0.0, np.zeros(shape), np.zeros((shape, problem.settings.n_factors)))
    machines = [nothing] * problem.n_outputs
    history = History()
    hyper: dict[str, Any] = {}
    objectives = []
    for output in range(problem.n_outputs):
        key = problem.key
        if output:
            key = stream(problem.key, _OF_START, output).integers(0, 2**64, 2, dtype=np.uint64)

        def watch(
            machine: Callable[[], Machine],
            objective: float,
            validation: float,
            output: int = output,
        ) -> bool:
            history.record(objective, validation=validation)
            others = list(machines)
            return reporter(
                lambda: others[:output] + [machine()] + others[output + 1 :],
                objective,
                validation,
            )

        machines[output], traces, unmet[output] = fit_one(problem, output, key, watch)
        objectives.append(history.arrays()["objective"][-1])
        hyper = traces if problem.n_outputs == 1 else {}
    columns = history.arrays()
    return Outcome(
        machines, len(history), columns, float(np.sum(objectives)), hyper, fall=max(unmet)
    )


def chain_of(given: Settings) -> tuple[int, int]:
    """Return the numbers of sweeps and of burn-in sweeps of a chain."""
    max_iter = _SWEEPS if given.max_iter is None else given.max_iter
    return max_iter, min(_BURN_IN, max_iter // 4) if given.burn_in is None else given.burn_in


def sweeps_of(given: Settings) -> int:
    """Return the maximum number of sweeps of "als"."""
    return _SWEEPS_OF_ALS if given.max_iter is None else given.max_iter


def penalties_of(problem: Problem) -> Penalties:
    """Return the penalties of "als"."""
    given, is_latent = problem.settings, problem.loss != "squared_error"
    alpha = _LATENT_ALPHA if is_latent else _ALPHA
    alpha_linear = _LATENT_ALPHA_LINEAR if is_latent else _ALPHA_LINEAR
    return Penalties(
        alpha if given.alpha is None else given.alpha,
        alpha_linear if given.alpha_linear is None else given.alpha_linear,
        given.alpha_intercept,
    )


def _sampled(
    problem: Problem, output: int, key: Key, watch: Any
) -> tuple[Machine, dict[str, Any], float]:
    given, table = problem.settings, problem.table
    likelihood = likelihood_of(problem, table, output)
    max_iter, burn_in = chain_of(given)
    if burn_in >= max_iter:
        raise ValueError(
            f"`burn_in`={burn_in} must be below `max_iter`={max_iter}; raise `max_iter`"
        )
    held = HeldOut(problem, output, burn_in)
    assert problem.fields is not None
    groups = groups_of(given.feature_groups, problem.fields)
    require_room_of_draws(
        table.rows.n_columns,
        given.n_factors,
        n_draws=min(given.n_draws, max_iter - burn_in),
        n_traces=max_iter * (int(groups.max(initial=0)) + 1),
    )

    def on_sweep(sweep: Sweep) -> bool:
        now = sweep.sweeper
        objective = _mean_loss(likelihood, now, table, problem.n_threads)
        return bool(
            watch(lambda: _machine_of(now, sweep.state), objective, held.loss(now, sweep.number))
        )

    start = first_machine(problem, output, key, is_chain=True)
    is_wide = not start[1].any() and starts_wide(table.rows)
    posterior = sample(
        table.rows,
        problem.fields,
        likelihood,
        Chain(max_iter, burn_in, given.n_draws, rates=prior_rates(table.rows), starts_wide=is_wide),
        groups,
        start,
        key,
        n_threads=problem.n_threads,
        on_sweep=on_sweep,
    )
    return _folded(posterior), posterior.hyper, 0.0


def _folded(posterior: Posterior) -> Machine:
    draws = posterior.draws
    cuts = draws.state.get("cuts")
    mean_cuts = None
    if cuts is not None:
        mean_cuts = cuts[0].copy()
        mean_cuts[1:-1] = cuts[:, 1:-1].mean(axis=0)
    factors = draws.mean_factors[:, : draws.n_factors]
    return Machine(draws.mean_intercept, draws.mean_linear, factors, draws, mean_cuts)


def _solved(
    problem: Problem, output: int, key: Key, watch: Any
) -> tuple[Machine, dict[str, Any], float]:
    given, table = problem.settings, problem.table
    likelihood = likelihood_of(problem, table, output)
    max_iter = sweeps_of(given)
    held = HeldOut(problem, output, 1 << 62)

    def on_sweep(now: Sweeper, objective: float) -> bool:
        state = likelihood.state()
        return bool(watch(lambda: _machine_of(now, state), objective, held.loss(now, 0)))

    assert problem.fields is not None
    found = solve_als(
        table.rows,
        problem.fields,
        likelihood,
        penalties_of(problem),
        first_machine(problem, output, key),
        max_iter=max_iter,
        tol=given.tol,
        dtype=problem.dtype,
        n_threads=problem.n_threads,
        on_sweep=on_sweep,
    )
    machine = Machine(found.intercept, found.linear, found.factors, cuts=found.state.get("cuts"))
    has_more = found.n_iter == max_iter and not found.has_converged
    return machine, {}, largest_fall(found.objectives, 1) if has_more else 0.0


def _machine_of(now: Sweeper, state: dict[str, Any]) -> Machine:
    return Machine(now.intercept, now.linear.copy(), now.factors.copy(), cuts=state.get("cuts"))


def _mean_loss(likelihood: Likelihood, now: Sweeper, table: Table, n_threads: int) -> float:
    """Return the mean loss of the training rows."""
    if isinstance(likelihood, Gaussian):
        total, _, squares = now.error_sums(likelihood.weight)
        return squares / (2 * total)
    return likelihood.objective(now.scores(), n_threads) / float(table.weight.sum())


def likelihood_of(problem: Problem, table: Table, output: int) -> Likelihood:
    """Return the likelihood of an output's scores, given the rows."""
    weight = None if np.all(table.weight == 1) else table.weight
    if problem.loss == "squared_error":
        return Gaussian(table.target, weight)
    if problem.loss == "ordered_probit":
        return OrderedProbit(table.target.astype(np.int32), weight)
    levels = _is_of_class(problem, table, output).astype(np.int32)
    if weight is not None and problem.rounds_weights:
        return RoundedLogit(levels, weight)
    return Logit(levels, weight)


def _is_of_class(problem: Problem, table: Table, output: int) -> NDArray[np.bool_]:
    return table.target > 0 if problem.n_outputs == 1 else table.target == output


def first_machine(problem: Problem, output: int, key: Key, *, is_chain: bool = False) -> Start:
    """Return the initial model of an output, for "mcmc" (`is_chain`) or "als"."""
    given, d = problem.settings, problem.table.rows.n_columns
    if problem.start is not None:
        one = problem.start[output]
        return one.intercept, one.linear, one.factors
    intercept = given.init_intercept
    if intercept is None:
        intercept = 0.0
        if problem.loss == "log_loss":
            is_in = _is_of_class(problem, problem.table, output)
            share = float(problem.table.weight[is_in].sum() / problem.table.weight.sum())
            intercept = float(logit(min(max(share, 1e-6), 1 - 1e-6)))
    rng = stream(key, _OF_START)
    scale = scale_of_start(problem, is_chain=is_chain)
    factors = np.zeros((d, given.n_factors), dtype=np.float32)
    factors[...] = drawn(given.init, scale, factors.shape, rng)
    linear = np.zeros(d, dtype=np.float32)
    if given.init_linear != "zeros":
        linear[...] = drawn(given.init_linear, given.init_linear_scale, linear.shape, rng)
    return intercept, linear, factors


def scale_of_start(problem: Problem, *, is_chain: bool = False) -> float:
    """Return the scale of initial factors."""
    if problem.settings.init_scale is not None:
        return problem.settings.init_scale
    # Smaller for longer rows, so that scores have the same size.
    is_wide = is_chain and problem.loss == "log_loss" and problem.table.rows.is_mostly_zeros
    scale = _INIT_SCALE_OF_CLASSES if is_wide else _INIT_SCALE
    return scale * float(np.sqrt(unit_rates(problem.table.rows)[0]))


class HeldOut:
    """The loss of validation rows, by the mean score after the burn-in.

    Parameters
    ----------
    problem : Problem
    output : int
    burn_in : int
    """

    def __init__(self, problem: Problem, output: int, burn_in: int) -> None:
        self._problem, self._output, self._burn_in = problem, output, burn_in
        self._sum: Float64Array | float = 0.0
        self._size = 0

    def loss(self, now: Sweeper, number: int) -> float:
        """Return the mean loss after a sweep; NaN without validation rows."""
        table, problem = self._problem.held_out, self._problem
        if table is None or problem.loss == "ordered_probit":
            return float("nan")
        found = scores(table.rows, now.intercept, now.linear, now.factors, problem.n_threads)
        if number >= self._burn_in:
            self._sum, self._size = self._sum + found, self._size + 1
            found = self._sum / self._size
        if problem.loss == "squared_error":
            losses = (table.target - found) ** 2 / 2
        else:
            is_in = _is_of_class(problem, table, self._output)
            losses = -log_expit(np.where(is_in, found, -found))
        return float(np.average(losses, weights=table.weight))
