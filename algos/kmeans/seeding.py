"""Initial centres. What looks random hangs on the content of rows, not on their order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._cython.kmeans_seed import bucket_sums
from algos.kmeans.rows import Doubles, Floats, Rows

_BUCKET_BITS = 10


class BucketSampler:
    """Draws rows with probabilities that change from draw to draw.

    A draw picks a bucket of the row keys by the buckets' sums, then a row in key order
    within it. So equal rows count as one row of their summed weight, wherever they stand,
    and a draw needs one sequential pass where a cumulative sum in key order would gather.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._bucket = (rows.keys() >> np.uint64(64 - _BUCKET_BITS)).astype(np.uint16)
        index = np.int32 if len(rows) < 2**31 else np.int64
        self._members = np.argsort(self._bucket, kind="stable").astype(index)
        sizes = np.bincount(self._bucket, minlength=1 << _BUCKET_BITS)
        self._starts = np.concatenate([[0], np.cumsum(sizes)])
        self._is_sorted = np.zeros(len(sizes), dtype=bool)

    def sums(self, values: Floats) -> Doubles:
        """Return the weighted sum of `values` in each bucket."""
        sums = np.empty(1 << _BUCKET_BITS)
        bucket_sums(values, self._rows.weight, self._bucket, sums, self._rows.n_threads)
        return sums

    def draw(self, values: Floats, sums: Doubles, uniforms: Doubles) -> NDArray[np.intp]:
        """Return rows, each with probability proportional to its weighted value."""
        cumulated = np.cumsum(sums)
        targets = uniforms * cumulated[-1]
        buckets = _first_beyond(cumulated, targets)
        targets -= cumulated[buckets] - sums[buckets]
        drawn = np.empty(len(uniforms), dtype=np.intp)
        for bucket in set(buckets.tolist()):
            here = buckets == bucket
            members = self.members(bucket)
            drawn[here] = members[
                _first_beyond(np.cumsum(self._mass(values, members)), targets[here])
            ]
        return drawn

    def members(self, bucket: int) -> NDArray[Any]:
        """Return the rows of a bucket in key order."""
        members = self._members[self._starts[bucket] : self._starts[bucket + 1]]
        if not self._is_sorted[bucket]:
            members[:] = members[np.argsort(self._rows.keys(members), kind="stable")]
            self._is_sorted[bucket] = True
        return members

    def remove(self, row: int, values: Floats, sums: Doubles) -> None:
        """Set the value of `row`, and of all rows equal to it, to zero."""
        bucket = int(self._bucket[row])
        members = self.members(bucket)
        keys = self._rows.keys(members)
        values[members[keys == keys[members == row]]] = 0
        sums[bucket] = self._mass(values, members).sum()

    def _mass(self, values: Floats, members: NDArray[Any]) -> Doubles:
        mass = values[members].astype(np.float64)
        return mass if self._rows.weight is None else mass * self._rows.weight[members]


def _first_beyond(cumulated: Doubles, targets: Doubles) -> NDArray[np.intp]:
    """Return the first index whose sum exceeds each target; never that of a zero step."""
    last = np.searchsorted(cumulated, cumulated[-1], side="left")  # where rounding ends up
    return np.minimum(np.searchsorted(cumulated, targets, side="right"), last)


def _beyond_all(dtype: Any) -> float:
    """Return a number above all squared distances, whose sums stay finite.

    So the first row too is drawn like the others: by weight alone.
    """
    return float(2.0 ** (np.finfo(dtype).maxexp * 3 // 4))


def farther_than_all(rows: Rows) -> Floats:
    """Return the squared distances to the nearest of no centres."""
    return np.full(len(rows), _beyond_all(rows.X.dtype), dtype=rows.X.dtype)


def random_rows(rows: Rows, n_clusters: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return rows drawn by weight, no two of them equal while there are others."""
    sampler = BucketSampler(rows)
    values = np.ones(len(rows), dtype=rows.X.dtype)
    sums = sampler.sums(values)
    chosen: list[int] = []
    for uniform in rng.random((n_clusters, 1)):
        if sums.sum() <= 0:  # fewer different rows than clusters
            chosen.append(chosen[len(chosen) % len(set(chosen))])
            continue
        chosen.append(int(sampler.draw(values, sums, uniform)[0]))
        sampler.remove(chosen[-1], values, sums)
    return np.array(chosen)


def plus_plus(rows: Rows, n_clusters: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return the rows that greedy k-means++ chooses.

    Each step draws 2 + log(k) candidates by their squared distance to the nearest centre,
    and keeps the one that leaves the least sum of them: scikit-learn's rule.
    """
    sampler = BucketSampler(rows)
    n_trials = 2 + int(np.log(n_clusters))
    nearest = NearestCenter(rows, n_trials)
    chosen: list[int] = []
    for _ in range(n_clusters):
        sums = sampler.sums(nearest.squares)
        if sums.sum() <= 0:  # every row equals a centre
            chosen.append(chosen[len(chosen) % len(set(chosen))])
            continue
        candidates = sampler.draw(nearest.squares, sums, rng.random(n_trials if chosen else 1))
        chosen.append(int(candidates[nearest.add_best_of(candidates)]))
    return np.array(chosen)


class NearestCenter:
    """The squared distance of each row to the nearest of the centres chosen so far.

    Before there is one it is a number larger than all, the same for every row.

    Rooms for the distances that each candidate would leave are kept, so that choosing one
    is a change of room; where they would need too much memory, there are two of them and a
    step costs a second pass.
    """

    def __init__(self, rows: Rows, n_trials: int) -> None:
        n, dtype = len(rows), rows.X.dtype
        fits = (n_trials + 1) * n * dtype.itemsize <= rows.nbytes // 5 + (12 << 20)
        self._rows = rows
        self._rooms = np.empty((n_trials + 1 if fits else 2, n), dtype=dtype)
        self._room = 0
        self.squares[:] = _beyond_all(dtype)

    @property
    def squares(self) -> Floats:
        return self._rooms[self._room]  # type: ignore[no-any-return]

    def add_best_of(self, candidates: NDArray[np.intp]) -> int:
        """Add the candidate that leaves the least sum, and return its place in the list."""
        free = [room for room in range(len(self._rooms)) if room != self._room]
        rooms = np.array(free[: len(candidates)]) if len(candidates) <= len(free) else None
        best = int(np.argmin(self._try(candidates, rooms)))
        if rooms is None:
            self.add_best_of(candidates[[best]])
        else:
            self._room = int(rooms[best])
        return best

    def _try(self, candidates: NDArray[np.intp], rooms: NDArray[np.intp] | None) -> Doubles:
        potentials = np.empty(len(candidates))
        taken = self._rows.take(candidates)
        self._rows.try_candidates(taken, self._rooms, self._room, rooms, potentials)
        return potentials
