"""Penalties in solver units, and which of them a pack tries."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from algos._common.params import InvalidParameterError
from algos.linear_learner.decisions import slopes_of
from algos.linear_learner.problem import Doubles, Penalty, Problem, Rows
from algos.linear_learner.solvers.null_model import null_intercept
from algos.linear_learner.targets import Unit

_LARGEST = float(np.finfo(np.float64).max)
_TINY = float(np.finfo(np.float64).tiny)
_SILENT = 1e-11  # of slopes: what certificates cannot tell from zero, for rounding
_RIDGE_SPAN = 1e8  # from the strongest to the weakest alpha without L1
_LASSO_SPAN = 1e4  # the same with L1, as glmnet has it; 1e2 for fewer rows than columns


class Strength(NamedTuple):
    """alpha and l1_ratio, as the user writes them."""

    alpha: float
    l1_ratio: float


def penalty_of(strength: Strength, rows: Rows, standardize: bool, unit: Unit) -> Penalty:
    """Return alpha (l1_ratio |w| + (1 - l1_ratio)/2 w²) of the user's w, in solver units.

    A solver's v is w · scale; with `standardize` the penalty is meant for v itself.
    """
    factor = np.ones(rows.d) if standardize else 1 / rows.scale
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        l1 = _times(strength.alpha * strength.l1_ratio, -unit.of_l1, factor)
        l2 = _times(strength.alpha * (1 - strength.l1_ratio), -unit.of_l2, factor**2)
    return Penalty(l1, l2)


def _times(strength: float, exponent: Any, factor: Doubles) -> Doubles:
    """Return strength 2**exponent times the factor, which may be infinite: no penalty stays 0."""
    if not strength:
        return np.zeros_like(factor)
    least: Doubles = np.fmin(np.ldexp(strength, exponent) * factor, _LARGEST / 4)
    return least


def audible(penalty: Penalty, slope: float, *, keep: bool = False) -> Penalty:
    """Return the penalty without what of its l1 is below the rounding of slopes.

    No solver could tell whether slopes are within it, or certify anything.

    Parameters
    ----------
    penalty : Penalty
    slope : float
        Weighted mean |slope| of the loss at the null model.
    keep : bool, default=False
        Whether such parts are as large as that rounding instead.
    """
    silent = _SILENT * slope
    if not 0 < silent < np.inf or not np.any((penalty.l1 > 0) & (penalty.l1 < silent)):
        return penalty
    l1 = np.where(penalty.l1 < silent, silent if keep else 0.0, penalty.l1)
    return penalty._replace(l1=l1)


def is_loud(penalty: Penalty, slope: float) -> bool:
    """Tell whether `audible` changes nothing for any weighted mean |slope| up to this one."""
    return slope < np.inf and not np.any((penalty.l1 > 0) & (penalty.l1 < _SILENT * slope))


def slope_size(problems: list[Problem]) -> float:
    """Return the weighted mean |slope| of null models, the largest of all outputs."""
    largest = 0.0
    for problem in problems:
        if problem.loss.is_joint:
            return 1.0
        targets = problem.target.reshape(problem.rows.n, -1).T
        for target, intercept in zip(targets, null_intercept(problem), strict=True):
            target = np.ascontiguousarray(target)
            slopes = slopes_of(np.full(len(target), intercept), target, problem.loss)
            largest = max(largest, float(problem.weight @ np.abs(slopes)))
    return largest


def is_pack(alpha: Any, l1_ratio: Any) -> bool:
    """Tell whether there is more than one candidate to choose from."""
    return isinstance(alpha, str) or np.ndim(alpha) > 0 or np.ndim(l1_ratio) > 0


def candidate_grid(
    alpha: Any, l1_ratio: Any, n_alphas: int, slope: float, curvature: float, is_wide: bool
) -> list[Strength]:
    """Return all candidates, for each l1_ratio the strongest alpha first.

    Parameters
    ----------
    alpha : "auto", float or array-like
    l1_ratio : float or array-like
    n_alphas : int
        How many "auto" tries for each l1_ratio; a single one is the middle of the range.
    slope : float
        Largest |gradient| of the null model: with L1 alone, alpha from there on keeps all
        coefficients at zero.
    curvature : float
        Mean second derivative of the loss, or what stands for it: an L2 alpha much above
        keeps them small, one much below does nothing.
    is_wide : bool
        Whether there are fewer rows than columns.
    """
    strengths = []
    for ratio in checked_numbers(l1_ratio, "l1_ratio", 1.0):
        if isinstance(alpha, str):
            alphas = _automatic_alphas(ratio, n_alphas, slope, curvature, is_wide).tolist()
        else:
            alphas = sorted({*checked_numbers(alpha, "alpha", None).tolist()}, reverse=True)
        strengths += [Strength(one, float(ratio)) for one in alphas]
    return strengths


def _automatic_alphas(
    l1_ratio: float, n_alphas: int, slope: float, curvature: float, is_wide: bool
) -> Doubles:
    if l1_ratio > 0 and slope > 0:
        largest, span = slope / float(l1_ratio), 1e2 if is_wide else _LASSO_SPAN
    else:
        largest, span = 10 * curvature, _RIDGE_SPAN
    largest = min(max(float(largest), _TINY * span), _LARGEST / 2)  # of targets of extreme size
    if n_alphas == 1:
        return np.array([largest / np.sqrt(span)])
    return np.geomspace(largest, largest / span, n_alphas)


def checked_numbers(values: Any, name: str, most: float | None) -> Doubles:
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


def null_slope(problems: list[Problem], gradients: list[Doubles], standardize: bool) -> float:
    """Return the largest |gradient| of null models, in the units in which alpha acts."""
    largest = 0.0
    for problem, gradient in zip(problems, gradients, strict=True):
        scale = 1.0 if standardize else problem.rows.scale
        largest = max(largest, float(np.abs(gradient * scale).max(initial=0)))
    return largest


def mean_curvature(problem: Problem, intercept: Doubles, null_loss: float) -> float:
    """Return the loss's mean second derivative at the null model, or what stands for it."""
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
    # |r| has the slope 1: a curve of that slope where r is as large as its mean.
    return 1 / null_loss if null_loss > 0 else 1.0
