"""Errors for columns of strings, dates or times."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

# Prefixes of the names of types in pandas, polars, pyarrow and numpy.
_DATES = ("date", "time", "duration", "period")


def column_of_texts(X: Any) -> tuple[Any, str | bytes | None]:
    """Return the name or number of the first column whose first value is a string, and the value."""
    kind = getattr(getattr(X, "dtype", None), "kind", "O")
    if kind not in "OUST" or getattr(X, "ndim", 2) != 2 or not len(getattr(X, "shape", ())):
        return None, None
    return _first(X[:1], _is_text)


def refuse_dates(X: Any) -> None:
    """Raise if a column holds dates or times: as numbers they would depend on their unit."""
    types = list(_types_of(X))
    dates = {dtype for dtype in {dtype for _, dtype in types} if _names_dates(dtype)}
    for column, dtype in types if dates else ():
        if dtype in dates:
            _refuse_date(column, dtype)
    if isinstance(X, (list, tuple)) or any(str(dtype).lower() == "object" for _, dtype in types):
        column, date = _first(X[:1], _is_date)
        if date is not None:
            _refuse_date(column, type(date).__name__)


def explain(X: Any, error: Exception) -> None:
    """Raise an error that names the column, if scikit-learn's is about strings or dates."""
    if "could not convert" in str(error):
        column, text = _first(X, _is_text)
        if text is not None:
            raise ValueError(
                f"could not convert {text[:30]!r} to a number: column {column!r} of `X` holds "
                f"strings; encode it, for example by sklearn.preprocessing.OneHotEncoder in a "
                f"sklearn.compose.ColumnTransformer"
            ) from None
    if "must be a string or a real number" in str(error):
        column, date = _first(X, _is_date)
        if date is not None:
            _refuse_date(column, type(date).__name__)


def _refuse_date(column: Any, kind: Any) -> None:
    raise ValueError(
        f"column {column!r} of `X` holds dates or times ({kind}); replace it by numbers, such as "
        f"the days since a fixed date, or month and weekday"
    ) from None


def _types_of(X: Any) -> Iterable[tuple[Any, Any]]:
    """Return names and types of the columns of a frame or table; for an array, its dtype."""
    if _is_arrow(X):
        return zip(X.schema.names, X.schema.types, strict=True)
    if hasattr(X, "columns") and hasattr(X, "dtypes"):
        return zip(X.columns, X.dtypes, strict=True)
    return [(0, X.dtype)] if hasattr(X, "dtype") and np.ndim(X) == 2 else []


def _names_of(X: Any, n_columns: int) -> Any:
    """Return the names of the columns of a frame or a pyarrow table; else their numbers."""
    return X.schema.names if _is_arrow(X) else getattr(X, "columns", range(n_columns))


def _is_arrow(X: Any) -> bool:
    """Return whether X is a pyarrow table."""
    return type(X).__module__.partition(".")[0] == "pyarrow" and hasattr(X, "schema")


def _first(X: Any, is_wrong: Callable[[Any], bool]) -> tuple[Any, Any]:
    """Return the column of the first wrong value, and the value; all values are searched."""
    table = np.asarray(X, dtype=object)
    if table.ndim != 2:
        return None, None
    for place, values in enumerate(table.T):
        for value in values:
            if is_wrong(value):
                return _names_of(X, table.shape[1])[place], value
    return None, None


def _names_dates(kind: Any) -> bool:
    """Return whether a type is one of dates or times, dictionary-encoded or not."""
    return str(kind).lower().removeprefix("dictionary<values=").startswith(_DATES)


def _is_date(value: Any) -> bool:
    return _names_dates(type(value).__name__)


def _is_text(value: Any) -> bool:
    return isinstance(value, (str, bytes)) and not _is_number(value)


def _is_number(value: str | bytes) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True
