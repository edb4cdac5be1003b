"""Passes over 8-bit codes of the rows, which rule most centres out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, FloatArray
from algos._cython.kmeans_quantized import assign_quantized
from algos.kmeans.codes import Codes, has_room_for_gaps
from algos.kmeans.kept_sums import KeptSums
from algos.kmeans.rows import Labels, Rows, Sums

_USELESS = 0.25  # share of distances to compute in full, above which codes do not pay
_FEW_CHANGES = 0.02  # share of labels; if more change, most gaps close within a pass
_FEW_GAPS = 0.6  # share of rows without a gap, above which gaps do not pay
_GAP_UNITS = 1 << 15  # per root mean square of the rows


class Gaps:
    """Lower bounds of how much farther the second-nearest centre of each row is than its own.

    While a gap exceeds the moves of the centres, the row keeps its label without being read.

    Parameters
    ----------
    gaps : ndarray of shape (n,), uint16
        In units of 1 / `per_gap`; 0 for rows without a known gap.
    centers : ndarray of shape (n_clusters, d), float64
        The centres of the last pass.
    scale : float
        Root mean square of the shifted rows.
    """

    def __init__(self, gaps: NDArray[np.uint16], centers: Float64Array, scale: float) -> None:
        self.per_gap = _GAP_UNITS / scale if scale > 0 else 0.0
        self.gaps = gaps
        self._centers = centers

    def state(self) -> dict[str, Any]:
        """Return copies of all arrays."""
        return {"gaps": self.gaps.copy(), "gap_centers": self._centers.copy()}

    def fall(self, centers: Float64Array) -> NDArray[np.int32]:
        """Return by how much the gap of each label decreases with the new centres.

        The first entry is for rows without a label. A row's own centre may have moved away, and
        any other closer, by their drifts.
        """
        drift = np.sqrt(((centers - self._centers) ** 2).sum(axis=1))
        self._centers = centers
        other = np.full(len(drift), drift.max())
        fastest = int(np.argmax(drift))
        other[fastest] = np.delete(drift, fastest).max(initial=0.0)
        units = np.ceil((drift + other) * ((1 + 1e-6) * self.per_gap))
        fall = np.zeros(len(centers) + 1, dtype=np.int32)
        fall[1:] = np.minimum(units, np.iinfo(np.uint16).max)
        return fall


class QuantizedPasses:
    """Passes over the codes of the rows; see `Rows.assign`.

    Rows are read only if several centres may be the nearest, or if a label changes. Once few
    labels change, gaps are kept, and even the codes are read only for some rows.
    """

    def __init__(
        self, rows: Rows, codes: Codes, n_clusters: int, state: dict[str, Any] | None = None
    ) -> None:
        self._rows = rows
        self._codes = codes
        self._kept = KeptSums(rows, n_clusters, state)
        self._is_useful = state is None or bool(state["is_useful"])
        self._few_changes = _FEW_CHANGES * len(rows)
        self._gaps: Gaps | None = None
        if state is not None:
            self._few_changes = float(state["few_changes"])
        if state is not None and "gaps" in state:
            self._keep_gaps(state["gaps"].copy(), state["gap_centers"].copy())

    def state(self) -> dict[str, Any]:
        """Return copies of all arrays, from which to continue."""
        gaps = {} if self._gaps is None else self._gaps.state()
        own = {"is_useful": self._is_useful, "few_changes": self._few_changes}
        return {**own, **gaps, **self._kept.state()}

    def assign(self, centers: Float64Array, labels: Labels) -> Sums:
        """Relabel the rows in place and sum them up by label."""
        rows, k = self._rows, len(centers)
        rounded = centers.astype(rows.X.dtype)
        n_changed = self._label(rounded, labels) if self._is_useful else -1
        if n_changed < 0:
            self._is_useful, self._gaps = False, None
            found = rows.assign(centers, labels)
            self._kept.replace(found.sums, found.counts)
            return found
        if not rows.has_room_for_lanes(k):
            self._kept.replace(*rows.sum_up(labels, k))
        return self._kept.result(rounded.astype(np.float64), n_changed)

    def _label(self, centers: FloatArray, labels: Labels) -> int:
        """Return the number of changes, or -1 if the codes could not be used."""
        rows, codes, gaps = self._rows, self._codes, self._gaps
        is_new = gaps is not None and not gaps.gaps.any()
        fused = rows.has_room_for_lanes(len(centers))
        sums, counts = np.empty(centers.shape), np.empty(len(centers))
        n_changed, n_measured, n_seen = assign_quantized(
            rows.X, rows.weight, rows.shift, centers, *codes, labels,
            sums if fused else None, counts if fused else None,
            None if gaps is None else gaps.gaps,
            None if gaps is None else gaps.fall(centers.astype(np.float64)),
            0.0 if gaps is None else gaps.per_gap,
            rows.n_threads,
        )  # fmt: skip
        if n_changed >= 0 and fused:
            self._kept.add(sums, counts, labels)
        if n_measured > _USELESS * len(labels) * len(centers):
            self._is_useful = False  # from the next pass on
        if gaps is None:
            if 0 <= n_changed < self._few_changes and has_room_for_gaps(rows.X, codes):
                self._keep_gaps(np.zeros(len(labels), dtype=np.uint16), centers.astype(np.float64))
        elif not is_new and n_seen > _FEW_GAPS * len(labels):
            self._gaps, self._few_changes = None, n_changed / 2  # until then
        return n_changed

    def _keep_gaps(self, gaps: NDArray[np.uint16], centers: Float64Array) -> None:
        self._gaps = Gaps(gaps, centers, float(np.sqrt(self._rows.mean_square)))
