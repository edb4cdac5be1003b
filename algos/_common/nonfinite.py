"""Errors for NaN and infinity that say where the first one is."""

from __future__ import annotations

import re
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

_OF_SCIKIT_LEARN = re.compile(r"Input( \S+)? contains (NaN|infinity)")
_OF_NUMPY = re.compile(r"must be a string or a real number, not '(NAType|NaTType)'")
_LARGEST_FLOAT32 = np.finfo(np.float32).max
_MISSING_TYPES = frozenset({"NoneType", "NAType", "NaTType"})  # the latter two of pandas


def located(
    error: Exception, array: Any, names: Any = None, input_name: str = ""
) -> ValueError | None:
    """Return scikit-learn's error with the place of the first NaN or infinity added.

    Parameters
    ----------
    error : Exception
        Any error; others than those about NaN and infinity give None. Those of Python and numpy,
        about pandas' NA and ints beyond all floats, are worded as scikit-learn's.
    array : array-like, frame or sparse matrix
        The input that was refused.
    names : sequence, default=None
        Names of its columns.
    input_name : str, default=""
        Name of the input, for errors that do not have it.

    Returns
    -------
    error : ValueError or None
    """
    text = _worded(error, input_name)
    found = _OF_SCIKIT_LEARN.match(text)
    if found is None:
        return None
    place = _first_place(array, is_nan=found[2] == "NaN")
    if place is None:
        return None
    where = f"row {place[0]}"
    if len(place) == 2:
        where += f" of column {place[1] if names is None else names[place[1]]!r}"
    if found[1] is None and input_name:
        text = text.replace("Input", f"Input {input_name}", 1)
    first, *rest = text.split("\n", 1)
    return ValueError("\n".join([f"{first.rstrip('.')}. The first one is in {where}.", *rest]))


def is_missing(value: Any) -> bool:
    """Return whether a value among objects is NaN, None, or pandas' NA or NaT."""
    if type(value).__name__ in _MISSING_TYPES:
        return True
    return isinstance(value, Real) and bool(value != value)


def _worded(error: Exception, input_name: str) -> str:
    """Return the text of an error, in scikit-learn's words if it is about NaN or infinity."""
    if isinstance(error, OverflowError):
        return "Input contains infinity or a value too large for dtype('float64')."
    missing = _OF_NUMPY.search(str(error)) if isinstance(error, TypeError) else None
    if missing is None:
        return str(error)
    or_nan = ", or write numpy.nan where NaN is accepted" if input_name in ("", "X") else ""
    return f"Input contains NaN, as {missing[1]} among objects; impute it or drop its row{or_nan}."


def _first_place(array: Any, is_nan: bool) -> tuple[int, ...] | None:
    """Return the indices of the first NaN, or else infinity; None if there is none."""
    if sparse.issparse(array):
        return _first_stored(array, is_nan)
    is_float = isinstance(array, np.ndarray) and array.dtype.kind == "f"
    values = array if is_float else _floats_of(array)
    found = _first_of(values, is_nan)
    return None if found is None else tuple(map(int, np.unravel_index(found, values.shape)))


def _first_stored(X: Any, is_nan: bool) -> tuple[int, int] | None:
    coordinates = X.tocoo()
    order = np.lexsort((coordinates.col, coordinates.row))
    found = _first_of(coordinates.data[order], is_nan)
    if found is None:
        return None
    return int(coordinates.row[order[found]]), int(coordinates.col[order[found]])


def _floats_of(array: Any) -> NDArray[Any]:
    """Return an array-like as `_as_floats` does; a frame with nullable columns one by one."""
    dtypes = array.dtypes if hasattr(array, "iloc") and np.ndim(array) == 2 else ()
    if all(isinstance(dtype, np.dtype) for dtype in dtypes):
        return _as_floats(array)
    floats = np.empty(array.shape)
    for place in range(array.shape[1]):
        floats[:, place] = _as_floats(array.iloc[:, place])
    return floats


def _as_floats(array: Any) -> NDArray[Any]:
    """Return an array-like as float64, with zeros where a value is not a number."""
    try:
        return np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):  # such as pandas' NA, or labels
        kind = getattr(getattr(array, "dtype", None), "kind", "O")
        if kind in "biuf" and hasattr(array, "iloc"):  # a nullable column
            return np.asarray(array.to_numpy(dtype=np.float64, na_value=np.nan))
        objects = np.asarray(array, dtype=object)
        return np.asarray(np.frompyfunc(_as_float, 1, 1)(objects), dtype=np.float64)


def _as_float(value: Any) -> float:
    if type(value) is float:
        return value
    if is_missing(value):
        return np.nan
    try:
        return float(value) if isinstance(value, Real) else 0.0
    except OverflowError:
        return np.inf


def _first_of(values: NDArray[Any], is_nan: bool) -> int | None:
    """Return the position of the first NaN, or else of the first value that is too large."""
    is_wrong = np.isnan(values) if is_nan else np.isinf(values)
    if not is_nan and not is_wrong.any() and values.dtype == np.float64:
        is_wrong = np.abs(values) > _LARGEST_FLOAT32
    return int(is_wrong.argmax()) if is_wrong.any() else None
