"""Initial centres, whose random draws depend on the content of rows, not on their order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, FloatArray, Int64Array
from algos._cython.kmeans_buckets import bucket_sums, draw_members, group_by_bucket
from algos._cython.kmeans_seed_few import seed_few
from algos.kmeans.rows import Rows

_BLOCK = 1 << 15  # rows whose keys are held at a time


class BucketSampler:
    """Draws rows with probabilities that change from draw to draw.

    A draw inverts the cumulative sum over the rows in key order: first by the sums of buckets,
    which are the leading bits of the keys, then within a bucket. So equal rows count as one row
    with their total weight, whatever their positions, and a draw needs one sequential pass
    instead of gathering rows in key order.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        n = len(rows)
        n_bits = min(max(n.bit_length() - 6, 4), 12)  # affects only the time
        self.bucket = np.empty(n, dtype=np.uint16)
        for start in range(0, n, _BLOCK):
            part = slice(start, start + _BLOCK)
            self.bucket[part] = rows.keys(part) >> np.uint64(64 - n_bits)
        self._starts = np.empty((1 << n_bits) + 1, dtype=np.int64)
        self._members: NDArray[Any] = np.empty(n, dtype=np.int32 if n < 2**31 else np.int64)
        group_by_bucket(self.bucket, self._starts, self._members)
        self._is_sorted = np.zeros(1 << n_bits, dtype=bool)

    def sums(self, values: FloatArray) -> Float64Array:
        """Return the weighted sum of `values` in each bucket."""
        sums = np.empty(len(self._is_sorted))
        bucket_sums(values, self._rows.weight, self.bucket, sums, self._rows.n_threads)
        return sums

    def draw(self, values: FloatArray, sums: Float64Array, uniforms: Float64Array) -> Int64Array:
        """Return rows, each with probability proportional to its weighted value."""
        cumulated = np.cumsum(sums)
        targets = uniforms * cumulated[-1]
        buckets = np.searchsorted(cumulated, targets, side="right")
        # Targets may be rounded up to the total.
        last = np.searchsorted(cumulated, cumulated[-1], side="left")
        np.minimum(buckets, last, out=buckets)
        targets -= cumulated[buckets] - sums[buckets]
        self._sort_members(buckets)
        drawn = np.empty(len(buckets), dtype=np.int64)
        draw_members(
            values, self._rows.weight, self._starts, self._members, buckets, targets, drawn
        )
        return drawn

    def remove(self, row: int, values: FloatArray, sums: Float64Array) -> None:
        """Set the value of `row`, and of all rows equal to it, to zero."""
        bucket = int(self.bucket[row])
        members = self._members[self._starts[bucket] : self._starts[bucket + 1]]
        keys = self._rows.keys(members)
        values[members[keys == keys[members == row]]] = 0
        mass = values[members].astype(np.float64)
        if self._rows.weight is not None:
            mass *= self._rows.weight[members]
        sums[bucket] = mass.sum()

    def _sort_members(self, buckets: Int64Array) -> None:
        """Sort the rows of some buckets by key, unless they are sorted."""
        new = np.unique(buckets[~self._is_sorted[buckets]])
        if len(new) == 0:
            return
        places = np.concatenate([np.arange(*self._starts[b : b + 2]) for b in new])
        members = self._members[places]
        keys = self._rows.keys(members)  # the first bits are those of the bucket
        self._members[places] = members[np.argsort(keys, kind="stable")]
        self._is_sorted[new] = True


