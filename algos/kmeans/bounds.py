"""Passes that skip rows whose label the triangle inequality proves unchanged."""

from __future__ import annotations

from typing import Any

import numpy as np

from algos._cython.kmeans_bounds import assign_bounded
from algos.kmeans.rows import Doubles, Labels, Rows, Sums, rounding_of


class BoundedPasses:
    """Hamerly's bounds, kept from pass to pass; `assign` has the contract of Rows.assign.

    The sums by label are kept too, and only changes are added to them.
    """

    def __init__(self, rows: Rows, n_clusters: int, state: dict[str, Any] | None = None) -> None:
        n, d = rows.X.shape
        self._rows = rows
        self._state: dict[str, Any] = {
            "centers": np.zeros((n_clusters, d), dtype=rows.X.dtype),
            "upper": np.full(n, np.inf, dtype=rows.X.dtype),
            "lower": np.zeros(n, dtype=rows.X.dtype),
            "sums": np.zeros((n_clusters, d)),
            "counts": np.zeros(n_clusters),
            "tighten": False,
        }
        if state is not None:  # copied: passes write into these arrays
            self._state = {name: np.copy(value) for name, value in state.items()}

    def state(self) -> dict[str, Any]:
        """Return copies of all arrays, to go on from."""
        return {name: np.copy(value) for name, value in self._state.items()}

    def assign(self, centers: Doubles, labels: Labels) -> Sums:
        """Relabel the rows in place and sum them up by label."""
        rows, state = self._rows, self._state
        rounded = centers.astype(rows.X.dtype)
        drift = np.sqrt(((rounded.astype(np.float64) - state["centers"]) ** 2).sum(axis=1))
        sums, counts = np.empty_like(state["sums"]), np.empty_like(state["counts"])
        n_changed, n_measured = assign_bounded(
            rows.X, rows.weight, rows.shift, rounded, drift, rounding_of(rows.X),
            bool(state["tighten"]), labels, state["upper"], state["lower"], sums, counts,
            rows.n_threads,
        )  # fmt: skip
        # While most rows fail their bounds, one more distance a row would only cost.
        state["tighten"] = n_measured < 0.7 * len(labels)
        state["centers"] = rounded
        state["sums"] += sums
        state["counts"] += counts
        self._empty_exactly(labels)
        objective = self._objective(rounded.astype(np.float64))
        return Sums(state["sums"].copy(), state["counts"].copy(), objective, n_changed)

    def _empty_exactly(self, labels: Labels) -> None:
        """Let no rounding remain where weights that were added have all left."""
        counts = self._state["counts"]
        if counts.min() < 1e-9 * counts.sum():
            empty = np.bincount(labels, minlength=len(counts)) == 0
            counts[empty] = 0
            self._state["sums"][empty] = 0

    def _objective(self, centers: Doubles) -> float:
        """Return sum ||x||^2 - 2 c.S + n ||c||^2, S and n being a label's sum and weight."""
        cross = 2 * (centers * self._state["sums"]).sum()
        own = (self._state["counts"] * (centers**2).sum(axis=1)).sum()
        return max(float(self._rows.spread - cross + own), 0.0)
