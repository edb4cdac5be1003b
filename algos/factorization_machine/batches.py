"""Rows as stochastic steps take them, and the plan of their columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._cython import fm_rows
from algos.factorization_machine.rows import LARGEST_VALUE, Rows

Floats = NDArray[np.float32]

_LARGEST_WEIGHT = 1e6  # in units of the mean weight
_LARGEST_TARGET = 1e6  # in deviations of those that came before
_PARTS = 2  # of the columns: so many threads find work; results hang on it
# Of a value whose column is rare, where one of a common column costs 1: its column makes a step
# of its own, and comes from afar.
_COST_OF_RARE = 2
_COMMON = 0.5  # rows of a batch that are expected to have a column, from which on it is common


def kernel_values(rows: Rows) -> Floats | None:
    """Return the values in the kernel's type; None if all are 1."""
    if rows.values is None:
        return None
    if rows.values.dtype == np.float32 and _is_bounded(rows.values):
        return rows.values
    bounded: Floats = np.clip(rows.values, -LARGEST_VALUE, LARGEST_VALUE).astype(np.float32)
    return bounded


def _is_bounded(values: Floats) -> bool:
    """Tell whether no value is too large, in magnitude."""
    largest = max(values.max(initial=0), -values.min(initial=0))
    return bool(largest <= LARGEST_VALUE)


@dataclass(frozen=True)
class Plan:
    """How columns are gone about.

    Attributes
    ----------
    cuts : ndarray of shape (parts + 1,), int64
        Where parts of the columns begin that cost about as much each.
    starts : ndarray of shape (n * parts + 1,), int64
        Of each row, where its parts begin among the stored values.
    slots : ndarray of shape (n_columns,), int32
        The place of each column in `common`, or -1.
    common : ndarray, int32
        The columns that many rows of a batch are expected to have.
    """

    cuts: NDArray[np.int64]
    starts: NDArray[np.int64]
    slots: NDArray[np.int32]
    common: NDArray[np.int32]

    @classmethod
    def of(cls, rows: Rows, batch: int, parts: int = _PARTS) -> Plan:
        """Return the plan; only `cuts` and `starts` hang on the number of parts."""
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
        Of `plan`.
    """

    rows: Rows
    values: Floats | None
    target: Floats
    weight: Floats
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
        """Return how columns are gone about: made once."""
        if batch not in self.plans:
            self.plans[batch] = Plan.of(self.rows, batch)
        return self.plans[batch]
