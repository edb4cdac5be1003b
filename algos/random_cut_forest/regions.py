"""Dense regions of a forest's sample, as in Kinesis' HOTSPOTS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Numbers = NDArray[np.intp]
Near = NDArray[np.bool_]

BLOCK_BYTES = 1 << 24  # of distances at a time
BLOCK_ROWS = 64  # of points that lie together
SLACK = 1e-6  # of the radius: points exactly that far apart are near in spite of rounding
_FAR = 1e150  # radii: its square is a number


class Region(NamedTuple):
    """A box around rows that lie densely."""

    density: float  # rows of a tree by the volume of the box
    low: Doubles  # the least value of each column
    high: Doubles  # and the largest
    weight: float  # rows of a tree that lie in the region


def dense_regions(
    points: NDArray[np.floating],
    weights: Doubles,
    radius: float,
    min_samples: float,
    rounding: float = 0.0,
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
    rounding : float, default=0.0
        By how much rounded points may seem farther apart than they are.

    Returns
    -------
    regions : list of Region
        The density is `weight` by the volume of the box. No side of it counts less than
        `radius`, as a box may be flat.
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


def _in_reaches(points: Doubles, radius: float, rounding: float) -> Doubles:
    """Return points in a unit up to which they are near to each other."""
    reach = radius * (1 + SLACK) + rounding
    with np.errstate(over="ignore"):
        lowest = points.min(axis=0, initial=np.inf)
        return np.asarray(np.minimum((points - lowest) / reach, _FAR))


def _labels(points: Doubles, weights: Doubles, min_samples: float) -> Numbers:
    """Return the region of each point, in the order of their first dense points; -1 is none."""
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


def _connected(points: Doubles) -> Numbers:
    """Return the connected component of each point, in the order of their first points."""
    labels = np.arange(len(points))
    for block, others in _pairs(points, points):
        mine = labels[block]
        if mine.min() == mine.max():  # then those that are of it already need no distances
            others = others[labels[others] != mine[0]]
        its = labels[others]
        is_new = _near(points[block], points[others]) & (mine[:, np.newaxis] != its)
        a, b = is_new.nonzero()
        if len(a):
            labels = _joined(labels, mine[a], its[b])
    return np.asarray(np.unique(labels, return_inverse=True)[1])


def _joined(labels: Numbers, a: Numbers, b: Numbers) -> Numbers:
    """Return labels of which some are now one, the least; pair by pair."""
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


def _pairs(asked: Doubles, points: Doubles) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield blocks of what is asked, and the points that may be near to some of each.

    A block lies together. So these are few if the reach, 1, is small; else, and in many
    columns, they are all, and all distances are taken.
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


def _near(a: Doubles, b: Doubles) -> Near:
    from scipy.spatial.distance import cdist  # its import takes a while

    return np.asarray(cdist(a, b) <= 1)
