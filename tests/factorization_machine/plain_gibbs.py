"""Gibbs sampling of factorization machines by plain numpy on dense rows: a slow oracle.

The law is the one of the package's sampler: coordinate c of the features of group g is normal
with mean m_gc and precision l_gc; l ~ Gamma(3, rate / 2), m | l ~ N(0, 1 / l), the rate being one
of the factors or one of the coefficients; the intercept is normal with precision 1 about 0 (where
the likelihood has one).
"""

import numpy as np

SHAPE = 6.0
ONES = (1.0, 1.0)


def rates_of(k, rates):
    """Return the rate of each coordinate."""
    return np.append(np.full(k, rates[0]), rates[1])


def plain_scores(X, intercept, linear, factors):
    """Sum up the weights of all pairs."""
    weights = np.triu(factors @ factors.T, 1)
    return intercept + X @ linear + ((X @ weights) * X).sum(axis=1)


def draw_prior(rng, groups, k, has_intercept=True, rates=ONES):
    """Draw hyper-parameters, then parameters: (intercept, linear, factors), hyper."""
    n_groups = groups.max() + 1
    precisions = rng.gamma(SHAPE / 2, 2 / rates_of(k, rates), size=(n_groups, k + 1))
    means = rng.standard_normal((n_groups, k + 1)) / np.sqrt(precisions)
    theta = means[groups] + rng.standard_normal((len(groups), k + 1)) / np.sqrt(precisions[groups])
    intercept = rng.standard_normal() if has_intercept else 0.0
    return (intercept, theta[:, k].copy(), theta[:, :k].copy()), (means, precisions)


def draw_hyper(rng, groups, linear, factors, hyper, rates=ONES):
    """Draw the means and precisions of the groups, given the parameters."""
    means, precisions = (array.copy() for array in hyper)
    theta = np.column_stack([factors, linear])
    rate = rates_of(factors.shape[1], rates)
    for g in range(groups.max() + 1):
        own = theta[groups == g]
        size = len(own)
        away = ((own - means[g]) ** 2).sum(axis=0) + means[g] ** 2
        precisions[g] = rng.gamma((SHAPE + size + 1) / 2, 2 / (rate + away))
        means[g] = own.sum(axis=0) / (size + 1) + rng.standard_normal(own.shape[1]) / np.sqrt(
            (size + 1) * precisions[g]
        )
    return means, precisions


def plain_sweep(rng, X, latent, groups, parameters, hyper, has_intercept=True):
    """Draw the intercept and each feature's coefficient and factors once, in order."""
    intercept, linear, factors = parameters
    means, precisions = hyper
    k = factors.shape[1]
    weight = latent.precision * (1.0 if latent.weight is None else latent.weight)
    weight = np.broadcast_to(weight, len(X))
    if has_intercept:
        rest = latent.target - plain_scores(X, 0.0, linear, factors)
        total = weight.sum() + 1.0
        intercept = (weight @ rest) / total + rng.standard_normal() / np.sqrt(total)
    for i in range(X.shape[1]):
        others = X @ factors - np.outer(X[:, i], factors[i])
        slopes = X[:, [i]] * np.column_stack([others, np.ones(len(X))])
        theta = np.append(factors[i], linear[i])
        rest = latent.target - plain_scores(X, intercept, linear, factors) + slopes @ theta
        matrix = (slopes.T * weight) @ slopes + np.diag(precisions[groups[i]])
        vector = slopes.T @ (weight * rest) + precisions[groups[i]] * means[groups[i]]
        root = np.linalg.cholesky(matrix)
        theta = np.linalg.solve(matrix, vector) + np.linalg.solve(
            root.T, rng.standard_normal(k + 1)
        )
        factors[i], linear[i] = theta[:k], theta[k]
    return intercept, linear, factors
