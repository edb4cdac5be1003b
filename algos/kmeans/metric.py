"""Rows, labels and distances for both metrics, and for dense and sparse rows.

Cosine distance is Euclidean on the sphere: for vectors of length 1, 1 - cos is half the squared
distance. So rows are scaled to length 1 and clustered with Euclidean distances, except that
every mean is scaled to length 1 again (spherical k-means: Dhillon and Modha, Machine Learning
42, 2001). A row of zeros has no direction: its distance to every centre is 1 and its label 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algos._common.arrays import Float64Array, FloatArray, IndexArray, Int64Array
from algos._common.random import Key
from algos._common.row_key import row_keys
from algos._common.scale import exponent_of, in_range, scaled, with_values
from algos._cython import unit_rows as kernels
from algos.kmeans import rows as dense, sparse_rows
from algos.kmeans.rows import Labels, Rows
from algos.kmeans.sparse_rows import SparseRows

METRICS = ("euclidean", "cosine")

_BLOCK_BYTES = 8 << 20  # of rows that are scaled at a time if they are not stored
_STABLE_BITS = 26  # of a mean; the other bits may be rounding
LOST = 2.0**-900  # sums of squares below which single squares may have underflowed
_LIFTED = 900  # exponent of the scale in which such differences are squared instead
_NO_DIRECTION = 1e-12  # length below which a mean of unit vectors is only rounding


class UnitRows(Rows):
    """Rows scaled to length 1."""

    source: Any = None  # the given rows, from which the keys are computed
    kept: IndexArray | None = None  # those of them that have a direction; None: all

    def keys(self, indices: Any = None) -> NDArray[np.uint64]:
        if self.source is None:
            return super().keys(indices)
        if indices is None:
            keys = row_keys(self.source, self._key, n_threads=self.n_threads)
            return keys if self.kept is None else keys[self.kept]
        chosen = indices if self.kept is None else self.kept[indices]
        return row_keys(self.source[chosen], self._key, n_threads=self.n_threads)


class _SparseUnitRows(UnitRows, SparseRows):
    pass


class SphericalRows(Rows):
    """Rows that are clustered by centres of length 1; the left base of a kind of rows."""

    undirected = 0.0  # total weight of the rows without a direction

    def shifted(self, centers: Any) -> Float64Array:
        return super().shifted(check_directed(centers))

    def placed(self, centers: Float64Array, old: Float64Array) -> Float64Array:
        means = centers + self.shift
        lengths = np.sqrt(np.einsum("kd,kd->k", means, means))[:, np.newaxis]
        held = lengths > _NO_DIRECTION  # otherwise its rows cancel out, and it keeps its direction
        units: Float64Array = means / np.where(held, lengths, 1) - self.shift
        return np.where(held, units, old)

    def inertia_of(self, squares: float) -> float:
        return squares / 2 + self.undirected


class _DenseSphericalRows(SphericalRows, UnitRows):
    pass


class _SparseSphericalRows(SphericalRows, _SparseUnitRows):
    pass


class Means(Rows):
    """Means of rows, whose last digits depend on the order of summation.

    Attributes
    ----------
    known_keys : ndarray of shape (m,), uint64, or None
        The keys of the means, also if X holds other coordinates of them.
    """

    known_keys: NDArray[np.uint64] | None = None

    def subset(self, indices: Int64Array, weight: Float64Array) -> Means:
        part = type(self)(self.X[indices], weight, self._key, self.n_threads)
        if self.known_keys is not None:
            part.known_keys = self.known_keys[indices]
        return part

    def keys(self, indices: Any = None) -> NDArray[np.uint64]:
        if self.known_keys is None:
            X = self.take(slice(None))
            X = scaled(X, exponent_of(X) - _STABLE_BITS)
            self.known_keys = row_keys(np.rint(X, out=X), self._key, n_threads=self.n_threads)
        return self.known_keys if indices is None else self.known_keys[indices]


class _SphericalMeans(Means, SphericalRows):
    pass


def make_rows(
    X: Any, weight: Float64Array | None, key: Key, n_threads: int, metric: str
) -> tuple[Rows, int]:
    """Return (rows to be clustered, e); the rows are those of X / 2**e.

    With the cosine metric, rows without a direction are left out, unless there are no others.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n, d), float32 or float64
    weight : ndarray of shape (n,), float64, or None
        Positive.
    key : ndarray of shape (2,), uint64
    n_threads : int
    metric : {"euclidean", "cosine"}
    """
    if metric == "euclidean":
        kind = SparseRows if sparse.issparse(X) else Rows
        return in_range(X, lambda X: kind(X, weight, key, n_threads), "KMeans")
    rows, undirected = _of_length_one(
        X,
        weight,
        key,
        n_threads,
        _SparseSphericalRows if sparse.issparse(X) else _DenseSphericalRows,
    )
    rows.undirected = undirected
    return rows, 0


def directed_rows(
    X: Any, weight: Float64Array | None, key: Key, n_threads: int
) -> tuple[Rows | None, float]:
    """Return (rows that have a direction, scaled to length 1, weight of the others).

    Their means are not scaled to length 1. The rows are None if there are none.
    """
    kind = _SparseUnitRows if sparse.issparse(X) else UnitRows
    rows, undirected = _of_length_one(X, weight, key, n_threads, kind)
    has_none = undirected > 0 and rows.kept is None
    return None if has_none else rows, undirected


def _of_length_one(
    X: Any, weight: Float64Array | None, key: Key, n_threads: int, kind: type[Any]
) -> tuple[Any, float]:
    """Return (rows that have a direction, or all if none has one, weight of the others)."""
    units, directed = unit_rows(X, n_threads)
    undirected, kept = _weight_of(~directed, weight), None
    if undirected > 0 and directed.any():
        kept = np.flatnonzero(directed)
        units, weight = units[kept], None if weight is None else weight[kept]
    rows = kind(units, weight, key, n_threads)
    rows.source, rows.kept = X, kept
    return rows, undirected


def rows_of_means(
    means: Float64Array, weight: Float64Array, key: Key, n_threads: int, metric: str
) -> Means:
    """Return means of rows, made by `make_rows`, as weighted rows to be clustered.

    Means of unit rows are shorter than 1. For centres c of length 1, the squared distances
    of rows to their mean and of the mean to c still add up to twice their sum of 1 - cos.
    """
    kind = Means if metric == "euclidean" else _SphericalMeans
    return kind(means, weight, key, n_threads)


def unit_rows(X: Any, n_threads: int) -> tuple[Any, NDArray[np.bool_]]:
    """Return (rows scaled to length 1, whether each has a direction).

    A row of zeros is unchanged. CSR rows get new values and share the other arrays.
    """
    directed = np.empty(X.shape[0], dtype=np.uint8)
    if sparse.issparse(X):
        values = np.empty_like(X.data)
        kernels.unit_rows_csr(X.data, X.indptr, values, directed, n_threads)
        units = with_values(X, values)
    else:
        units = np.empty_like(X)
        kernels.unit_rows(X, units, directed, n_threads)
    return units, directed.view(bool)


def check_directed(centers: Any) -> Float64Array:
    """Return initial centres scaled to length 1; raise ValueError if one is zero."""
    units: Float64Array
    units, directed = unit_rows(np.ascontiguousarray(centers, dtype=np.float64), 1)
    if not directed.all():
        raise ValueError(
            "`init` must have no row of zeros if `metric`='cosine', since it has no "
            "direction; pass other centres"
        )
    return units


def _weight_of(chosen: NDArray[np.bool_], weight: Float64Array | None) -> float:
    return float(np.count_nonzero(chosen) if weight is None else weight[chosen].sum())


def _euclidean(X: Any) -> Any:
    """Return the module with the Euclidean functions for such rows."""
    return sparse_rows if sparse.issparse(X) else dense


def label_rows(X: Any, centers: FloatArray, n_threads: int, metric: str) -> Labels:
    """Return the label of the nearest centre for each row, the first one in a tie."""
    if metric == "euclidean":
        return _euclidean(X).label_rows(X, centers, n_threads)  # type: ignore[no-any-return]
    labels = np.empty(X.shape[0], dtype=np.int32)
    for part, units, directed in _unit_blocks(X, n_threads):
        labels[part] = _euclidean(X).label_rows(units, centers, n_threads)
        labels[part][~directed] = 0
    return labels


def inertia_of(
    X: Any, weight: Float64Array | None, centers: FloatArray, n_threads: int, metric: str
) -> tuple[float, int]:
    """Return (inertia / 2**e, e), with squared (or cosine) distances to the nearest centres."""
    if metric == "euclidean":
        _, squares = _euclidean(X).label_and_measure(X, weight, centers, n_threads)
        return (squares, 0) if squares >= LOST else lost_inertia_of(X, weight, centers, n_threads)
    total = 0.0
    for part, units, directed in _unit_blocks(X, n_threads):
        weights = None if weight is None else weight[part]
        if not directed.all():
            total += _weight_of(~directed, weights)
            weights = np.where(directed, 1.0 if weights is None else weights, 0.0)
        _, squares = _euclidean(X).label_and_measure(units, weights, centers, n_threads)
        total += squares / 2
    return total, 0


def lost_inertia_of(
    X: Any, weight: Float64Array | None, centers: FloatArray, n_threads: int
) -> tuple[float, int]:
    """Return (inertia / 2**e, e) if the sum of squares is below LOST.

    That happens beside rows so large that, in units that suit them, squared distances between
    the others underflow; differences do not.
    """
    labels = _euclidean(X).label_rows(X, centers, n_threads)
    total, step = 0.0, max(1, _BLOCK_BYTES // (8 * X.shape[1]))
    for start in range(0, X.shape[0], step):
        part = slice(start, start + step)
        rows = X[part].toarray() if sparse.issparse(X) else X[part]
        away = np.ldexp(rows.astype(np.float64) - centers[labels[part]], _LIFTED)
        if weight is not None:  # rows of tiny weight may be so far away that squares overflow
            away *= np.sqrt(weight[part])[:, np.newaxis]
        total += float(np.einsum("nd,nd->n", away, away).sum())
    return total, -2 * _LIFTED


def distances_to(X: Any, centers: FloatArray, n_threads: int, metric: str) -> FloatArray:
    """Return the Euclidean (or cosine) distance of each row to each centre, shape (n, k)."""
    if metric == "euclidean":
        return _euclidean(X).distances_to(X, centers, n_threads)  # type: ignore[no-any-return]
    out = dense.room_for_distances(X, centers)
    for part, units, directed in _unit_blocks(X, n_threads):
        chords = _euclidean(X).distances_to(units, centers, n_threads)
        out[part] = np.minimum(chords**2 / 2, 2)
        out[part][~directed] = 1
    out[:, ~centers.any(axis=1)] = 1  # these exist only if no row had a direction
    return out


def _unit_blocks(X: Any, n_threads: int) -> Iterator[tuple[slice, Any, NDArray[np.bool_]]]:
    """Yield (slice of rows, these rows scaled to length 1, whether each has a direction)."""
    n_bytes = X.data.nbytes if sparse.issparse(X) else X.nbytes
    step = max(1, int(_BLOCK_BYTES // max(n_bytes / X.shape[0], 1)))
    for start in range(0, X.shape[0], step):
        part = slice(start, start + step)
        rows = X if step >= X.shape[0] else X[part]  # a slice of CSR takes longer than a row
        yield part, *unit_rows(rows, n_threads)
