"""k-means||: initial centres in a few passes (Bahmani et al., VLDB 2012)."""

from __future__ import annotations

import numpy as np

from algos._common.arrays import Float64Array, FloatArray, Int64Array
from algos.kmeans.rows import Rows, weight_by_label
from algos.kmeans.seeding import BucketSampler, farther_than_all, plus_plus

_ROUNDS = 5
_OVERSAMPLING = 2


def parallel_plus_plus(rows: Rows, n_clusters: int, rng: np.random.Generator) -> Int64Array:
    """Return rows chosen by greedy k-means++ among about 10 * n_clusters candidates.

    2 * n_clusters candidates are drawn at a time, with probability proportional to their squared
    distance to the nearest of the earlier ones; each is weighted by the rows nearest to it.
    """
    candidates, weight = _candidates(rows, _OVERSAMPLING * n_clusters, rng)
    return candidates[plus_plus(rows.subset(candidates, weight), n_clusters, rng)]


def _candidates(
    rows: Rows, n_draws: int, rng: np.random.Generator
) -> tuple[Int64Array, Float64Array]:
    """Return (distinct rows, weight of the rows nearest to each)."""
    sampler = BucketSampler(rows)
    squares, labels = farther_than_all(rows), np.zeros(len(rows), dtype=np.int32)
    candidates = np.empty(0, dtype=np.int64)
    for n_wanted in [1] + [n_draws] * _ROUNDS:
        drawn = _distinct_rows(rows, sampler, squares, n_wanted, rng)
        rows.approach(drawn, squares, labels, len(candidates))
        candidates = np.concatenate([candidates, drawn])
        if not squares.any():  # every row equals a candidate
            break
    return candidates, weight_by_label(labels, rows.weight, len(candidates))


def _distinct_rows(
    rows: Rows, sampler: BucketSampler, values: FloatArray, n_wanted: int, rng: np.random.Generator
) -> Int64Array:
    """Return up to `n_wanted` distinct rows, drawn in proportion to their values."""
    found: dict[int, int] = {}  # key → row
    sums = sampler.sums(values)
    while len(found) < n_wanted and sums.sum() > 0:
        n_before = len(found)
        drawn = sampler.draw(values, sums, rng.random(n_wanted - n_before))
        for row, key in zip(drawn.tolist(), rows.keys(drawn).tolist(), strict=True):
            found.setdefault(key, row)
        if len(found) == n_before:  # the rows found have nearly all of the sum
            values = values.copy()
            for row in found.values():
                sampler.remove(row, values, sums)
    return np.array(list(found.values()), dtype=np.int64)
