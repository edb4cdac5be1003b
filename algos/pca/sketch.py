"""svd_solver="sketch": one pass over rows that may come in batches, in memory for few of them.

The state is a matrix of `size` orthogonal rows whose scatter is close to that of all rows so
far. Further rows are put below it, and the leading right singular vectors of both are kept:
Desai, Ghashami and Phillips (2016), "Improved practical matrix sketching with guarantees",
parametrised frequent directions. Only the last FADING of the squared singular values are
lowered by the first that is left out, which keeps the leading ones accurate. Of many dense rows
at once, what is kept is found by products with the directions so far and a few others
(`nystrom.py`), in single precision where that is the rows' type, unless they show directions so
unlike in length that the shorter are lost in rounding: then by orthogonal factors in double. No
direction is wrong by more than the sum of squares that went out. Where there are so few columns
that their scatter takes no more memory, rows go into that, which loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from algos._common.threads import one_thread_blas
from algos.pca import covariance
from algos.pca.dense_chunks import with_dense
from algos.pca.kept_rows import Sketch, may_have_lost, square_bound, stacked
from algos.pca.moments import Doubles, Moments
from algos.pca.row_buffer import joined, matrix_of, n_rows_in, parts_of
from algos.pca.sparse_chunks import with_sparse
from algos.pca.sparse_rows import is_sparse
from algos.pca.spectrum import Spectrum, completed

__all__ = [
    "Sketch",
    "empty",
    "from_moments",
    "from_spectrum",
    "is_needed",
    "merged",
    "moments_in",
    "resized",
    "settled",
    "size_for",
    "solve",
    "square_bound",
    "updated",
]

MOST_WAITING = 12  # dense rows for each that is kept


def size_for(count: int, n_oversamples: int, d: int) -> int:
    """Return how many rows a sketch for `count` components keeps.

    SageMaker's number of extra components, unless more are asked for, and twice the sum.
    """
    return min(d, 2 * (count + max(n_oversamples, count)))


def is_needed(size: int, d: int) -> bool:
    """Tell whether the scatter of all columns takes more memory than the sketch."""
    return d > 2 * size


def empty(size: int, d: int) -> Sketch:
    """Return the sketch of no rows."""
    return Sketch(size, 0, np.zeros(d), 0.0, np.empty((0, d)), {})


def from_spectrum(
    size: int, n: int, mean: Doubles, spectrum: Spectrum, *, has_lost: bool
) -> Sketch:
    """Return a sketch of rows that a model stands for."""
    variances, components, total = spectrum
    rows = np.sqrt(variances * (n - 1))[:, None] * components
    return Sketch(size, n, mean, total * (n - 1), rows[:size], {}, has_lost)


def from_moments(size: int, moments: Moments) -> Sketch:
    """Return a sketch of the rows that have these moments."""
    if moments.n == 1:
        return empty(size, len(moments.mean))._replace(n=1, mean=moments.mean)
    spectrum = covariance.solve(moments, size)
    has_lost = moments.n - 1 > size and may_have_lost(
        spectrum.variances, spectrum.total_variance, size
    )
    return from_spectrum(size, moments.n, moments.mean, spectrum, has_lost=has_lost)


def moments_in(sketch: Sketch) -> Moments | None:
    """Return the moments of all rows of a settled sketch; None where some of them went out."""
    held = float(np.einsum("ij,ij->", sketch.rows, sketch.rows))
    if sketch.has_lost or sketch.total - held > 1e-12 * sketch.total:
        return None
    with one_thread_blas():
        return Moments(sketch.n, sketch.mean, sketch.rows.T @ sketch.rows)


def resized(sketch: Sketch, size: int, count: int, n_threads: int) -> Sketch:
    """Return the sketch with at least `size` rows, or ValueError if it has lost too much."""
    if size <= sketch.size:
        return sketch
    sketch = settled(sketch, n_threads)
    if moments_in(sketch) is not None:
        return sketch._replace(size=size)
    if count > sketch.size:
        raise ValueError(
            f"`n_components`={count} must be at most {sketch.size}, the number of rows that the "
            f"sketch so far has kept; start anew with the larger `n_components`"
        )
    return sketch


def updated(sketch: Sketch, X: Any, n_threads: int) -> Sketch:
    """Return the sketch with further rows; a copy of what must wait is all it keeps of them."""
    if sketch.waiting and is_sparse(X) != ("indptr" in sketch.waiting):
        sketch = settled(sketch, n_threads)
    if sketch.waiting:
        # Of dense rows, only those that fill the first chunk are copied beside the waiting.
        n_waiting = n_rows_in(sketch.waiting)
        n_head = X.shape[0] if is_sparse(X) else _chunk(sketch.size, X.shape[1]) - n_waiting
        head = joined(sketch.waiting, X[:n_head])
        sketch = _taken(sketch._replace(waiting={}), head, n_threads)
        X = X[n_head:]
    return _taken(sketch, X, n_threads)


def _taken(sketch: Sketch, X: Any, n_threads: int) -> Sketch:
    start = 0
    for stop in _cuts(X, sketch.size):
        sketch = _compressed(sketch, X[start:stop], n_threads)
        start = stop
    return sketch._replace(waiting=parts_of(X[start:])) if start < X.shape[0] else sketch


def settled(sketch: Sketch, n_threads: int) -> Sketch:
    """Return the sketch with the waiting rows in it."""
    if not sketch.waiting:
        return sketch
    X = matrix_of(sketch.waiting)
    return _compressed(sketch._replace(waiting={}), X, n_threads)


def merged(a: Sketch, b: Sketch, n_threads: int) -> Sketch:
    """Return the sketch of the rows of both."""
    a, b = settled(a, n_threads), settled(b, n_threads)
    a = a._replace(has_lost=a.has_lost or b.has_lost)
    with one_thread_blas():
        return stacked(a, b.n, b.mean, b.total, b.rows)


def solve(sketch: Sketch, count: int, n_threads: int) -> tuple[Spectrum, Doubles]:
    """Return (spectrum, mean) of all rows."""
    sketch = settled(sketch, n_threads)
    squares = np.einsum("ij,ij->i", sketch.rows, sketch.rows)[:count]
    found = int(np.count_nonzero(squares > 1e-30 * squares.max(initial=0)))
    with one_thread_blas():
        vectors = sketch.rows[:found] / np.sqrt(squares[:found])[:, None]
        components = completed(vectors, count)
    variances = np.zeros(count)
    variances[:found] = squares[:found] / (sketch.n - 1)
    return Spectrum(variances, components, sketch.total / (sketch.n - 1)), sketch.mean


def _chunk(size: int, d: int) -> int:
    """Return how many dense rows go in at once.

    Many, since to turn the sketch takes the time of products with some hundred rows, but so few
    that with them it takes less memory than the scatter of all columns.
    """
    return max(size, 32, min(MOST_WAITING * size, d // 2))


def _cuts(X: Any, size: int) -> Iterator[int]:
    """Yield where the chunks end that go in at once; a last one that is too short waits.

    A chunk of sparse rows holds as many values as the sketch itself.
    """
    n, d = X.shape
    if not is_sparse(X):
        yield from range(_chunk(size, d), n + 1, _chunk(size, d))
        return
    start = 0
    while True:
        enough = X.indptr[start] + size * d
        stop = int(np.searchsorted(X.indptr, enough))
        stop = max(stop, start + size)
        if stop > n:
            return
        yield stop
        start = stop


def _compressed(sketch: Sketch, X: Any, n_threads: int) -> Sketch:
    if is_sparse(X):
        return with_sparse(sketch, X, n_threads)
    if len(X) > 2 * sketch.size:
        return with_dense(sketch, X, n_threads)
    with one_thread_blas():
        X = X.astype(np.float64)
        mean = X.mean(axis=0)
        X -= mean
        return stacked(sketch, len(X), mean, float(np.einsum("ij,ij->", X, X)), X)
