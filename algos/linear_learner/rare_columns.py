"""A warning about rare sparse columns, to which standardisation gives too much weight."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from algos._common.arrays import Int64Array
from algos._common.warn import warn

_ROWS = 100  # at least: a column of fewer rows cannot be rarer than 1%
_RARE, _MOST = 0.01, 0.5  # share of the rows that a rare column fills; share of rare columns
_UNEVEN = 10  # the fullest column, in multiples of the median: otherwise all are equally rare
_BLOCK = 1 << 17  # values that are counted at a time


def warn_of_rare_columns(estimator: Any, X: Any) -> None:
    """Warn if columns are standardised and most of them are filled in hardly any row.

    A word of one text in a thousand has a standard deviation of 0.03: standardised, its
    coefficient may grow thirty times as far for the same penalty. The message has no counts,
    so that it is the same in all folds of a search.
    """
    n = X.shape[0]
    if not (sparse.issparse(X) and estimator.standardize) or n < _ROWS or _is_zero(estimator.alpha):
        return
    counts = _filled_rows(X)
    counts = counts[counts > 0]
    is_rare = counts < _RARE * n
    if len(counts) and is_rare.mean() > _MOST and counts.max() > _UNEVEN * np.median(counts):
        warn(
            "Most columns of X are filled in less than 1% of its rows; if they are words or "
            "categories, write standardize=False"
        )


def _filled_rows(X: Any) -> Int64Array:
    """Return the number of rows with a nonzero value in each column."""
    counts = np.zeros(X.indices.max(initial=-1) + 1, dtype=np.int64)
    block = max(_BLOCK, len(counts))
    for start in range(0, len(X.data), block):
        part = slice(start, start + block)
        counts += np.bincount(X.indices[part][X.data[part] != 0], minlength=len(counts))
    return counts


def _is_zero(alpha: Any) -> bool:
    return not isinstance(alpha, str) and not np.any(alpha)
