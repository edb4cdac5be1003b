"""Scores of many rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algos._cython.cut_score import score_rows
from algos.random_cut_forest.forest import Forest

METHODS = {
    "expected_inverse_depth": 0,
    "expected_depth": 1,
    "depth": 2,
    "displacement": 3,
    "collusive_displacement": 4,
}


def score(
    forest: Forest,
    rows: NDArray[np.float32],
    n_rows: int,
    stride: int,
    method: str,
    n_threads: int = 1,
) -> NDArray[np.float64]:
    """Return the scores of rows."""
    out = np.empty(n_rows)
    score_rows(*forest.trees, rows.reshape(-1), stride, METHODS[method], out, n_threads)
    return out
