"""A panel of series: flat arrays, in units that avoid overflow and underflow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, Float64Array, IndexArray, Int64Array
from algos._cython import deepar_panel, row_hash

_LOOKING_BACK = 0.4  # least share of the steps that can look back to a lag


@dataclass(frozen=True)
class Panel:
    """Series of any lengths, with their covariates.

    A series begins at its first observed value, step 0. Series are identified by their index in
    the arrays of shape (n_series,); several may share the same values, so taking, repeating or
    shortening series copies no values.

    Attributes
    ----------
    filled : ndarray of shape (n_values,), dtype float32
        Values in the unit of their series; a missing one repeats the one before.
    observed : ndarray of shape (n_values,), dtype uint8
        1 where the value was given, 0 where it is filled in.
    offsets, lengths : ndarray of shape (n_series,), dtype int64
        Where each series begins in these two, and its number of steps.
    unit : ndarray of shape (n_series,), dtype float64
        A power of two near the mean magnitude of the series; 1 for counts and shares.
    scale : ndarray of shape (n_series,), dtype float32
        Mean magnitude of the observed values, in that unit; positive.
    typical : ndarray of shape (n_series,), dtype float32
        The typical scale of series with the same categories, used for `scale` if no value is
        known.
    calendar : ndarray of shape (n_rows, n_calendar), dtype float32
        Features of times.
    calendar_rows : ndarray of shape (n_series,), dtype int64
        The row of each series' step 0; those of its other steps and of `horizon` more follow.
    dynamic : ndarray of shape (n_rows, n_dynamic), dtype float32
        Standardised covariates over time.
    dynamic_rows : ndarray of shape (n_series,), dtype int64
        The same for `dynamic`.
    categories : ndarray of shape (n_series, n_categories), dtype int32
        Codes from 0; a category unknown to `fit` has the code one above the others.
    static_real : ndarray of shape (n_series, n_static), dtype float32
        Standardised.
    keys : ndarray of shape (n_series, 2), dtype uint64
        Hash of the content of each series, independent of its position.
    begins : ndarray of shape (n_series,), dtype int64
        The time of step 0, in units of the frequency after 1970; 0 without a start.
    delays : ndarray of shape (n_series,), dtype int64
        Number of missing values before step 0.
    horizon : int
        Number of steps that `calendar` and `dynamic` reach beyond the end of each series.
    """

    filled: Float32Array
    observed: NDArray[np.uint8]
    offsets: Int64Array
    lengths: Int64Array
    unit: Float64Array
    scale: Float32Array
    typical: Float32Array
    calendar: Float32Array
    calendar_rows: Int64Array
    dynamic: Float32Array
    dynamic_rows: Int64Array
    categories: NDArray[np.int32]
    static_real: Float32Array
    keys: NDArray[np.uint64]
    begins: Int64Array
    delays: Int64Array
    horizon: int = 0

    def __len__(self) -> int:
        return len(self.offsets)

    @property
    def n_values(self) -> int:
        """Number of observed values."""
        return int(np.count_nonzero(self.observed))

    @property
    def furthest_lag(self) -> int:
        """The largest lag that enough steps of nine in ten series can look back to."""
        lengths = self.lengths[self.lengths > 0]
        return int((1 - _LOOKING_BACK) * np.quantile(lengths, 0.1)) if len(lengths) else 0

    @property
    def longest(self) -> int:
        """The number of steps of the longest series."""
        return int(self.lengths.max(initial=0))

    def take(self, places: NDArray[Any]) -> Panel:
        """Return some series, in that order, without copying their values."""
        return replace(
            self,
            **{name: getattr(self, name)[places] for name in OF_SERIES},
        )

    def order_of_content(self) -> IndexArray:
        """Return an order of the series that depends only on their content."""
        return np.lexsort(self.keys.T)

    def shortened(self, n_steps: int) -> Panel:
        """Return the series without their last steps, which become part of the horizon.

        A series with at most `n_steps` steps becomes empty. Scales are computed from the
        remaining values, or are typical ones if there are none: never from the removed values.
        """
        lengths = np.maximum(self.lengths - n_steps, 0)
        kept = replace(self._reaching(n_steps), lengths=lengths, horizon=self.horizon + n_steps)
        scale = self.typical.copy()
        deepar_panel.mean_magnitudes(self.filled, self.observed, self.offsets, lengths, scale)
        return replace(kept, scale=scale).keyed()

    def _reaching(self, n_steps: int) -> Panel:
        """Return the panel with rows for at least `n_steps` steps of each series and the horizon.

        For a shorter series they repeat the last row: nothing is known about these steps.
        """
        short = np.flatnonzero(self.lengths < n_steps)
        if not len(short):
            return self
        wanted = np.arange(n_steps + self.horizon)
        ends = np.maximum(self.lengths[short] + self.horizon - 1, 0)
        steps = np.minimum(wanted, ends[:, None])
        found: dict[str, Any] = {}
        for kind in ("calendar", "dynamic"):
            table, rows = getattr(self, kind), getattr(self, f"{kind}_rows").copy()
            if table.size:
                # an empty series may have no row
                taken = np.minimum(rows[short, None] + steps, len(table) - 1)
                rows[short] = len(table) + len(wanted) * np.arange(len(short))
                found |= {kind: np.concatenate([table, table[taken.ravel()]]), f"{kind}_rows": rows}
        return replace(self, **found)

    def in_time(self, forecast: Float64Array, n_steps: int) -> Float64Array:
        """Align a forecast that follows `shortened(n_steps)` with the columns of `last`.

        A shorter series is forecast from its beginning, which lies within the columns of `last`.

        Parameters
        ----------
        forecast : ndarray of shape (n_series, ..., n_steps)
            Modified in place; NaN before the beginning of a series.
        n_steps : int
        """
        for i in np.flatnonzero(self.lengths < n_steps):
            before = n_steps - int(self.lengths[i])
            forecast[i, ..., before:] = forecast[i, ..., : n_steps - before].copy()
            forecast[i, ..., :before] = np.nan
        return forecast

    def keyed(self) -> Panel:
        """Return the panel with keys of its series' content up to their ends."""
        keys = np.zeros((2, len(self)), dtype=np.uint64)
        static = np.column_stack([self.begins, self.categories, self.static_real])
        for word, sums in enumerate(keys):
            values = _factors(word, 0, self.longest)
            deepar_panel.add_values(
                self.filled, self.observed, self.unit, self.offsets, self.lengths, values, sums
            )
            dynamic = _factors(word, 1, self.longest * self.dynamic.shape[1])
            deepar_panel.add_steps(self.dynamic, self.dynamic_rows, self.lengths, dynamic, sums)
            row_hash.add_dense(static, _factors(word, 2, static.shape[1]), sums, 1)
            row_hash.finish(_seed(word, 3), sums)
        return replace(self, keys=np.ascontiguousarray(keys.T))

    def last(self, n_steps: int) -> Float64Array:
        """Return the last values of each series, of shape (n_series, n_steps).

        They are in the units of the data, NaN where missing and before the series.
        """
        steps = self.lengths[:, None] + np.arange(-n_steps, 0)
        places = self.offsets[:, None] + np.maximum(steps, 0)
        if self.filled.size == 0:
            return np.full(steps.shape, np.nan)
        places = np.minimum(places, self.filled.size - 1)
        is_known = (steps >= 0) & (self.observed[places] == 1)
        return np.where(is_known, self.filled[places] * self.unit[:, None], np.nan)


def joined(panels: Sequence[Panel]) -> Panel:
    """Return one panel from parts of another, which share their values and covariates."""
    of_series: dict[str, Any] = {
        name: np.concatenate([getattr(panel, name) for panel in panels]) for name in OF_SERIES
    }
    return replace(panels[0], **of_series, horizon=min(panel.horizon for panel in panels))


def _seed(word: int, part: int) -> NDArray[np.uint64]:
    """Return the key of one of the hashes that make up a series' keys."""
    return np.array([word, part], dtype=np.uint64)


def _factors(word: int, part: int, count: int) -> NDArray[np.uint64]:
    factors = np.empty(count, dtype=np.uint64)
    row_hash.column_factors(_seed(word, part), factors)
    return factors


OF_SERIES = (
    "offsets",
    "lengths",
    "unit",
    "scale",
    "typical",
    "calendar_rows",
    "dynamic_rows",
    "categories",
    "static_real",
    "keys",
    "begins",
    "delays",
)
