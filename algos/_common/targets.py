"""Validation of targets."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_consistent_length

from algos._common.arrays import Float64Array
from algos._common.checked import check_array
from algos._common.column_types import names_columns_of, refuse_date_targets


def require_target(estimator: Any, X: Any, y: Any) -> None:
    """Raise scikit-learn's error if y is None or its length is not that of X."""
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None"
        )
    if type(y) is not np.ndarray or y.ndim == 0 or len(y) != X.shape[0]:
        check_consistent_length(X, y)


def checked_numbers(y: ArrayLike, name: str = "y") -> Float64Array:
    """Return y as finite float64 numbers, in its shape."""
    if _is_plain(y):
        return np.asarray(y)
    refuse_date_targets(y, name)
    checked: Float64Array
    with names_columns_of(y):
        checked = check_array(y, ensure_2d=False, dtype=np.float64, order="C", input_name=name)
    return checked


def _is_plain(y: Any) -> bool:
    """Return whether scikit-learn's check, which is slow for few rows, can be skipped."""
    if type(y) is not np.ndarray or y.dtype != np.float64 or y.ndim != 1 or len(y) == 0:
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(y.flags.c_contiguous and np.isfinite(y.sum()))
