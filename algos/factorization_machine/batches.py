"""Rows in the form that stochastic steps need, and the plan of their columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, Int64Array
from algos._cython import fm_rows
from algos.factorization_machine.rows import LARGEST_VALUE, Rows

_LARGEST_WEIGHT = 1e6  # in units of the mean weight
_LARGEST_TARGET = 1e6  # in standard deviations of earlier targets
_PARTS = 2  # parts of the columns, one for each thread; results depend on their number
# Relative cost of a value in a rare column, compared with one in a common column: a rare column
# takes a step of its own and is not in the cache.
_COST_OF_RARE = 2
_COMMON = 0.5  # expected rows of a batch with a column, from which on the column is common


def kernel_values(rows: Rows) -> Float32Array | None:
    """Return the values in the kernel's type; None if all are 1."""
    if rows.values is None:
        return None
    if rows.values.dtype == np.float32 and _is_bounded(rows.values):
        return rows.values
    bounded: Float32Array = np.clip(rows.values, -LARGEST_VALUE, LARGEST_VALUE).astype(np.float32)
    return bounded


def _is_bounded(values: Float32Array) -> bool:
    """Tell whether all magnitudes are within the limit."""
    largest = max(values.max(initial=0), -values.min(initial=0))
    return bool(largest <= LARGEST_VALUE)


@dataclass(frozen=True)
class Plan:
    """How the work on columns is divided.

    Attributes
    ----------
    cuts : ndarray of shape (parts + 1,), int64
        Bounds of parts of the columns that cost about the same.
    starts : ndarray of shape (n * parts + 1,), int64
        Bounds of each row's parts among the stored values.
    slots : ndarray of shape (n_columns,), int32
        The place of each column in `common`, or -1.
    common : ndarray, int32
        The columns that many rows of a batch are expected to have.
    """

    cuts: Int64Array
    starts: Int64Array
    slots: NDArray[np.int32]
    common: NDArray[np.int32]

    @classmethod
    def of(cls, rows: Rows, batch: int, parts: int = _PARTS) -> Plan:
        """Return the plan; only `cuts` and `starts` depend on the number of parts."""
        counts = rows.counts()
        is_common = counts * min(batch, rows.n) >= _COMMON * rows.n
        costs = np.cumsum(np.where(is_common, counts, _COST_OF_RARE * counts))
        shares = np.arange(1, parts) * (costs[-1:] / parts)
        inner = np.minimum(np.searchsorted(costs, shares) + 1, rows.n_columns)
        cuts = np.concatenate([[0], inner, [rows.n_columns]]).astype(np.int64)
        starts = np.empty(rows.n * parts + 1, dtype=np.int64)
        fm_rows.part_starts(rows.indptr, rows.indices, cuts, starts)
        common = np.flatnonzero(is_common & (counts > 0)).astype(np.int32)
        slots = np.full(rows.n_columns, -1, dtype=np.int32)
        slots[common] = np.arange(len(common), dtype=np.int32)
        return cls(cuts, starts, slots, common)


@dataclass(frozen=True)
class Data:
    """Rows with targets, in the kernel's types.

    Attributes
    ----------
    rows : Rows
    values : ndarray of float32, or None
    target, weight : ndarray of shape (n,), float32
        The weights' mean is about 1.
    plans : dict
        Cache of `plan`.
    """

    rows: Rows
    values: Float32Array | None
    target: Float32Array
    weight: Float32Array
    plans: dict[int, Plan] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, rows: Rows, target: NDArray[Any], weight: NDArray[Any], unit: float | None = None
    ) -> Data:
        """Return the data with weights over `unit`, or over their mean."""
        unit = float(weight.mean()) if unit is None else unit
        with np.errstate(over="ignore"):
            shares = np.minimum(weight / unit, _LARGEST_WEIGHT).astype(np.float32)
        bounded = np.clip(target, -_LARGEST_TARGET, _LARGEST_TARGET).astype(np.float32)
        return cls(rows, kernel_values(rows), bounded, shares)

    def plan(self, batch: int) -> Plan:
        """Return the plan for a batch size, computed once."""
        if batch not in self.plans:
            self.plans[batch] = Plan.of(self.rows, batch)
        return self.plans[batch]
