"""Merging of two forests that learned different rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, Int64Array
from algos.random_cut_forest.forest import SAMPLED, SEEN, SLACK, Forest
from algos.random_cut_forest.growth import grow
from algos.random_cut_forest.reservoir import draw


def joined(forest: Forest, other: Forest, n_threads: int = 1) -> Forest:
    """Return a forest distributed as if it had learned the rows of both.

    The sample of each tree has the smallest keys of both samples; the tree is regrown. With
    decay, the last rows of both have the same weight, and the ages of the others are counted
    in their own streams. The distribution is exact for forests that have drawn independently:
    with different keys, or without decay, when one of them is drawn again.

    Parameters
    ----------
    forest, other : Forest
        With the same number, size and width of trees. The result continues the random streams
        of `forest`, and has its decay.
    n_threads : int, default=1

    Returns
    -------
    joined : Forest
    """
    shapes = {(each.n_trees, each.size, each.n_columns) for each in (forest, other)}
    if len(shapes) > 1:
        raise ValueError(
            f"forests with (trees, rows, columns) {sorted(shapes)} must have the same; "
            "merge forests with the same parameters and columns"
        )
    together = Forest.empty(forest.key, forest.n_trees, forest.size, forest.n_columns)
    together.clock[:] = forest.clock
    together.clock[:, SEEN] += other.clock[:, SEEN]
    together.decay[:] = forest.decay
    keys = np.concatenate([_present_keys(forest), _independent_keys(other, forest)], axis=1)
    rows = np.concatenate([forest.points[:-SLACK], other.points[:-SLACK]])
    smallest = keys.argsort(axis=1, kind="stable")[:, : forest.size]
    keys = np.take_along_axis(keys, smallest, axis=1)
    chosen = np.concatenate([places(forest, 0), places(other, forest.n_trees)], axis=1)
    chosen = np.take_along_axis(chosen, smallest, axis=1)
    chosen[keys == np.inf] = -1
    keys -= forest.decay * together.clock[:, SEEN, np.newaxis]
    grow(together, rows, chosen, keys, n_threads)
    return together


def _present_keys(forest: Forest) -> Float64Array:
    """Return the keys relative to the weight of the next row; infinity for empty places."""
    keys = forest.keys + forest.decay * forest.clock[:, SEEN, np.newaxis]
    return np.where(present(forest), keys, np.inf)


def present(forest: Forest) -> NDArray[np.bool_]:
    """Tell which places of the reservoirs hold a row."""
    return np.asarray(np.arange(forest.size) < forest.clock[:, SAMPLED, np.newaxis])


def _independent_keys(other: Forest, forest: Forest) -> Float64Array:
    """Return the present keys of `other`, drawn again if equal seeds would make them equal."""
    keys = _present_keys(other)
    if other.decay[0] or not np.array_equal(other.key, forest.key):
        return keys
    # If all rows have equal weight, keys are independent of the rows that have them.
    anew = Forest.empty(other.key ^ np.uint64(1), other.n_trees, other.size, 1)
    _, drawn = draw(anew, int(other.clock[0, SEEN]))
    n = int(other.clock[0, SAMPLED])
    keys[:, :n] = drawn[:, :n]
    return keys


def places(forest: Forest, first_tree: int) -> Int64Array:
    """Return the indices of the sampled rows among the points of all trees."""
    tree = np.arange(first_tree, first_tree + forest.n_trees)[:, np.newaxis]
    return tree * forest.size + (forest.leaves - (forest.size - 1))
