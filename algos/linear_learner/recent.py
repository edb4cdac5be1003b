"""The latest rows of a stream, by which a threshold is found: what was said of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from algos.linear_learner.problem import Doubles

_ROWS = 10_000  # that are kept

# Decision values of rows from before they were learned, their targets and weights.
Recent = tuple[Doubles, Doubles, Doubles]


def recalled(judged: Recent | None) -> Recent | None:
    """Return as many rows that were judged as a stream keeps, whatever order they came in.

    Shuffled by a fixed seed, so that further rows push out any of them.
    """
    if judged is None:
        return None
    decisions, targets, shares = judged
    order = np.lexsort((shares, targets, decisions))
    order = np.random.default_rng(0).permutation(order)[:_ROWS]
    return decisions[order], targets[order], shares[order] / shares[order].sum()


def latest(seen: list[Recent]) -> dict[str, Any]:
    """Return the latest of rows, by what they are called in a state."""
    seen = [part for part in seen if len(part[2])] or seen[:1]
    names = ("decisions", "targets", "weights")
    return {
        name: np.concatenate([part[i] for part in seen])[-_ROWS:] for i, name in enumerate(names)
    }
