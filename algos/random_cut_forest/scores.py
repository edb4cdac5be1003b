"""Anomaly scores of rows, from all trees of a forest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algos._cython.cut_score import score_rows
from algos.random_cut_forest.forest import Forest

# In the order of the kernel's numbers.
METHODS = (
    "expected_inverse_depth",
    "expected_depth",
    "depth",
    "displacement",
    "collusive_displacement",
)


def score(
    forest: Forest,
    rows: NDArray[np.float32],
    n_rows: int,
    stride: int,
    method: str,
    n_threads: int,
) -> NDArray[np.float64]:
    """Return the scores of rows, none of which is learned: the larger, the more anomalous.

    Each row is inserted into each tree in thought; `_cut_values.h` says what is expected then.
    A row's score has the same bits alone and among others, for any number of threads.

    Parameters
    ----------
    forest : Forest
        If its trees hold no rows yet, all scores are 0.
    rows : ndarray of float32, contiguous
        Row i is `rows.ravel()[i * stride : i * stride + forest.n_columns]`.
    n_rows, stride : int
        Number of rows, and how far apart they begin: 1 to n_columns for shingles that overlap.
    method : str
        - "expected_inverse_depth": the mean over the trees of E[1 / depth] log2(n + 1), where
          depth is that of the inserted row in a tree of n rows. It is the score of AWS's library
          and of SageMaker: about 1 where a row is on the verge of an anomaly;
        - "expected_depth": 1 by the mean of E[depth] / log2(n + 1): the same scale, but trees
          that cut the row off by chance weigh less;
        - "depth": as before, with the depth of the leaf to which the cuts lead; fastest;
        - "displacement": the expected number of rows that the row pushes down;
        - "collusive_displacement": the expectation of the most that a group of neighbours with
          the row pushes down, by member.
    n_threads : int
        Threads at most.

    Returns
    -------
    scores : ndarray of float64, (n_rows,)

    References
    ----------
    .. [1] S. Guha, N. Mishra, G. Roy and O. Schrijvers, "Robust random cut forest based anomaly
       detection on streams", ICML 2016 (displacement: definitions 2 and 3).
    """
    scores = np.empty(n_rows)
    score_rows(
        *forest.trees,
        rows=rows.ravel(),
        stride=stride,
        method=METHODS.index(method),
        out=scores,
        n_threads=n_threads,
    )
    return scores
