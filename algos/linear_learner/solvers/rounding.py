"""Removal of rounding errors from gradients, for optimizers that normalise step lengths."""

from __future__ import annotations

import numpy as np

from algos._common.arrays import Float64Array
from algos.linear_learner.problem import Evaluation, Problem

_ROUNDINGS = 64  # rounding errors of a sum of derivatives over about a thousand rows
_ROOTS = {
    "squared_error": 2.0,
    "huber": 2.0,
    "squared_epsilon_insensitive": 4.0,
    "squared_hinge": 4.0,
}
_FLATTENS = frozenset({"log_loss", "multinomial"})  # a derivative is at most the loss


def without_rounding(problem: Problem, found: Evaluation, gradient: Float64Array) -> Float64Array:
    """Return a gradient with zeros where it is below the rounding errors of its sums.

    As columns have standard deviation 1, these are about those of sums of derivatives.

    Parameters
    ----------
    problem : Problem
    found : Evaluation
        Of m candidates.
    gradient : ndarray of shape (m, n_outputs, d + 1)
        Of the loss.
    """
    eps = float(np.finfo(problem.rows.dtype).eps)
    size = _derivative_bound(problem, found)
    noise = np.where(np.isfinite(size), _ROUNDINGS * eps * size, 0.0)
    return np.where(np.abs(gradient) > noise.reshape(-1, 1, 1), gradient, 0.0)


def _derivative_bound(problem: Problem, found: Evaluation) -> Float64Array:
    """Return a bound on the weighted mean |derivative| of each candidate, of shape (m,)."""
    loss, values = problem.loss, found.values
    if loss.name in _ROOTS:  # the root mean square
        return np.asarray(np.sqrt(_ROOTS[loss.name] * np.maximum(values, 0.0)))
    if loss.name in _FLATTENS:
        return np.minimum(np.maximum(values, 0.0), 1.0)
    if not loss.has_log_link:
        return np.ones(len(values))
    # Derivatives are the expected minus the actual target, over powers of the mean.
    if loss.name == "poisson":
        return np.abs(found.gradient_intercept[:, 0]) + 2 * float(problem.weight @ problem.target)
    if loss.name == "gamma":
        return 2 + np.abs(found.gradient_intercept[:, 0])
    return np.zeros(len(values))
