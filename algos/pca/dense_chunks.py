"""Sketching a large chunk of dense rows, by products or by orthogonal factors."""

from __future__ import annotations

import numpy as np

from algos._common.arrays import Float64Array, FloatArray
from algos._common.random import stream
from algos._common.scale import is_safe
from algos._common.threads import one_thread_blas
from algos.pca.kept_rows import (
    KEY,
    SPREAD,
    Sketch,
    Stack,
    counted_in,
    faded,
    is_spread,
    leading,
    may_have_lost,
    with_rows,
)
from algos.pca.krylov import orthonormal, orthonormal_beside
from algos.pca.nystrom import nystrom, unsquared, with_others
from algos.pca.rows import CenteredRows

OTHERS = 5  # directions of a chunk in addition to those of the sketch


def with_dense(sketch: Sketch, X: FloatArray, n_threads: int) -> Sketch:
    """Return the sketch with a chunk of more rows than it keeps included.

    The new directions come from products with those of the sketch and a few others. The error
    along the directions of the sketch falls as rows are learned, so later half of them suffice.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        chunk = CenteredRows(X, n_threads, sketch.mean if sketch.n else None)
        if X.dtype != np.float64 and not is_safe(chunk.mean_square, X.dtype):
            chunk = CenteredRows(X.astype(np.float64), n_threads)
        counted, between = counted_in(sketch, len(X), chunk.mean, chunk.total)
    if not np.isfinite(counted.total) or counted.total == 0:
        return counted
    is_young = sketch.n <= len(X)
    size = sketch.size if is_young or not _lacks_much(sketch) else max(sketch.size // 2, 1)
    above = np.concatenate([sketch.rows, between[None]])
    before = np.einsum("ij,ij->i", sketch.rows, sketch.rows)
    with one_thread_blas():
        known = _directions(sketch.rows[:size])
        others = _mixed(chunk, size + OTHERS - len(known), sketch.n)
        if is_young or not is_spread(before, sketch.size):
            Q = with_others(known, others)
            squares, vectors = _by_products(chunk, above, Q, size, is_young=is_young)
            if not is_spread(squares, sketch.size):
                has_lost = len(squares) > size or may_have_lost(squares, counted.total, size)
                rows = faded(squares, size)[: len(vectors), None] * vectors
                return counted._replace(rows=rows, has_lost=sketch.has_lost or has_lost)
        Q = orthonormal(np.concatenate([known, others]))
        squares, vectors = _by_factors(chunk, above, Q, size, is_young=is_young)
    return with_rows(counted, squares, vectors, size)


def _by_products(
    chunk: CenteredRows, above: Float64Array, Q: Float64Array, size: int, *, is_young: bool
) -> tuple[Float64Array, Float64Array]:
    """Return the leading directions of a chunk and the rows above it, unless they are spread."""
    stack = Stack(chunk, above)
    image = stack.scatter_times(Q)
    if is_young:
        Q = orthonormal_beside(Q[:0], image, 0.0)
        image = stack.scatter_times(Q)
    eps = max(chunk.eps, SPREAD / 100 / len(Q))  # squaring an image halves its digits
    return nystrom(Q, image, eps, size)


def _by_factors(
    chunk: CenteredRows, above: Float64Array, Q: Float64Array, size: int, *, is_young: bool
) -> tuple[Float64Array, Float64Array]:
    """Return the same without squaring, which takes longer but loses no short direction."""
    squares, vectors = leading(np.concatenate([above, unsquared(Q, chunk)]), size + OTHERS)
    if is_young:
        Q = vectors[: size + OTHERS]
        squares, vectors = leading(np.concatenate([above, unsquared(Q, chunk)]), size)
    return squares, vectors


def _lacks_much(sketch: Sketch) -> bool:
    """Tell whether the rows so far vary along more directions than are kept."""
    held = float(np.einsum("ij,ij->", sketch.rows, sketch.rows))
    return sketch.total - held > 1e-6 * sketch.total


def _directions(rows: Float64Array) -> Float64Array:
    """Return the directions of the rows that are longer than rounding."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    kept = lengths > 1e-14 * lengths.max(initial=0)
    unit: Float64Array = rows[kept] / lengths[kept, None]
    return unit


def _mixed(chunk: CenteredRows, count: int, n: int) -> Float64Array:
    """Return `count` sums of the centred rows with random signs, each row in one of them."""
    X = chunk.X
    signs = stream(KEY, n).choice(np.array([-1, 1], dtype=X.dtype), len(X))
    mixed = np.empty((count, X.shape[1]))
    for i in range(count):
        mixed[i] = signs[i::count] @ X[i::count]
        mixed[i] -= float(signs[i::count].sum()) * chunk.mean
    return mixed
