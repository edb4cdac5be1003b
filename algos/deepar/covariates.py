"""Covariates of series: categories, numbers, and numbers over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, Float64Array, Int64Array
from algos._common.checked import check_array
from algos._common.warn import warn
from algos._cython import deepar_panel
from algos.deepar.calendar import Starts, later
from algos.deepar.frequency import Frequency
from algos.deepar.series import Series, is_of_times, kinds_of_columns

MOST = 1e30  # whose square is far from overflow
_FURTHEST = 1e4  # spreads from the center
_RARE = 3.0  # deviations, the largest spread


def read_static_real(static_real: Any, n_series: int) -> Float64Array:
    """Return the static numbers of each series, of shape (n_series, n_features).

    Raises
    ------
    ValueError
        If they are not numbers, or not one row for each series.
    """
    _refuse_times(static_real, "static_real")
    table = _numbers(_two_columns_of(static_real), "`static_real`")
    table = check_array(table, dtype=np.float64, input_name="static_real", ensure_min_samples=0)
    _check_rows(table, n_series, "static_real")
    _check_size(table, "static_real")
    return table


def read_categories(static_categorical: Any, n_series: int) -> list[NDArray[Any]]:
    """Return the categories of all series, feature by feature.

    Raises
    ------
    ValueError
        If there is not one row for each series, or some are missing.
    """
    if hasattr(static_categorical, "columns"):  # a frame, whose columns may differ in kind
        names = _columns_of(static_categorical)
        columns = [np.asarray(static_categorical[name]) for name in names]
    else:
        table = np.asarray(static_categorical)
        table = table[:, None] if table.ndim == 1 else table
        if table.ndim != 2:
            raise ValueError(
                f"`static_categorical` must have the shape ({n_series}, n_features) and has "
                f"{table.shape}; give one row for each series"
            )
        columns = list(table.T)
    for place, column in enumerate(columns):
        _check_rows(column, n_series, "static_categorical")
        columns[place] = _comparable(column, place)
    return columns


def _comparable(column: NDArray[Any], place: int) -> NDArray[Any]:
    """Return categories as an array that can be sorted: of integers, numbers or strings."""
    is_none = np.array([is_missing(item) for item in column], dtype=bool)
    if is_none.any():
        raise ValueError(
            f"`static_categorical` of series {int(np.flatnonzero(is_none)[0])}, feature "
            f"{place}, must be a category and is missing; give it a name of its own"
        )
    if column.dtype.kind not in "OT":
        return column
    if all(isinstance(item, (int, np.integer)) for item in column):
        try:
            return column.astype(np.int64)  # as floats, two large ones may become equal
        except OverflowError:
            return column.astype(np.str_)
    is_number = all(isinstance(item, (int, float, np.number)) for item in column)
    return column.astype(np.float64 if is_number else np.str_)


def is_missing(item: Any) -> bool:
    """Return whether a name is missing: None, NaN or pandas' NA."""
    try:
        return item is None or bool(item != item)
    except TypeError:  # pandas' NA
        return True


def encode_categories(
    columns: list[NDArray[Any]], known: list[NDArray[Any]], n_series: int
) -> NDArray[np.int32]:
    """Return codes from 0, of shape (n_series, n_features).

    An unknown category has the code one above the known ones. If the known ones are strings,
    numbers and times are compared by their string form.
    """
    codes = np.empty((n_series, len(known)), dtype=np.int32)
    for place, (column, values) in enumerate(zip(columns, known, strict=True)):
        if values.dtype.kind == "U" and column.dtype.kind not in "US":
            column = column.astype(np.str_)
        if _sort_of(column) != _sort_of(values):
            codes[:, place] = len(values)  # names or times among numbers are all unknown
            continue
        found = np.minimum(np.searchsorted(values, column), len(values) - 1)
        codes[:, place] = np.where(values[found] == column, found, len(values))
    return codes


def _sort_of(values: NDArray[Any]) -> str:
    """Return the kind of values; only values of the same kind can be compared."""
    return {"U": "names", "S": "names", "M": "times", "m": "durations"}.get(
        values.dtype.kind, "numbers"
    )


