"""Passes that skip rows whose label the triangle inequality proves unchanged."""

from __future__ import annotations

from typing import Any

import numpy as np

from algos._common.arrays import Float64Array
from algos._cython.kmeans_bounds import assign_bounded
from algos.kmeans.kept_sums import KeptSums
from algos.kmeans.rows import Labels, Rows, Sums, rounding_of


class BoundedPasses:
    """Passes with Hamerly's bounds, which are kept from pass to pass; see `Rows.assign`."""

    def __init__(self, rows: Rows, n_clusters: int, state: dict[str, Any] | None = None) -> None:
        n, d = rows.X.shape
        self._rows = rows
        self._kept = KeptSums(rows, n_clusters, state)
        self._state: dict[str, Any] = {
            "centers": np.zeros((n_clusters, d), dtype=rows.X.dtype),
            "upper": np.full(n, np.inf, dtype=rows.X.dtype),
            "lower": np.zeros(n, dtype=rows.X.dtype),
            "tighten": False,
        }
        if state is not None:  # copied: passes write into these arrays
            self._state = {name: np.copy(state[name]) for name in self._state}

    def state(self) -> dict[str, Any]:
        """Return copies of all arrays, from which to continue."""
        return {
            **{name: np.copy(value) for name, value in self._state.items()},
            **self._kept.state(),
        }

    def assign(self, centers: Float64Array, labels: Labels) -> Sums:
        """Relabel the rows in place and sum them up by label."""
        rows, state = self._rows, self._state
        rounded = centers.astype(rows.X.dtype)
        drift = np.sqrt(((rounded.astype(np.float64) - state["centers"]) ** 2).sum(axis=1))
        sums, counts = np.empty(centers.shape), np.empty(len(centers))
        n_changed, n_measured = assign_bounded(
            rows.X, rows.weight, rows.shift, rounded, drift, rounding_of(rows.X),
            bool(state["tighten"]), labels, state["upper"], state["lower"], sums, counts,
            rows.n_threads,
        )  # fmt: skip
        # While the bounds of most rows fail, one more distance per row would not pay.
        state["tighten"] = n_measured < 0.7 * len(labels)
        state["centers"] = rounded
        self._kept.add(sums, counts, labels)
        return self._kept.result(rounded.astype(np.float64), n_changed)
