"""The latest rows of a stream, by which the threshold is chosen."""

from __future__ import annotations

from typing import Any

import numpy as np

from algos._common.arrays import Float64Array

_ROWS = 10_000  # kept at most

# Decision values of rows before these were learned, their targets and weights.
ThresholdRows = tuple[Float64Array, Float64Array, Float64Array]


def sampled_rows(rows: ThresholdRows | None) -> ThresholdRows | None:
    """Return as many validation rows of a fit as a stream keeps, whatever their order.

    Shuffled with a fixed seed, so that further rows replace any of them.
    """
    if rows is None:
        return None
    decisions, targets, shares = rows
    order = np.lexsort((shares, targets, decisions))
    order = np.random.default_rng(0).permutation(order)[:_ROWS]
    return decisions[order], targets[order], shares[order] / shares[order].sum()


def latest_rows(seen: list[ThresholdRows]) -> dict[str, Any]:
    """Return the latest rows, by the names of the fields of `Stream`."""
    seen = [part for part in seen if len(part[2])] or seen[:1]
    names = ("decisions", "targets", "weights")
    return {
        name: np.concatenate([part[i] for part in seen])[-_ROWS:] for i, name in enumerate(names)
    }
