"""The trials of greedy k-means++ over dense rows: which candidate lowers the sum most."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._cython.kmeans_seed import add_center, add_hits, hit_lanes, try_candidates
from algos._cython.kmeans_seed_codes import add_center_coded, try_candidates_coded
from algos.kmeans.codes import Codes, aligned

Floats = NDArray[Any]
Doubles = NDArray[np.float64]

_MASK_ROWS = 64
_USELESS = 0.25  # share of rows hit by a candidate from which codes spare nothing


class Hits:
    """Rows that are nearer to a candidate than to any centre so far, with their distances.

    A list of distances holds a number of them at most.

    Attributes
    ----------
    masks : ndarray of shape (n_rows / 64, n_candidates), uint64
        Bit i of a word: its row i is hit.
    listed : ndarray of shape (n_lanes, n_candidates, capacity)
        Squared distances of the hits, in the rows' order.
    counts : ndarray of shape (n_lanes, n_candidates)
        Hits, also those that are not listed.
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
        """Make room for the hits of as many candidates."""
        self.masks = self._masks[: self._n_words * n_candidates].reshape(-1, n_candidates)
        shape = (self._lanes, n_candidates, self._capacity)
        self.listed = self._listed[: math.prod(shape)].reshape(shape)
        self.counts = np.zeros(shape[:2], dtype=np.intp)

    def are_listed(self, candidate: int) -> bool:
        """Tell whether there was room for all hits of a candidate."""
        return bool(self.counts[:, candidate].max() <= self._capacity)


class Trials:
    """Candidates for a further centre, measured in one pass over the rows.

    Codes spare reading rows that cannot be hit; but not in the first steps, when most are.
    Without them a small X is kept in tiles, as the kernels take it in.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    weight : ndarray of shape (n,) or None
    shift : ndarray of shape (d,)
        Candidates and centres are given less the shift, in float64.
    n_candidates : int
        Tried at once, at most.
    codes : Codes or None
    n_threads : int
    """

    def __init__(
        self,
        X: Floats,
        weight: Doubles | None,
        shift: Floats,
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
        n_bytes = _room(X, codes)
        self._tiles: Floats | None = None
        self._are_packed = False
        if codes is None and X.nbytes <= n_bytes // 2:
            self._tiles = aligned(((len(X) + _MASK_ROWS) * X.shape[1],), X.dtype)
            n_bytes -= self._tiles.nbytes
        self._hits = Hits(len(X), n_candidates, X.dtype, n_bytes)

    def gains(self, candidates: Doubles, squares: Floats) -> Doubles:
        """Return by how much each candidate would lower the weighted sum of `squares`."""
        hits, codes, gains = self._hits, self._codes, np.empty(len(candidates))
        hits.begin(len(candidates))
        given = (self._X, self._weight, self._shift, candidates.astype(self._X.dtype), squares)
        if codes is None or self._most_are_hit:
            try_candidates(
                *given, self._tiles, self._are_packed,
                hits.masks, hits.listed, hits.counts, gains, self._n_threads,
            )  # fmt: skip
            self._are_packed = True
        else:
            try_candidates_coded(
                *given, *codes,
                hits.masks, hits.listed, hits.counts, gains, self._n_threads,
            )  # fmt: skip
        self._most_are_hit = hits.counts.sum() > _USELESS * len(squares) * len(candidates)
        return gains

    def add(
        self,
        candidate: int,
        center: Doubles,
        bucket: NDArray[np.uint16],
        squares: Floats,
        sums: Doubles,
    ) -> bool:
        """Lower squares to those of a new centre: a candidate that was just tried.

        Their weighted sums by bucket are lowered too if that takes no pass, and if so, True
        is returned.
        """
        hits = self._hits
        if hits.are_listed(candidate):
            add_hits(
                hits.masks, hits.listed, hits.counts, candidate, self._weight, bucket, squares,
                sums,
            )  # fmt: skip
            return True
        self._add(center, squares, hits.masks, candidate)
        return False

    def add_first(self, center: Doubles, squares: Floats) -> None:
        """Lower squares to those of the first centre."""
        self._add(center, squares, None, 0)

    def _add(
        self, center: Doubles, squares: Floats, known: NDArray[np.uint64] | None, place: int
    ) -> None:
        rounded = center.astype(self._X.dtype)[np.newaxis]
        given = (self._X, self._shift, rounded, squares)
        if self._codes is None or known is None:
            add_center(*given, self._tiles, self._are_packed, self._n_threads)
            self._are_packed = True
        else:
            add_center_coded(*given, *self._codes, known, place, self._n_threads)


def _room(X: Floats, codes: Codes | None) -> int:
    """Return the bytes that may be taken beside all else that seeding holds."""
    held = len(X) * (6 + X.dtype.itemsize)
    if codes is not None:
        held += codes.codes.nbytes + codes.norms.nbytes + codes.errors.nbytes
    return max(0, int(0.3 * X.nbytes) + (13 << 20) - held)
