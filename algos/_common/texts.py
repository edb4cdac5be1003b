"""Texts and dates where numbers belong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

# How types of pandas, polars, pyarrow and numpy begin.
_DATES = ("date", "time", "duration", "period")


def column_of_texts(X: Any) -> tuple[Any, str | bytes | None]:
    """Return the name, or else the number, of the first column that begins with a text, and it."""
    kind = getattr(getattr(X, "dtype", None), "kind", "O")
    if kind not in "OUST" or getattr(X, "ndim", 2) != 2 or not len(getattr(X, "shape", ())):
        return None, None
    return _first(X[:1], _is_text)


def refuse_dates(X: Any) -> None:
    """Raise for a column of dates or times: as numbers they would hang on their unit."""
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
    """Raise in the place of scikit-learn's error one that names the column, if there is one."""
    if "could not convert" in str(error):
        column, text = _first(X, _is_text)
        if text is not None:
            raise ValueError(
                f"could not convert {text[:30]!r} to a number: column {column!r} of `X` holds "
                f"texts; sklearn.preprocessing.OneHotEncoder makes numbers of them, in a "
                f"sklearn.compose.ColumnTransformer"
            ) from None
    if "must be a string or a real number" in str(error):
        column, date = _first(X, _is_date)
        if date is not None:
            _refuse_date(column, type(date).__name__)


def _refuse_date(column: Any, kind: Any) -> None:
    raise ValueError(
        f"column {column!r} of `X` holds dates or times ({kind}); make numbers of them, such as "
        f"days since a first one, or month and weekday, and drop the column"
    ) from None


def _types_of(X: Any) -> Iterable[tuple[Any, Any]]:
    """Return names and types of the columns of a frame or table; of an array its one type."""
    if _is_arrow(X):
        return zip(X.schema.names, X.schema.types, strict=True)
    if hasattr(X, "columns") and hasattr(X, "dtypes"):
        return zip(X.columns, X.dtypes, strict=True)
    return [(0, X.dtype)] if hasattr(X, "dtype") and np.ndim(X) == 2 else []


def _names_of(X: Any, n_columns: int) -> Any:
    """Return the names of a frame's columns, or of a pyarrow table's; else their numbers."""
    return X.schema.names if _is_arrow(X) else getattr(X, "columns", range(n_columns))


def _is_arrow(X: Any) -> bool:
    """Tell whether X is a table of pyarrow."""
    return type(X).__module__.partition(".")[0] == "pyarrow" and hasattr(X, "schema")


def _first(X: Any, is_wrong: Callable[[Any], bool]) -> tuple[Any, Any]:
    """Return the column of the first wrong value in any row, and it: it looks at all values."""
    table = np.asarray(X, dtype=object)
    if table.ndim != 2:
        return None, None
    for place, values in enumerate(table.T):
        for value in values:
            if is_wrong(value):
                return _names_of(X, table.shape[1])[place], value
    return None, None


def _names_dates(kind: Any) -> bool:
    """Tell whether a type is of dates or times, or of codes of them."""
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
