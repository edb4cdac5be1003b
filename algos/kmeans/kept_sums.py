"""Sums by label that are updated from pass to pass by the rows whose label changed."""

from __future__ import annotations

from typing import Any

import numpy as np

from algos._common.arrays import Float64Array
from algos.kmeans.rows import Labels, Rows, Sums, weight_by_label


class KeptSums:
    """Sums and weights of the rows by label.

    Parameters
    ----------
    rows : Rows
    n_clusters : int
    state : dict, default=None
        What `state` returned, from which to continue.
    """

    def __init__(self, rows: Rows, n_clusters: int, state: dict[str, Any] | None = None) -> None:
        d = rows.X.shape[1]
        self._spread = rows.spread
        self._sums = np.zeros((n_clusters, d)) if state is None else state["sums"].copy()
        self._counts = np.zeros(n_clusters) if state is None else state["counts"].copy()

    def state(self) -> dict[str, Any]:
        """Return copies of all arrays."""
        return {"sums": self._sums.copy(), "counts": self._counts.copy()}

    def add(self, sums: Float64Array, counts: Float64Array, labels: Labels) -> None:
        """Add changes; `labels` are the new ones."""
        self._sums += sums
        self._counts += counts
        self._empty_exactly(labels)

    def replace(self, sums: Float64Array, counts: Float64Array) -> None:
        """Replace the sums."""
        self._sums, self._counts = sums.copy(), counts.copy()

    def result(self, centers: Float64Array, n_changed: int) -> Sums:
        """Return the result of a pass for rows labelled by these centres."""
        objective = self._objective(centers)
        return Sums(self._sums.copy(), self._counts.copy(), objective, n_changed)

    def _empty_exactly(self, labels: Labels) -> None:
        """Set the sums of empty clusters to exact zeros, without rounding errors."""
        counts = self._counts
        if counts.min() < 1e-9 * counts.sum():
            empty = weight_by_label(labels, None, len(counts)) == 0
            counts[empty] = 0
            self._sums[empty] = 0

    def _objective(self, centers: Float64Array) -> float:
        """Return sum ||x||^2 - 2 c.S + n ||c||^2 for sums S and weights n of the labels."""
        cross = 2 * (centers * self._sums).sum()
        own = (self._counts * (centers**2).sum(axis=1)).sum()
        return max(float(self._spread - cross + own), 0.0)
