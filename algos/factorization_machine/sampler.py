"""Gibbs sampling, with each column's coefficient and factors drawn together.

A sweep draws the parameters of the likelihood (noise, latent targets, cut points), the
intercept, the priors of the groups, then all columns, then the scale of all parameters; each
given all the others, so that the sweeps form a chain with the posterior as its stationary
distribution (Geman and Geman, 1984).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array
from algos._common.random import Key, stream
from algos.factorization_machine.blocks import Sweeper
from algos.factorization_machine.centering import Centering
from algos.factorization_machine.fields import Bounds, Groups
from algos.factorization_machine.likelihoods import Gaussian, Latent, Likelihood
from algos.factorization_machine.posterior import DrawKeeper, Draws
from algos.factorization_machine.priors import Prior, draw_prior
from algos.factorization_machine.rows import Rows
from algos.factorization_machine.scale_draw import draw_stretch

ALPHA_INTERCEPT = 1.0
_COLUMNS, _INTERCEPT, _PRIORS, _STRETCH = 111, 112, 113, 114  # streams of a key
_RESTORE = 32  # sweeps after which errors are recomputed, so that rounding does not accumulate


class Chain(NamedTuple):
    """The length of a chain, and the draws to keep.

    Attributes
    ----------
    max_iter, burn_in, n_draws : int
    alpha_intercept : float
        Precision of the intercept's prior, which has mean 0.
    rates : (float, float)
        Rates of the priors of factors' and coefficients' precisions, see `prior_rates`.
    starts_wide : bool
        Whether the first sweep does not draw the coefficients' priors, see `starts_wide`.
    """

    max_iter: int
    burn_in: int
    n_draws: int
    alpha_intercept: float = ALPHA_INTERCEPT
    rates: tuple[float, float] = (1.0, 1.0)
    starts_wide: bool = False


@dataclass(frozen=True)
class Sweep:
    """The result of a sweep, for a listener.

    Attributes
    ----------
    number : int
        Counted from 0.
    sweeper : Sweeper
        The current model; its arrays change in the next sweep.
    prior : Prior
    state : dict of str to number or array
        State of the likelihood.
    """

    number: int
    sweeper: Sweeper
    prior: Prior
    state: dict[str, Any]


@dataclass(frozen=True)
class Posterior:
    """Result of sampling.

    Attributes
    ----------
    draws : Draws
    intercept, linear, factors
        The last draw.
    n_iter : int
        Sweeps done.
    hyper : dict of str to ndarray
        Traces with an entry for each sweep: means and precisions of shape (n_iter, n_groups,
        n_factors + 1), and the state of the likelihood.
    """

    draws: Draws
    intercept: float
    linear: NDArray[Any]
    factors: NDArray[Any]
    n_iter: int
    hyper: dict[str, Float64Array]


def sample(
    rows: Rows,
    fields: Bounds,
    likelihood: Likelihood,
    chain: Chain,
    groups: Groups,
    start: tuple[float, NDArray[Any], NDArray[Any]],
    key: Key,
    *,
    dtype: Any = np.float32,
    n_threads: int = 1,
    on_sweep: Callable[[Sweep], bool] | None = None,
) -> Posterior:
    """Draw from the posterior of a factorization machine.

    Parameters
    ----------
    rows : Rows
        In canonical order.
    fields : ndarray of shape (n_fields + 1,)
    likelihood : Likelihood
    chain : Chain
    groups : ndarray of shape (n_columns,), int32
        From 0 on; the columns of a group share a prior.
    start : (intercept, linear, factors)
        The initial model.
    key : ndarray of shape (2,)
    dtype : dtype, default=float32
        Type of errors and parameters; sums are float64.
    n_threads : int, default=1
        Affects only the time.
    on_sweep : callable, default=None
        Called with each sweep; a true result ends the chain.
    """
    sweeper = Sweeper(rows, fields, *start, dtype=dtype, n_threads=n_threads)
    centering = Centering(rows, fields, likelihood.weight)
    prior = start_prior(groups, sweeper.k)
    kept = chain.burn_in, chain.max_iter, chain.n_draws
    keeper = DrawKeeper(*kept, rows.n_columns, sweeper.k, rows.mass() / max(rows.n, 1))
    traces: list[dict[str, Any]] = []
    for number in range(chain.max_iter):
        prior = one_sweep(sweeper, likelihood, chain, groups, prior, key, number)
        state = likelihood.state()
        traces.append({"means": prior.means, "precisions": prior.penalties, **state})
        is_last = number + 1 == chain.max_iter
        if on_sweep is not None:
            is_last = bool(on_sweep(Sweep(number, sweeper, prior, state))) or is_last
        if number >= chain.burn_in or is_last:
            machine = centering.centered(sweeper.intercept, sweeper.linear, sweeper.factors)
            keeper.add(number, *machine, state, is_last=is_last)
        if is_last:
            break
    hyper = {name: np.stack([each[name] for each in traces]) for name in traces[0]}
    return Posterior(
        keeper.draws(), sweeper.intercept, sweeper.linear, sweeper.factors, len(traces), hyper
    )


def start_prior(groups: Groups, n_factors: int) -> Prior:
    """Return the initial priors of a chain, which are standard normal."""
    return Prior.flat(int(groups.max(initial=0)) + 1, n_factors, 1.0, 1.0)


def one_sweep(
    sweeper: Sweeper,
    likelihood: Likelihood,
    chain: Chain,
    groups: Groups,
    prior: Prior,
    key: Key,
    number: int,
) -> Prior:
    """Draw everything once, given everything else; return the priors drawn."""
    latent = _draw_latent(sweeper, likelihood, key, number)
    if likelihood.has_intercept:
        _draw_intercept(sweeper, latent, chain.alpha_intercept, stream(key, _INTERCEPT, number))
    sizes = np.bincount(groups, minlength=len(prior.means)).astype(np.float64)
    rng = stream(key, _PRIORS, number)
    before, prior = prior, draw_prior(sweeper, groups, sizes, prior, chain.rates, rng)
    if chain.starts_wide and number == 0:
        prior = prior.with_linear_of(before)
    columns_key = stream(key, _COLUMNS).integers(0, 2**64, size=2, dtype=np.uint64)
    sweeper.sweep(latent.weight, latent.precision, groups, *prior, columns_key, number)
    if not likelihood.stretches:
        return prior
    return draw_stretch(sweeper, latent, prior, chain.rates, stream(key, _STRETCH, number))


def _draw_latent(sweeper: Sweeper, likelihood: Likelihood, key: Key, number: int) -> Latent:
    """Draw the latent targets, and set the errors accordingly."""
    is_due = number % _RESTORE == 0
    if isinstance(likelihood, Gaussian):  # its targets do not change, and the errors are sufficient
        if is_due:
            sweeper.aim(likelihood.target)
        return likelihood.draw_noise(sweeper.error_sums(likelihood.weight)[2], key, number)
    scores = sweeper.scores()
    latent = likelihood.draw(scores, key, number, sweeper.n_threads)
    sweeper.aim(latent.target, None if is_due else scores)
    return latent


def _draw_intercept(
    sweeper: Sweeper, latent: Latent, alpha: float, rng: np.random.Generator
) -> None:
    weight, slope, _ = sweeper.error_sums(latent.weight)
    precision = latent.precision * weight + alpha
    mean = (latent.precision * slope - alpha * sweeper.intercept) / precision
    sweeper.shift(mean + float(rng.standard_normal()) / np.sqrt(precision))
