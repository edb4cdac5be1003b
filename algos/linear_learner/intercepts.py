"""The best constant for any loss: where stochastic steps begin, and what grids hang on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from algos.linear_learner.null_model import best_intercept
from algos.linear_learner.problem import Doubles, Problem


def null_intercept(problem: Problem) -> Doubles:
    """Return the intercepts (n_outputs,) that lose least where all coefficients are zero.

    For `epsilon_insensitive` a point near it: the median of the targets.
    """
    target, weight, loss = problem.target, problem.weight, problem.loss
    if not problem.fit_intercept:
        return np.zeros(problem.n_outputs)
    if loss.name == "squared_error":
        return np.atleast_1d(weight @ target)
    if target.ndim == 2:
        columns = (np.ascontiguousarray(column) for column in target.T)
        each = [null_intercept(replace(problem, target=one, n_outputs=1)) for one in columns]
        return np.concatenate(each)
    if loss.has_log_link and not target.any():
        return np.zeros(1)  # the first rows of a stream may be so
    if loss.is_smooth:
        return best_intercept(problem)
    if loss.is_of_classes:
        return np.array([loss.parameter * np.sign(float(weight @ target))])
    quantile = loss.parameter if loss.name == "quantile" else 0.5
    return np.array([weighted_quantile(target, weight, quantile)])


def weighted_quantile(values: Doubles, weight: Doubles, quantile: float) -> float:
    """Return the least value up to which the share of weight reaches `quantile`."""
    order = np.argsort(values, kind="stable")
    shares = np.cumsum(weight[order])
    place = int(np.searchsorted(shares, quantile * shares[-1] * (1 - 1e-12)))
    return float(values[order[min(place, len(values) - 1)]])
