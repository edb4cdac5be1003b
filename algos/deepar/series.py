"""Reading of series: arrays with NaN around them, or lists of arrays of any length."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, Int64Array
from algos._common.checked import check_array
from algos._common.column_types import refuse_date_targets
from algos._common.validation import FLOATS
from algos._cython import deepar_panel
from algos.deepar.likelihoods import LIKELIHOODS

MOST = 1e33  # largest mean of counts, which have no unit
_INFINITE, _NEGATIVE, _ABOVE_ONE = 1, 2, 4  # flags of `deepar_panel.survey`


@dataclass(frozen=True)
class Series:
    """Values of several series in one array, and their mean magnitudes.

    Attributes
    ----------
    values : ndarray of shape (n_given,), dtype float32 or float64
        NaN where missing.
    origins : ndarray of shape (n_series,), dtype int64
        Where the given values of each series begin in `values`.
    starts, stops : ndarray of shape (n_series,), dtype int64
        Where its first observed value is, and the place after the last one.
    mean : ndarray of shape (n_series,), dtype float64
    exponent : ndarray of shape (n_series,), dtype int32
        The mean magnitude of a series is mean * 2**exponent.
    """

    values: NDArray[Any]
    origins: Int64Array
    starts: Int64Array
    stops: Int64Array
    mean: Float64Array
    exponent: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def lengths(self) -> Int64Array:
        """Number of steps of each series."""
        return self.stops - self.starts

    @property
    def n_after(self) -> Int64Array:
        """Number of NaN after the last observed value of each series."""
        return np.append(self.origins[1:], len(self.values)) - self.stops

    @property
    def delays(self) -> Int64Array:
        """Number of steps before each series' first observed value."""
        return self.starts - self.origins


def read_series(X: Any, likelihood: str, *, may_be_empty: bool = False) -> Series:
    """Read and check the series of X.

    Parameters
    ----------
    X : array-like of shape (n_series, n_times) or list of 1-D array-likes
    likelihood : str
        It determines which values are allowed.
    may_be_empty : bool, default=False
        Whether all series may be without a value.

    Raises
    ------
    ValueError
        If X is neither, or a value is infinite or not allowed.
    """
    if _is_list(X):
        values, starts, stops = _joined(X)
    else:
        _refuse_frames(X)
        refuse_date_targets(X, "X")
        X = check_array(
            X,
            dtype=FLOATS,
            ensure_all_finite=False,
            ensure_min_features=0 if may_be_empty else 1,
            input_name="X",
        )
        values = np.ascontiguousarray(X, dtype=X.dtype.newbyteorder("=")).reshape(-1)
        starts = np.arange(X.shape[0], dtype=np.int64) * X.shape[1]
        stops = starts + X.shape[1]
    n = len(starts)
    mean, exponent = np.empty(n), np.empty(n, dtype=np.int32)
    flags = np.empty(n, dtype=np.uint8)
    origins = starts.copy()
    deepar_panel.survey(values, starts, stops, mean, exponent, flags)
    series = Series(values, origins, starts, stops, mean, exponent)
    _check_values(series, flags, likelihood)
    if not may_be_empty and not series.lengths.any():
        raise ValueError(
            f"`X` must hold at least one observed value, and all values of its {n} series are "
            f"NaN; give rows that are series"
        )
    return series


def refuse_other_arguments(
    X: Any, method: str, keyword: str = "", *, may_be_levels: bool = False
) -> None:
    """Raise ValueError if the first argument is a panel, a number or a list of numbers.

    Parameters
    ----------
    X : object
        The first argument.
    method : str
        The method that was called.
    keyword : str, default=""
        The keyword argument that a number was probably meant for, as in "horizon=48".
    may_be_levels : bool, default=False
        Whether `keyword` may also be several numbers in (0, 1).
    """
    refuse_panels(X, f"{method}(**panel)")
    if isinstance(X, (list, tuple)):
        is_row = len(X) > 0 and all(isinstance(item, (Number, np.number)) for item in X)
    else:
        is_row = isinstance(X, Number) or getattr(X, "ndim", 2) < 2 and not _is_list(X)
    if not is_row:
        return
    n_dimensions = np.ndim(X)
    remedies = [_as_rows(X)] if n_dimensions else []
    if keyword and (not n_dimensions or may_be_levels and _are_levels(X)):
        remedies.insert(0, keyword)
    raise ValueError(
        f"Expected 2D array: the first argument is `X`, whose rows are series, and has "
        f"{'one dimension' if n_dimensions else 'none'}; "
        f"{'write ' + ', or '.join(remedies) if remedies else 'give an array of numbers'}"
    )


def refuse_panels(X: Any, remedy: str) -> None:
    """Raise ValueError if X is a whole panel."""
    if hasattr(X, "ids") and hasattr(X, "freq") and hasattr(X, "X"):
        raise ValueError(f"`X` is a panel, whose parts are keyword arguments; write `{remedy}`")


def _as_rows(X: Any) -> str:
    """Return how to write a 1-D argument as series."""
    if hasattr(X, "to_list") and _is_list(X.to_list()):
        return "X.to_list() for a series in each item"
    return f"{_as_one_series(X)} for a single series"


