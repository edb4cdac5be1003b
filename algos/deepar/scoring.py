"""Evaluation of forecasts against the steps that followed, as users give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing

from algos._common.arrays import Float64Array, Int64Array
from algos._common.checked import check_array
from algos.deepar.covariates import NamedArrays


def checked_future(X: Any, y: Any) -> Float64Array | None:
    """Return y as true values of shape (n_series, horizon); None if it is not 2-D.

    Raises
    ------
    ValueError
        If it has another number of rows than X, or holds anything but numbers and NaN.
    """
    if y is None or _n_dimensions(y) != 2:
        return None
    if isinstance(y, list | tuple) and len({len(row) for row in y}) > 1:
        raise ValueError("the rows of `y` must have the same length; pad them with NaN")
    future: Float64Array = check_array(
        y, dtype=np.float64, ensure_all_finite="allow-nan", input_name="y", ensure_min_samples=0
    )
    if len(future) != len(X):
        raise ValueError(
            f"`y` of shape {future.shape} must have {len(X)} rows, as `X` has: the steps that "
            f"follow each series; leave it out to compare with the last columns of `X`"
        )
    return future


def _n_dimensions(y: Any) -> int:
    """Return the number of dimensions; rows of a list may differ in length."""
    if hasattr(y, "ndim"):
        return int(y.ndim)
    try:
        return np.ndim(y)
    except ValueError:  # rows of different lengths
        return 2


def rows_of(n_series: int, rows: Int64Array, covariates: Mapping[str, Any]) -> dict[str, Any]:
    """Return the covariates of some series; those shared by all are unchanged."""
    return {
        name: values if _is_of_all(name, values, n_series) else _taken(values, rows)
        for name, values in covariates.items()
    }


def _is_of_all(name: str, values: Any, n_series: int) -> bool:
    if values is None or _n_dimensions(values) == 0:
        return True
    is_course = name == "dynamic_real" and hasattr(values, "columns")
    return is_course or len(values) != n_series


def _taken(values: Any, rows: Int64Array) -> Any:
    return values.take(rows) if isinstance(values, NamedArrays) else _safe_indexing(values, rows)
