"""The multinomial loss: its null model and its Hessian, p_k (δ_kl - p_l) for each row."""

from __future__ import annotations

import numpy as np
from scipy import special

from algos._common.arrays import Float64Array
from algos.linear_learner.problem import Problem

_BLOCK = 512  # rows whose products with all classes are in memory at once


def multinomial_hessian(problem: Problem, width: int, z: Float64Array) -> Float64Array:
    """Return the Hessian at decision values z (n, K), of shape (K width, K width).

    It takes K (K + 1) / 2 weighted Gram matrices.
    """
    p = special.softmax(z, axis=1)
    k = p.shape[1]
    result = np.empty((k, width, k, width))
    for i in range(k):
        own = problem.weight * p[:, i]
        result[i, :, i] = _gram(problem, width, own * (1 - p[:, i]))
        for j in range(i):
            block = -_gram(problem, width, own * p[:, j])
            result[i, :, j] = result[j, :, i] = block
    return result.reshape(k * width, k * width)


def hessian_at_once(problem: Problem, width: int, z: Float64Array) -> Float64Array:
    """Return the same from one product of all classes' columns, for many classes of few columns.

    Rounding errors differ from those of `multinomial_hessian`.
    """
    p = special.softmax(z, axis=1)
    n, k = p.shape
    result = np.zeros((k * width, k * width))
    own = np.zeros((k, width, width))
    for start in range(0, n, _BLOCK):
        part = slice(start, min(start + _BLOCK, n))
        x = problem.rows.subset(np.arange(part.start, part.stop))
        columns = np.ascontiguousarray(x.cross(np.eye(x.n))[:, :width])
        shares, weight = p[part], problem.weight[part, np.newaxis]
        spread = (np.sqrt(weight) * shares)[:, :, np.newaxis] * columns[:, np.newaxis]
        spread = spread.reshape(x.n, -1)
        result -= spread.T @ spread
        # Not as the difference of p and p², which would be rounding errors for p near 1.
        curved = (weight * shares * (1 - shares)).T[:, :, np.newaxis] * columns
        own += curved.transpose(0, 2, 1) @ columns
    for i in range(k):
        place = slice(i * width, (i + 1) * width)
        result[place, place] = own[i]
    return result


def multinomial_blocks(problem: Problem, width: int, z: Float64Array) -> list[Float64Array]:
    """Return the diagonal blocks of the Hessian."""
    p = special.softmax(z, axis=1)
    return [_gram(problem, width, problem.weight * own * (1 - own)) for own in p.T]


def spread_along(problem: Problem, z: Float64Array, moved: Float64Array) -> float:
    """Return the second derivative along a change of decision values: its mean variance."""
    p = special.softmax(z, axis=1)
    mean = (p * moved).sum(axis=1, keepdims=True)
    return float(problem.weight @ (p * (moved - mean) ** 2).sum(axis=1))


def _gram(problem: Problem, width: int, weight: Float64Array) -> Float64Array:
    return problem.rows.gram(np.ascontiguousarray(weight))[:width, :width]


def log_shares(problem: Problem) -> Float64Array:
    """Return the best intercepts of a model without coefficients, of mean 0."""
    classes = problem.target.astype(np.intp)
    shares = np.bincount(classes, weights=problem.weight, minlength=problem.n_outputs)
    logs: Float64Array = np.log(np.maximum(shares, np.finfo(float).eps))
    return logs - logs.mean()


def centered(
    coef: Float64Array, intercept: Float64Array, is_free: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Return the equivalent model with mean 0 over the classes wherever nothing is penalised.

    Adding a number to all classes does not change probabilities.
    """
    coef = np.where(is_free, coef - coef.mean(axis=0), coef)
    return coef, intercept - intercept.mean()
