"""A warning of numeric columns that look like ids of users or items."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algos._common.arrays import IndexArray
from algos._common.warn import listed_columns, warn

_FEWEST = 368  # distinct values: 8-bit pixels, ages and days of the year have fewer
_LEAST_COVER = 2 / 3  # share of the numbers from 0 to the largest: counts omit most large ones
_LEAST_ROWS = 1.5  # mean number of rows per value: ids that occur once are not informative
_HEAD = 64  # first rows, by which most columns are ruled out


def numbered_columns(X: Any) -> IndexArray:
    """Return the dense columns that look like ids: most numbers from 0 or 1 on, repeated."""
    if sparse.issparse(X) or not len(X):
        return np.empty(0, dtype=np.intp)
    head = X[:_HEAD]
    if not ((head >= 0) & (head == np.rint(head))).all(axis=0).any():
        return np.empty(0, dtype=np.intp)
    largest = X.max(axis=0)
    # Larger numbers cannot pass `_is_numbered`; so the counts there take little memory.
    is_fit = (largest + 1.0 >= _FEWEST) & (largest + 1.0 <= len(X) / (_LEAST_ROWS * _LEAST_COVER))
    return np.array([j for j in np.flatnonzero(is_fit) if _is_numbered(X[:, j])], dtype=np.intp)


def _is_numbered(column: NDArray[Any]) -> bool:
    if column.min() < 0 or not np.array_equal(column, np.rint(column)):
        return False
    counts = np.bincount(column.astype(np.int64))
    n_values = np.count_nonzero(counts)
    is_covered = n_values >= max(_FEWEST, _LEAST_COVER * len(counts))
    return bool(is_covered and len(column) >= _LEAST_ROWS * n_values)


def warn_of_identifiers(name: str, X: Any, names: NDArray[Any] | None) -> None:
    """Warn of columns that should be one-hot encoded, by their indices or `names`."""
    found = numbered_columns(X)
    if not len(found):
        return
    columns = listed_columns(found, names)
    quantities = "a quantity" if len(found) == 1 else "quantities"
    warn(
        f"{name} reads {columns} of X as {quantities}, but hundreds of different "
        f"whole numbers from 0 or 1 on look like ids; encode ids of users or items by "
        f"OneHotEncoder(handle_unknown='ignore'), or silence this warning for quantities, such as "
        f"minutes, by StandardScaler()"
    )
