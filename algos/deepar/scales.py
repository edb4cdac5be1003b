"""Units and scales of series, also of those without a known value."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, Float64Array
from algos._common.warn import warn
from algos.deepar.likelihoods import LIKELIHOODS
from algos.deepar.panel import Panel
from algos.deepar.series import Series

LEAST = 1e-6  # least scale of values that have no unit
_FURTHEST = 120.0  # powers of two between a unit and a typical scale that float32 can hold
_EXPONENTS = -1021, 1020  # of units


def warn_of_counts(panel: Panel, likelihood: str) -> None:
    """Warn if a distribution of real values is to be learned from counts that are mostly 0.

    All of its mass may then collapse onto 0, where the likelihood of a density is unbounded.
    """
    values = panel.filled[panel.observed == 1]
    if not LIKELIHOODS[likelihood].is_scaled or 2 * np.count_nonzero(values) >= len(values):
        return
    units = np.repeat(panel.unit, panel.lengths)[panel.observed == 1]
    numbers = values * units
    if numbers.any() and np.all((numbers >= 0) & (numbers == np.rint(numbers))):
        zeros = np.count_nonzero(values == 0) / len(values)
        warn(
            f"`X` holds counts of which {zeros:.0%} are 0, and `likelihood`={likelihood!r} is for "
            f"real values: forecasts may be 0 throughout; use likelihood='negative_binomial'",
        )


def warn_of_fractions(panel: Panel, likelihood: str) -> None:
    """Warn if a distribution of counts is to be learned from values that are not whole."""
    if LIKELIHOODS[likelihood].values != "count":
        return
    values = panel.filled[panel.observed == 1]
    n_fractions = np.count_nonzero(values != np.rint(values))
    if n_fractions:
        warn(
            f"`X` holds {len(values)} values of which {n_fractions} are not whole numbers, and "
            f"`likelihood`={likelihood!r} is for counts: forecasts are whole numbers; use "
            f"likelihood='student_t'",
        )


def scale_logs(series: Series) -> Float64Array:
    """Return the base-2 logarithms of the mean magnitudes; -inf for 0."""
    with np.errstate(divide="ignore"):
        return np.log2(series.mean) + series.exponent


def units_and_scales(
    series: Series, typical: Float64Array, is_scaled: bool
) -> tuple[NDArray[np.int32], Float32Array, Float32Array]:
    """Return the exponent of each series' unit, its scale in that unit and the typical one.

    Parameters
    ----------
    series : Series
    typical : ndarray of shape (n_series,), dtype float64
        From `typical_logs`; used for a series without a scale.
    is_scaled : bool
        Whether values are divided by units.
    """
    logs = scale_logs(series)
    logs = np.where(np.isfinite(logs), logs, typical)
    exponent = np.zeros(len(series))
    if is_scaled:
        exponent = np.clip(np.rint(logs), *_EXPONENTS)
    least = 0.0 if is_scaled else LEAST
    apart = np.clip(typical - exponent, -_FURTHEST, _FURTHEST)
    scale, other = (np.maximum(np.exp2(log), least) for log in (logs - exponent, apart))
    return exponent.astype(np.int32), scale.astype(np.float32), other.astype(np.float32)


def typical_logs(
    codes: NDArray[np.int32], typical: float, typical_of: list[Float64Array]
) -> Float64Array:
    """Return the log scales of series from their categories.

    Each is the mean over the features whose category is known to `fit`.
    """
    total, n_known = np.zeros((2, len(codes)))
    for logs, column in zip(typical_of, codes.T, strict=True):
        is_known = column < len(logs)
        total[is_known] += logs[column[is_known]]
        n_known += is_known
    return np.where(n_known > 0, total / np.maximum(n_known, 1), typical)


def medians_of_categories(
    logs: Float64Array, codes: NDArray[np.int32], known: list[NDArray[Any]], typical: float
) -> list[Float64Array]:
    """Return the median of each category; `typical` if none of its series has a scale."""
    medians = []
    for column, values in zip(codes.T, known, strict=True):
        found = np.full(len(values), typical)
        order = np.lexsort((logs, column))
        order = order[np.isfinite(logs[order])]
        cuts = np.searchsorted(column[order], np.arange(len(values) + 1))
        low, high = cuts[:-1], cuts[1:]
        has_some = high > low
        middle = (low + high)[has_some]
        ordered = logs[order]
        found[has_some] = (ordered[(middle - 1) // 2] + ordered[middle // 2]) / 2
        medians.append(found)
    return medians