def warn_of_categories(
    columns: list[NDArray[Any]], known: list[NDArray[Any]], codes: NDArray[np.int32]
) -> None:
    """Warn about features none of whose categories is known."""
    for place, (column, values) in enumerate(zip(columns, known, strict=True)):
        if len(column) and np.all(codes[:, place] == len(values)):
            warn(
                f"none of the categories of `static_categorical`[:, {place}] was seen by `fit`: "
                f"these are {few(np.unique(column))}, it saw {few(values)}; each is treated as "
                f"an average one"
            )


def few(values: NDArray[Any]) -> str:
    """Return the first few values as text."""
    return ", ".join([*map(repr, values[:3].tolist()), *["…"][: len(values) > 3]])


class NamedArrays(list[Any]):
    """A list of arrays of shape (n_features, n_times), one for each series, and their names.

    Attributes
    ----------
    names : list of str
        Names of the features.
    ids : list or None
        Names of the series, if they have any.
    start : Starts or None
        The times of the first steps, which carry the distance between steps.
    """

    names: list[str]
    ids: list[Any] | None
    start: Starts | None

    @classmethod
    def of(
        cls,
        arrays: Any,
        names: Any,
        ids: NDArray[Any] | None = None,
        start: Starts | None = None,
    ) -> NamedArrays:
        """Return the list of these arrays."""
        found = cls(arrays)
        found.names = [str(name) for name in names]
        found.ids = None if ids is None else ids.tolist()
        found.start = start
        return found

    def take(self, rows: Int64Array) -> NamedArrays:
        """Return the arrays of some series."""
        some = self.of([self[row] for row in rows], self.names)
        some.ids = None if self.ids is None else [self.ids[row] for row in rows]
        some.start = None if self.start is None else self.start[rows].view(Starts)
        return some

    def time_of(self, place: int, step: int) -> str:
        """Return the time of a step as a suffix of error messages, such as " (2026-01-31)".

        It is empty if the time is unknown.
        """
        start = getattr(self, "start", None)  # older pickles have none
        if start is None:
            return ""
        time = later(start[place : place + 1], Frequency.of(start.freq), np.array([step]))[0]
        return f" ({str(time).removesuffix('T00:00:00')})"


def names_of(
    static_categorical: Any = None, static_real: Any = None, dynamic_real: Any = None
) -> dict[str, list[str]]:
    """Return the names of the features of covariates that have names."""
    given = {
        "static_categorical": static_categorical,
        "static_real": static_real,
        "dynamic_real": dynamic_real,
    }
    names = {kind: _columns_of(one) for kind, one in given.items()}
    return {kind: [str(name) for name in some] for kind, some in names.items() if some is not None}


def _columns_of(given: Any) -> Any:
    if isinstance(given, NamedArrays):
        return given.names
    # `columns` of a pyarrow table are its data.
    return getattr(given, "column_names", getattr(given, "columns", None))


def parts_of(dynamic_real: Any) -> Any:
    """Return numbers over time as arrays; a frame's rows are times, for all series."""
    if hasattr(dynamic_real, "columns"):
        return [np.asarray(dynamic_real).T]
    return dynamic_real


def of_series(name: str, values: Any, place: int) -> Any:
    """Return the part of a covariate that belongs to one series."""
    if name == "dynamic_real" and (hasattr(values, "columns") or len(values) == 1):
        return values  # shared by all series
    return values[place : place + 1]


@dataclass(frozen=True)
class Dynamic:
    """Numbers over time of all series, concatenated.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_features), dtype float32 or float64
        One row for each step.
    rows : ndarray of shape (n_series,), dtype int64
        The row of step 0 of each series.
    n_known : ndarray of shape (n_series,), dtype int64
        The number of steps from there on at which all numbers are known.
    """

    values: NDArray[Any]
    rows: Int64Array
    n_known: Int64Array

    @classmethod
    def none(cls, n_series: int) -> Dynamic:
        """Return an instance without features."""
        zeros = np.zeros(n_series, dtype=np.int64)
        return cls(np.zeros((0, 0)), zeros, zeros)

    @property
    def n_features(self) -> int:
        """Number of features."""
        return self.values.shape[1]


