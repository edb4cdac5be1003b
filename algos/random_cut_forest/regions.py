"""Dense regions of a forest's sample, as in Kinesis' HOTSPOTS."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 1 << 24  # of distances at a time


class Region(NamedTuple):
    """A box around rows that lie densely."""

    density: float  # rows of a tree by the volume of the box
    low: NDArray[np.float64]  # the least value of each column
    high: NDArray[np.float64]  # and the largest
    weight: float  # rows of a tree that lie in the region


def dense_regions(
    points: NDArray[np.floating],
    weights: NDArray[np.float64],
    radius: float,
    min_samples: float,
) -> list[Region]:
    """Return the regions in which points lie densely, the densest first.

    A point around which, itself included, at least `min_samples` lie no farther than `radius`
    (Euclidean) is dense; dense points that near to each other are of one region, and so are
    points that near to one of them: DBSCAN's clusters, of which only the boxes are given.

    Parameters
    ----------
    points : ndarray of shape (m, d)
        From `neighbors.sample`, in the units of `radius`.
    weights : ndarray of shape (m,)
        How often a tree holds each point. They add up to the rows of a tree, so `min_samples`
        is a number of rows of a window as long as a tree's sample is large.
    radius : float
        Above 0: less than the usual distance between rows that are in no region.
    min_samples : float
        Above 0.

    Returns
    -------
    regions : list of Region
        The density is `weight` by the volume of the box. No side of it counts less than
        `radius`, as a box may be flat.
    """
    points = np.asarray(points, dtype=np.float64)
    if len(points) == 0:
        return []
    points = points / radius  # from now on the radius is 1
    is_dense = _weight_around(points, weights) >= min_samples * (1 - 1e-9)
    found = []
    for members in _connected(points, is_dense):
        low, high = points[members].min(axis=0), points[members].max(axis=0)
        weight = float(weights[members].sum())
        with np.errstate(over="ignore", under="ignore"):
            volume = np.prod(np.maximum(high - low, 1.0) * radius)
            density = float(weight / volume) if volume > 0 else np.inf
        found.append(Region(density, low * radius, high * radius, weight))
    return sorted(found, key=lambda region: -region.density)


def _connected(points, is_dense):
    """Yield the members of each region: its dense points, and the others near to them."""
    waiting, others = np.flatnonzero(is_dense), np.flatnonzero(~is_dense)
    while len(waiting):
        frontier, waiting = waiting[:1], waiting[1:]
        members = [frontier]
        while len(frontier):
            is_near = _near_to_any(points, waiting, frontier)
            frontier, waiting = waiting[is_near], waiting[~is_near]
            members.append(frontier)
        dense = np.concatenate(members)
        is_near = _near_to_any(points, others, dense)
        yield np.concatenate([dense, others[is_near]])
        others = others[~is_near]


def _near_to_any(points, asked, centers):
    """Return which of the points asked for are no farther than 1 from one of the centres."""
    is_near = np.zeros(len(asked), dtype=bool)
    for block in _blocks(len(centers), len(asked)):
        left = np.flatnonzero(~is_near)
        if not len(left):
            break
        apart = _distances(points[centers[block]], points[asked[left]])
        is_near[left[(apart <= 1).any(axis=0)]] = True
    return is_near


def _weight_around(points, weights):
    """Return the weight of the points no farther than 1 from each."""
    around = np.empty(len(points))
    for block in _blocks(len(points), len(points)):
        around[block] = (_distances(points[block], points) <= 1) @ weights
    return around


def _blocks(n_rows, n_columns):
    step = max(1, BLOCK_BYTES // (8 * max(1, n_columns)))
    for start in range(0, n_rows, step):
        yield slice(start, start + step)


def _distances(a, b):
    from scipy.spatial.distance import cdist  # its import takes a while

    return cdist(a, b)
