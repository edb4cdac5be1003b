"""Where the panels of a display stand, and how values, dates and names fit into them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LONGEST = 24  # letters of a name that are drawn
MOST_NAMES = 10  # below each other
MOST_UNITS = 2.0  # from the median, where several columns are drawn
_LETTER = 0.075  # inches, about
_LINE = 0.17  # inches
_NORMAL = 3.29  # how far apart the percentiles are in the standard normal distribution


def comparable(X: NDArray[Any]) -> tuple[NDArray[Any], tuple[float, float] | None]:
    """Return one column as it is, and several in units of their spread, with limits."""
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


def panels(
    ax: Any, heights: list[float], names: Sequence[str], part_names: Sequence[str]
) -> list[Any]:
    """Return axes one below the other, the first two of which share the times."""
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
    """Return a grid in the place of axes, with room for its labels if no layout makes it."""
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
    """Return width and height of axes in inches, as they stand now."""
    place = ax.get_position()
    width, height = ax.figure.get_size_inches()
    return max(place.width * width, 0.1), max(place.height * height, 0.1)


def legend_columns(ax: Any, names: Sequence[str]) -> int:
    """Return how many names fit beside each other."""
    longest = max(len(short(name)) for name in names)
    return min(len(names), max(1, int(_size(ax)[0] / (_LETTER * longest + 0.55))))


def names_that_fit(ax: Any, names: Sequence[str]) -> int:
    """Return how many names fit below each other."""
    return min(len(names), MOST_NAMES, max(2, int(_size(ax)[1] / _LINE)))


def tick_angle(ax: Any, labels: Sequence[str]) -> float:
    """Return the angle at which labels below axes do not overprint; 0 if they fit."""
    longest = max(len(line) for text in labels for line in text.split("\n"))
    return 0.0 if _LETTER * (longest + 1) * len(labels) <= _size(ax)[0] else 30.0


def use_dates(ax: Any, times: NDArray[Any]) -> None:
    """Have dates written in few letters."""
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
    """Return a name, or its beginning if it is long."""
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def label(time: Any) -> str:
    """Return a time in words, the hour below the date."""
    if isinstance(time, np.datetime64):
        return str(time.astype("datetime64[m]")).replace("T", "\n")
    if isinstance(time, np.floating):
        return f"{time:.6g}"
    return str(time)
