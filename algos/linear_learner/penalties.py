"""Penalties in solver units, and the grid of penalties of a pack."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from algos._common.arrays import Float64Array
from algos._common.params import InvalidParameterError
from algos.linear_learner.decisions import loss_derivatives
from algos.linear_learner.problem import Penalty, Problem, Rows
from algos.linear_learner.solvers.null_model import null_intercept
from algos.linear_learner.targets import Unit

_LARGEST = float(np.finfo(np.float64).max)
_TINY = float(np.finfo(np.float64).tiny)
_NEGLIGIBLE_L1 = 1e-11  # of the mean |derivative|: an L1 below the rounding of gradients
_RIDGE_SPAN = 1e8  # from the strongest to the weakest alpha without L1
_LASSO_SPAN = 1e4  # the same with L1, as in glmnet; 1e2 for fewer rows than columns


class PenaltyParams(NamedTuple):
    """The penalty parameters alpha and l1_ratio, in the user's units."""

    alpha: float
    l1_ratio: float


def penalty_of(params: PenaltyParams, rows: Rows, standardize: bool, unit: Unit) -> Penalty:
    """Return the penalty alpha (l1_ratio |w| + (1 - l1_ratio)/2 w²) in solver units.

    A solver's coefficients are v = w · scale; with `standardize` the penalty acts on v itself.
    """
    factor = np.ones(rows.d) if standardize else 1 / rows.scale
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        l1 = _times(params.alpha * params.l1_ratio, -unit.of_l1, factor)
        l2 = _times(params.alpha * (1 - params.l1_ratio), -unit.of_l2, factor**2)
    return Penalty(l1, l2)


def _times(strength: float, exponent: Any, factor: Float64Array) -> Float64Array:
    """Return strength · 2**exponent times the factor, which may be infinite: no penalty stays 0."""
    if not strength:
        return np.zeros_like(factor)
    least: Float64Array = np.fmin(np.ldexp(strength, exponent) * factor, _LARGEST / 4)
    return least


def without_negligible_l1(penalty: Penalty, derivative: float, *, keep: bool = False) -> Penalty:
    """Return the penalty without L1 terms below the rounding errors of gradients.

    With such a term no solver could tell whether a gradient is within it, or certify anything.

    Parameters
    ----------
    penalty : Penalty
    derivative : float
        Weighted mean |derivative| of the loss at the null model.
    keep : bool, default=False
        Whether to raise such terms to that rounding error instead of dropping them.
    """
    rounding = _NEGLIGIBLE_L1 * derivative
    if not 0 < rounding < np.inf or not np.any((penalty.l1 > 0) & (penalty.l1 < rounding)):
        return penalty
    l1 = np.where(penalty.l1 < rounding, rounding if keep else 0.0, penalty.l1)
    return penalty._replace(l1=l1)


def is_l1_above_rounding(penalty: Penalty, bound: float) -> bool:
    """Tell whether `without_negligible_l1` has no effect for a mean |derivative| up to a bound."""
    return bound < np.inf and not np.any((penalty.l1 > 0) & (penalty.l1 < _NEGLIGIBLE_L1 * bound))


def mean_absolute_derivative(problems: list[Problem]) -> float:
    """Return the weighted mean |derivative| of the null model's loss, largest of all outputs."""
    largest = 0.0
    for problem in problems:
        if problem.loss.is_joint:
            return 1.0
        targets = problem.target.reshape(problem.rows.n, -1).T
        for target, intercept in zip(targets, null_intercept(problem), strict=True):
            target = np.ascontiguousarray(target)
            derivatives = loss_derivatives(np.full(len(target), intercept), target, problem.loss)
            largest = max(largest, float(problem.weight @ np.abs(derivatives)))
    return largest


def is_pack(alpha: Any, l1_ratio: Any) -> bool:
    """Tell whether there is more than one candidate to choose from."""
    return isinstance(alpha, str) or np.ndim(alpha) > 0 or np.ndim(l1_ratio) > 0