def read_dynamic(
    dynamic_real: Any, series: Series, horizon: int, n_features: int | None = None
) -> Dynamic:
    """Read numbers over time for the steps of the series and `horizon` more.

    Parameters
    ----------
    dynamic_real : array-like of shape (n_series, n_features, n_times), or list of 2-D arrays
        Their times are those of the series as they were given, and extend beyond them. A
        single item, or a frame, is shared by all series.
    series : Series
        The series.
    horizon : int
        Number of steps after the end of each series.
    n_features : int, default=None
        The required number of features.

    Raises
    ------
    ValueError
        If there are too few times or features, or if some are not finite.
    """
    n = len(series)
    needed = series.stops - series.origins + horizon  # number of given times required
    _refuse_times(dynamic_real, "dynamic_real")
    given, dynamic_real = dynamic_real, parts_of(dynamic_real)
    if isinstance(dynamic_real, (list, tuple)) and len(dynamic_real) not in (1, n):
        raise ValueError(
            f"`dynamic_real` must have {n} items, one for each series, or one for all, and has "
            f"{len(dynamic_real)}"
        )
    parts: Any
    if isinstance(dynamic_real, (list, tuple)):
        parts = [_part(part, place) for place, part in enumerate(dynamic_real)]
        widths = {part.shape[0] for part in parts}
    else:
        parts = _numbers(dynamic_real, "`dynamic_real`")
        widths = {parts.shape[1]} if parts.ndim == 3 else set()
    is_right = len(widths) == 1 and len(parts) in (1, n) and min(widths) > 0
    if not is_right or n_features not in (None, *widths):
        wanted = "n_features" if n_features is None else n_features
        shape = [part.shape for part in parts] if isinstance(parts, list) else parts.shape
        raise ValueError(
            f"`dynamic_real` must have the shape ({n}, {wanted}, n_times) and has {shape}; give "
            f"one row for each feature in the same order for every series"
        )
    n_times = np.array([part.shape[1] for part in parts], dtype=np.int64)
    _check_reach([part.shape for part in parts], needed, horizon)
    if isinstance(parts, list):
        values = np.ascontiguousarray(np.concatenate([part.T for part in parts]))
    else:
        values = np.ascontiguousarray(parts.transpose(0, 2, 1)).reshape(-1, parts.shape[1])
    stops = np.cumsum(n_times)
    rows = stops - n_times + series.delays
    if len(parts) < n:
        stops = np.repeat(stops, n)
    n_known = np.empty(n, dtype=np.int64)
    deepar_panel.count_known(values, rows, stops, n_known, MOST)
    dynamic = Dynamic(values, rows, n_known)
    _check_known(dynamic, series.lengths + horizon, series.delays, given)
    return dynamic


def _check_reach(shapes: Sequence[tuple[int, int]], needed: Int64Array, horizon: int) -> None:
    """Raise ValueError if a part, which all series may share, lacks times that are needed."""
    n_times = np.broadcast_to([shape[1] for shape in shapes], needed.shape)
    short = np.flatnonzero(n_times < needed)
    if not len(short):
        return
    place = int(short[0])
    shape, least = shapes[place % len(shapes)], needed[place]
    given = least - horizon
    wanted = f"at least {least} times, which are the {given} of `X`"
    if horizon:
        wanted += f" and {horizon} to forecast"
    if shape[0] >= least:
        remedy = "; swap its last two axes, since the times are the last one"
    elif horizon and shape[1] >= given:
        remedy = "; give its future values as well"
    else:
        remedy = ""
    raise ValueError(
        f"`dynamic_real` of series {place} must have the shape (n_features, n_times) with "
        f"{wanted}, and has {shape}{remedy}"
    )


