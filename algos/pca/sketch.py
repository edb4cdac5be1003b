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
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from algos._common.random import Key, stream
from algos._common.scale import is_safe
from algos._common.threads import one_thread_blas
from algos.pca import covariance
from algos.pca.krylov import Space, orthonormal, orthonormal_beside
from algos.pca.moments import Doubles, Moments
from algos.pca.nystrom import nystrom, unsquared, with_others
from algos.pca.rows import CenteredRows, Rows
from algos.pca.sparse_rows import Csr, SparseRows, is_sparse
from algos.pca.spectrum import Spectrum, completed

Floats = NDArray[Any]

FADING = 0.2
LOST = 1e-24  # of the first square, below which others are rounding
MOST_WAITING = 12  # dense rows for each that is kept
OTHERS = 5  # directions of a chunk beside those of the sketch
SPREAD = 1e-4  # of the first square, beside which squares of the products lose no digit in sight
STEPS = 2  # products with a chunk of sparse rows, beginning with the directions so far
FIRST_STEPS = 4  # the same from random directions
KEY: Key = np.array([0x5851F42D4C957F2D, 0x14057B7EF767814F], dtype=np.uint64)


class Sketch(NamedTuple):
    """State of a one-pass fit; its size does not depend on the number of rows.

    Rows wait until there are enough of them, so that it does not matter in what batches
    they came.
    """

    size: int  # rows that are kept
    n: int  # rows that went in
    mean: Doubles  # (d,), of these
    total: float  # sum of the squares of all their centred values
    rows: Doubles  # (at most size, d), orthogonal, the longest first
    waiting: dict[str, Any]  # CSR or dense rows that have not gone in
    has_lost: bool = False  # a part of the scatter, however small beside the rest

    @property
    def n_seen(self) -> int:
        """Rows in all."""
        return self.n + _n_rows(self.waiting)

    @property
    def mean_square(self) -> float:
        """Mean squared distance to the mean, of the rows that went in."""
        return self.total / max(self.n, 1)

    @property
    def square_bound(self) -> float:
        """What the total of all rows seen can come to; infinity if it may be no float."""
        if not self.waiting:
            return self.total
        values = self.waiting["values" if "values" in self.waiting else "data"]
        between = 2 * _n_rows(self.waiting) * float(self.mean @ self.mean)
        return self.total + between + square_bound(values)


