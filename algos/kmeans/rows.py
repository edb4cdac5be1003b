"""Passes over the rows of one data set: the operations of all drivers of k-means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, FloatArray, Int64Array
from algos._common.memory import require_memory
from algos._common.moments import column_mean_and_variance
from algos._common.random import Key
from algos._common.row_key import row_keys
from algos._cython._codes import is_fast
from algos._cython.finite import all_finite
from algos._cython.kmeans_assign import assign, shift_centers
from algos._cython.kmeans_distances import center_distances
from algos._cython.kmeans_own_distances import own_distances
from algos._cython.kmeans_quantized import assign_quantized
from algos._cython.kmeans_update import sum_by_label
from algos.kmeans.codes import Codes, encode, why_none
from algos.kmeans.trials import Trials

_LANES = 16
_MANY_CENTERS = 400  # for fewer, making codes takes longer than they save in one pass ...
_SOME_CENTERS = 64  # ... and for fewer they save nothing even if they exist already
_FEW_TRIED = 20_000  # for fewer distances k-means++ makes no codes
_FEW_ROWS, _FEW_VALUES = 1 << 13, 1 << 18  # up to which one thread seeds in one call
_BLOCK = 1 << 17  # rows whose distances are held at a time
_SURE_BYTES = 1 << 20  # up to which memory is not checked
_GLANCED, _SAMPLED = 8, 256  # rows that show whether a few others drag the mean away
_DRAGGED = 64.0**2  # ratio of the squared distances to the mean and between rows

Labels = NDArray[np.int32]


@dataclass
class Sums:
    """The result of one pass, from which the next centres are computed."""

    sums: Float64Array  # (k, d) of the shifted rows
    counts: Float64Array  # (k,)
    objective: float
    n_changed: int


class Rows:
    """Rows to be clustered, with positive weights.

    A common shift is subtracted from rows and centres on the fly: an offset of the data costs
    no digits, and no copy of X is made. It is the mean, or the median of a sample if a few far
    rows drag the mean so far away that the others would lose their digits.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64, C-ordered
    weight : ndarray of shape (n,), float64, or None
    key : ndarray of shape (2,), uint64
        Seed of the row keys.
    n_threads : int

    Attributes
    ----------
    mean_variance : float
        Mean variance of the columns, the unit of `tol` as in scikit-learn.
    mean_square, spread : float
        Weighted mean, and sum, of the squared distances to the shift.
    is_dragged : bool
        Whether the shift is far from the mean.
    """

    why_no_bounds = "for so many centres of so few rows they would take much memory besides X"

    def __init__(
        self, X: FloatArray, weight: Float64Array | None, key: Key, n_threads: int
    ) -> None:
        self.X = X
        self.weight = weight
        self.n_threads = n_threads
        self._key = key
        self._codes: list[Codes | None] = []
        total = float(len(X) if weight is None else weight.sum())
        mean, variance = column_mean_and_variance(X, weight, n_threads)
        center = amid_most(X, mean)
        self.is_dragged = center is not mean
        self.shift: FloatArray = _coarse(center, variance).astype(X.dtype)
        self.mean_variance = float(variance.mean())
        self.mean_square = float(variance.sum() + ((mean - self.shift) ** 2).sum())
        self.spread = total * self.mean_square

    def __len__(self) -> int:
        return len(self.X)

    @property
    def nbytes(self) -> int:
        """The bytes of X, to which memory limits are relative."""
        return int(self.X.nbytes)

    @property
    def are_few(self) -> bool:
        """Whether a step of k-means++ takes less time than its call."""
        return len(self) <= _FEW_ROWS and self.X.size <= _FEW_VALUES

    @property
    def codes(self) -> Codes | None:
        """The shifted rows in 8 bits, computed when first needed, or None."""
        # Not functools.cached_property: before Python 3.12 it holds a lock, which a child
        # process forked meanwhile would never get.
        if not self._codes:
            self._codes.append(encode(self.X, self.shift, self.n_threads))
        return self._codes[0]

    @property
    def why_no_codes(self) -> str:
        """The reason why `codes` is None."""
        return why_none(self.X)

    def keys(self, indices: Any = None) -> NDArray[np.uint64]:
        """Return the hash of the content of each row, or of the chosen rows.

        They are not stored, since they would take 8 bytes per row and are rarely needed.
        """
        X = self.X if indices is None else self.X[indices]
        return row_keys(X, self._key, n_threads=self.n_threads)

    def take(self, indices: Any) -> Float64Array:
        """Return shifted rows in float64."""
        return self.X[indices].astype(np.float64) - self.shift

    def unshifted(self, centers: Float64Array) -> FloatArray:
        """Return centres in the coordinates and the dtype of X."""
        return np.ascontiguousarray((centers + self.shift).astype(self.X.dtype))

    def shifted(self, centers: Any) -> Float64Array:
        """Return given centres less the shift."""
        return np.asarray(centers, dtype=np.float64) - self.shift

    def has_room_for_bounds(self, n_clusters: int) -> bool:
        """Tell whether the memory for bounds, besides two numbers per row, is small."""
        return self.has_room_for_lanes(n_clusters) and n_clusters**2 <= self.X.size

    def has_room_for_lanes(self, n_clusters: int) -> bool:
        """Tell whether copies of the sums for enough lanes are small."""
        n, d = self.X.shape
        n_bytes = _LANES * 8 * n_clusters * d
        return _LANES * n_clusters <= n and n_bytes <= max(16 << 20, self.nbytes // 20)

    def assign(self, centers: Float64Array, labels: Labels) -> Sums:
        """Relabel the rows in place and sum them up by label."""
        k, d = centers.shape
        fused = self.has_room_for_lanes(k)
        sums, counts = (np.empty((k, d)), np.empty(k)) if fused else (None, None)
        objective, n_changed = assign(
            self.X, self.weight, self.shift, centers.astype(self.X.dtype), None, 0.0, labels,
            sums, counts, None, False, self.n_threads,
        )  # fmt: skip
        if sums is None or counts is None:
            sums, counts = self.sum_up(labels, k)
        return Sums(sums, counts, max(objective + self.spread, 0.0), n_changed)

    def trials(self, n_candidates: int, n_clusters: int) -> Trials:
        """Return the `Trials` of candidates for a further centre."""
        pays = is_fast() and self.X.shape[1] >= 16 and len(self) * n_clusters >= _FEW_TRIED
        codes = self.codes if pays else None
        return Trials(self.X, self.weight, self.shift, n_candidates, codes, self.n_threads)

    def approach(
        self, indices: Int64Array, squares: FloatArray, labels: Labels, first: int
    ) -> None:
        """Lower squared distances to those of the nearest among some rows, in place.

        Where that lowers a distance, the label becomes `first` + the place in `indices`.
        """
        centers = self.X[indices]
        for start in range(0, len(self), _BLOCK):
            part = slice(start, start + _BLOCK)
            X = self.X[part]
            label, square = np.empty(len(X), dtype=np.int32), np.empty(len(X))
            _nearest(X, None, centers, label, square, self.n_threads)
            nearer = np.flatnonzero(square < squares[part])
            squares[part][nearer] = square[nearer]
            labels[part][nearer] = label[nearer] + first

    def subset(self, indices: Int64Array, weight: Float64Array) -> Rows:
        """Return some of the rows with other weights."""
        return Rows(self.X[indices], weight, self._key, self.n_threads)

    def nearest(self, centers: Float64Array) -> tuple[Labels, Float64Array]:
        """Return the label of each row, and its squared distance to that centre.

        Labels are as in a pass; distances are exact, to the centres that `rounded` returns.
        """
        labels, squares = np.full(len(self), -1, dtype=np.int32), np.empty(len(self))
        rounded = self.unshifted(centers)
        if self._label_by_codes(rounded - self.shift, labels):
            own_distances(self.X, rounded, labels, squares, self.n_threads)
        else:
            assign(
                self.X, self.weight, self.shift, rounded - self.shift, rounded, 0.0, labels, None,
                None, squares, True, self.n_threads,
            )  # fmt: skip
        return labels, squares

    def _label_by_codes(self, centers: FloatArray, labels: Labels) -> bool:
        """Label the rows by codes if this is faster for a single pass; otherwise return False."""
        few = _SOME_CENTERS if self._codes else _MANY_CENTERS
        if len(centers) < few or not is_fast() or self.codes is None:
            return False
        n_changed, *_ = assign_quantized(
            self.X, self.weight, self.shift, centers, *self.codes, labels, None, None,
            None, None, 0.0, self.n_threads,
        )  # fmt: skip
        return n_changed >= 0

    @property
    def rounding(self) -> float | Float64Array:
        """Upper bound of the computed squared distance of equal rows, for each or for all."""
        largest = float(np.abs(self.shift).max()) + float(np.sqrt(self.mean_square))
        if self.is_dragged:  # the mean square is dominated by the far rows
            # Not of np.abs(X), which would be a copy.
            sizes: Float64Array = np.maximum(self.X.max(axis=1), -self.X.min(axis=1))
            sizes = sizes + np.abs(self.shift).max(initial=0.0)
            return len(self.shift) * (8 * np.finfo(np.float64).eps * sizes) ** 2
        return float(len(self.shift) * (8 * np.finfo(np.float64).eps * largest) ** 2)

    def rounded(self, centers: Float64Array) -> Float64Array:
        """Return shifted centres as `nearest` uses them, rounded to the dtype of X."""
        return self.shifted(self.unshifted(centers))

    def sum_up(self, labels: Labels, n_clusters: int) -> tuple[Float64Array, Float64Array]:
        """Return the sums of the shifted rows, and of their weights, by label."""
        sums, counts = np.zeros((n_clusters, len(self.shift))), np.zeros(n_clusters)
        sum_by_label(self.X, self.weight, self.shift, labels, sums, counts, self.n_threads)
        return sums, counts

    def means_by_label(self, labels: Labels, centers: FloatArray) -> FloatArray:
        """Return the means by label, computed without the shift; `centers` for empty labels.

        If a row is huge, so is the shift.
        """
        sums, counts = np.zeros(centers.shape), np.zeros(len(centers))
        shift = np.zeros_like(self.shift)
        sum_by_label(self.X, self.weight, shift, labels, sums, counts, self.n_threads)
        held = counts > 0
        means = centers.copy()
        means[held] = sums[held] / counts[held, np.newaxis]
        return means

    def state(self) -> None:
        """Return None, since a pass does not depend on earlier ones."""

    def placed(self, centers: Float64Array, old: Float64Array) -> Float64Array:
        """Return the centres for means of the rows; `old` are the previous centres."""
        return centers

    def inertia_of(self, squares: float) -> float:
        """Return the inertia, given the sum of squared distances."""
        return squares

    def measure(self, centers: FloatArray) -> tuple[Labels, float]:
        """Return the labels and the inertia for centres as `unshifted` returns them."""
        labels, squares = label_and_measure(self.X, self.weight, centers, self.n_threads)
        return labels, self.inertia_of(squares)

    def distances(self, centers: Float64Array) -> Float64Array:
        """Return the squared distance of each row to its nearest centre."""
        return self.nearest(centers)[1]


def amid_most(X: FloatArray, mean: Float64Array) -> Float64Array:
    """Return `mean`, or the median of some rows if most rows are far nearer to that.

    Nearly always, a few rows suffice to see that they are not.
    """
    if len(X) < 3:
        return mean
    few = X[:: -(-len(X) // _GLANCED)].astype(np.float64)
    if not _are_close(few[1:] - few[:-1], few - mean):
        return mean
    some = X[:: -(-len(X) // _SAMPLED)].astype(np.float64)
    median: Float64Array = np.median(some, axis=0)
    return median if _are_close(some - median, some - mean) else mean


def _are_close(between: Float64Array, away: Float64Array) -> bool:
    """Tell whether most vectors of one set are much shorter than those of the other."""
    # Lists: for so few numbers numpy's overhead is larger than sorting.
    short, long = (np.einsum("nd,nd->n", part, part).tolist() for part in (between, away))
    short.sort()
    long.sort()
    return bool(short[len(short) // 2] * _DRAGGED < long[(len(long) - 1) // 2])


def weight_by_label(labels: Labels, weight: Float64Array | None, n_labels: int) -> Float64Array:
    """Return the weight of the rows of each label."""
    found = np.zeros(n_labels)
    for start in range(0, len(labels), _BLOCK):  # numpy converts them to wider integers
        part = slice(start, start + _BLOCK)
        weights = None if weight is None else weight[part]
        found += np.bincount(labels[part], weights, minlength=n_labels)
    return found


def rounding_of(X: FloatArray) -> float:
    """Return a bound on the relative rounding error of a squared distance by products."""
    return float((X.shape[1] + 8) * np.finfo(X.dtype).eps)


def _shift_of(centers: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (shift, shifted centres), both in the dtype of the centres."""
    shift, shifted = np.empty_like(centers[0]), np.empty_like(centers)
    shift_centers(centers, shift, shifted)
    return shift, shifted


