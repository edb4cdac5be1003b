"""The trials of greedy k-means++ on dense rows: which candidate lowers the inertia most."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, FloatArray
from algos._cython.kmeans_seed import add_center, add_hits, hit_lanes, try_candidates
from algos._cython.kmeans_seed_codes import bound_gains
from algos._cython.kmeans_seed_known import add_center_known, try_known
from algos.kmeans.codes import Codes, aligned

_MASK_ROWS = 64
_USELESS = 0.25  # share of rows hit by a candidate above which codes save nothing
_ROUNDING = 1e-6  # of a sum of gains, with a large margin


class Hits:
    """Rows that are nearer to a candidate than to any centre so far, with their distances.

    Lists of distances have a limited capacity.

    Attributes
    ----------
    masks : ndarray of shape (n_rows / 64, n_candidates), uint64
        Bit i of a word is set if its row i is hit.
    listed : ndarray of shape (n_lanes, n_candidates, capacity)
        Squared distances of the hits, in the order of the rows.
    counts : ndarray of shape (n_lanes, n_candidates)
        Number of hits, including those not listed.
    """

    def __init__(self, n_rows: int, n_candidates: int, dtype: np.dtype[Any], n_bytes: int) -> None:
        self._n_words = -(-n_rows // _MASK_ROWS)
        self._masks = np.empty(self._n_words * n_candidates, dtype=np.uint64)
        self._lanes, longest = hit_lanes(n_rows)
        lists = self._lanes * n_candidates
        room = (n_bytes - self._masks.nbytes) // (lists * dtype.itemsize)
        self._capacity = max(1, min(longest, room))
        self._listed = np.empty(lists * self._capacity, dtype=dtype)
        self.begin(n_candidates)

    def begin(self, n_candidates: int) -> None:
        """Make room for the hits of `n_candidates` candidates."""
        self.masks = self._masks[: self._n_words * n_candidates].reshape(-1, n_candidates)
        shape = (self._lanes, n_candidates, self._capacity)
        self.listed = self._listed[: math.prod(shape)].reshape(shape)
        self.counts = np.zeros(shape[:2], dtype=np.intp)

    def are_listed(self, candidate: int) -> bool:
        """Tell whether there was room for all hits of a candidate."""
        return bool(self.counts[:, candidate].max() <= self._capacity)


class Trials:
    """Finds the candidate for a further centre that would lower the sum of squares most.

    Without codes, one pass over the rows computes the gains of all candidates; a small X is kept
    in tiles, the layout of the kernels. Codes bound the gains, and only for candidates with the
    largest bounds are they computed, one after the other, from the rows that may be hit. In the
    first steps most rows are hit, and one pass over all is faster.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    weight : ndarray of shape (n,) or None
    shift : ndarray of shape (d,)
        Subtracted from the given candidates and centres, which are float64.
    n_candidates : int
        Maximum number tried at once.
    codes : Codes or None
    n_threads : int
    """

    def __init__(
        self,
        X: FloatArray,
        weight: Float64Array | None,
        shift: FloatArray,
        n_candidates: int,
        codes: Codes | None,
        n_threads: int,
    ) -> None:
        self._X = X
        self._weight = weight
        self._shift = shift
        self._codes = codes
        self._n_threads = n_threads
        self._most_are_hit = True
        self._is_known = False  # the last hits are only those of the best candidate
        n_bytes = _room(X, codes)
        self._tiles: FloatArray | None = None
        self._are_packed = False
        if codes is None and X.nbytes <= n_bytes // 2:
            self._tiles = aligned(((len(X) + _MASK_ROWS) * X.shape[1],), X.dtype)
            n_bytes -= self._tiles.nbytes
        self._hits = Hits(len(X), n_candidates, X.dtype, n_bytes if codes is None else 0)
        if codes is not None:
            each = (n_bytes - self._hits.masks.nbytes) // 2
            self._best, self._other = (Hits(len(X), 1, X.dtype, each) for _ in range(2))

    def gains(self, candidates: Float64Array, squares: FloatArray) -> Float64Array:
        """Return by how much each candidate would lower the weighted sum of `squares`.

        It may be -inf for candidates that cannot be the best.
        """
        rounded = candidates.astype(self._X.dtype)
        self._hits.begin(len(rounded))
        if self._codes is not None and not self._most_are_hit:
            found = self._known_gains(rounded, squares, self._codes)
            if found is not None:
                return found
        return self._all_gains(rounded, squares)

    def _all_gains(self, candidates: FloatArray, squares: FloatArray) -> Float64Array:
        hits, gains = self._hits, np.empty(len(candidates))
        try_candidates(
            self._X, self._weight, self._shift, candidates, squares, self._tiles,
            self._are_packed, hits.masks, hits.listed, hits.counts, gains, self._n_threads,
        )  # fmt: skip
        self._is_known, self._are_packed = False, True
        self._most_are_hit = hits.counts.sum() > _USELESS * len(squares) * len(candidates)
        return gains

    def _known_gains(
        self, candidates: FloatArray, squares: FloatArray, codes: Codes
    ) -> Float64Array | None:
        """Return the gains of those that may be the best, and keep the hits of the best.

        Return None if the codes rule out too few rows.
        """
        bounds, possible = np.empty((3, len(candidates))), self._hits.masks
        bound_gains(self._weight, candidates, squares, *codes, possible, bounds, self._n_threads)
        least, most, n_possible = bounds
        if n_possible.sum() > _USELESS * len(squares) * len(candidates):
            return None
        gains, best = np.full(len(candidates), -np.inf), -np.inf
        for j in np.argsort(-(least + most), kind="stable"):
            if most[j] * (1 + _ROUNDING) < best:
                continue
            hits = self._other
            gains[j] = try_known(
                self._X, self._weight, self._shift, candidates[j], squares, possible, j,
                hits.masks, hits.listed, hits.counts, self._n_threads,
            )  # fmt: skip
            if np.argmax(gains) == j:
                self._best, self._other, best = hits, self._best, gains[j]
        self._is_known = True
        return gains

    def add(
        self,
        candidate: int,
        center: Float64Array,
        bucket: NDArray[np.uint16],
        squares: FloatArray,
        sums: Float64Array,
    ) -> bool:
        """Lower squares to those of a new centre: the best candidate that was just tried.

        If it takes no extra pass, their weighted sums by bucket are lowered as well, and True is
        returned.
        """
        hits, place = (self._best, 0) if self._is_known else (self._hits, candidate)
        if hits.are_listed(place):
            add_hits(
                hits.masks, hits.listed, hits.counts, place, self._weight, bucket, squares, sums
            )
            return True
        self._add(center, squares, hits.masks, place)
        return False

    def add_first(self, center: Float64Array, squares: FloatArray) -> None:
        """Lower squares to those of the first centre."""
        self._add(center, squares, None, 0)

    def _add(
        self,
        center: Float64Array,
        squares: FloatArray,
        known: NDArray[np.uint64] | None,
        place: int,
    ) -> None:
        rounded = center.astype(self._X.dtype)
        if self._codes is not None and known is not None:
            add_center_known(self._X, self._shift, rounded, squares, known, place, self._n_threads)
            return
        add_center(
            self._X, self._shift, rounded[np.newaxis], squares, self._tiles, self._are_packed,
            self._n_threads,
        )  # fmt: skip
        self._are_packed = True


def _room(X: FloatArray, codes: Codes | None) -> int:
    """Return the number of bytes available besides everything else that seeding holds."""
    held = len(X) * (6 + X.dtype.itemsize)
    if codes is not None:
        held += codes.codes.nbytes + codes.norms.nbytes + codes.errors.nbytes
    return max(0, int(0.3 * X.nbytes) + (13 << 20) - held)