def _beyond_all(dtype: Any) -> float:
    """Return a number above all squared distances, whose sums are finite.

    With it the first row is drawn like the others, but by weight only.
    """
    return float(2.0 ** (np.finfo(dtype).maxexp * 3 // 4))


def farther_than_all(rows: Rows) -> FloatArray:
    """Return the initial squared distances, before there is a centre."""
    return np.full(len(rows), _beyond_all(rows.X.dtype), dtype=rows.X.dtype)


def random_rows(rows: Rows, n_clusters: int, rng: np.random.Generator) -> Int64Array:
    """Return distinct rows, drawn with probability proportional to their weight."""
    sampler = BucketSampler(rows)
    values = np.ones(len(rows), dtype=rows.X.dtype)
    sums = sampler.sums(values)
    chosen: list[int] = []
    for uniform in rng.random((n_clusters, 1)):
        if sums.sum() <= 0:  # fewer distinct rows than clusters
            chosen.append(chosen[len(chosen) % len(set(chosen))])
            continue
        chosen.append(int(sampler.draw(values, sums, uniform)[0]))
        sampler.remove(chosen[-1], values, sums)
    return np.array(chosen, dtype=np.int64)


def plus_plus(rows: Rows, n_clusters: int, rng: np.random.Generator) -> Int64Array:
    """Return the rows that greedy k-means++ chooses.

    Each step draws 2 + log(k) candidates with probability proportional to their squared distance
    to the nearest centre, and keeps the one that reduces the sum of these most, as scikit-learn.
    """
    n_trials = 2 + int(np.log(n_clusters))
    if rows.are_few:
        return _plus_plus_of_few(rows, n_clusters, n_trials, rng)
    sampler = BucketSampler(rows)
    nearest = NearestCenter(rows, sampler, n_trials, n_clusters)
    chosen: list[int] = []
    for _ in range(n_clusters):
        if not nearest.sums.any():  # every row equals a centre
            chosen.append(chosen[len(chosen) % len(set(chosen))])
            continue
        uniforms = rng.random(n_trials if chosen else 1)
        candidates = sampler.draw(nearest.squares, nearest.sums, uniforms)
        chosen.append(int(candidates[nearest.add_best_of(candidates)]))
    return np.array(chosen, dtype=np.int64)


def _plus_plus_of_few(
    rows: Rows, n_clusters: int, n_trials: int, rng: np.random.Generator
) -> Int64Array:
    """Return the same in one call, which avoids the overhead of the steps."""
    order = np.argsort(rows.keys())  # equal rows are neighbours
    chosen = np.empty(n_clusters, dtype=np.int64)
    n_found = seed_few(
        rows.X[order],
        None if rows.weight is None else rows.weight[order],
        rows.shift,
        rng.random(1 + (n_clusters - 1) * n_trials),
        n_trials,
        farther_than_all(rows),
        chosen,
    )
    # With fewer distinct rows than clusters, some are chosen again.
    chosen[n_found:] = chosen[np.arange(n_found, n_clusters) % n_found]
    return order[chosen]


class NearestCenter:
    """The squared distance of each row to the nearest of the centres chosen so far.

    Attributes
    ----------
    squares : ndarray of shape (n,), in the dtype of X
        Before there is a centre, one number larger than all of them.
    sums : ndarray of shape (n_buckets,), float64
        Their weighted sums by bucket of the sampler. Steps may leave rounding errors, but none
        is negative, and all are zero when every row equals a centre.
    """

    def __init__(self, rows: Rows, sampler: BucketSampler, n_trials: int, n_clusters: int) -> None:
        self._rows = rows
        self._sampler = sampler
        self.squares = farther_than_all(rows)
        self._trials = rows.trials(n_trials, n_clusters)
        self._measure()

    def add_best_of(self, candidates: Int64Array) -> int:
        """Add the candidate that lowers the sum most, and return its index."""
        taken = self._rows.take(candidates)
        trials, squares = self._trials, self.squares
        if len(candidates) == 1:
            trials.add_first(taken[0], squares)
            self._measure()
            return 0
        best = int(np.argmax(trials.gains(taken, squares)))
        if trials.add(best, taken[best], self._sampler.bucket, squares, self.sums):
            self._correct()
        else:
            self._measure()
        return best

    def _correct(self) -> None:
        """Recompute the sums before rounding errors of updates dominate them."""
        self._n_differences += 1
        if self._n_differences == 16 or self.sums.sum() < self._measured / 2:
            self._measure()
        else:
            np.maximum(self.sums, 0, out=self.sums)

    def _measure(self) -> None:
        self.sums = self._sampler.sums(self.squares)
        self._measured = self.sums.sum()
        self._n_differences = 0
