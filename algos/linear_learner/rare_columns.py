"""Sparse columns that few rows have, which a unit of their own makes as heavy as frequent ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from algos._common.warn import warn

_ROWS = 100  # of fewer, no column is rarer than one of them
_RARE, _MOST = 0.01, 0.5  # a column's share of the rows, and the share of the columns
_UNEVEN = 10  # times the median column's values, that one has: else none is rare beside another


def warn_of_rare_columns(estimator: Any, X: Any) -> None:
    """Warn where the penalty is of standardised columns, and most are met in hardly any row.

    A word of one text in a thousand has a deviation of 0.03: to standardise it is to let it
    grow thirty times as far as its values say, for the same penalty. No count is said, so that
    the folds of a search say the same.
    """
    n = X.shape[0]
    if not (sparse.issparse(X) and estimator.standardize) or n < _ROWS or _is_zero(estimator.alpha):
        return
    counts = np.bincount(X.indices, weights=X.data != 0, minlength=1)
    counts = counts[counts > 0]
    is_rare = counts < _RARE * n
    if len(counts) and is_rare.mean() > _MOST and counts.max() > _UNEVEN * np.median(counts):
        warn(
            f"{type(estimator).__name__} penalises columns in units of their standard deviations "
            f"(standardize=True), so that rare ones count as much as frequent ones, and most of "
            f"these sparse columns have values in less than one row of a hundred; if they share a "
            f"unit, as words and categories do, write standardize=False, and scale other columns "
            f"first"
        )


def _is_zero(alpha: Any) -> bool:
    return np.ndim(alpha) == 0 and alpha == 0
