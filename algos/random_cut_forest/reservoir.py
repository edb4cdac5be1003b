"""The samples of the trees of a forest: rows of a batch and their keys."""

from __future__ import annotations

import numpy as np

from algos._common.arrays import Float64Array, Int64Array
from algos._cython.cut_sample import draw as draw_rows
from algos.random_cut_forest.forest import Forest

Sample = tuple[Int64Array, Float64Array]


def draw(
    forest: Forest,
    n_rows: int,
    decay: float = 0.0,
    disjoint: bool = False,
    n_threads: int = 1,
) -> Sample:
    """Draw the sample of every tree of an empty forest, as from a stream of the rows.

    Parameters
    ----------
    forest : Forest
        Its `clock` and `decay` are set; `growth.grow` grows the trees.
    n_rows : int
    decay : float, default=0.0
        Row i has the weight exp(decay * i); at 0 all weights are equal.
    disjoint : bool, default=False
        Divide one sample of n_trees * size rows among the trees, so that no row is in two
        of them; a tree gets at most n_rows // n_trees rows.
    n_threads : int, default=1

    Returns
    -------
    chosen : ndarray of shape (n_trees, m), dtype int64
        The rows of each tree; m is `size`, or less if there are too few rows.
    keys : ndarray of shape (n_trees, m)
        Their keys, the smallest of all rows' keys.
    """
    n_trees = forest.n_trees
    m = min(forest.size, n_rows // n_trees if disjoint else n_rows)
    forest.decay[0] = decay
    chosen, keys = _draw(forest, forest.clock, 0, (n_trees, m), n_rows, n_threads)
    if disjoint and m > 0:
        dealt = _deal(forest, m, n_rows)
        # Keys are assigned by rank, so that old rows have the keys of old rows.
        ranks = chosen.argsort(axis=1).argsort(axis=1)
        chosen = np.take_along_axis(dealt, ranks, axis=1)
    return chosen, keys


def _draw(
    forest: Forest,
    clock: Int64Array,
    first_stream: int,
    shape: tuple[int, int],
    n_rows: int,
    n_threads: int,
) -> Sample:
    chosen, keys = np.empty(shape, dtype=np.int64), np.empty(shape)
    decay = float(forest.decay[0])
    draw_rows(forest.key, clock, chosen, keys, n_rows, decay, first_stream, n_threads)
    return chosen, keys


def _deal(forest: Forest, m: int, n_rows: int) -> Int64Array:
    """Return one sample divided among the trees, in ascending order for each."""
    clock = np.zeros((1, 4), dtype=np.int64)
    stream = forest.n_trees  # the one after those of the trees
    rows, _ = _draw(forest, clock, stream, (1, m * forest.n_trees), n_rows, 1)
    order = np.random.Generator(np.random.Philox(key=forest.key, counter=[0, 1, 0, 0]))
    return np.sort(order.permutation(rows[0]).reshape(forest.n_trees, m), axis=1)
