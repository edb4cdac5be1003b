"""What the steps of greedy k-means++ over the same dense rows share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._cython.kmeans_seed import add_hits, hit_lanes

Floats = NDArray[Any]
Doubles = NDArray[np.float64]

_LINE = 64  # bytes


class Trials:
    """The hits of each candidate: rows that are nearer to it than to any centre so far.

    A list of hits has bounded room; of those beyond there is but the count. Of a small X
    there is also a copy in tiles, as kernels take it in.

    Attributes
    ----------
    places, squares : ndarray of shape (n_lanes, n_candidates, capacity)
        The hits, and their squared distances to the candidate.
    counts : ndarray of shape (n_lanes, n_candidates)
    tiles : ndarray or None
    """

    def __init__(self, X: Floats, n_candidates: int) -> None:
        n, dtype = len(X), X.dtype
        n_bytes = _room(X)
        self.tiles = None
        self.are_packed = False
        if X.nbytes <= n_bytes // 2:
            self.tiles = _aligned_empty((n + _LINE) * X.shape[1], dtype)
            n_bytes -= self.tiles.nbytes
        self._lanes, longest = hit_lanes(n)
        lists = self._lanes * n_candidates
        self._capacity = max(1, min(longest, n_bytes // (lists * (4 + dtype.itemsize))))
        self._places = np.empty(lists * self._capacity, dtype=np.int32)
        self._squares = np.empty(lists * self._capacity, dtype=dtype)
        self.begin(n_candidates)

    def begin(self, n_candidates: int) -> None:
        """Make empty lists for as many candidates."""
        shape = (self._lanes, n_candidates, self._capacity)
        size = math.prod(shape)
        self.places = self._places[:size].reshape(shape)
        self.squares = self._squares[:size].reshape(shape)
        self.counts = np.zeros(shape[:2], dtype=np.intp)

    def add_hits(
        self,
        candidate: int,
        weight: Doubles | None,
        bucket: NDArray[np.uint16],
        squares: Floats,
        sums: Doubles,
    ) -> bool:
        """Lower squares, and their weighted sums by bucket, as the candidate would.

        Returns False, and changes nothing, if not all of its hits had room.
        """
        if self.counts[:, candidate].max() > self._capacity:
            return False
        add_hits(self.places, self.squares, self.counts, candidate, weight, bucket, squares, sums)
        return True


def _room(X: Floats) -> int:
    """Return the bytes that may be taken beside all else that seeding holds."""
    held = len(X) * (6 + X.dtype.itemsize)
    return max(0, int(0.3 * X.nbytes) + (12 << 20) - held)


def _aligned_empty(size: int, dtype: np.dtype[Any]) -> Floats:
    buffer = np.empty(size + _LINE // dtype.itemsize, dtype=dtype)
    start = -buffer.ctypes.data % _LINE // dtype.itemsize
    return buffer[start : start + size]