def candidate_grid(
    alpha: Any,
    l1_ratio: Any,
    n_alphas: int,
    *,
    gradient: float,
    curvature: float,
    is_wide: bool,
) -> list[PenaltyParams]:
    """Return all candidates, for each l1_ratio the strongest alpha first.

    Parameters
    ----------
    alpha : "auto", float or array-like
    l1_ratio : float or array-like
    n_alphas : int
        Number of values that "auto" tries for each l1_ratio; a single one is the middle of the
        range.
    gradient : float
        Largest |gradient| of the null model: with L1 alone, any alpha from there on keeps all
        coefficients at zero.
    curvature : float
        Mean second derivative of the loss, or a substitute: an L2 alpha much above it keeps
        coefficients small, one much below has no effect.
    is_wide : bool
        Whether there are fewer rows than columns.
    """
    grid = []
    for ratio in checked_candidates(l1_ratio, "l1_ratio", 1.0):
        if isinstance(alpha, str):
            alphas = _automatic_alphas(ratio, n_alphas, gradient, curvature, is_wide).tolist()
        else:
            alphas = sorted({*checked_candidates(alpha, "alpha", None).tolist()}, reverse=True)
        grid += [PenaltyParams(one, float(ratio)) for one in alphas]
    return grid


def _automatic_alphas(
    l1_ratio: float, n_alphas: int, gradient: float, curvature: float, is_wide: bool
) -> Float64Array:
    if l1_ratio > 0 and gradient > 0:
        largest, span = gradient / float(l1_ratio), 1e2 if is_wide else _LASSO_SPAN
    else:
        largest, span = 10 * curvature, _RIDGE_SPAN
    largest = min(max(float(largest), _TINY * span), _LARGEST / 2)  # of targets of extreme size
    if n_alphas == 1:
        return np.array([largest / np.sqrt(span)])
    return np.geomspace(largest, largest / span, n_alphas)


def checked_candidates(values: Any, name: str, most: float | None) -> Float64Array:
    """Return a number or an array-like of numbers in [0, most] as a 1-D array."""
    if type(values) is float and 0 <= values <= (_LARGEST if most is None else most):
        return np.array([values])
    try:
        numbers = np.atleast_1d(np.asarray(values, dtype=np.float64))
    except (TypeError, ValueError):
        numbers = np.empty(0)
    else:
        if numbers.size == 0:
            raise InvalidParameterError(
                f"`{name}`={values!r} is empty; it must hold numbers, for example {name}=[0.1]"
            )
    right = numbers.ndim == 1 and numbers.size > 0
    if right:
        right = bool(np.all(np.isfinite(numbers) & (numbers >= 0)))
    if right and most is not None:
        right = bool(np.all(numbers <= most))
    if not right:
        limits = "at least 0" if most is None else f"in [0, {most}]"
        raise InvalidParameterError(
            f"`{name}`={values!r} must be a finite number {limits}, or a 1-D array of such "
            f"numbers; for example {name}=0.1 or {name}=[0.1, 0.5]"
        )
    return numbers


def largest_null_gradient(
    problems: list[Problem], gradients: list[Float64Array], standardize: bool
) -> float:
    """Return the largest |gradient| at the null model, in the units in which alpha acts."""
    largest = 0.0
    for problem, gradient in zip(problems, gradients, strict=True):
        scale = 1.0 if standardize else problem.rows.scale
        largest = max(largest, float(np.abs(gradient * scale).max(initial=0)))
    return largest


def mean_curvature(problem: Problem, intercept: Float64Array, null_loss: float) -> float:
    """Return the mean second derivative of the loss at the null model, or a substitute."""
    loss = problem.loss
    if loss.name == "multinomial":
        return 1 / problem.n_outputs
    if loss.is_smooth and problem.n_outputs == 1:
        coef = np.zeros(problem.rows.d)
        curvatures = problem.rows.curvatures(
            coef, float(intercept[0]), problem.target, problem.weight, loss
        )
        return max(float(curvatures.sum()), 1e-10)
    if loss.is_smooth or loss.is_of_classes:
        return 1.0
    # The curvature of a parabola with the slope of |r|, 1, where |r| equals its mean.
    return 1 / null_loss if null_loss > 0 else 1.0
