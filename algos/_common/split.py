"""Validation rows, chosen by content so that row order and duplicates do not matter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, IndexArray
from algos._common.warn import warn

Rows = IndexArray


def validation_split(
    keys: NDArray[np.uint64],
    fraction: float,
    *,
    classes: NDArray[np.generic] | None = None,
    weight: Float64Array | None = None,
) -> tuple[Rows, Rows]:
    """Return the rows to train on and the rows to validate on, each in ascending order.

    Within each class the rows are ordered by key, and the shortest prefix with `fraction` of the
    class's weight is for validation. Copies of a row, which have one key, stay together.
    If one side would lack a class, all rows are used for both sides, with a warning.

    Parameters
    ----------
    keys : ndarray of shape (n_rows,), dtype uint64
        From `row_keys`, with y where there is one.
    fraction : float
        Between 0 and 1.
    classes : ndarray of shape (n_rows,), default=None
        The class of each row; None for one class.
    weight : ndarray of shape (n_rows,), default=None
        Positive weights; None for ones.
    """
    weight = np.ones(len(keys)) if weight is None else weight
    codes = (
        np.zeros(len(keys), dtype=np.intp)
        if classes is None
        else np.unique(classes, return_inverse=True)[1]
    )
    validates = np.zeros(len(keys), dtype=bool)
    for code in range(codes.max() + 1):
        members = np.flatnonzero(codes == code)
        prefix = prefix_of_class(keys[members], weight[members], fraction)
        if len(prefix) == len(members):
            return both_sides(len(keys), fraction)
        validates[members[prefix]] = True
    return np.flatnonzero(~validates), np.flatnonzero(validates)


def validation_folds(
    keys: NDArray[np.uint64],
    n_folds: int,
    *,
    classes: NDArray[np.generic] | None = None,
    weight: Float64Array | None = None,
) -> list[tuple[Rows, Rows]]:
    """Return rows to train on and rows to validate on, in ascending order, for each fold.

    Within each class the rows are ordered by key and cut into folds of about equal weight.
    Rows of one key stay together; a class with a single key is in the training rows of all folds.
    If that leaves fewer than two classes for validation although there are two, or no rows, the
    list is empty.

    Parameters
    ----------
    keys, classes, weight : ndarray of shape (n_rows,)
        As in `validation_split`.
    n_folds : int
        At least 2; fewer are returned if there are fewer keys.
    """
    weight = np.ones(len(keys)) if weight is None else weight
    codes = np.zeros(len(keys), dtype=np.intp)
    if classes is not None:
        codes = np.unique(classes, return_inverse=True)[1]
    order = np.lexsort((weight, keys, codes))  # by weight too: sums must not depend on row order
    fold = np.full(len(keys), -1)
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    n_validating = 0  # classes
    for members in np.split(order, starts[1:]):
        fold[members] = folds_of_class(keys[members], weight[members], n_folds)
        n_validating += int(fold[members[0]] >= 0)
    if n_validating < min(len(starts), 2):  # rows of one class would select a constant answer
        return []
    numbers = [number for number in range(n_folds) if (fold == number).any()]
    return [(np.flatnonzero(fold != one), np.flatnonzero(fold == one)) for one in numbers]


def folds_of_class(keys: NDArray[np.uint64], weight: Float64Array, n_folds: int) -> IndexArray:
    """Return the fold of each row of a class, ordered by key; -1 if there is a single key."""
    begins = np.diff(keys, prepend=~keys[0]) != 0
    weights = np.add.reduceat(weight, np.flatnonzero(begins))
    if len(weights) == 1:
        return np.full(len(keys), -1)
    ends = np.cumsum(weights)
    # Placed by the middle of its weight: the first and last keys are half the folds apart or more.
    place = (ends - weights / 2) / ends[-1] * n_folds
    folds = np.clip(np.floor(place + 1e-9), 0, n_folds - 1).astype(np.intp)
    return np.asarray(folds[np.cumsum(begins) - 1])


def has_few_keys(keys: NDArray[np.uint64], most: int) -> bool:
    """Return whether there are at most `most` different keys."""
    if len(keys) <= most:
        return True
    return len(np.unique(keys[: 4 * most])) <= most and len(np.unique(keys)) <= most


def prefix_of_class(keys: NDArray[np.uint64], weight: Float64Array, fraction: float) -> Rows:
    """Return the indices of the rows of smallest keys that together weigh enough."""
    total = float(weight.sum())
    # Keys are uniform: sorting a few more than needed is enough, unless weights differ.
    few = int(1.1 * fraction * len(keys)) + 100
    if 2 * few < len(keys):
        first = np.flatnonzero(keys <= np.partition(keys, few)[few])
        found = _sorted_prefix(keys[first], weight[first], fraction * total)
        if found is not None:
            return first[found]
    found = _sorted_prefix(keys, weight, fraction * total)
    return np.arange(len(keys)) if found is None else found


def _sorted_prefix(keys: NDArray[np.uint64], weight: Float64Array, least: float) -> Rows | None:
    """Return the indices of the smallest keys that weigh `least`; None if all are needed."""
    order = np.lexsort((weight, keys))  # by weight too: sums must not depend on row order
    first_of_key = np.flatnonzero(np.diff(keys[order], prepend=~keys[order[0]]) != 0)
    reached = np.cumsum(np.add.reduceat(weight[order], first_of_key))
    enough = least * (1 - 1e-12)  # a tenth of ten rows is one row
    n_keys = int(np.searchsorted(reached, enough)) + 1
    return None if n_keys >= len(first_of_key) else order[: first_of_key[n_keys]]


def both_sides(n_rows: int, fraction: float | str) -> tuple[Rows, Rows]:
    """Return all rows twice, and warn."""
    warn(
        f"`validation_fraction`={fraction!r} leaves no rows, or none of some class, for "
        f"training or validation; all {n_rows} rows are used for both, so the validation scores "
        f"are optimistic: give more rows or pass X_val",
    )
    rows = np.arange(n_rows)
    return rows, rows
