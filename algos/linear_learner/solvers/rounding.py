"""Which parts of a gradient are rounding: steps of a length of their own must not follow them."""

from __future__ import annotations

import numpy as np

from algos.linear_learner.problem import Doubles, Evaluation, Problem

_ROUNDINGS = 64  # of a sum of slopes; rows come in a thousand
_ROOTS = {
    "squared_error": 2.0,
    "huber": 2.0,
    "squared_epsilon_insensitive": 4.0,
    "squared_hinge": 4.0,
}
_FLATTENS = frozenset({"log_loss", "multinomial"})  # a slope is at most its loss


def without_rounding(problem: Problem, found: Evaluation, gradient: Doubles) -> Doubles:
    """Return a gradient with zeros where it is below what its sums round.

    Columns have deviation 1: their sums round as those of slopes do.

    Parameters
    ----------
    problem : Problem
    found : Evaluation
        Of m candidates.
    gradient : ndarray of shape (m, n_outputs, d + 1)
        Of the loss.
    """
    eps = float(np.finfo(problem.rows.dtype).eps)
    size = _size_of_slopes(problem, found)
    noise = np.where(np.isfinite(size), _ROUNDINGS * eps * size, 0.0)
    return np.where(np.abs(gradient) > noise.reshape(-1, 1, 1), gradient, 0.0)


def _size_of_slopes(problem: Problem, found: Evaluation) -> Doubles:
    """Return a bound of the weighted mean |slope| of each candidate, of shape (m,)."""
    loss, values = problem.loss, found.values
    if loss.name in _ROOTS:  # the root mean square
        return np.asarray(np.sqrt(_ROOTS[loss.name] * np.maximum(values, 0.0)))
    if loss.name in _FLATTENS:
        return np.minimum(np.maximum(values, 0.0), 1.0)
    if not loss.has_log_link:
        return np.ones(len(values))
    # Slopes are what is expected less what is there, over powers of the mean.
    if loss.name == "poisson":
        return np.abs(found.gradient_intercept[:, 0]) + 2 * float(problem.weight @ problem.target)
    if loss.name == "gamma":
        return 2 + np.abs(found.gradient_intercept[:, 0])
    return np.zeros(len(values))