def _check_known(dynamic: Dynamic, n_steps: Int64Array, delays: Int64Array, given: Any) -> None:
    """Raise ValueError if a required number is missing, naming series, feature and time."""
    wrong = np.flatnonzero(dynamic.n_known < n_steps)
    if not len(wrong):
        return
    place = int(wrong[0])
    step = dynamic.n_known[place]
    row = dynamic.values[dynamic.rows[place] + step]
    feature = int(np.argmin(np.abs(row) <= MOST))
    names = _columns_of(given)
    name = f"feature {feature}" if names is None else repr(list(names)[feature])
    ids = getattr(given, "ids", None)
    series = f"series {place}" if ids is None else f"series {ids[place]!r}"
    time = delays[place] + step
    of_date = given.time_of(place, time) if isinstance(given, NamedArrays) else ""
    number = {np.inf: "infinity", -np.inf: "-infinity"}.get(row[feature], f"{row[feature]:.3g}")
    is_large = np.isfinite(row[feature])
    raise ValueError(
        f"`dynamic_real` of {series} must be {f'{MOST:.0e} at most' if is_large else 'finite'}, "
        f"and {name} is {'NaN' if number == 'nan' else number} at time {time}{of_date}; "
        f"{'divide it' if is_large else 'fill it in'}"
    )


def center_and_spread(
    total: Float64Array, squares: Float64Array, peak: Float64Array, count: float
) -> tuple[Float64Array, Float64Array]:
    """Return the center and spread for standardising numbers.

    The spread is the standard deviation; for rare events, which would be far from the others,
    it is up to three times that.
    """
    center = total / max(count, 1)
    deviation = np.sqrt(np.maximum(squares / max(count, 1), 0))
    spread = np.clip(peak / _RARE, deviation, _RARE * deviation)
    return center, np.where(spread > 1e-12 * np.abs(center), spread, 1.0)


def measure(table: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return center and spread of the columns."""
    count = len(table)
    center = table.sum(axis=0) / max(count, 1)
    apart = table - center
    return center_and_spread(
        table.sum(axis=0),
        np.square(apart).sum(axis=0),
        np.abs(apart).max(axis=0, initial=0.0),
        count,
    )


def standardised(table: NDArray[Any], center: Float64Array, spread: Float64Array) -> Float32Array:
    """Return the table in spreads from the center; missing numbers become 0."""
    units = np.empty(table.shape, dtype=np.float32)
    deepar_panel.standardise(np.ascontiguousarray(table), center, spread, units, _FURTHEST)
    return units


def _two_columns_of(table: Any) -> Any:
    """Return a 1-D array as a table of one column."""
    return np.asarray(table)[:, None] if np.ndim(table) == 1 else table


def _check_rows(table: Any, n_series: int, name: str) -> None:
    if len(table) != n_series:
        raise ValueError(
            f"`{name}` must have {n_series} rows, one for each series, and has {len(table)}"
        )


def _check_size(table: Float64Array, name: str) -> None:
    if table.size and np.abs(table).max() > MOST:
        raise ValueError(f"`{name}` must hold numbers up to {MOST:.0e}; divide them")


def _part(part: Any, place: int) -> Float64Array:
    values = _numbers(part, f"`dynamic_real` of series {place}")
    if values.ndim != 2:
        raise ValueError(
            f"`dynamic_real` of series {place} must have the shape (n_features, n_times) and has "
            f"{values.shape}"
        )
    return values


def _refuse_times(given: Any, name: str) -> None:
    """Raise ValueError if a column holds dates, which some libraries convert to numbers."""
    for place, kind in enumerate(kinds_of_columns(given)):
        if is_of_times(kind):
            names = _columns_of(given)
            what = "it" if names is None else f"its column {list(names)[place]!r}"
            raise ValueError(f"`{name}` must hold numbers, and {what} holds dates; leave them out")


def _numbers(values: Any, name: str) -> Float64Array:
    try:
        given = np.asarray(values)
        return given if given.dtype == np.float32 else np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers, and {error}") from None
