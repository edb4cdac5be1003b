"""Leading eigenpairs of the scatter matrix from a restarted block Krylov space.

Musco and Musco (2015), "Randomized block Krylov methods"; Wu and Simon (2000), "Thick-restart
Lanczos method for large symmetric eigenvalue problems". A step costs one pass over X.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from scipy import linalg

from algos._common.arrays import Float64Array
from algos._common.random import Key, stream

ACCURACY = 1e-8  # relative error of the eigenvalues, but at least
ROUNDINGS = 10  # rounding units of the data
MANY = 200  # vectors in a basis, beyond which it is restarted from the best
ROOM = 1 << 25  # values in a basis that may have so many vectors
PATIENCE = 40  # vectors multiplied for each one wanted, before the search is given up


class Scatter(Protocol):
    """The scatter matrix of centred rows as a linear operator."""

    @property
    def eps(self) -> float:
        """The rounding unit of the products."""

    @property
    def dtype(self) -> Any:
        """The dtype of the data, which limits the accuracy of eigenvalues."""

    def rounded(self, Q: Float64Array) -> Float64Array:
        """Return the rows of Q as rounded for a product."""

    def scatter_times(self, Q: Float64Array) -> Float64Array:
        """Return Q Xc' Xc."""


class Found(NamedTuple):
    """Eigenvalues, largest first, their vectors, whether they converged, and the cost."""

    values: Float64Array
    vectors: Float64Array
    is_known: bool
    n_multiplied: int


def leading(rows: Scatter, d: int, count: int, block: int, key: Key) -> Found:
    """Return the `count` leading eigenpairs, or fewer if the scatter matrix has no more.

    A space that started with fewer vectors than are wanted may miss copies of a multiple
    eigenvalue. So after convergence new random vectors are added for two steps, in which the
    eigenvalues must not change.
    """
    random = stream(key)
    block = min(block, d)
    space = Space(rows, d, count, block)
    Q = orthonormal(random.standard_normal((block, d)))
    before: Float64Array | None = None  # the eigenvalues when new vectors were added
    wait = 0  # steps until they are computed again
    while True:
        space.cut(len(Q))
        Q = space.grow(Q)
        wait -= 1
        if len(Q) and (wait >= 0 or len(space) <= count):
            continue
        space.diagonalise(space.beyond + 1)
        wait = len(space) // (16 * block)
        if len(Q) == 0 or space.is_known():
            if block >= count or _is_same(before, space.values[:count], rows):
                return space.found(True)
            before, wait = space.values[:count].copy(), 2
            Q = np.concatenate([Q, space.beside(Q, random.standard_normal((block, d)))])
            if len(Q) == 0:
                return space.found(True)
        elif space.n_multiplied > PATIENCE * (count + block):
            return space.found(False)


def accuracy(dtype: Any) -> float:
    """Return the relative error at which eigenvalues of such data count as converged."""
    return max(ACCURACY, ROUNDINGS * float(np.finfo(dtype).eps))


