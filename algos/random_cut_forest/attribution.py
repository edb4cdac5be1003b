"""Which columns, and which of their sides, make a row's score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algos._cython.cut_attribution import share_rows
from algos.random_cut_forest.forest import Forest
from algos.random_cut_forest.scores import METHODS, score

# A depth that a column makes small raises the score: the kinds of depth are shared out as the
# inverse depth is.
_SHARED_AS = {
    "expected_depth": "expected_inverse_depth",
    "depth": "expected_inverse_depth",
}


def number_of_shares(method: str) -> int:
    """Return the kernel's number of the method by which a score is shared out."""
    return METHODS.index(_SHARED_AS.get(method, method))


def attribute(
    forest: Forest,
    rows: NDArray[np.float32],
    n_rows: int,
    stride: int,
    method: str,
    n_threads: int,
) -> NDArray[np.float64]:
    """Return the shares of columns and sides in the rows' scores.

    A cut separates the row from a box in one column, on one side, with probability proportional
    to how far the row is outside there; what it adds to the score falls to that side. The kinds
    of depth are shared out in the proportions of the expected inverse depth.

    Parameters
    ----------
    forest, rows, n_rows, stride, method, n_threads
        As `scores.score` takes them.

    Returns
    -------
    shares : ndarray of float64, (n_rows, n_columns, 2)
        [..., 0] for values that are too low, [..., 1] for those too high; all of a row sum to
        its score.
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


def by_lag(shares: NDArray[np.float64], shingle_size: int) -> NDArray[np.float64]:
    """Return the shares of shingles as (n_rows, shingle_size, n_features, 2).

    Entry [i, lag] is of the row `lag` steps before the last of shingle i; a shingle holds the
    oldest row first.
    """
    n_rows, n_columns, _ = shares.shape
    return shares.reshape(n_rows, shingle_size, n_columns // shingle_size, 2)[:, ::-1]
