"""The layout of the panels of a display, and of the values, dates and names in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import IndexArray

LONGEST = 24  # letters drawn of a name
MOST_NAMES = 10  # one below the other
MOST_UNITS = 2.0  # from the median, if several columns are drawn
_LETTER = 0.075  # inches, about
_LINE = 0.17  # inches
_NORMAL = 3.29  # distance of these percentiles in the standard normal distribution
_STRIP_GAP = 0.1  # between strips, relative to their height
_DIGIT = 0.12  # inches, of a numbered peak


def comparable(X: NDArray[Any]) -> tuple[NDArray[Any], tuple[float, float] | None]:
    """Return one column unchanged, or several in units of their spread, with limits."""
    if X.shape[1] == 1:
        return X, None
    known = np.where(np.isnan(X).all(axis=0), 0.0, X)
    low, middle, high = np.nanpercentile(known, [5, 50, 95], axis=0)
    deviation = np.nanstd(known, axis=0)
    spread = np.where(high > low, high - low, _NORMAL * deviation)
    values = (X - middle) / np.where(spread > 0, spread, 1.0)
    ends = np.clip(
        [np.fmin.reduce(values, None), np.fmax.reduce(values, None)], -MOST_UNITS, MOST_UNITS
    )
    bottom, top = np.nan_to_num(ends)
    room = 0.1 * (top - bottom) or 1.0
    # The numbers of the events stand above the data.
    return values, (bottom - room, top + 2 * room)


def strips(values: NDArray[Any]) -> tuple[NDArray[Any], tuple[float, float]]:
    """Return columns in strips one below the other, each of height 1, with limits.

    A strip spans the range of its column, but at most `MOST_UNITS` from the median.
    """
    inside = np.clip(values, -MOST_UNITS, MOST_UNITS)
    low, high = np.fmin.reduce(inside, 0), np.fmax.reduce(inside, 0)
    shares = (inside - low) / np.where(high > low, high - low, 1.0)
    n = values.shape[1]
    bottoms = (1 + _STRIP_GAP) * np.arange(n - 1, -1, -1)
    # The numbers of the events stand above the data.
    return shares + bottoms, (-_STRIP_GAP, bottoms[0] + 1 + _STRIP_GAP * (1 + n))


def panels(
    ax: Any, heights: list[float], names: Sequence[str], part_names: Sequence[str]
) -> list[Any]:
    """Return axes one below the other, of which the first two share the time axis."""
    import matplotlib.pyplot as plt

    rows = len(heights)
    if ax is None:
        figure = plt.figure(figsize=(9, 1.6 * sum(heights)), layout="constrained")
        grid = figure.add_gridspec(rows, 1, height_ratios=heights)
    else:
        figure = ax.figure
        ax.set_axis_off()
        grid = _inside(ax, heights, names, part_names)
    first = figure.add_subplot(grid[0])
    second = figure.add_subplot(grid[1], sharex=first)
    return [first, second, *(figure.add_subplot(grid[k]) for k in range(2, rows))]


def _inside(ax: Any, heights: list[float], names: Sequence[str], part_names: Sequence[str]) -> Any:
    """Return a grid in the place of axes, with room for its labels unless a layout makes it."""
    spec, rows = ax.get_subplotspec(), len(heights)
    if ax.figure.get_layout_engine() is not None:
        return spec.subgridspec(rows, 1, height_ratios=heights)
    width, height = _size(ax)
    letters = max([6, *(len(name) for name in part_names)])
    left = min(0.4, (_LETTER * letters + 0.45) / width)
    right = min(0.1, 0.45 / width) if part_names else 0.0
    above = min(0.2, 2 * _LINE / height) if len(names) > 1 else 0.0
    below = min(0.2, 4 * _LINE / height) if part_names else 0.0
    outer = spec.subgridspec(
        3,
        3,
        width_ratios=[left, 1 - left - right, max(right, 1e-6)],
        height_ratios=[max(above, 1e-6), 1 - above - below, max(below, 1e-6)],
        wspace=0,
        hspace=0,
    )
    return outer[1, 1].subgridspec(rows, 1, height_ratios=heights, hspace=0.5)


def _size(ax: Any) -> tuple[float, float]:
    """Return the present width and height of axes in inches."""
    place = ax.get_position()
    width, height = ax.figure.get_size_inches()
    return max(place.width * width, 0.1), max(place.height * height, 0.1)


def legend_columns(ax: Any, names: Sequence[str]) -> int:
    """Return how many names fit side by side."""
    longest = max(len(short(name)) for name in names)
    return min(len(names), max(1, int(_size(ax)[0] / (_LETTER * longest + 0.55))))


def names_that_fit(ax: Any, names: Sequence[str]) -> int:
    """Return how many names fit one below the other."""
    return min(len(names), MOST_NAMES, max(2, int(_size(ax)[1] / _LINE)))


def tick_angle(ax: Any, labels: Sequence[str]) -> float:
    """Return the angle at which labels below axes do not overlap; 0 if they fit."""
    longest = max(len(line) for text in labels for line in text.split("\n"))
    return 0.0 if _LETTER * (longest + 1) * len(labels) <= _size(ax)[0] else 30.0


def are_free(ax: Any, times: NDArray[Any], order: IndexArray) -> NDArray[np.bool_]:
    """Tell which numbers at these times can be drawn without overlap, the first in order first."""
    at = np.asarray(ax.convert_xunits(times), dtype=np.float64)
    low, high = ax.get_xlim()
    room = _DIGIT * len(str(len(at))) * (high - low) / _size(ax)[0]
    free = np.zeros(len(at), dtype=bool)
    for i in order:
        free[i] = np.all(np.abs(at[free] - at[i]) >= room)
    return free


def use_dates(ax: Any, times: NDArray[Any]) -> None:
    """Format dates concisely."""
    if times.dtype.kind == "M":
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator()
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def shade(ax: Any, times: NDArray[Any], is_above: NDArray[np.bool_]) -> None:
    """Shade each run of rows."""
    edges = np.flatnonzero(np.diff(is_above.astype(np.int8), prepend=0, append=0))
    for start, end in edges.reshape(-1, 2):
        last = min(end, len(times) - 1)
        ax.axvspan(times[start], times[last], color="tab:red", alpha=0.2, linewidth=1)


def short(name: str) -> str:
    """Return a name, shortened if it is long."""
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def label(time: Any) -> str:
    """Return a time as text, the hour below the date."""
    if isinstance(time, np.datetime64):
        return str(time.astype("datetime64[m]")).replace("T", "\n")
    if isinstance(time, np.floating):
        return f"{time:.6g}"
    return str(time)
