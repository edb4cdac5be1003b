"""Errors for columns of strings, dates or times."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from numbers import Real
from typing import Any

import numpy as np

from algos._common.nonfinite import is_missing, located

_ENCODING = re.compile(r"(dictionary|run_end_encoded)<(.*?values[=:] ?)")
_FLOAT32 = frozenset({"float32", "float", "float[pyarrow]", "float32[pyarrow]"})
_MOST_NAMED = 5  # columns in one error
_MISSING = frozenset({"", "?", "-", "na", "n/a", "nan", "null", "none", "missing", "unknown"})
_TRUTHS = frozenset({"true", "false", "yes", "no"})
_DATE = re.compile(
    r"\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.]\d{4}|\d\d([-/.])\d\d\1\d\d$|\d\d?:\d\d"
)
_AMOUNT = re.compile(
    r"([$€£¥]\s?|[A-Z]{3}\s)?[-+]?[$€£¥]?"  # the currency and the sign
    r"(\d{1,3}([.,'\s]\d{3})+|\d+)?([.,]\d+)?(?<=\d)"  # with separators of thousands
    r"(\s?[%$€£¥]|\s?(?!(st|nd|rd|th)$)°?[^\W\d_]{1,3}[²³]?)?$"  # the unit
)
_PLACE = re.compile(r"The first one is in row \d+ of column (\d+)\.")
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
    if type(X).__name__ == "LazyFrame":
        raise TypeError("`X` is a LazyFrame, which holds no values yet; pass X.collect()")
    if isinstance(X, (list, tuple)):
        _refuse_dates_in_list(X)
        return False
    types = list(_types_of(X))
    different = {dtype for _, dtype in types}
    dates = {dtype for dtype in different if _is_date_type(dtype)}
    for column, dtype in types if dates else ():
        if dtype in dates:
            _refuse_date(column, dtype)
    names = {dtype: str(dtype).lower() for dtype in different}
    if "object" in names.values():
        objects = _columns_of_objects(X, [names[dtype] == "object" for _, dtype in types])
        values = np.asarray(objects, dtype=object).ravel(order="K")  # no copy
        if any(map(_is_date_type, set(map(type, values)))):
            _refuse_dates_among_objects(X)
    return bool(names) and not hasattr(X, "dtype") and _FLOAT32.issuperset(names.values())


def refuse_date_targets(y: Any, name: str) -> None:
    """Raise if a target holds dates or times."""
    if isinstance(y, (list, tuple)):
        types = _types_in(y)
    else:
        own = getattr(y, "dtype", getattr(y, "type", None))
        types = {dtype for _, dtype in _types_of(y)} or {own}
        if "object" in map(str, types):
            types = set(map(type, np.asarray(y, dtype=object).ravel(order="K").tolist()))
    date = next(filter(_is_date_type, types), None)
    if date is not None:
        raise ValueError(
            f"`{name}` holds dates or times ({_name_of(date)}); replace it by numbers, such as "
            f"the days since a fixed date"
        )


def _refuse_dates_in_list(X: Sequence[Any]) -> None:
    dates = list(filter(_is_date_type, _types_in(X)))
    if dates:
        _refuse_dates_among_objects(X)
    for dtype in dates:  # of arrays: as objects, nanoseconds are ints
        if not isinstance(dtype, type):
            _refuse_date(0, dtype)


def _types_in(rows: Sequence[Any]) -> set[Any]:
    """Return the types of the values in a list of rows; of rows that are arrays, their dtypes."""
    types: set[Any] = set(map(type, rows))
    if types <= {list, tuple}:  # without a loop in Python
        return set(map(type, chain.from_iterable(rows)))
    if types.isdisjoint({list, tuple}) and not any(map(_is_of_arrays, types)):
        return types
    dtypes, objects = set(), []
    for row in rows:
        dtype = getattr(row, "dtype", None)
        if isinstance(row, (list, tuple)) or (getattr(dtype, "kind", "") == "O" and np.ndim(row)):
            objects.append(row)
        else:
            dtypes.add(type(row) if dtype is None else dtype)
    listed = (row.tolist() if isinstance(row, np.ndarray) else row for row in objects)
    return dtypes | set(map(type, chain.from_iterable(listed)))


def _is_of_arrays(kind: type) -> bool:
    """Return whether values of a class are arrays; numbers of numpy have a dtype, too."""
    return hasattr(kind, "dtype") and not issubclass(kind, np.generic)


def _columns_of_objects(X: Any, is_object: list[bool]) -> Any:
    """Return the columns of objects in a frame; an array as it is."""
    if all(is_object):
        return X
    positions = [position for position, chosen in enumerate(is_object) if chosen]
    return X.iloc[:, positions] if hasattr(X, "iloc") else X[:, positions]


def _refuse_dates_among_objects(X: Any) -> None:
    column, date = _first(X, _is_date)
    if date is not None:
        _refuse_date(column, type(date))


def explain(X: Any, error: Exception) -> None:
    """Raise an error that names the column and the remedy, if scikit-learn's allows one."""
    text = str(error)
    if "could not convert" in text:
        _refuse_strings(X)
    if "must be a string or a real number" in text:
        _refuse_dates_among_objects(X)
        _refuse_strings(X)  # beside a missing value, say, they are what is to be mended
        _refuse_objects(X)
    if "setting an array element with a sequence" in text:
        column, value = _first(X, _is_sequence)
        if value is not None:
            raise ValueError(
                f"{text.split('.')[0]}: column {column!r} of `X` holds values of type "
                f"{type(value).__name__}; make a column of each of their elements"
            ) from None
    if "dense data is required" in text:
        raise TypeError(
            f"{text} In a pipeline, write OneHotEncoder(sparse_output=False) or "
            f"ColumnTransformer(…, sparse_threshold=0)."
        ) from None
    names = _names_of(X, np.shape(X)[-1]) if np.ndim(X) == 2 else None
    where = located(error, X, names, "X")
    if where is not None:
        raise where from None


