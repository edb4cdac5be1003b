"""svd_solver="sketch": one pass over rows or batches, with memory for few of them.

The state is a matrix of `size` orthogonal rows whose scatter is close to that of all rows so
far. Further rows are appended to it, and the leading right singular vectors of both are kept:
Desai, Ghashami and Phillips (2016), "Improved practical matrix sketching with guarantees",
parametrised frequent directions. Only the last FADING of the squared singular values are
reduced by the first that is dropped, which keeps the leading ones accurate. Many dense rows
at once are compressed by products with the directions so far and a few others
(`nystrom.py`), in single precision if that is the dtype of the rows, unless their directions
differ so much in length that the shorter would be lost in rounding: then by orthogonal factors
in double. The error along any direction is at most the sum of squares that was dropped. For so
few columns that their scatter matrix takes no more memory, that is kept, which loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from algos._common.arrays import Float64Array
from algos._common.threads import one_thread_blas
from algos.pca import covariance
from algos.pca.dense_chunks import with_dense
from algos.pca.kept_rows import Sketch, may_have_lost, square_bound, stacked
from algos.pca.moments import Moments
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

MOST_BUFFERED = 12  # dense rows for each row of the sketch


def size_for(count: int, n_oversamples: int, d: int) -> int:
    """Return how many rows a sketch for `count` components keeps.

    Twice the sum of the components and SageMaker's number of extra ones, or `n_oversamples` if
    that is larger.
    """
    return min(d, 2 * (count + max(n_oversamples, count)))


def is_needed(size: int, d: int) -> bool:
    """Tell whether the scatter matrix takes more memory than the sketch."""
    return d > 2 * size


def empty(size: int, d: int) -> Sketch:
    """Return the sketch of no rows."""
    return Sketch(size, 0, np.zeros(d), 0.0, np.empty((0, d)), {})


def from_spectrum(
    size: int, n: int, mean: Float64Array, spectrum: Spectrum, *, has_lost: bool
) -> Sketch:
    """Return a sketch of rows that have the spectrum of a model."""
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
    """Return the moments of all rows of a settled sketch; None if it has dropped some variance."""
    held = float(np.einsum("ij,ij->", sketch.rows, sketch.rows))
    if sketch.has_lost or sketch.total - held > 1e-12 * sketch.total:
        return None
    with one_thread_blas():
        return Moments(sketch.n, sketch.mean, sketch.rows.T @ sketch.rows)


def resized(sketch: Sketch, size: int, count: int, n_threads: int) -> Sketch:
    """Return the sketch with at least `size` rows; raise ValueError if it has lost too much."""
    if size <= sketch.size:
        return sketch
    sketch = settled(sketch, n_threads)
    if moments_in(sketch) is not None:
        return sketch._replace(size=size)
    if count > sketch.size:
        raise ValueError(
            f"`n_components`={count} must be at most {sketch.size}, the number of rows that the "
            f"sketch has kept so far; start with a new PCA of larger `n_components`"
        )
    return sketch


def updated(sketch: Sketch, X: Any, n_threads: int) -> Sketch:
    """Return the sketch with further rows; it keeps only a copy of those it must buffer."""
    if sketch.buffered and is_sparse(X) != ("indptr" in sketch.buffered):
        sketch = settled(sketch, n_threads)
    if sketch.buffered:
        # Only the dense rows that complete the first chunk are copied to the buffered ones.
        n_buffered = n_rows_in(sketch.buffered)
        n_head = X.shape[0] if is_sparse(X) else _chunk(sketch.size, X.shape[1]) - n_buffered
        head = joined(sketch.buffered, X[:n_head])
        sketch = _taken(sketch._replace(buffered={}), head, n_threads)
        X = X[n_head:]
    return _taken(sketch, X, n_threads)


def _taken(sketch: Sketch, X: Any, n_threads: int) -> Sketch:
    start = 0
    for stop in _cuts(X, sketch.size):
        sketch = _compressed(sketch, X[start:stop], n_threads)
        start = stop
    return sketch._replace(buffered=parts_of(X[start:])) if start < X.shape[0] else sketch


def settled(sketch: Sketch, n_threads: int) -> Sketch:
    """Return the sketch with the buffered rows included."""
    if not sketch.buffered:
        return sketch
    X = matrix_of(sketch.buffered)
    return _compressed(sketch._replace(buffered={}), X, n_threads)


def merged(a: Sketch, b: Sketch, n_threads: int) -> Sketch:
    """Return the sketch of the rows of both together."""
    a, b = settled(a, n_threads), settled(b, n_threads)
    a = a._replace(has_lost=a.has_lost or b.has_lost)
    with one_thread_blas():
        return stacked(a, b.n, b.mean, b.total, b.rows)


def solve(sketch: Sketch, count: int, n_threads: int) -> tuple[Spectrum, Float64Array]:
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
    """Return how many dense rows are included at once.

    Many, since rotating the sketch costs as much as products with some hundred rows, but few
    enough that sketch and rows take less memory than the scatter matrix.
    """
    return max(size, 32, min(MOST_BUFFERED * size, d // 2))


def _cuts(X: Any, size: int) -> Iterator[int]:
    """Yield the ends of the chunks to include; a last one that is too short is buffered.

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
