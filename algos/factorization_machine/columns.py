"""Columns of X that a user gives by number, by name or as a mask."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.params import Interval


def column_number(column: Any, names: Sequence[str] | None, d: int) -> int:
    """Return the number of a column that is given by number or by name.

    Negative numbers count from the end, as in numpy.

    Raises
    ------
    ValueError
        If there is no such column.
    """
    if isinstance(column, str):
        if names is None:
            raise ValueError(
                f"column {column!r} must be an int from 0 to {d - 1}, since X had no column names; "
                f"give its index"
            )
        found = [place for place, name in enumerate(names) if name == column]
        if not found:
            raise ValueError(f"column {column!r} must be one of the columns of X; see their names")
        return found[0]
    if not Interval(Integral, -d, d).accepts(column):
        raise ValueError(
            f"column {column!r} must be an int from {-d} to {d - 1} or the name of a column of X; "
            f"give its index"
        )
    return int(column) % d


def column_numbers(named: Any, d: int, names: NDArray[Any] | None) -> NDArray[Any]:
    """Return the numbers of the columns given as `item_features`.

    Parameters
    ----------
    named : array-like
        Numbers, of which negative ones count from the end, a mask of d booleans, or names.
    d : int
        Number of columns.
    names : ndarray of shape (d,), or None
        The column names of a data frame.
    """
    given = np.asarray(named)
    if given.shape == (d,) and given.dtype.kind == "b" and given.any():
        return np.flatnonzero(given)
    if given.ndim == 1 and given.size and given.dtype.kind in "OUT" and names is not None:
        unknown = given[~np.isin(given, names)]
        if len(unknown):
            raise ValueError(
                f"`item_features` with {str(unknown[0])!r} must hold names of columns of X, which "
                f"are {names[:5].tolist()} …"
            )
        return np.flatnonzero(np.isin(names, given))
    is_whole = given.ndim == 1 and given.dtype.kind in "iu" and given.size > 0
    if not is_whole or given.min() < -d or given.max() >= d:
        raise ValueError(
            f"`item_features` must be the columns that describe the item: their indices, ints in "
            f"[{-d}, {d}), a mask of {d} booleans, or, for a data frame, their names"
        )
    return np.asarray(given.astype(np.int64) % d)