@contextlib.contextmanager
def names_columns_of(X: Any) -> Iterator[None]:
    """Make errors name columns of X of which only the numbers were known where they were raised."""
    try:
        yield
    except ValueError as error:
        text = str(error)
        found = _PLACE.search(text)
        if found is None:
            raise
        column = int(found[1])
        name = _names_of(X, column + 1)[column]
        raise ValueError(f"{text[: found.start(1)]}{name!r}{text[found.end(1) :]}") from None


def _refuse_objects(X: Any) -> None:
    """Raise TypeError for the first column with an object that is not a number."""
    column, other = _first(X, _is_not_a_number)
    if other is not None:
        raise TypeError(
            f"float() argument must be a string or a real number, not {type(other).__name__!r}: "
            f"column {column!r} of `X` must hold numbers; encode or drop it"
        ) from None


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
    if text.lower() in _TRUTHS:
        return "map it to 1 and 0"
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
        f"column {_plain(column)!r} of `X` holds dates or times ({_name_of(kind)}); replace it by "
        f"numbers, such as the days since a fixed date, or month and weekday"
    ) from None


def _types_of(X: Any) -> Iterable[tuple[Any, Any]]:
    """Return names and types of the columns of a frame or table; for an array, its dtype."""
    if _is_arrow(X):
        return zip(X.schema.names, X.schema.types, strict=True)
    if hasattr(X, "columns") and hasattr(X, "dtypes"):
        return zip(X.columns, X.dtypes, strict=True)
    return [(0, X.dtype)] if hasattr(X, "dtype") and np.ndim(X) == 2 else []


def _names_of(X: Any, n_columns: int) -> list[Any]:
    """Return the names of the columns of a frame or a pyarrow table; else their numbers."""
    names = X.schema.names if _is_arrow(X) else getattr(X, "columns", range(n_columns))
    return [_plain(name) for name in names]


def _plain(name: Any) -> Any:
    """Return a column's name, with Python's numbers for those of numpy."""
    if isinstance(name, tuple):
        return tuple(map(_plain, name))
    return name.item() if isinstance(name, np.generic) else name


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
    return _names_dates(_name_of(dtype))


def _name_of(kind: Any) -> str:
    """Return the name of a class, or of a type of columns; of categories, that of their type."""
    categories = getattr(kind, "categories", None)  # of pandas
    kind = getattr(categories, "dtype", kind)
    return kind.__name__ if isinstance(kind, type) else str(kind)


def _names_dates(text: str) -> bool:
    """Return whether the name of a type is one of dates or times, encoded by pyarrow or not."""
    return _ENCODING.sub("", text.lower()).startswith(_DATES)


def _is_date(value: Any) -> bool:
    return _names_dates(type(value).__name__)


def _is_not_a_number(value: Any) -> bool:
    if isinstance(value, (Real, str, bytes)) or is_missing(value):
        return False
    try:
        float(value)  # not only Real's: Decimal's and numpy's bools are taken, too
    except TypeError:
        return True
    except (ValueError, OverflowError):  # a number, but none of float
        return False
    return False


def _is_sequence(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, (str, bytes))


def _is_text(value: Any) -> bool:
    return isinstance(value, (str, bytes)) and not _is_number(value)


def _is_number(value: str | bytes) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True
