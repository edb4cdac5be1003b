"""The rows that a forest's trees hold: which they are, and which are near given ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algos.random_cut_forest.forest import Forest

BLOCK_BYTES = 1 << 24  # of distances at a time


def sample(forest: Forest) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the distinct rows that the trees hold, and how many copies of each a tree has.

    Returns
    -------
    points : ndarray of shape (m, n_columns), dtype float32
        In scaled units, in ascending order of their columns.
    weights : ndarray of shape (m,)
        Copies in a tree, on average over the trees; they sum to the rows of a tree.
    """
    inner = forest.size - 1
    is_held = forest.mass[:, inner:] > 0  # a leaf that is free has no mass
    points = forest.points[: forest.n_trees * forest.size * forest.n_columns]
    points = points.reshape(forest.n_trees, forest.size, forest.n_columns)
    held = points[is_held] + np.float32(0)  # -0 becomes 0
    distinct, which = np.unique(held, axis=0, return_inverse=True)
    copies = np.bincount(which.ravel(), forest.mass[:, inner:][is_held], minlength=len(distinct))
    return distinct, copies / forest.n_trees


def nearest(
    points: NDArray[np.floating],
    rows: NDArray[np.floating],
    n_neighbors: int,
    factor: NDArray[np.floating] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the nearest points of each row: exactly, not only those in the leaves it reaches.

    Parameters
    ----------
    points : ndarray of shape (m, d)
        From `sample`, in any units.
    rows : ndarray of shape (n, d)
        In the same units.
    n_neighbors : int
        At least 1; of fewer points there are all.
    factor : ndarray of shape (d,), default=None
        Multiplies the columns before distances are taken.

    Returns
    -------
    distances : ndarray of shape (n, min(n_neighbors, m))
        The sum of the columns' distances (L1), which is what cuts preserve; ascending.
    indices : ndarray of shape (n, min(n_neighbors, m))
        Of the points. The first of equally near ones come first.
    """
    points, rows = _times(points, factor), _times(rows, factor)
    k = min(n_neighbors, len(points))
    distances, indices = np.empty((len(rows), k)), np.empty((len(rows), k), dtype=np.intp)
    for start, apart in _distance_blocks(points, rows):
        order = np.argsort(apart, axis=1, kind="stable")[:, :k]
        indices[start : start + len(apart)] = order
        distances[start : start + len(apart)] = np.take_along_axis(apart, order, axis=1)
    return distances, indices


def within(
    points: NDArray[np.floating],
    rows: NDArray[np.floating],
    radius: float,
    factor: NDArray[np.floating] | None = None,
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.intp]]]:
    """Return the points of each row that are no farther than `radius`: as `nearest`, in lists."""
    distances, indices = [], []
    for _, block in _distance_blocks(_times(points, factor), _times(rows, factor)):
        for apart in block:
            near = np.flatnonzero(apart <= radius)
            near = near[np.argsort(apart[near], kind="stable")]
            distances.append(apart[near])
            indices.append(near)
    return distances, indices


def _times(rows: NDArray[np.floating], factor: NDArray[np.floating] | None) -> NDArray[np.float64]:
    doubles = np.asarray(rows, dtype=np.float64)
    return doubles if factor is None else doubles * np.asarray(factor, dtype=np.float64)


def _distance_blocks(points, rows):
    """Yield (first row, its distances and those of the next to all points)."""
    from scipy.spatial.distance import cdist  # its import takes a while

    step = max(1, BLOCK_BYTES // (8 * max(1, len(points))))
    for start in range(0, len(rows), step):
        yield start, cdist(rows[start : start + step], points, metric="cityblock")
