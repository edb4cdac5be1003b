"""Dense regions of a forest's sample, as HOTSPOTS in Kinesis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, IndexArray

Numbers = IndexArray
Near = NDArray[np.bool_]

BLOCK_BYTES = 1 << 24  # of distances held at a time
BLOCK_ROWS = 64  # nearby points that are processed together
SLACK = 1e-6  # of the radius, so that points exactly that far apart are neighbours
_FAR = 1e150  # in radii; its square does not overflow


class Region(NamedTuple):
    """The bounding box of a dense group of rows."""

    density: float  # rows of a tree divided by the volume of the box
    low: Float64Array  # the minimum of each column
    high: Float64Array  # the maximum of each column
    weight: float  # rows of a tree in the region


def dense_regions(
    points: NDArray[np.floating],
    weights: Float64Array,
    radius: float,
    min_samples: float,
    rounding: float = 0.0,
) -> list[Region]:
    """Return the regions in which points are dense, the densest first.

    A point is dense if at least `min_samples` points, itself included, are within `radius`
    (Euclidean) of it. Dense points within the radius of each other belong to one region, and so
    do other points within the radius of one of them: DBSCAN's clusters, returned as boxes.

    Parameters
    ----------
    points : ndarray of shape (m, d)
        From `neighbors.sample`, in the units of `radius`.
    weights : ndarray of shape (m,)
        Mean number of copies of each point in a tree. They sum to the number of rows of a tree,
        so `min_samples` refers to a window of as many rows as a tree's sample.
    radius : float
        Above 0: less than the usual distance between rows outside of all regions.
    min_samples : float
        Above 0.
    rounding : float, default=0.0
        By how much rounding may have increased a distance between points.

    Returns
    -------
    regions : list of Region
        The density is `weight` divided by the volume of the box, whose sides count as at
        least `radius`, since a box may be flat.
    """
    doubles = points.astype(np.float64)
    labels = _labels(_in_reaches(doubles, radius, rounding), weights, min_samples)
    members = np.argsort(labels, kind="stable")[np.count_nonzero(labels < 0) :]
    if not len(members):
        return []
    starts = np.flatnonzero(np.diff(labels[members], prepend=-1))
    lows = np.minimum.reduceat(doubles[members], starts)
    highs = np.maximum.reduceat(doubles[members], starts)
    held = np.add.reduceat(weights[members], starts)
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        densities = held / np.prod(np.maximum(highs - lows, radius), axis=1)
    order = np.argsort(-densities, kind="stable")
    return [Region(float(densities[i]), lows[i], highs[i], float(held[i])) for i in order]


def _in_reaches(points: Float64Array, radius: float, rounding: float) -> Float64Array:
    """Return points in units of the distance up to which they are neighbours."""
    reach = radius * (1 + SLACK) + rounding
    with np.errstate(over="ignore"):
        lowest = points.min(axis=0, initial=np.inf)
        return np.asarray(np.minimum((points - lowest) / reach, _FAR))


def _labels(points: Float64Array, weights: Float64Array, min_samples: float) -> Numbers:
    """Return the region of each point, in the order of first dense points, or -1."""
    around = np.empty(len(points))
    for block, others in _pairs(points, points):
        around[block] = _near(points[block], points[others]) @ weights[others]
    is_dense = around >= min_samples * (1 - 1e-9)
    dense, rest = points[is_dense], points[~is_dense]
    regions, on_border = _connected(dense), np.full(len(rest), -1, dtype=np.intp)
    none = len(points)
    for block, others in _pairs(rest, dense):
        near = np.where(_near(rest[block], dense[others]), regions[others], none)
        first = near.min(axis=1, initial=none)
        on_border[block] = np.where(first < none, first, -1)
    labels = np.empty(len(points), dtype=np.intp)
    labels[is_dense], labels[~is_dense] = regions, on_border
    return labels


def _connected(points: Float64Array) -> Numbers:
    """Return the connected component of each point, in the order of their first points."""
    labels = np.arange(len(points))
    for block, others in _pairs(points, points):
        mine = labels[block]
        if mine.min() == mine.max():  # then points of the same component need no distances
            others = others[labels[others] != mine[0]]
        its = labels[others]
        is_new = _near(points[block], points[others]) & (mine[:, np.newaxis] != its)
        a, b = is_new.nonzero()
        if len(a):
            labels = _joined(labels, mine[a], its[b])
    return np.asarray(np.unique(labels, return_inverse=True)[1])


def _joined(labels: Numbers, a: Numbers, b: Numbers) -> Numbers:
    """Return labels with the pairs (a, b) merged, each group under its smallest label."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    old, ends = np.unique(np.concatenate([a, b]), return_inverse=True)
    ends = ends.reshape(2, -1)
    graph = coo_array((np.ones(len(a)), (ends[0], ends[1])), shape=(len(old), len(old)))
    n_new, new = connected_components(graph, directed=False)
    least = np.full(n_new, len(labels))
    np.minimum.at(least, new, old)
    renamed = np.arange(len(labels))
    renamed[old] = least[new]
    return renamed[labels]


def _pairs(asked: Float64Array, points: Float64Array) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield blocks of `asked`, and the points that may be neighbours of some of each.

    The rows of a block are near each other. So there are few candidates if the reach, 1, is
    small; otherwise, and in many columns, all distances are computed.
    """
    from scipy.spatial import cKDTree  # its import takes a while

    if not len(asked) or not len(points):
        return
    tree, order = cKDTree(points), cKDTree(asked, leafsize=BLOCK_ROWS).indices
    step = min(BLOCK_ROWS, max(1, BLOCK_BYTES // (8 * len(points))))
    for start in range(0, len(order), step):
        block = order[start : start + step]
        low, high = asked[block].min(axis=0), asked[block].max(axis=0)
        reach = 1 + np.linalg.norm(high - low) / 2
        others = tree.query_ball_point((low + high) / 2, reach * (1 + SLACK))
        yield block, np.array(others, dtype=np.intp)


def _near(a: Float64Array, b: Float64Array) -> Near:
    from scipy.spatial.distance import cdist  # its import takes a while

    return np.asarray(cdist(a, b) <= 1)
