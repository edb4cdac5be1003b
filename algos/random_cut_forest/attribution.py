"""The contributions of columns, and of low and high values, to the scores of rows."""

from __future__ import annotations

import numpy as np

from algos._common.arrays import Float32Array, Float64Array
from algos._cython.cut_attribution import share_rows
from algos.random_cut_forest.forest import Forest
from algos.random_cut_forest.scores import METHODS, score

# Small depths raise the score, so scores made of depths are shared out like the inverse depth.
_SHARED_AS = {
    "expected_depth": "expected_inverse_depth",
    "depth": "expected_inverse_depth",
}


def number_of_shares(method: str) -> int:
    """Return the kernel's number of the method that shares out a score."""
    return METHODS.index(_SHARED_AS.get(method, method))


def attribute(
    forest: Forest,
    rows: Float32Array,
    n_rows: int,
    stride: int,
    method: str,
    n_threads: int,
) -> Float64Array:
    """Return the contributions of columns and sides to the scores of rows.

    A cut separates the row from a box in one column, on one side, with probability proportional
    to how far the row is outside there; its contribution to the score is assigned to that side.
    Scores made of depths are shared out in the proportions of the expected inverse depth.

    Parameters
    ----------
    forest, rows, n_rows, stride, method, n_threads
        See `scores.score`.

    Returns
    -------
    shares : ndarray of float64, (n_rows, n_columns, 2)
        [..., 0] for low values, [..., 1] for high ones; those of a row sum to its score.
    """
    scores = score(forest, rows, n_rows, stride, method, n_threads)
    shares = np.empty((n_rows, forest.n_columns, 2))
    share_rows(
        *forest.trees,
        rows=rows.ravel(),
        stride=stride,
        method=number_of_shares(method),
        scores=scores,
        out=shares,
        n_threads=n_threads,
    )
    return shares


def by_lag(shares: Float64Array, shingle_size: int) -> Float64Array:
    """Return the shares of shingles as (n_rows, shingle_size, n_features, 2).

    Entry [i, lag] is of the row `lag` steps before the last of shingle i; a shingle holds the
    oldest row first.
    """
    n_rows, n_columns, _ = shares.shape
    return shares.reshape(n_rows, shingle_size, n_columns // shingle_size, 2)[:, ::-1]
