"""A panel of series: flat arrays, in units in which huge and tiny values are safe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._cython import deepar_panel, row_hash

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

_LOOKING_BACK = 0.4  # of the steps: a lag that fewer can look back to is left out


@dataclass(frozen=True)
class Panel:
    """Series of any lengths, with all that is known of them.

    A series begins at its first observed value, step 0. Series are named by their place in
    the arrays of shape (n_series,); several may share the same values, so to take, repeat or
    shorten series copies none.

    Attributes
    ----------
    filled : ndarray of shape (n_values,), dtype float32
        Values in the unit of their series; a missing one is the one before it.
    observed : ndarray of shape (n_values,), dtype uint8
        1 where the value was given, 0 where it is filled in.
    offsets, lengths : ndarray of shape (n_series,), dtype int64
        Where each series begins in these two, and how many steps it has.
    unit : ndarray of shape (n_series,), dtype float64
        A power of two near the mean magnitude of the series; 1 for counts and shares.
    scale : ndarray of shape (n_series,), dtype float32
        Mean magnitude of the observed values, in that unit; positive.
    typical : ndarray of shape (n_series,), dtype float32
        What `scale` would be taken to be if no value were known: that of series of the same
        categories.
    calendar : ndarray of shape (n_rows, n_calendar), dtype float32
        Features of points of time.
    calendar_rows : ndarray of shape (n_series,), dtype int64
        The row of each series' step 0; those of its other steps and of `horizon` more follow.
    dynamic : ndarray of shape (n_rows, n_dynamic), dtype float32
        Covariates that are known ahead, standardised.
    dynamic_rows : ndarray of shape (n_series,), dtype int64
        As `calendar_rows`.
    categories : ndarray of shape (n_series, n_categories), dtype int32
        Codes from 0; a category that fit did not see has the code one above the others.
    static_real : ndarray of shape (n_series, n_static), dtype float32
        Standardised.
    keys : ndarray of shape (n_series, 2), dtype uint64
        Hash of the content of each series, wherever it stands in the panel.
    begins : ndarray of shape (n_series,), dtype int64
        The point of time of step 0, in units of the frequency after 1970; 0 without a start.
    delays : ndarray of shape (n_series,), dtype int64
        How many missing values were given before step 0.
    horizon : int
        How many steps beyond the end of each series `calendar` and `dynamic` reach.
    """

    filled: Floats
    observed: NDArray[np.uint8]
    offsets: Ints
    lengths: Ints
    unit: Doubles
    scale: Floats
    typical: Floats
    calendar: Floats
    calendar_rows: Ints
    dynamic: Floats
    dynamic_rows: Ints
    categories: NDArray[np.int32]
    static_real: Floats
    keys: NDArray[np.uint64]
    begins: Ints
    delays: Ints
    horizon: int = 0

    def __len__(self) -> int:
        return len(self.offsets)

    @property
    def n_values(self) -> int:
        """How many values are observed: what there is to learn from."""
        return int(np.count_nonzero(self.observed))

    @property
    def furthest_lag(self) -> int:
        """How far back enough steps of nine in ten series can look."""
        lengths = self.lengths[self.lengths > 0]
        return int((1 - _LOOKING_BACK) * np.quantile(lengths, 0.1)) if len(lengths) else 0

    @property
    def longest(self) -> int:
        """The number of steps of the longest series."""
        return int(self.lengths.max(initial=0))

    def take(self, places: NDArray[Any]) -> Panel:
        """Return some series, in that order; none of their values is copied."""
        return replace(
            self,
            **{name: getattr(self, name)[places] for name in OF_SERIES},
        )

    def order_of_content(self) -> NDArray[np.intp]:
        """Return the places of the series in an order that their own order has no part in."""
        return np.lexsort(self.keys.T)

    def shortened(self, n_steps: int) -> Panel:
        """Return the series without their last steps, which become part of the horizon.

        A series that has no more steps keeps none. The scales are of what is left, and the
        typical ones where that tells nothing: never of what is taken away.
        """
        lengths = np.maximum(self.lengths - n_steps, 0)
        kept = replace(self._reaching(n_steps), lengths=lengths, horizon=self.horizon + n_steps)
        scale = self.typical.copy()
        deepar_panel.mean_magnitudes(self.filled, self.observed, self.offsets, lengths, scale)
        return replace(kept, scale=scale).keyed()

    def _reaching(self, n_steps: int) -> Panel:
        """Return the panel with rows for so many steps of each series and the horizon.

        Those of a shorter series repeat its last one: of these steps nothing is known or asked.
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
                # a series of no step may have no row
                taken = np.minimum(rows[short, None] + steps, len(table) - 1)
                rows[short] = len(table) + len(wanted) * np.arange(len(short))
                found |= {kind: np.concatenate([table, table[taken.ravel()]]), f"{kind}_rows": rows}
        return replace(self, **found)

    def in_time(self, forecast: Doubles, n_steps: int) -> Doubles:
        """Return a forecast that follows `shortened(n_steps)`, each step where `last` has it.

        A shorter series is forecast from its beginning, which `last` has somewhere in the middle.

        Parameters
        ----------
        forecast : ndarray of shape (n_series, ..., n_steps)
            NaN is written to what is before a series.
        n_steps : int
        """
        for i in np.flatnonzero(self.lengths < n_steps):
            before = n_steps - int(self.lengths[i])
            forecast[i, ..., before:] = forecast[i, ..., : n_steps - before].copy()
            forecast[i, ..., :before] = np.nan
        return forecast

    def keyed(self) -> Panel:
        """Return the panel with keys of what its series hold up to their ends."""
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

    def last(self, n_steps: int) -> Doubles:
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
    """Return one panel of several that share their values and covariates: parts of one."""
    of_series: dict[str, Any] = {
        name: np.concatenate([getattr(panel, name) for panel in panels]) for name in OF_SERIES
    }
    return replace(panels[0], **of_series, horizon=min(panel.horizon for panel in panels))


def _seed(word: int, part: int) -> NDArray[np.uint64]:
    """Return the key of one of the hashes that a series' keys are made of."""
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
