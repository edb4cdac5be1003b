"""The peaks of a stream's scores that a display numbers, with attributions, times and names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def score_array(X: Any, scores: Any) -> NDArray[Any]:
    """Return the scores as an array, one for each row."""
    if isinstance(scores, tuple) and len(scores) > 1 and np.ndim(scores[0]) == 1:
        raise ValueError(
            "`scores` is a tuple of what `score_partial_fit` returned; write "
            "`scores, grades = ...` and pass both: scores=scores, grades=grades"
        )
    found = np.asarray(scores)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]  # as `transform` returns them
    return per_row(X, "scores", found)


def per_row(X: Any, name: str, values: Any) -> NDArray[Any]:
    """Return values as an array; raise ValueError unless there is one for each row of X."""
    found = np.asarray(values)
    n_rows = np.shape(X)[0]
    if found.shape[:1] != (n_rows,):
        raise ValueError(
            f"`{name}` of shape {found.shape} must have one entry for each of the {n_rows} rows "
            f"of X; pass those of the same rows"
        )
    return found


def row_times(X: Any, times: Any) -> NDArray[Any]:
    """Return the positions of the rows on the time axis: `times`, a frame's dates, or numbers."""
    if times is not None:
        return per_row(X, "times", times)
    index: Any = getattr(X, "index", None)
    if getattr(getattr(index, "dtype", None), "kind", "") == "M":
        local = index.tz_localize(None) if getattr(index, "tz", None) else index
        return np.asarray(local)
    return np.arange(np.shape(X)[0])


def column_names(X: Any, names: Sequence[str] | None) -> list[str]:
    """Return `names`, those of a frame, or numbered ones."""
    if names is not None:
        return list(names)
    if hasattr(X, "columns"):
        return [str(name) for name in X.columns]
    shape = np.shape(X)
    n = shape[1] if len(shape) > 1 else 1
    return ["Value"] if n == 1 else [f"x{j}" for j in range(n)]


def highest(
    scores: NDArray[Any], threshold: Any, grades: Any, n_peaks: int, separation: int
) -> list[int]:
    """Return the rows of the highest scores among the alarms, ascending.

    A run of consecutive alarms has one peak, and peaks are at least `separation` rows apart.
    Without threshold and grades every score above 0 may be a peak.
    """
    limit = 0.0 if threshold is None else threshold
    is_alarm = scores > limit if grades is None else per_row(scores, "grades", grades) > 0
    run = np.cumsum(np.diff(is_alarm, prepend=False))
    if threshold is None and grades is None:
        run = np.arange(len(scores))
    left = np.where(is_alarm, scores, -np.inf)
    found: list[int] = []
    while len(found) < n_peaks and left.size and np.isfinite(left.max()):
        top = int(left.argmax())
        found.append(top)
        left[run == run[top]] = -np.inf
        left[max(0, top - separation + 1) : top + separation] = -np.inf
    return sorted(found)


def parts_of(
    parts: list[NDArray[Any]] | None, names: Sequence[str]
) -> tuple[Any, list[str] | None]:
    """Return the attributions of the peaks, (n_peaks, n_parts, 2), and the names of the parts.

    With shingles, the parts are the rows of the shingle if there is one column, and otherwise
    the columns.
    """
    if parts is None:
        return None, None
    found = np.array(parts)
    if found.ndim < 4:
        return found, list(names)
    if len(names) > 1:
        return found.sum(axis=1), list(names)
    before = [f"{lag} row{'s' if lag > 1 else ''} before" for lag in range(1, found.shape[1])]
    return found[:, :, 0], ["now", *before]


def event_rows(peaks: list[int], parts: list[NDArray[Any]] | None) -> list[int]:
    """Return the row of the shingle that contributes most to each peak."""
    if parts is None or not parts or np.ndim(parts[0]) < 3:
        return list(peaks)
    lags = [int(np.sum(part, axis=(1, 2)).argmax()) for part in parts]
    return [max(0, i - lag) for i, lag in zip(peaks, lags, strict=True)]
