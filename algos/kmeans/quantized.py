"""Passes over the rows' 8-bit codes: most centres are ruled out without reading the row."""

from __future__ import annotations

from typing import Any

import numpy as np

from algos._cython.kmeans_quantized import assign_quantized
from algos.kmeans.codes import Codes
from algos.kmeans.kept_sums import KeptSums
from algos.kmeans.rows import Doubles, Floats, Labels, Rows, Sums

_USELESS = 0.25  # share of all distances that must still be measured


class QuantizedPasses:
    """Passes over the codes of the rows; `assign` has the contract of Rows.assign.

    Rows are read where several centres may be the nearest, and where a label changes.
    """

    def __init__(
        self, rows: Rows, codes: Codes, n_clusters: int, state: dict[str, Any] | None = None
    ) -> None:
        self._rows = rows
        self._codes = codes
        self._kept = KeptSums(rows, n_clusters, state)
        self._is_useful = state is None or bool(state["is_useful"])

    def state(self) -> dict[str, Any]:
        """Return copies of all arrays, to go on from."""
        return {"is_useful": self._is_useful, **self._kept.state()}

    def assign(self, centers: Doubles, labels: Labels) -> Sums:
        """Relabel the rows in place and sum them up by label."""
        rows, k = self._rows, len(centers)
        rounded = centers.astype(rows.X.dtype)
        n_changed = self._label(rounded, labels) if self._is_useful else -1
        if n_changed < 0:
            self._is_useful = False
            found = rows.assign(centers, labels)
            self._kept.replace(found.sums, found.counts)
            return found
        if not rows.has_room_for_lanes(k):
            self._kept.replace(*rows.sum_up(labels, k))
        return self._kept.result(rounded.astype(np.float64), n_changed)

    def _label(self, centers: Floats, labels: Labels) -> int:
        """Return the number of changes, or -1 where codes are of no use."""
        rows, codes = self._rows, self._codes
        fused = rows.has_room_for_lanes(len(centers))
        sums, counts = np.empty(centers.shape), np.empty(len(centers))
        n_changed, n_measured = assign_quantized(
            rows.X, rows.weight, rows.shift, centers, *codes, labels,
            sums if fused else None, counts if fused else None, rows.n_threads,
        )  # fmt: skip
        if n_changed >= 0 and fused:
            self._kept.add(sums, counts, labels)
        if n_measured > _USELESS * len(labels) * len(centers):
            self._is_useful = False  # from the next pass on
        return n_changed
