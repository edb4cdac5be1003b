"""Errors for columns of strings, dates or times."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from numbers import Real
from typing import Any

import numpy as np

from algos._common.nonfinite import located

_ENCODING = re.compile(r"(dictionary|run_end_encoded)<(.*?values[=:] ?)")
_FLOAT32 = frozenset({"float32", "float", "float[pyarrow]", "float32[pyarrow]"})
_MOST_NAMED = 5  # columns in one error
_MISSING = frozenset({"", "?", "-", "na", "n/a", "nan", "null", "none", "missing", "unknown"})
_DATE = re.compile(r"(\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.]\d{4}|\d\d?:\d\d)")
_AMOUNT = re.compile(r"[^\w\s]?\s?([A-Z]{3}\s)?[-+]?\d[\d.,'\s]*(\s?\S{1,3})?$")
# Prefixes of the names of types in pandas, polars, pyarrow and numpy.
_DATES = ("date", "time", "duration", "period")


def column_of_texts(X: Any) -> tuple[Any, str | bytes | None]:
    """Return name or number of the first column whose first value is a string, and the value."""
    kind = getattr(getattr(X, "dtype", None), "kind", "O")
    if kind not in "OUST" or getattr(X, "ndim", 2) != 2 or not len(getattr(X, "shape", ())):
        return None, None
    return _first(X[:1], _is_text)


def refuse_dates(X: Any) -> bool:
    """Raise if a column holds dates or times: as numbers they would depend on their unit.

    Returns
    -------
    is_float32 : bool
        Whether all columns of a frame or table are float32.
    """
    types = list(_types_of(X))
    different = {dtype for _, dtype in types}
    dates = {dtype for dtype in different if _is_date_type(dtype)}
    for column, dtype in types if dates else ():
        if dtype in dates:
            _refuse_date(column, dtype)
    names = {str(dtype).lower() for dtype in different}
    if isinstance(X, (list, tuple)) or "object" in names:
        _refuse_dates_among_objects(X, types)
    return bool(names) and not hasattr(X, "dtype") and _FLOAT32.issuperset(names)


def _refuse_dates_among_objects(X: Any, types: list[tuple[Any, Any]]) -> None:
    """Raise for dates in a list, an array of objects, or the columns of objects in a frame."""
    if hasattr(X, "columns") and hasattr(X, "select_dtypes"):  # the others need no copy
        X = X.select_dtypes(object)
    elif hasattr(X, "columns"):
        X = X[[name for name, dtype in types if str(dtype).lower() == "object"]]
    values = np.asarray(X, dtype=object).ravel()
    if any(_names_dates(kind.__name__) for kind in set(map(type, values))):
        column, date = _first(X, _is_date)
        if date is not None:
            _refuse_date(column, type(date).__name__)


def explain(X: Any, error: Exception) -> None:
    """Raise an error that names the column and the remedy, if scikit-learn's allows one."""
    text = str(error)
    if "could not convert" in text:
        _refuse_strings(X)
    if "must be a string or a real number" in text:
        column, date = _first(X, _is_date)
        if date is not None:
            _refuse_date(column, type(date).__name__)
        column, other = _first(X, _is_not_a_number)
        if other is not None:
            raise TypeError(
                f"{text}: column {column!r} of `X` must hold numbers; encode or drop it"
            ) from None
    if "dense data is required" in text:
        raise TypeError(
            f"{text} In a pipeline, write OneHotEncoder(sparse_output=False) or "
            f"ColumnTransformer(…, sparse_threshold=0)."
        ) from None
    where = located(error, X, _names_of(X, np.shape(X)[-1]) if np.ndim(X) == 2 else None)
    if where is not None:
        raise where from None


def _refuse_strings(X: Any) -> None:
    """Raise ValueError for the first column of strings; the error names the others, too."""
    columns = list(_columns_of(X, _is_text))
    if not columns:
        return
    (column, value), *others = columns
    more = ""
    if others:
        names = ", ".join(repr(name) for name, _ in others[:_MOST_NAMED])
        names += ", …" if len(others) > _MOST_NAMED else ""
        more = f"; so does column {names}" if len(others) == 1 else f"; so do columns {names}"
    raise ValueError(
        f"could not convert {value[:30]!r} to a number: column {column!r} of `X` holds strings; "
        f"{_remedy(value)}{more}"
    ) from None


def _remedy(value: str | bytes) -> str:
    """Return how to make numbers of a column, by what its first string looks like."""
    text = (value.decode(errors="replace") if isinstance(value, bytes) else value).strip()
    if text.lower() in _MISSING:
        return "if this marks missing values, read them as NaN (na_values of pandas.read_csv)"
    if _DATE.match(text):
        return (
            "parse it by pandas.to_datetime, and replace it by numbers, such as the days since a "
            "fixed date, or month and weekday"
        )
    if _AMOUNT.match(text):
        return (
            "remove separators and units and convert it to float, for example by `thousands` and "
            "`decimal` of pandas.read_csv"
        )
    return (
        "encode it, for example by sklearn.preprocessing.OneHotEncoder in a "
        "sklearn.compose.ColumnTransformer"
    )


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
    """Return the first column that has a wrong value, and its first one; else (None, None)."""
    return next(iter(_columns_of(X, is_wrong)), (None, None))


def _columns_of(X: Any, is_wrong: Callable[[Any], bool]) -> Iterator[tuple[Any, Any]]:
    """Yield name and first wrong value of each column that has one."""
    table = np.asarray(X, dtype=object)
    if table.ndim != 2:
        return
    names = _names_of(X, table.shape[1])
    for place, values in enumerate(table.T):
        wrong = next((value for value in values if is_wrong(value)), None)
        if wrong is not None:
            yield names[place], wrong


def _is_date_type(dtype: Any) -> bool:
    """Return whether a type is one of dates or times, or an encoding of these."""
    categories = getattr(dtype, "categories", None)  # of pandas
    inner = getattr(categories, "dtype", None)
    return _names_dates(str(dtype if inner is None else inner))


def _names_dates(text: str) -> bool:
    """Return whether the name of a type is one of dates or times, encoded by pyarrow or not."""
    return _ENCODING.sub("", text.lower()).startswith(_DATES)


def _is_date(value: Any) -> bool:
    return _names_dates(type(value).__name__)


def _is_not_a_number(value: Any) -> bool:
    return value is not None and not isinstance(value, (Real, str, bytes))


def _is_text(value: Any) -> bool:
    return isinstance(value, (str, bytes)) and not _is_number(value)


def _is_number(value: str | bytes) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True
