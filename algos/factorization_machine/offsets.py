"""A warning of numeric columns far from zero."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algos._common.arrays import Float64Array, IndexArray
from algos._common.warn import listed_columns, warn

# Mean over standard deviation. Measured on five normal columns, R2 by "mcmc", "als" and "adagrad":
# .998, .956, .424 at 10, .998, .721, .092 at 20, and with one such column .98, .97, .96 at 20.
_FAR = 20.0
_VALUES = 1 << 22  # of a block of columns, which is copied
_HEAD = 64  # first rows, by which most columns are ruled out
_NEAR = _FAR / 4  # of the first rows of a column that is kept
_ALIKE = 0.1  # difference of two values, as a share of the larger one; more make a flag


def far_columns(X: Any) -> IndexArray:
    """Return the columns whose mean is many times their deviation, unless flags or constants."""
    if not X.shape[0]:
        return np.empty(0, dtype=np.intp)
    head = X[:_HEAD]
    found = np.arange(X.shape[1])
    if sparse.issparse(X):
        found, counts = np.unique(head.indices, return_counts=True)
        found = found[2 * counts >= head.shape[0]]
    found = found[_ratios(_dense(head[:, found])) >= _NEAR]
    size = max(1, _VALUES // X.shape[0])
    far = []
    for first in range(0, len(found), size):
        block = found[first : first + size]
        far += [
            j for j, column in zip(block, _dense(X[:, block]).T, strict=True) if _is_far(column)
        ]
    return np.array(far, dtype=np.intp)


def warn_of_offsets(name: str, X: Any, names: NDArray[Any] | None) -> None:
    """Warn of columns that should be centred, by their indices or `names`."""
    found = far_columns(X)
    if not len(found):
        return
    columns = listed_columns(found, names)
    they = "its mean is" if len(found) == 1 else "their means are"
    warn(
        f"{name} may learn little from {columns} of X, since {they} more than "
        f"{_FAR:g} times the standard deviation; standardise numbers by StandardScaler() (before "
        f"they become sparse), and encode codes by OneHotEncoder()"
    )


def _dense(X: Any) -> Float64Array:
    found: Float64Array = np.asarray(X.toarray() if sparse.issparse(X) else X, dtype=np.float64)
    return found


def _is_far(column: Float64Array) -> bool:
    if _ratios(column[:, np.newaxis])[0] < _FAR:
        return False
    values = np.unique(column)
    if len(values) > 2:
        return True
    # A flag, or an intercept, has its weight in two numbers, and neither is far from the other.
    return len(values) == 2 and bool(np.ptp(values) < _ALIKE * np.abs(values).max())


def _ratios(values: Float64Array) -> Float64Array:
    """Return the magnitude of each column's mean in standard deviations; inf if it is constant."""
    unit = np.abs(values).max(axis=0, initial=0.0)
    shares = np.divide(values, unit, out=np.zeros_like(values), where=unit > 0)
    center, deviation = np.abs(shares.mean(axis=0)), shares.std(axis=0)
    ratios = np.full(len(unit), np.inf)
    np.divide(center, deviation, out=ratios, where=deviation > 0)
    return np.where(unit > 0, ratios, 0.0)
