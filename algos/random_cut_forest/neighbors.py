"""The rows in the trees of a forest, and those nearest to given ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, Float64Array, IndexArray
from algos.random_cut_forest.forest import Forest

BLOCK_BYTES = 1 << 24  # of distances held at a time


def sample(forest: Forest) -> tuple[Float32Array, Float64Array]:
    """Return the distinct rows in the trees, and the mean number of copies in a tree.

    Returns
    -------
    points : ndarray of shape (m, n_columns), dtype float32
        In scaled units, in ascending order of their columns.
    weights : ndarray of shape (m,)
        Mean number of copies in a tree; they sum to the number of rows of a tree.
    """
    inner = forest.size - 1
    is_held = forest.mass[:, inner:] > 0  # a leaf that is free has no mass
    held = forest.own_points[is_held] + np.float32(0)  # -0 becomes 0
    distinct, which = np.unique(held, axis=0, return_inverse=True)
    copies = np.bincount(which.ravel(), forest.mass[:, inner:][is_held], minlength=len(distinct))
    return distinct, copies / forest.n_trees


def nearest(
    points: NDArray[np.floating],
    rows: NDArray[np.floating],
    n_neighbors: int,
) -> tuple[Float64Array, IndexArray]:
    """Return the nearest points of each row, exactly, not only among the leaves it reaches.

    Parameters
    ----------
    points : ndarray of shape (m, d)
        From `sample`, in any units.
    rows : ndarray of shape (n, d)
        In the same units.
    n_neighbors : int
        At least 1; if there are fewer points, all are returned.

    Returns
    -------
    distances : ndarray of shape (n, min(n_neighbors, m))
        L1 distances, which cuts preserve, in ascending order.
    indices : ndarray of shape (n, min(n_neighbors, m))
        Of the points; ties are in ascending order.
    """
    k = min(n_neighbors, len(points))
    distances, indices = np.empty((len(rows), k)), np.empty((len(rows), k), dtype=np.intp)
    for start, apart in _distances(points, rows):
        order = np.argsort(apart, axis=1, kind="stable")[:, :k]
        indices[start : start + len(apart)] = order
        distances[start : start + len(apart)] = np.take_along_axis(apart, order, axis=1)
    return distances, indices


def _distances(
    points: NDArray[np.floating], rows: NDArray[np.floating]
) -> Iterator[tuple[int, Float64Array]]:
    """Yield (first row, its distances and those of the next to all points)."""
    from scipy.spatial.distance import cdist  # its import takes a while

    step = max(1, BLOCK_BYTES // (8 * max(1, len(points))))
    for start in range(0, len(rows), step):
        yield start, cdist(rows[start : start + step], points, metric="cityblock")
