"""Panels from JSON Lines: a series on each line, in the format of SageMaker and GluonTS."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from os import PathLike, fsdecode
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array
from algos.deepar.calendar import in_steps, read_times
from algos.deepar.covariates import NamedArrays
from algos.deepar.frames import PanelFrame, ids_of, together
from algos.deepar.frequency import Frequency
from algos.deepar.tables import Origin

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class _Line:
    """The series of one line; missing keys are empty.

    Attributes
    ----------
    where : str
        For error messages: "line 7".
    features : ndarray of shape (n_features, n_times)
        The numbers over time.
    """

    where: str
    start: NDArray[np.datetime64]
    target: Float64Array
    categories: list[Any]
    features: Float64Array
    names: list[Any]  # one, or none


def panel_from_json_lines(files: Any, *, freq: Any = None) -> PanelFrame:
    r"""Make a panel from JSON Lines, the format of SageMaker's DeepAR.

    Each line is an object with the keys `start`, a time without a zone, and `target`, numbers;
    ``null`` and ``"NaN"`` are missing values. Optional are `cat`, a category or a list of them,
    `dynamic_feat`, a list of numbers for each feature, which may extend beyond the target, and
    `item_id`, the name of the series. Other keys are ignored, and blank lines are skipped.

    Parameters
    ----------
    files : path, open file or list of them
        Compressed by gzip or not. Series are in the order of lines and files.
    freq : str or pandas offset, default=None
        The distance between two steps, such as "h" or "15min", which the lines do not contain.
        If given, the panel refuses an estimator with a different `freq`, and `frame_of` works.

    Returns
    -------
    panel : PanelFrame
        `DeepARForecaster(freq=panel.freq).fit(**panel)` fits it, if `freq` was given. Without
        `item_id`, `ids` are numbers.

    Raises
    ------
    TypeError
        If `files` are neither paths nor open files.
    ValueError
        If a line is not as described, or differs from the first one in its keys or in the
        number of categories or features. The message names the line.

    Examples
    --------
    >>> import io
    >>> from algos.deepar import panel_from_json_lines
    >>> file = io.StringIO(
    ...     '{"start": "2026-01-01 00:00:00", "target": [3, "NaN", 5], "cat": [0]}\n'
    ...     '{"start": "2026-01-02 00:00:00", "target": [7, null], "cat": [1]}\n'
    ... )
    >>> panel = panel_from_json_lines(file, freq="D")  # or a path
    >>> panel.X
    [array([ 3., nan,  5.]), array([ 7., nan])]
    >>> panel.static_categorical.tolist()
    [[0], [1]]
    """
    frequency = None if freq is None else Frequency.of(freq)
    lines = [_read(where, text) for where, text in _lines_of(files)]
    if not lines:
        raise ValueError("`files` must have at least one line with a series, and have none")
    for line in lines[1:]:
        _check_alike(line, lines[0])
    times = np.array([line.start for line in lines], dtype="datetime64[s]")
    start = times if frequency is None else in_steps(times, frequency)
    has_names = bool(lines[0].names)
    ids = ids_of([name for line in lines for name in line.names])
    return PanelFrame(
        X=together([line.target for line in lines]),
        start=start,
        ids=ids if has_names else np.arange(len(lines)),
        freq=None if frequency is None else str(frequency),
        origin=Origin(_pandas_frame, ("item_id",), ("time",), day=Frequency.day_of_business(freq)),
        static_categorical=_categories_of(lines),
        dynamic_real=_features_of(lines, ids if has_names else None, start),
    )


def _pandas_frame(columns: Any) -> Any:
    """Return columns as a pandas frame, since lines have no kind of frame."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "frames of forecasts need pandas; install it with `pip install pandas`"
        ) from error
    return pd.DataFrame(columns)


def _lines_of(files: Any) -> Iterator[tuple[str, str | bytes]]:
    """Yield the location of each line, and the line, without blank ones."""
    is_one = hasattr(files, "read") or _is_path(files)
    if not is_one and not isinstance(files, (list, tuple)):
        raise TypeError(f"`files`={files!r} must be a path, an open file or a list of them")
    for place, one in enumerate([files] if is_one else files):
        name = fsdecode(one) if _is_path(one) else f"file {place}"
        with ExitStack() as closing:
            file = closing.enter_context(open(one, "rb")) if _is_path(one) else one
            file = _unpacked(file, closing)
            for number, text in enumerate(file, 1):
                if text.strip():
                    yield f"line {number}" if is_one else f"{name}, line {number}", text


def _is_path(given: Any) -> bool:
    return isinstance(given, (str, bytes, PathLike))


def _unpacked(file: Any, closing: ExitStack) -> Any:
    """Return an open file, which is left open, uncompressed."""
    if not hasattr(file, "read"):
        raise TypeError(f"`files` must hold paths or open files, and one is {file!r}")
    if hasattr(file, "readinto") and not hasattr(file, "peek"):
        file = io.BufferedReader(file)
        closing.callback(file.detach)
    if hasattr(file, "peek") and file.peek(2)[:2] == _GZIP:
        return closing.enter_context(gzip.open(file))
    return file