class Space:
    """An orthonormal basis, and the scatter matrix projected on it.

    Parameters
    ----------
    rows : Scatter
    d, count, block : int
        Number of columns, of eigenpairs wanted, and of vectors in a step.
    """

    def __init__(self, rows: Scatter, d: int, count: int, block: int) -> None:
        self.rows, self.count = rows, count
        self.beyond = max(block, count + count // 4)  # the first one that is hardly in the basis
        self.limit = max(2 * (count + block), min(MANY, ROOM // d))
        self.n_multiplied = 0
        self._room: Float64Array = np.empty((self.limit, d))
        self.V = self._room[:0]
        self.small = self.overlap = np.empty((0, 0))
        self.values: Float64Array = np.empty(0)
        self.mix: Float64Array = np.empty((0, 0))
        self._tail: Float64Array = np.empty((0, d))  # the part of the last products beside V

    def __len__(self) -> int:
        return len(self.V)

    def grow(self, Q: Float64Array) -> Float64Array:
        """Add vectors to the basis; return a basis of what their products add to it."""
        self.take(Q)
        scale = float(np.diagonal(self.small).max())
        return orthonormal_beside(self.V, self._tail, scale * self.rows.eps)

    def take(self, Q: Float64Array) -> None:
        """Add vectors to the basis, and their products to the projection."""
        Q = self.rows.rounded(Q)
        image = self.rows.scatter_times(Q)
        self.n_multiplied += len(Q)
        self._append(Q)
        # In one product, since reading V is what takes time.
        along, overlap = np.hsplit(self.V @ np.concatenate([image, Q]).T, [len(Q)])
        self.small = _bordered(self.small, along)
        self.overlap = _bordered(self.overlap, overlap)  # the identity, up to rounding
        self._tail = image - along.T @ self.V

    def beside(self, Q: Float64Array, vectors: Float64Array) -> Float64Array:
        """Return a basis of the part of the vectors beside V and Q."""
        both = np.concatenate([self.V, Q])
        return orthonormal_beside(both, beside(both, vectors), 0.0)

    def diagonalise(self, count: int) -> None:
        """Compute the `count` leading Ritz values, and their vectors in the basis."""
        m = len(self)
        values, mix = linalg.eigh(
            self.small,
            self.overlap,
            check_finite=False,
            subset_by_index=[m - min(count, m), m - 1],
        )
        self.values, self.mix = values[::-1], mix[:, ::-1]

    def is_known(self) -> bool:
        """Tell whether the leading eigenvalues are accurate, or as accurate as rounding allows.

        The error of a Ritz value is at most the residual, and about its square over the gap to
        the eigenvalues outside the basis (Parlett, "The symmetric eigenvalue problem", 11.7).
        The basis contains what earlier products added, so the residual is that of the last ones.
        """
        count, last = self.count, len(self._tail)
        if len(self.values) <= count:
            return False
        beyond = self.values[min(self.beyond, len(self.values) - 1)]
        values = self.values[:count]
        residual = np.linalg.norm(self.mix[-last:, :count].T @ self._tail, axis=1)
        gap = np.maximum(values - beyond, np.finfo(float).tiny)
        error = np.minimum(residual, residual**2 / gap)
        rounding = residual <= 2 * self.rows.eps * self.values[0]
        return bool(np.all((error <= accuracy(self.rows.dtype) * values) | rounding))

    def cut(self, room: int) -> None:
        """Keep only the best vectors if `room` more would exceed the limit."""
        if len(self) == 0 or len(self) + room <= self.limit:
            return
        kept = self.count + (self.limit - self.count) // 3
        self.diagonalise(kept)
        kept_vectors = self.mix.T @ self.V
        self.V = self._room[:0]
        self._append(kept_vectors)
        self.small, self.overlap = np.diag(self.values), np.eye(len(self.V))

    def _append(self, Q: Float64Array) -> None:
        old, new = len(self), len(self) + len(Q)
        if new > len(self._room):
            self._room = np.concatenate([self.V, np.empty((len(Q), self.V.shape[1]))])
        self._room[old:new] = Q
        self.V = self._room[:new]

    def found(self, is_known: bool) -> Found:
        """Return the leading eigenpairs."""
        vectors = self.mix[:, : self.count].T @ self.V
        return Found(self.values[: self.count], vectors, is_known, self.n_multiplied)


def orthonormal(Q: Float64Array) -> Float64Array:
    """Return an orthonormal basis of the rows."""
    basis: Float64Array = linalg.qr(Q.T, mode="economic", check_finite=False)[0].T
    return basis


def beside(V: Float64Array, Y: Float64Array) -> Float64Array:
    """Return the part of the rows of Y beside the orthonormal rows of V."""
    return Y - (Y @ V.T) @ V


def orthonormal_beside(V: Float64Array, Y: Float64Array, floor: float) -> Float64Array:
    """Return an orthonormal basis of the part of Y beside V.

    Y has been orthogonalised against V once; directions shorter than the floor are rounding.
    """
    is_unit = False
    shortest = 0.0
    while shortest < 0.7:  # after a round, short directions may lie nearly along V
        values, vectors = linalg.eigh(Y @ Y.T, check_finite=False)
        sizes = np.sqrt(np.maximum(values, 0))[::-1]
        kept = np.flatnonzero(sizes > max(floor, 1e-7 * sizes[0]))[: V.shape[1] - len(V)]
        if len(kept) == 0:
            return Y[:0]
        Y = (vectors[:, ::-1][:, kept] / sizes[kept]).T @ Y
        # In the first round sizes are those of the given vectors; later vectors have length 1,
        # and what remains of noise along V is far shorter.
        shortest = float(sizes[kept[-1]]) if is_unit else 0.0
        is_unit, floor = True, 0.1
        if shortest < 0.7:
            Y = beside(V, Y)
    return Y


def _bordered(matrix: Float64Array, columns: Float64Array) -> Float64Array:
    """Return the symmetric matrix extended by these last columns."""
    size, old = len(columns), len(matrix)
    grown = np.empty((size, size))
    grown[:old, :old] = matrix
    grown[:, old:] = columns
    grown[old:, :old] = columns[:old].T
    corner = columns[old:]
    grown[old:, old:] = (corner + corner.T) / 2
    return grown


def _is_same(before: Float64Array | None, values: Float64Array, rows: Scatter) -> bool:
    if before is None or len(before) != len(values):
        return False
    change = 10 * accuracy(rows.dtype) * values + rows.eps * values[0]
    return bool(np.all(np.abs(values - before) <= change))
