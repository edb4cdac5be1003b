"""Sparse columns that few rows have, which a unit of their own makes as heavy as frequent ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from algos._common.warn import warn

_ROWS = 100  # of fewer, no column is rarer than one of them
_RARE, _MOST = 0.01, 0.5  # a column's share of the rows, and the share of the columns


def warn_of_rare_columns(estimator: Any, X: Any) -> None:
    """Warn where the penalty is of standardised columns, and most are met in hardly any row.

    A word of one text in a thousand has a deviation of 0.03: to standardise it is to let it
    grow thirty times as far as its values say, for the same penalty.
    """
    n = X.shape[0]
    if not (sparse.issparse(X) and estimator.standardize) or n < _ROWS or _is_zero(estimator.alpha):
        return
    counts = np.bincount(X.indices, minlength=1)
    counts = counts[counts > 0]
    rare = int((counts < _RARE * n).sum())
    if rare > _MOST * len(counts):
        warn(
            f"{type(estimator).__name__} penalises columns in units of their deviations "
            f"(standardize=True), but {rare} of the {len(counts)} sparse columns with values have "
            f"them in under one row of a hundred, and would count as much as frequent ones; "
            f"write standardize=False, which keeps the columns' common unit (or scale dense "
            f"numbers by StandardScaler in front)"
        )


def _is_zero(alpha: Any) -> bool:
    return np.ndim(alpha) == 0 and alpha == 0
