"""Alternating least squares: each column's coefficient and factors at their optimum in turn.

The objective is the likelihood's, ½ Σ w (y - f)² for squared errors, plus

  ½ alpha_intercept w0² + ½ alpha_linear |w|² + ½ alpha |V|².

For latent targets each sweep is one of EM (Dempster, Laird and Rubin, 1977): the targets'
means given the scores, then least squares. Either way no step raises the objective.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from algos.factorization_machine.blocks import Sweeper
from algos.factorization_machine.fields import Bounds
from algos.factorization_machine.likelihoods import Gaussian, Latent, Likelihood
from algos.factorization_machine.priors import Prior
from algos.factorization_machine.rows import Rows

_RESTORE = 32  # sweeps after which errors are recomputed, so that rounding does not accumulate


class Penalties(NamedTuple):
    """L2 penalties of factors, coefficients and intercept."""

    alpha: float
    alpha_linear: float
    alpha_intercept: float = 0.0


@dataclass(frozen=True)
class Optimum:
    """Result of alternating least squares.

    Attributes
    ----------
    intercept, linear, factors
        The model.
    n_iter : int
    objectives : list of float
        After each sweep.
    has_converged : bool
    state : dict of str to number or array
        State of the likelihood, such as cut points.
    """

    intercept: float
    linear: NDArray[Any]
    factors: NDArray[Any]
    n_iter: int
    objectives: list[float]
    has_converged: bool
    state: dict[str, Any]


def solve_als(
    rows: Rows,
    fields: Bounds,
    likelihood: Likelihood,
    penalties: Penalties,
    start: tuple[float, NDArray[Any], NDArray[Any]],
    *,
    max_iter: int,
    tol: float,
    dtype: Any = np.float64,
    n_threads: int = 1,
    on_sweep: Callable[[Sweeper, float], bool] | None = None,
) -> Optimum:
    """Minimise the penalised loss of a factorization machine, from a given start.

    Parameters
    ----------
    rows : Rows
    fields : ndarray of shape (n_fields + 1,)
    likelihood : Likelihood
    penalties : Penalties
    start : (intercept, linear, factors)
        Zero factors are a saddle point and stay zero.
    max_iter : int
    tol : float
        Stop when a sweep lowers the objective by no more than this share of it.
    dtype : dtype, default=float64
        Type of errors and parameters; sums are float64.
    n_threads : int, default=1
        Affects only the time.
    on_sweep : callable, default=None
        Called with the model and the objective after each sweep; a true result stops.
    """
    sweeper = Sweeper(rows, fields, *start, dtype=dtype, n_threads=n_threads)
    groups = np.zeros(rows.n_columns, dtype=np.int32)
    prior = Prior.flat(1, sweeper.k, penalties.alpha, penalties.alpha_linear)
    objectives: list[float] = []
    has_converged = False
    before = np.inf
    while len(objectives) < max_iter and not has_converged:
        latent = _expected(sweeper, likelihood, is_due=len(objectives) % _RESTORE == 0)
        if likelihood.has_intercept:
            _fit_intercept(sweeper, latent.weight, latent.precision, penalties.alpha_intercept)
        sweeper.sweep(latent.weight, latent.precision, groups, *prior)
        objective = _loss(sweeper, likelihood) + penalty_of(sweeper, penalties)
        objectives.append(objective)
        has_converged = before - objective <= tol * abs(objective)
        before = objective
        if on_sweep is not None and on_sweep(sweeper, objective):
            break
    return Optimum(
        sweeper.intercept, sweeper.linear, sweeper.factors, len(objectives), objectives,
        has_converged, likelihood.state(),
    )  # fmt: skip


def _expected(sweeper: Sweeper, likelihood: Likelihood, *, is_due: bool) -> Latent:
    """Return the latent targets given the scores; recompute the errors where that is due."""
    if isinstance(likelihood, Gaussian):  # its targets, and so the errors, do not change
        latent = likelihood.expect(sweeper.errors, sweeper.n_threads)
        if is_due:
            sweeper.aim(latent.target)
        return latent
    scores = sweeper.scores()
    latent = likelihood.expect(scores, sweeper.n_threads)
    sweeper.aim(latent.target, None if is_due else scores)
    return latent


def _loss(sweeper: Sweeper, likelihood: Likelihood) -> float:
    if isinstance(likelihood, Gaussian):
        return likelihood.loss_of(sweeper.error_sums(likelihood.weight)[2])
    return likelihood.objective(sweeper.scores(), sweeper.n_threads)


def penalty_of(sweeper: Sweeper, penalties: Penalties) -> float:
    """Return the penalty term of the objective."""
    groups = np.zeros(len(sweeper.linear), dtype=np.int32)
    _, squares = sweeper.moments(groups, np.zeros((1, sweeper.k + 1)))
    return (
        float(
            penalties.alpha * squares[0, :-1].sum()
            + penalties.alpha_linear * squares[0, -1]
            + penalties.alpha_intercept * sweeper.intercept**2
        )
        / 2
    )


def _fit_intercept(
    sweeper: Sweeper, weights: NDArray[Any] | None, precision: float, alpha: float
) -> None:
    weight, slope, _ = sweeper.error_sums(weights)
    curvature = precision * weight + alpha
    if curvature > 0:
        sweeper.shift((precision * slope - alpha * sweeper.intercept) / curvature)
