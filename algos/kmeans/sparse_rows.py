"""Passes over CSR rows, which stay sparse: the counterpart of `rows`.

There is no shift, which would fill the zeros. Labels that float32 leaves undecided are settled
in float64, and all distances are float64. So an offset costs float32 rows no label, but it does
cost digits of distances, which are differences of squared norms: where the norms of rows are r
times their distances, the relative error of a squared distance is about r**2 * 2e-16. Up to
r = 1e6 that is little; labels are wrong from 1e7 on, and at 1e8 no digit is left.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, FloatArray, Int64Array
from algos._common.csr import csr_rows
from algos._common.random import Key
from algos._common.row_key import row_keys
from algos._common.scale import exponent_of, scaled
from algos._cython import kmeans_sparse_distances as distances
from algos._cython._csr import CsrRows
from algos._cython.finite import all_finite
from algos._cython.kmeans_sparse_assign import assign
from algos._cython.kmeans_sparse_update import sum_by_label
from algos.kmeans.rows import Labels, Rows, Sums, room_for_distances

_FEW = 256  # rows that are made dense at a time


class SparseRows(Rows):
    """CSR rows to be clustered, with positive weights; see `Rows`.

    Parameters
    ----------
    X : CSR matrix of shape (n, d), float32 or float64
        As `algos._common.csr.canonical` returns it.
    weight : ndarray of shape (n,), float64, or None
    key : ndarray of shape (2,), uint64
    n_threads : int
    """

    why_no_bounds = "sparse rows have none"
    is_dragged = False

    def __init__(self, X: Any, weight: Float64Array | None, key: Key, n_threads: int) -> None:
        self.X = X
        self.weight = weight
        self.n_threads = n_threads
        self._key = key
        self._csr = csr_rows(self.X)
        self._norms = _norms_of(self._csr, len(self), n_threads)
        self.shift = np.zeros(X.shape[1], dtype=X.dtype)
        norms = self._norms if weight is None else weight * self._norms
        self.spread = float(norms.sum())
        sums, counts = self.sum_up(np.zeros(len(self), dtype=np.int32), 1)
        self.mean_square = self.spread / float(counts[0])
        variance = self.mean_square - float(((sums[0] / counts[0]) ** 2).sum())
        self.mean_variance = max(variance, 0.0) / X.shape[1]

    def __len__(self) -> int:
        return int(self.X.shape[0])

    @property
    def nbytes(self) -> int:
        X: Any = self.X
        return int(X.data.nbytes + X.indices.nbytes + X.indptr.nbytes)

    @property
    def are_few(self) -> bool:
        return False  # only for dense rows

    @property
    def codes(self) -> None:
        """Return None: codes would fill the zeros."""

    @property
    def why_no_codes(self) -> str:
        return "they would fill the zeros of sparse rows"

    def keys(self, indices: Any = None) -> NDArray[np.uint64]:
        X = self.X if indices is None else self.X[indices]
        return row_keys(X, self._key, n_threads=self.n_threads)

    def take(self, indices: Any) -> Float64Array:
        rows: Float64Array = self.X[np.atleast_1d(indices)].toarray().astype(np.float64)
        return rows if np.ndim(indices) else rows[0]

    # The shift is zero, so wide centres need not be read and written.

    def unshifted(self, centers: Float64Array) -> FloatArray:
        return np.array(centers, dtype=self.X.dtype, order="C")

    def shifted(self, centers: Any) -> Float64Array:
        return np.asarray(centers, dtype=np.float64)

    def rounded(self, centers: Float64Array) -> Float64Array:
        return centers

    def has_room_for_bounds(self, n_clusters: int) -> bool:
        """Return False: in many columns bounds seldom save reading a row."""
        return False

    def assign(self, centers: Float64Array, labels: Labels) -> Sums:
        k = len(centers)
        rounded = centers.astype(self.X.dtype, copy=False)
        wide = rounded.astype(np.float64, copy=False)
        own = _squares(wide)
        fused = self.has_room_for_lanes(k)
        sums, counts = np.zeros(centers.shape) if fused else None, np.zeros(k) if fused else None
        n_changed = assign(
            self._csr, self._norms, self.weight, wide, own / 2, labels, sums, counts,
            self.n_threads,
        )  # fmt: skip
        del wide  # wide centres dominate memory: none is held besides the sums
        if sums is None or counts is None:
            sums, counts = self.sum_up(labels, k)
        cross = 2 * float(np.einsum("kd,kd->", rounded, sums))
        objective = max(self.spread - cross + float((counts * own).sum()), 0.0)
        return Sums(sums, counts, objective, n_changed)

    def sum_up(self, labels: Labels, n_clusters: int) -> tuple[Float64Array, Float64Array]:
        sums, counts = np.zeros((n_clusters, self.X.shape[1])), np.zeros(n_clusters)
        sum_by_label(self._csr, self.weight, labels, sums, counts, self.n_threads)
        return sums, counts

    def trials(self, n_candidates: int, n_clusters: int) -> Any:
        return SparseTrials(self._csr, self._norms, self.weight, self, n_candidates)

    def approach(
        self, indices: Int64Array, squares: FloatArray, labels: Labels, first: int
    ) -> None:
        for start in range(0, len(indices), _FEW):
            label, square = self.nearest(self.take(indices[start : start + _FEW]))
            nearer = np.flatnonzero(square < squares)
            squares[nearer] = square[nearer]
            labels[nearer] = label[nearer] + (first + start)

    def subset(self, indices: Int64Array, weight: Float64Array) -> Rows:
        return SparseRows(self.X[indices], weight, self._key, self.n_threads)

    def measure(self, centers: FloatArray) -> tuple[Labels, float]:
        labels = np.empty(len(self), dtype=np.int32)
        squares = _nearest(
            self._csr, self._norms, self.weight, centers, labels, None, self.n_threads
        )
        return labels, self.inertia_of(squares)

    def nearest(self, centers: Float64Array) -> tuple[Labels, Float64Array]:
        labels, squares = np.empty(len(self), dtype=np.int32), np.empty(len(self))
        _nearest(self._csr, self._norms, None, centers, labels, squares, self.n_threads)
        return labels, squares

    @property
    def rounding(self) -> Float64Array:
        return 64 * np.finfo(np.float64).eps * self._norms


class SparseTrials:
    """Candidates for a further centre, whose gains take one pass; see `Trials`.

    The lowered squared distances for each are stored if that takes at most a fifth of X plus
    12 MB; otherwise those of the chosen candidate are computed again.
    """

    def __init__(
        self,
        csr: CsrRows,
        norms: Float64Array,
        weight: Float64Array | None,
        rows: Rows,
        n_candidates: int,
    ) -> None:
        self._of = (csr, norms, weight)
        self._n_threads = rows.n_threads
        dtype = rows.X.dtype
        n_bytes = n_candidates * len(rows) * dtype.itemsize
        fits = n_bytes <= rows.nbytes // 5 + (12 << 20)
        self._lowered = np.empty((n_candidates, len(rows)), dtype=dtype) if fits else None

    def gains(self, candidates: Float64Array, squares: FloatArray) -> Float64Array:
        return self._try(candidates, squares, self._lowered)

    def add(
        self,
        candidate: int,
        center: Float64Array,
        bucket: NDArray[np.uint16],
        squares: FloatArray,
        sums: Float64Array,
    ) -> bool:
        if self._lowered is None:
            self.add_first(center, squares)
        else:
            squares[:] = self._lowered[candidate]
        return False

    def add_first(self, center: Float64Array, squares: FloatArray) -> None:
        self._try(center[np.newaxis], squares, squares[np.newaxis])

    def _try(
        self, candidates: Float64Array, squares: FloatArray, lowered: FloatArray | None
    ) -> Float64Array:
        gains = np.empty(len(candidates))
        distances.try_candidates(
            *self._of, candidates, _squares(candidates), squares, lowered, gains, self._n_threads
        )
        return gains


def _norms_of(csr: CsrRows, n_rows: int, n_threads: int) -> Float64Array:
    norms = np.empty(n_rows)
    distances.row_norms(csr, norms, n_threads)
    return norms


def _squares(centers: Float64Array) -> Float64Array:
    return np.einsum("kd,kd->k", centers, centers)  # type: ignore[no-any-return]


def _nearest(
    csr: CsrRows,
    norms: Float64Array,
    weight: Float64Array | None,
    centers: FloatArray,
    labels: Labels,
    squares: Float64Array | None,
    n_threads: int,
) -> float:
    wide = np.ascontiguousarray(centers, dtype=np.float64)
    own = _squares(wide)
    assign(csr, norms, None, wide, own / 2, labels, None, None, n_threads)
    return distances.own_distances(csr, norms, weight, wide, own, labels, squares, n_threads)


def label_rows(X: Any, centers: FloatArray, n_threads: int) -> Labels:
    """Return the label of the nearest centre for each row, the first one in a tie."""
    csr = csr_rows(X)
    labels = np.empty(X.shape[0], dtype=np.int32)
    wide = centers.astype(np.float64)
    norms = _norms_of(csr, X.shape[0], n_threads)
    assign(csr, norms, None, wide, _squares(wide) / 2, labels, None, None, n_threads)
    return labels


def label_and_measure(
    X: Any, weight: Float64Array | None, centers: FloatArray, n_threads: int
) -> tuple[Labels, float]:
    """Return the labels and the inertia, in double precision."""
    csr = csr_rows(X)
    labels = np.empty(X.shape[0], dtype=np.int32)
    norms = _norms_of(csr, X.shape[0], n_threads)
    return labels, _nearest(csr, norms, weight, centers, labels, None, n_threads)


def distances_to(X: Any, centers: FloatArray, n_threads: int) -> FloatArray:
    """Return the distance of each row to each centre, shape (n, k)."""
    out = room_for_distances(X, centers)
    _fill_distances(X, centers, out, n_threads)
    if not all_finite(out):  # squares overflow
        exponent = max(exponent_of(X), exponent_of(centers))
        _fill_distances(scaled(X, exponent), scaled(centers, exponent), out, n_threads)
        out = scaled(out, -exponent)
    return out


def _fill_distances(X: Any, centers: FloatArray, out: FloatArray, n_threads: int) -> None:
    csr = csr_rows(X)
    wide = centers.astype(np.float64)
    norms = _norms_of(csr, X.shape[0], n_threads)
    distances.center_distances(csr, norms, wide, _squares(wide), out, n_threads)