def square_bound(values: Floats) -> float:
    """Return a bound of the sum of squares that values come to, less any mean of theirs."""
    if not values.size:
        return 0.0
    peak = np.float64(max(values.max(), -values.min()))
    with np.errstate(over="ignore"):
        return float(4 * peak * peak * values.size)


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
    has_lost = moments.n - 1 > size and _may_have_lost(
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
        n_waiting = _n_rows(sketch.waiting)
        n_head = X.shape[0] if is_sparse(X) else _chunk(sketch.size, X.shape[1]) - n_waiting
        head = _joined(sketch.waiting, X[:n_head])
        sketch = _taken(sketch._replace(waiting={}), head, n_threads)
        X = X[n_head:]
    return _taken(sketch, X, n_threads)


def _taken(sketch: Sketch, X: Any, n_threads: int) -> Sketch:
    start = 0
    for stop in _cuts(X, sketch.size):
        sketch = _compressed(sketch, X[start:stop], n_threads)
        start = stop
    return sketch._replace(waiting=_parts(X[start:])) if start < X.shape[0] else sketch


def settled(sketch: Sketch, n_threads: int) -> Sketch:
    """Return the sketch with the waiting rows in it."""
    if not sketch.waiting:
        return sketch
    X = _matrix(sketch.waiting)
    return _compressed(sketch._replace(waiting={}), X, n_threads)


def merged(a: Sketch, b: Sketch, n_threads: int) -> Sketch:
    """Return the sketch of the rows of both."""
    a, b = settled(a, n_threads), settled(b, n_threads)
    a = a._replace(has_lost=a.has_lost or b.has_lost)
    with one_thread_blas():
        return _stacked(a, b.n, b.mean, b.total, b.rows)


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
        return _with_sparse(sketch, X, n_threads)
    if len(X) > 2 * sketch.size:
        return _with_dense(sketch, X, n_threads)
    with one_thread_blas():
        X = X.astype(np.float64)
        mean = X.mean(axis=0)
        X -= mean
        return _stacked(sketch, len(X), mean, float(np.einsum("ij,ij->", X, X)), X)


def _counted(sketch: Sketch, n: int, mean: Doubles, total: float) -> tuple[Sketch, Doubles]:
    """Count `n` more rows with this mean and total; return also what lies between the means.

    The difference of the means is one row more: Chan, Golub and LeVeque (1983), eq. 2.1.
    """
    between = np.sqrt(sketch.n * n / (sketch.n + n)) * (mean - sketch.mean)
    mean = sketch.mean + (mean - sketch.mean) * (n / (sketch.n + n))
    total += sketch.total + float(between @ between)
    return sketch._replace(n=sketch.n + n, mean=mean, total=total), between


def _stacked(sketch: Sketch, n: int, mean: Doubles, total: float, rows: Doubles) -> Sketch:
    """Put `n` rows, given by their mean and what has their scatter, below those of a sketch."""
    counted, between = _counted(sketch, n, mean, total)
    if not np.isfinite(counted.total):  # squares beyond doubles: the caller has to scale
        return counted
    stack = np.concatenate([sketch.rows, rows, between[None]])
    squares, vectors = _leading(stack, sketch.size)
    return _with_rows(counted, squares, vectors, sketch.size)


def _with_rows(sketch: Sketch, squares: Doubles, vectors: Doubles, size: int) -> Sketch:
    """Return the sketch with `size` of the leading directions of a stack, unless it has fewer."""
    has_lost = sketch.has_lost or bool(np.any(squares[size:] > LOST * squares[0]))
    squares = squares[: size + 1]
    kept = _n_kept(squares, size)
    rows = _faded(squares, size)[:kept, None] * vectors[:kept]
    return sketch._replace(rows=rows, has_lost=has_lost)


def _leading(stack: Doubles, count: int) -> tuple[Doubles, Doubles]:
    """Return squared singular values, and at least the `count` leading right singular vectors.

    From the rows' inner products, if squares leave digits enough for all these vectors.
    """
    if count < len(stack):
        squares, U = linalg.eigh(stack @ stack.T, driver="evd", check_finite=False)
        squares, U = squares[::-1], U[:, ::-1]
        if squares[count] > SPREAD**2 * squares[0]:
            return squares, (U[:, :count] / np.sqrt(squares[:count])).T @ stack
    _, lengths, vectors = linalg.svd(stack, full_matrices=False, check_finite=False)
    return lengths**2, vectors


def _is_spread(squares: Doubles, size: int) -> bool:
    """Tell whether the components that are asked for may be very unlike in length.

    Of the rows of a sketch they are the first fourth, or fewer.
    """
    last = max(size // 4, 1) - 1
    return len(squares) <= last or bool(squares[last] < SPREAD * squares[0])


def _may_have_lost(squares: Doubles, total: float, size: int) -> bool:
    """Tell whether directions of these squares may lack what is not rounding of the total."""
    return float(total - squares[:size].sum()) > 1e-12 * total or _is_spread(squares, size)


def _n_kept(squares: Doubles, size: int) -> int:
    """Return how many rows are longer than rounding."""
    return min(int(np.count_nonzero(squares > 1e-28 * max(squares[0], 0.0))), size)


def _faded(squares: Doubles, size: int) -> Doubles:
    """Return the lengths of the rows that are kept."""
    kept = np.maximum(squares[:size], 0)
    if len(squares) > size:
        last = size - max(1, int(FADING * size))
        kept[last:] = np.maximum(kept[last:] - squares[size], 0)
    return np.sqrt(kept)


class _Stack:
    """The scatter of a sketch's rows, a chunk of rows and the row between their means."""

    def __init__(self, chunk: Rows, above: Doubles) -> None:
        self.chunk, self.above = chunk, above
        self.eps, self.dtype = chunk.eps, chunk.dtype

    def rounded(self, Q: Doubles) -> Doubles:
        return Q

    def scatter_times(self, Q: Doubles) -> Doubles:
        return self.chunk.scatter_times(Q) + (Q @ self.above.T) @ self.above


def _with_dense(sketch: Sketch, X: Floats, n_threads: int) -> Sketch:
    """The same by products of a large chunk with directions of the sketch and a few others.

    The sketch's error along its directions falls as rows come, so half of them do later.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        chunk = CenteredRows(X, n_threads, sketch.mean if sketch.n else None)
        if X.dtype != np.float64 and not is_safe(chunk.mean_square, X.dtype):
            chunk = CenteredRows(X.astype(np.float64), n_threads)
        counted, between = _counted(sketch, len(X), chunk.mean, chunk.total)
    if not np.isfinite(counted.total) or counted.total == 0:
        return counted
    is_young = sketch.n <= len(X)
    size = sketch.size if is_young or not _lacks_much(sketch) else max(sketch.size // 2, 1)
    above = np.concatenate([sketch.rows, between[None]])
    before = np.einsum("ij,ij->i", sketch.rows, sketch.rows)
    with one_thread_blas():
        known = _directions(sketch.rows[:size])
        others = _mixed(chunk, size + OTHERS - len(known), sketch.n)
        if is_young or not _is_spread(before, sketch.size):
            Q = with_others(known, others)
            squares, vectors = _by_products(chunk, above, Q, size, is_young=is_young)
            if not _is_spread(squares, sketch.size):
                has_lost = len(squares) > size or _may_have_lost(squares, counted.total, size)
                rows = _faded(squares, size)[: len(vectors), None] * vectors
                return counted._replace(rows=rows, has_lost=sketch.has_lost or has_lost)
        Q = orthonormal(np.concatenate([known, others]))
        squares, vectors = _by_factors(chunk, above, Q, size, is_young=is_young)
    return _with_rows(counted, squares, vectors, size)


def _by_products(
    chunk: CenteredRows, above: Doubles, Q: Doubles, size: int, *, is_young: bool
) -> tuple[Doubles, Doubles]:
    """Return the leading directions of a chunk and the rows above it, unless they are spread."""
    stack = _Stack(chunk, above)
    image = stack.scatter_times(Q)
    if is_young:
        Q = orthonormal_beside(Q[:0], image, 0.0)
        image = stack.scatter_times(Q)
    eps = max(chunk.eps, SPREAD / 100 / len(Q))  # the squares of an image have half the digits
    return nystrom(Q, image, eps, size)


def _by_factors(
    chunk: CenteredRows, above: Doubles, Q: Doubles, size: int, *, is_young: bool
) -> tuple[Doubles, Doubles]:
    """The same without squares, which takes longer: beside one direction none is lost."""
    squares, vectors = _leading(np.concatenate([above, unsquared(Q, chunk)]), size + OTHERS)
    if is_young:
        Q = vectors[: size + OTHERS]
        squares, vectors = _leading(np.concatenate([above, unsquared(Q, chunk)]), size)
    return squares, vectors


def _lacks_much(sketch: Sketch) -> bool:
    """Tell whether the rows so far had more directions than are kept."""
    held = float(np.einsum("ij,ij->", sketch.rows, sketch.rows))
    return sketch.total - held > 1e-6 * sketch.total


def _directions(rows: Doubles) -> Doubles:
    """Return the directions of the rows that are longer than rounding."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    kept = lengths > 1e-14 * lengths.max(initial=0)
    unit: Doubles = rows[kept] / lengths[kept, None]
    return unit


def _mixed(chunk: CenteredRows, count: int, n: int) -> Doubles:
    """Return sums of the centred rows with random signs, each row in one of them."""
    X = chunk.X
    signs = stream(KEY, n).choice(np.array([-1, 1], dtype=X.dtype), len(X))
    mixed = np.empty((count, X.shape[1]))
    for i in range(count):
        mixed[i] = signs[i::count] @ X[i::count]
        mixed[i] -= float(signs[i::count].sum()) * chunk.mean
    return mixed


def _with_sparse(sketch: Sketch, X: Csr, n_threads: int) -> Sketch:
    """The same with leading vectors from a short Krylov space that begins with the sketch's.

    So that the chunk is never made dense.
    """
    chunk = SparseRows(X, n_threads)
    counted, between = _counted(sketch, X.shape[0], chunk.mean, chunk.total)
    if not np.isfinite(counted.total) or counted.total == 0:
        return counted
    above = np.concatenate([sketch.rows, between[None]])
    d, size = X.shape[1], sketch.size
    block = min(d, size + 10)
    random = stream(KEY, sketch.n).standard_normal((max(block - len(above), 10), d))
    lengths = np.linalg.norm(above, axis=1)
    with one_thread_blas():
        start = above[lengths > 1e-14 * lengths.max()]
        Q = orthonormal(np.concatenate([_unit(start), _unit(random)])[: min(d, 2 * block)])
        space = Space(_Stack(chunk, above), d, size, FIRST_STEPS * len(Q))
        for _ in range((STEPS if sketch.n else FIRST_STEPS) - 1):
            Q = space.grow(Q)
            if len(Q) == 0:
                break
        else:
            space.take(Q)
        space.diagonalise(size + 1)
        kept = _n_kept(space.values, size)
        vectors = space.mix[:, :kept].T @ space.V
    has_lost = sketch.has_lost or _may_have_lost(space.values, counted.total, size)
    rows = _faded(space.values, size)[:kept, None] * vectors
    return counted._replace(rows=rows, has_lost=has_lost)


def _unit(rows: Doubles) -> Doubles:
    unit: Doubles = rows / np.linalg.norm(rows, axis=1)[:, None]
    return unit


def _parts(X: Any) -> dict[str, Any]:
    """Return rows as plain arrays by name, copied."""
    if not is_sparse(X):
        return {"values": X.copy()}
    return {
        "data": X.data.copy(),
        "indices": X.indices.copy(),
        "indptr": X.indptr.copy(),
        "n_columns": X.shape[1],
    }


def _matrix(waiting: dict[str, Any]) -> Any:
    if "values" in waiting:
        return waiting["values"]
    shape = (len(waiting["indptr"]) - 1, waiting["n_columns"])
    return sparse.csr_array((waiting["data"], waiting["indices"], waiting["indptr"]), shape=shape)


def _n_rows(waiting: dict[str, Any]) -> int:
    if not waiting:
        return 0
    return len(waiting["values"]) if "values" in waiting else len(waiting["indptr"]) - 1


def _joined(waiting: dict[str, Any], X: Any) -> Any:
    """Return the waiting rows and those of X, in one matrix."""
    above = _matrix(waiting)
    if is_sparse(X):
        return sparse.vstack([above, X], format="csr")
    return np.concatenate([above, X])
