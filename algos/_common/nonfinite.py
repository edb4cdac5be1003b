"""Errors for NaN and infinity that say where the first one is."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

_OF_SCIKIT_LEARN = re.compile(r"Input( \S+)? contains (NaN|infinity)")
_LARGEST_FLOAT32 = np.finfo(np.float32).max


def located(error: Exception, array: Any, names: Any = None) -> ValueError | None:
    """Return scikit-learn's error with the place of the first NaN or infinity added.

    Parameters
    ----------
    error : Exception
        Any error; others than those about NaN and infinity give None.
    array : array-like, frame or sparse matrix
        The input that was refused.
    names : sequence, default=None
        Names of its columns.

    Returns
    -------
    error : ValueError or None
    """
    text = str(error)
    if not isinstance(error, ValueError) or _OF_SCIKIT_LEARN.match(text) is None:
        return None
    place = _first_place(array)
    if place is None:
        return None
    where = f"row {place[0]}"
    if len(place) == 2:
        where += f" of column {place[1] if names is None else names[place[1]]!r}"
    first, *rest = text.split("\n", 1)
    return ValueError("\n".join([f"{first} The first one is in {where}.", *rest]))


def _first_place(array: Any) -> tuple[int, ...] | None:
    """Return the indices of the first value that is not finite; None if there is none."""
    if sparse.issparse(array):
        return _first_stored(array)
    try:
        is_float = isinstance(array, np.ndarray) and array.dtype.kind == "f"
        values = array if is_float else np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    found = _first_of(values)
    return None if found is None else tuple(map(int, np.unravel_index(found, values.shape)))


def _first_stored(X: Any) -> tuple[int, int] | None:
    coordinates = X.tocoo()
    order = np.lexsort((coordinates.col, coordinates.row))
    found = _first_of(coordinates.data[order])
    if found is None:
        return None
    return int(coordinates.row[order[found]]), int(coordinates.col[order[found]])


def _first_of(values: NDArray[Any]) -> int | None:
    """Return the position of the first value that is not finite, or too large for float32."""
    is_wrong = ~np.isfinite(values)
    if not is_wrong.any() and values.dtype == np.float64:
        is_wrong = np.abs(values) > _LARGEST_FLOAT32
    return int(is_wrong.argmax()) if is_wrong.any() else None
