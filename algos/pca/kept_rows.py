"""The state of a sketch, and the reduction of its rows to the leading directions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import linalg

from algos._common.arrays import Float64Array, FloatArray
from algos._common.random import Key
from algos.pca.row_buffer import n_rows_in
from algos.pca.rows import Rows

FADING = 0.2
LOST = 1e-24  # relative to the first square, below which others are rounding
SPREAD = 1e-4  # relative to the first square, above which squared products are accurate enough
KEY: Key = np.array([0x5851F42D4C957F2D, 0x14057B7EF767814F], dtype=np.uint64)


class Sketch(NamedTuple):
    """State of a one-pass fit; its size does not depend on the number of rows.

    Rows are buffered until there are enough of them, so the result does not depend on how
    rows are divided into batches.
    """

    size: int  # maximum number of rows kept
    n: int  # rows included
    mean: Float64Array  # (d,), of these
    total: float  # sum of the squares of all their centred values
    rows: Float64Array  # (at most size, d), orthogonal, the longest first
    buffered: dict[str, Any]  # CSR or dense rows that are not included yet
    has_lost: bool = False  # any part of the scatter, however small

    @property
    def n_seen(self) -> int:
        """Number of rows, with the buffered ones."""
        return self.n + n_rows_in(self.buffered)

    @property
    def mean_square(self) -> float:
        """Mean squared distance to the mean, of the included rows."""
        return self.total / max(self.n, 1)

    @property
    def square_bound(self) -> float:
        """Upper bound of the total of all rows seen; infinite if it may overflow."""
        if not self.buffered:
            return self.total
        values = self.buffered["values" if "values" in self.buffered else "data"]
        between = 2 * n_rows_in(self.buffered) * float(self.mean @ self.mean)
        return self.total + between + square_bound(values)


def square_bound(values: FloatArray) -> float:
    """Return an upper bound of the sum of squares of values after centring."""
    if not values.size:
        return 0.0
    peak = np.float64(max(values.max(), -values.min()))
    with np.errstate(over="ignore"):
        return float(4 * peak * peak * values.size)


def counted_in(
    sketch: Sketch, n: int, mean: Float64Array, total: float
) -> tuple[Sketch, Float64Array]:
    """Count `n` more rows with this mean and total; return also the row between the means.

    The difference of the means is one row more: Chan, Golub and LeVeque (1983), eq. 2.1.
    """
    between = np.sqrt(sketch.n * n / (sketch.n + n)) * (mean - sketch.mean)
    mean = sketch.mean + (mean - sketch.mean) * (n / (sketch.n + n))
    total += sketch.total + float(between @ between)
    return sketch._replace(n=sketch.n + n, mean=mean, total=total), between


def stacked(sketch: Sketch, n: int, mean: Float64Array, total: float, rows: Float64Array) -> Sketch:
    """Append `n` rows to a sketch, given by their mean and by rows with their scatter."""
    counted, between = counted_in(sketch, n, mean, total)
    if not np.isfinite(counted.total):  # squares overflow: the caller has to scale
        return counted
    stack = np.concatenate([sketch.rows, rows, between[None]])
    squares, vectors = leading(stack, sketch.size)
    return with_rows(counted, squares, vectors, sketch.size)


def with_rows(sketch: Sketch, squares: Float64Array, vectors: Float64Array, size: int) -> Sketch:
    """Return the sketch with at most `size` leading directions of a stack."""
    has_lost = sketch.has_lost or bool(np.any(squares[size:] > LOST * squares[0]))
    squares = squares[: size + 1]
    kept = n_kept(squares, size)
    rows = faded(squares, size)[:kept, None] * vectors[:kept]
    return sketch._replace(rows=rows, has_lost=has_lost)


def leading(stack: Float64Array, count: int) -> tuple[Float64Array, Float64Array]:
    """Return squared singular values, and at least the `count` leading right singular vectors.

    From the inner products of the rows, if squaring leaves enough digits for all these vectors.
    """
    if count < len(stack):
        squares, U = linalg.eigh(stack @ stack.T, driver="evd", check_finite=False)
        squares, U = squares[::-1], U[:, ::-1]
        if squares[count] > SPREAD**2 * squares[0]:
            return squares, (U[:, :count] / np.sqrt(squares[:count])).T @ stack
    _, lengths, vectors = linalg.svd(stack, full_matrices=False, check_finite=False)
    return lengths**2, vectors


def is_spread(squares: Float64Array, size: int) -> bool:
    """Tell whether the lengths of the requested components may differ widely.

    They are at most the first fourth of the rows of a sketch.
    """
    last = max(size // 4, 1) - 1
    return len(squares) <= last or bool(squares[last] < SPREAD * squares[0])


def may_have_lost(squares: Float64Array, total: float, size: int) -> bool:
    """Tell whether directions with these squares may lack more than rounding of the total."""
    return float(total - squares[:size].sum()) > 1e-12 * total or is_spread(squares, size)


def n_kept(squares: Float64Array, size: int) -> int:
    """Return how many rows are longer than rounding."""
    return min(int(np.count_nonzero(squares > 1e-28 * max(squares[0], 0.0))), size)


def faded(squares: Float64Array, size: int) -> Float64Array:
    """Return the reduced lengths of the rows that are kept."""
    kept = np.maximum(squares[:size], 0)
    if len(squares) > size:
        last = size - max(1, int(FADING * size))
        kept[last:] = np.maximum(kept[last:] - squares[size], 0)
    return np.sqrt(kept)


class Stack:
    """The scatter of the rows of a sketch, a chunk of rows and the row between their means."""

    def __init__(self, chunk: Rows, above: Float64Array) -> None:
        self.chunk, self.above = chunk, above
        self.eps, self.dtype = chunk.eps, chunk.dtype

    def rounded(self, Q: Float64Array) -> Float64Array:
        return Q

    def scatter_times(self, Q: Float64Array) -> Float64Array:
        return self.chunk.scatter_times(Q) + (Q @ self.above.T) @ self.above
