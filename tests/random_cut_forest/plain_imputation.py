"""Imputation in numpy: the nearest candidates of all trees, weighed, and their quantiles."""

import numpy as np

from algos._cython.cut_impute import _test_nearest_leaves


def nearest_candidates(forest, rows):
    """Return the points (n, n_trees, d) of the leaves, their distances and masses."""
    leaves = np.empty((len(rows), forest.n_trees), dtype=np.int32)
    distances = np.empty(leaves.shape)
    _test_nearest_leaves(*forest.trees, forest.key, rows, leaves, distances)
    points = forest.points[: forest.n_trees * forest.size * forest.n_columns]
    points = points.reshape(forest.n_trees, forest.size, -1)
    trees = np.arange(forest.n_trees)
    return points[trees, leaves - forest.size + 1], distances, forest.mass[trees, leaves]


def plain_field(forest, rows, quantiles):
    """Return the rows with NaN replaced by each of the quantiles."""
    filled = np.repeat(rows[np.newaxis], len(quantiles), axis=0)
    for i, found in enumerate(zip(*nearest_candidates(forest, rows), strict=True)):
        points, distances, mass = found
        distinct, first, which = np.unique(
            points + np.float32(0), axis=0, return_index=True, return_inverse=True
        )
        weights = np.bincount(which.ravel(), mass) / np.bincount(which.ravel())
        apart = distances[first]
        if apart.any():
            weights = weights / ((apart / apart.mean()) ** 2 + 1e-2)
        for j in np.flatnonzero(np.isnan(rows[i])):
            filled[:, i, j] = plain_quantiles(distinct[:, j], weights, quantiles)
    return filled


def plain_quantiles(values, weights, quantiles):
    """Return weighted quantiles; the middle of two values where one falls between them."""
    order = np.argsort(values, kind="stable")
    values, mass = values[order].astype(np.float64), weights[order].cumsum() / weights.sum()
    lower = [values[np.argmax(mass >= q - 1e-12)] for q in quantiles]
    upper = [values[np.argmax(mass > min(q + 1e-12, 1 - 1e-12))] for q in quantiles]
    return (np.array(lower) + upper) / 2
