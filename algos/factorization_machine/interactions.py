"""The pairs of columns with the largest weights."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, IndexArray
from algos._common.params import POSITIVE_INT
from algos._common.threads import one_thread_blas

_BLOCK = 512  # columns in a block of pairs


def strongest_pairs(
    factors: NDArray[Any], n: int, fields: NDArray[Any] | None = None
) -> list[tuple[int, int, float]]:
    """Return (i, j, <v_i, v_j>) of the n pairs i < j of largest magnitude, largest first.

    The product of two columns' norms bounds their weight, so columns are visited in descending
    order of norm until that bound excludes the rest.

    Parameters
    ----------
    factors : ndarray of shape (d, rank)
    n : int
    fields : ndarray of shape (d,), default=None
        Columns with the same number form no pairs; None allows all pairs.

    Raises
    ------
    ValueError
        If `n` is not a positive int, or a pair's weight overflows.
    """
    if not POSITIVE_INT.accepts(n):
        raise ValueError(f"`n`={n!r} must be {POSITIVE_INT}; it is the number of pairs to return")
    norms = np.sqrt(np.einsum("ij,ij->i", factors, factors, dtype=np.float64))
    used = np.flatnonzero(norms > 0)
    order = used[np.argsort(-norms[used], kind="stable")]
    norms, sorted_factors = norms[order], factors[order].astype(np.float64)
    own = np.arange(len(factors)) if fields is None else fields
    own = own[order]
    best: list[tuple[float, int, int, float]] = []
    for start in range(0, len(order), _BLOCK):
        stop = min(start + _BLOCK, len(order))
        # Once the list is full, a pair must exceed its smallest weight.
        if len(best) == n and norms[0] * norms[start] <= best[0][0]:
            break
        for left in range(0, stop, _BLOCK):
            if len(best) == n and norms[left] * norms[start] <= best[0][0]:
                break
            _add_pairs(best, sorted_factors, order, own, (left, left + _BLOCK), (start, stop), n)
    ranked = sorted(best, key=lambda pair: (-pair[0], -pair[1], -pair[2]))
    return [(-low, -high, weight) for _, low, high, weight in ranked]


def _add_pairs(
    best: list[tuple[float, int, int, float]],
    factors: Float64Array,
    order: IndexArray,
    fields: NDArray[Any],
    left: tuple[int, int],
    right: tuple[int, int],
    n: int,
) -> None:
    """Push the strongest pairs of two blocks of columns."""
    is_paired = fields[left[0] : left[1], np.newaxis] != fields[right[0] : right[1]]
    if not is_paired.any():
        return
    with one_thread_blas(), np.errstate(over="ignore", invalid="ignore"):  # checked below
        weights = factors[left[0] : left[1]] @ factors[right[0] : right[1]].T
    strength = np.where(is_paired, np.abs(weights), -1.0)
    if left[0] == right[0]:
        strength[np.tril_indices(len(strength))] = -1.0
    require_finite(strength)
    flat = strength.ravel()
    few = np.arange(flat.size) if flat.size <= n else np.argpartition(-flat, n - 1)[:n]
    for place in few:
        if flat[place] <= 0:
            continue
        i, j = divmod(int(place), strength.shape[1])
        a, b = int(order[left[0] + i]), int(order[right[0] + j])
        low, high = min(a, b), max(a, b)
        pair = (float(flat[place]), -low, -high, float(weights[i, j]))
        if len(best) < n:
            heapq.heappush(best, pair)
        else:
            heapq.heappushpop(best, pair)


def interaction_of(one: NDArray[Any], other: NDArray[Any]) -> Any:
    """Return the inner products of factors of shape (…, rank).

    Raises
    ------
    ValueError
        If one overflows.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # checked below
        weight = np.sum(one * other.astype(np.float64), -1)
    require_finite(weight)
    return weight


def require_finite(weights: Any) -> None:
    """Raise ValueError if a pair's weight overflows, as for columns of tiny values."""
    if not np.isfinite(weights).all():
        raise ValueError(
            "the weight of a pair of columns overflows, since values of X are too small; multiply "
            "X by a power of ten and fit again"
        )