def _read(where: str, text: str | bytes) -> _Line:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ValueError(
            f"{where}: invalid JSON, {error}; each line must be an object with `start` and `target`"
        ) from None
    if not isinstance(found, dict):
        raise ValueError(
            f"{where}: must be an object with `start` and `target`, and is a "
            f"{type(found).__name__}; write each series on a line of its own"
        )
    for key in ("start", "target"):
        if found.get(key) is None:
            raise ValueError(f"{where}: no `{key}`; each line must have it")
    if not isinstance(found["start"], str):
        raise ValueError(
            f"{where}: `start`={found['start']!r} must be a string; write it as '2026-01-31 12:00'"
        )
    target = _numbers(found["target"], f"{where}: `target`")
    return _Line(
        where,
        read_times(found["start"], f"{where}: `start`={found['start']!r}"),
        target,
        _names(found.get("cat"), f"{where}: `cat`"),
        _features(found.get("dynamic_feat"), len(target), f"{where}: `dynamic_feat`"),
        _name(found.get("item_id"), f"{where}: `item_id`"),
    )


def _numbers(given: Any, name: str) -> Float64Array:
    """Read a list of numbers; `name` is for error messages."""
    if not isinstance(given, list):
        raise ValueError(f"{name} must be a list of numbers, and is {given!r}")
    values = [np.nan if value is None or value == "NaN" else value for value in given]
    for place, value in enumerate(values):
        if type(value) not in (int, float):
            raise ValueError(f'{name}[{place}]={value!r} must be a number, null or "NaN"')
    try:
        return np.array(values, dtype=np.float64)
    except OverflowError:
        raise ValueError(f"{name} must hold numbers, and one is too large for a float") from None


def _name(given: Any, name: str) -> list[Any]:
    """Return the name of a series as a list of one, or an empty list."""
    if isinstance(given, list):
        raise ValueError(f"{name} must be a number or a name, and is {given!r}")
    return _names(given, name)


def _names(given: Any, name: str) -> list[Any]:
    """Return a category or a name, or a list of categories, as a list."""
    values = given if isinstance(given, list) else [] if given is None else [given]
    for value in values:
        if type(value) not in (int, float, str):
            raise ValueError(f"{name} must be numbers or names, and one is {value!r}")
    return values


def _features(given: Any, n_steps: int, name: str) -> Float64Array:
    """Read the numbers over time; `name` is for error messages."""
    if not given:
        return np.empty((0, 0))
    if not isinstance(given, list):
        raise ValueError(f"{name} must be a list with a list for each feature, and is {given!r}")
    rows = [_numbers(row, f"{name}[{place}]") for place, row in enumerate(given)]
    for place, row in enumerate(rows):
        if len(row) != len(rows[0]) or len(row) < n_steps:
            needed = (
                f"as many as {name.split()[-1]}[0], {len(rows[0])}"
                if len(rows[0]) >= n_steps
                else f"at least as many as `target`, {n_steps}"
            )
            raise ValueError(f"{name}[{place}] must have {needed}, and has {len(row)}")
    return np.stack(rows)


def _check_alike(line: _Line, first: _Line) -> None:
    """Raise ValueError if a line differs from the first in its keys or in their numbers."""
    pairs: dict[str, tuple[Any, Any]] = {
        "cat": (line.categories, first.categories),
        "dynamic_feat": (line.features, first.features),
        "item_id": (line.names, first.names),
    }
    for key, (own, others) in pairs.items():
        if len(own) == len(others):
            continue
        if len(own) == 0:
            raise ValueError(f"{line.where}: no `{key}`, which {first.where} has")
        if len(others) == 0:
            raise ValueError(f"{line.where}: has `{key}`, which {first.where} has not")
        raise ValueError(
            f"{line.where}: `{key}` has {len(own)} and that of {first.where} {len(others)}; all "
            f"series must have the same number"
        )


def _categories_of(lines: list[_Line]) -> NDArray[Any] | None:
    """Return the categories, of shape (n_series, n_features), as integers if all are."""
    if not lines[0].categories:
        return None
    table = np.array([line.categories for line in lines], dtype=object)
    try:
        is_whole = all(type(item) is int for item in table.flat)
        return table.astype(np.int64) if is_whole else table
    except OverflowError:
        return table


def _features_of(lines: list[_Line], ids: Any, start: Any) -> NamedArrays | None:
    n_features = len(lines[0].features)
    if n_features == 0:
        return None
    names = [f"dynamic_feat[{place}]" for place in range(n_features)]
    of_panel = start if hasattr(start, "freq") else None
    return NamedArrays.of([line.features for line in lines], names, ids, of_panel)
