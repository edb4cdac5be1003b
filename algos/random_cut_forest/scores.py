"""Anomaly scores of rows, from all trees of a forest."""

from __future__ import annotations

import numpy as np

from algos._common.arrays import Float32Array, Float64Array
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
    rows: Float32Array,
    n_rows: int,
    stride: int,
    method: str,
    n_threads: int,
) -> Float64Array:
    """Return the anomaly scores of rows, without learning them; larger is more anomalous.

    Each row is inserted into each tree hypothetically; see `_cut_values.h` for the expectations.
    The bits of a score depend neither on the other rows nor on the number of threads.

    Parameters
    ----------
    forest : Forest
        If its trees are empty, all scores are 0.
    rows : ndarray of float32, contiguous
        Row i is `rows.ravel()[i * stride : i * stride + forest.n_columns]`.
    n_rows, stride : int
        Number of rows, and the distance of their starts: below n_columns for shingles.
    method : str
        - "expected_inverse_depth": the mean over the trees of E[1 / depth] log2(n + 1), where
          depth is that of the inserted row in a tree of n rows. It is the score of AWS's library
          and of SageMaker: about 1 at the verge of an anomaly;
        - "expected_depth": 1 / mean of E[depth] / log2(n + 1): the same scale, but with less
          influence of trees that separate the row by chance;
        - "depth": the same with the depth of the leaf to which the cuts lead; fastest;
        - "displacement": the expected number of rows that the row pushes down;
        - "collusive_displacement": the expected maximum, over groups of neighbours with the row,
          of the number of rows that the group pushes down per member.
    n_threads : int
        Maximum number of threads.

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
