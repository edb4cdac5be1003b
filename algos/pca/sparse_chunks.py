"""Sketching a chunk of sparse rows by a short Krylov space, without making it dense."""

from __future__ import annotations

import numpy as np

from algos._common.arrays import Float64Array
from algos._common.random import stream
from algos._common.threads import one_thread_blas
from algos.pca.kept_rows import KEY, Sketch, Stack, counted_in, faded, may_have_lost, n_kept
from algos.pca.krylov import Space, orthonormal
from algos.pca.sparse_rows import Csr, SparseRows

STEPS = 2  # products with a chunk of sparse rows, starting from the directions so far
FIRST_STEPS = 4  # the same from random directions


def with_sparse(sketch: Sketch, X: Csr, n_threads: int) -> Sketch:
    """Return the sketch with a chunk of any number of rows included.

    The new directions come from a short Krylov space that starts from those of the sketch.
    """
    chunk = SparseRows(X, n_threads)
    counted, between = counted_in(sketch, X.shape[0], chunk.mean, chunk.total)
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
        space = Space(Stack(chunk, above), d, size, FIRST_STEPS * len(Q))
        for _ in range((STEPS if sketch.n else FIRST_STEPS) - 1):
            Q = space.grow(Q)
            if len(Q) == 0:
                break
        else:
            space.take(Q)
        space.diagonalise(size + 1)
        kept = n_kept(space.values, size)
        vectors = space.mix[:, :kept].T @ space.V
    has_lost = sketch.has_lost or may_have_lost(space.values, counted.total, size)
    rows = faded(space.values, size)[:kept, None] * vectors
    return counted._replace(rows=rows, has_lost=has_lost)


def _unit(rows: Float64Array) -> Float64Array:
    unit: Float64Array = rows / np.linalg.norm(rows, axis=1)[:, None]
    return unit