def _as_one_series(X: Any) -> str:
    if hasattr(X, "to_frame"):
        has_times = str(getattr(getattr(X, "index", None), "dtype", "")).startswith(
            ("datetime", "period")
        )
        if has_times:
            return "**algos.deepar.panel_from_wide(X.to_frame())"
        return "X.to_numpy()[None, :]"
    return "[X]" if isinstance(X, (list, tuple)) else "X[None, :]"


def _are_levels(X: Any) -> bool:
    values = np.asarray(X)
    return values.dtype.kind == "f" and bool(np.all((values >= 0) & (values <= 1)))


def _is_list(X: Any) -> bool:
    """Return whether X is a list of series, rather than a table as a list of numbers."""
    if isinstance(X, np.ndarray):
        is_nested = X.dtype == object and X.ndim == 1 and len(X) > 0
        return is_nested and not np.isscalar(X[0]) and X[0] is not None
    if not isinstance(X, (list, tuple)):
        return False
    return len(X) == 0 or all(hasattr(item, "__len__") and not isinstance(item, str) for item in X)


def _joined(X: Any) -> tuple[NDArray[Any], Int64Array, Int64Array]:
    """Return the concatenated values of the series, and where each begins and ends."""
    if len(X) == 0:
        raise ValueError(
            "Found array with 0 sample(s): `X`=[] must be a list of at least one series; an "
            "empty series is written [[]]"
        )
    items = [_numbers(item, place) for place, item in enumerate(X)]
    stops = np.cumsum([len(item) for item in items], dtype=np.int64)
    starts = np.concatenate([[0], stops[:-1]]).astype(np.int64)
    kind = np.float32 if all(item.dtype == np.float32 for item in items) else np.float64
    return np.concatenate(items, dtype=kind, casting="unsafe"), starts, stops


def _numbers(item: Any, place: int) -> NDArray[Any]:
    """Return one series of a list as float32 or float64."""
    try:
        values = np.asarray(item)
        if values.dtype.kind == "c":
            raise TypeError("it is complex")
        if values.dtype.kind in "mM":
            raise TypeError("it holds dates or times")
        if values.dtype != np.float32:
            values = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"series {place} of `X` must be an array of numbers, and {error}; write missing "
            f"values as NaN"
        ) from None
    if values.ndim != 1:
        raise ValueError(
            f"series {place} of `X` must have one dimension and has the shape {values.shape}; "
            f"Reshape your data: give a list of 1-D arrays or a table whose rows are series"
        )
    return values


def _refuse_frames(X: Any) -> None:
    """Raise ValueError for a frame whose rows are times."""
    kind = str(getattr(getattr(X, "index", None), "dtype", ""))
    if any(is_of_times(name) for name in (kind, *kinds_of_columns(X))):
        raise ValueError(
            "`X` is a frame that holds dates, and its rows must be series; write "
            "`fit(**algos.deepar.panel_from_wide(frame))`, or `panel_from_long` for a long one"
        )


def kinds_of_columns(X: Any) -> list[str]:
    """Return the type names of a frame's columns; an empty list if X is not a frame."""
    if hasattr(X, "column_names") and hasattr(X, "schema"):  # arrow, which calls float32 float
        names = [str(field.type) for field in X.schema]
        return ["float32" if name == "float" else name for name in names]
    kinds = np.atleast_1d(getattr(X, "dtypes", []))
    return [str(getattr(of_column, "name", of_column)).lower() for of_column in kinds]


def has_dates_as_columns(X: Any) -> bool:
    """Return whether the labels of a frame's columns are dates."""
    return is_of_times(str(getattr(getattr(X, "columns", None), "dtype", "")))


def is_of_times(kind: str) -> bool:
    """Return whether the name of a column type, of any library, is one of dates."""
    return kind.startswith(("date", "period", "timestamp"))


def _check_values(series: Series, flags: NDArray[np.uint8], likelihood: str) -> None:
    _refuse(
        flags & _INFINITE > 0,
        "must hold finite values or NaN, and has infinity; write a missing value as NaN",
        note="Input X contains infinity or a value too large: ",
    )
    values = LIKELIHOODS[likelihood].values
    if values == "count":
        remedy = f"for likelihood={likelihood!r}; use 'student_t' for values of other kinds"
        _refuse(
            flags & _NEGATIVE > 0,
            f"must hold counts of at least 0 {remedy}",
            note="Negative values in data passed to `X`: ",
        )
        is_large = np.ldexp(series.mean, np.minimum(series.exponent, 600)) > MOST
        _refuse(is_large, f"must hold counts that are {MOST:.0e} at most in the mean {remedy}")
    if values == "share":
        outside = flags & (_NEGATIVE | _ABOVE_ONE) > 0
        _refuse(
            outside,
            "must hold values in [0, 1] for likelihood='beta'; divide them, or use 'student_t'",
        )


def _refuse(is_wrong: NDArray[Any], reason: str, note: str = "") -> None:
    if is_wrong.any():
        raise ValueError(f"{note}series {int(np.flatnonzero(is_wrong)[0])} of `X` {reason}")