def _nearest(
    X: FloatArray,
    weight: Float64Array | None,
    centers: FloatArray,
    labels: Labels,
    squares: Float64Array | None,
    n_threads: int,
    *,
    measured: bool = True,
) -> float:
    """Label the rows, and return their inertia if `measured`."""
    shift, shifted = _shift_of(centers)
    inertia, _ = assign(
        X, weight, shift, shifted, centers, rounding_of(X), labels, None, None, squares, measured,
        n_threads,
    )  # fmt: skip
    return float(inertia)


def label_rows(X: FloatArray, centers: FloatArray, n_threads: int) -> Labels:
    """Return the label of the nearest centre for each row, the first one in a tie."""
    labels = np.empty(len(X), dtype=np.int32)
    _nearest(X, None, centers, labels, None, n_threads, measured=False)
    return labels


def label_and_measure(
    X: FloatArray, weight: Float64Array | None, centers: FloatArray, n_threads: int
) -> tuple[Labels, float]:
    """Return the labels and the inertia, from differences in double precision."""
    labels = np.empty(len(X), dtype=np.int32)
    return labels, _nearest(X, weight, centers, labels, None, n_threads)


def room_for_distances(X: Any, centers: FloatArray) -> FloatArray:
    """Return an empty array for the distances of the rows to the centres."""
    n, k = X.shape[0], len(centers)
    n_bytes = n * k * X.dtype.itemsize
    if n_bytes > _SURE_BYTES:
        require_memory(
            n_bytes,
            f"the distances of {n} rows to {k} centres",
            "transform fewer rows at a time",
        )
    return np.empty((n, k), dtype=X.dtype)


def distances_to(X: FloatArray, centers: FloatArray, n_threads: int) -> FloatArray:
    """Return the distance of each row to each centre, shape (n, k)."""
    out = room_for_distances(X, centers)
    shift, shifted = _shift_of(centers)
    center_distances(X, shift, shifted, centers, out, n_threads)
    if not all_finite(out):  # squares overflow
        scale = max(np.abs(X).max(), np.abs(centers).max())
        center_distances(X / scale, shift / scale, shifted / scale, centers / scale, out, n_threads)
        out *= scale
    return out


def _coarse(center: Float64Array, variance: Float64Array) -> Float64Array:
    """Return a point near `center`, relative to the deviations, with as few bits as possible.

    Values of few bits, such as counts and colours, still have few bits after subtracting it, and
    their products are exact: rows at equal distances to two centres get the label of the first.
    """
    deviations = np.sqrt(variance)
    step = np.ldexp(1 / 16, np.frexp(deviations)[1])  # a sixteenth to an eighth of each
    is_coarser = (deviations > 0) & (np.abs(center) < 2.0**50 * step)
    n_steps = np.rint(np.divide(center, step, out=np.zeros_like(center), where=is_coarser))
    result: Float64Array = np.where(is_coarser, n_steps * step, center)
    return result
