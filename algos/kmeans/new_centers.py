"""Rows of a batch that become new centres."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, IndexArray
from algos._common.random import Key, stream
from algos.kmeans.rows import Labels, Rows

_WORTHWHILE = 0.02  # of the sum of squares; smaller gains never improved clusters when measured
_MIX = np.uint64(0x9E3779B97F4A7C15)


class Openings:
    """The rows of a batch and their nearest centres, while rows are added as new centres.

    Rows are drawn with probability proportional to their squared distance to the nearest
    centre, many at a time, as in k-means|| (Bahmani et al., "Scalable k-means++", VLDB
    2012). Draws depend only on the content of rows, and equal rows count as one row with
    their total weight.

    Parameters
    ----------
    rows : Rows
    centers : ndarray of shape (m, d)
        Less the rows' shift.
    key, number : ndarray, int
        Of the random stream.

    Attributes
    ----------
    centers : ndarray of shape (m, d)
        Less the rows' shift, including the new ones.
    labels, squares : ndarray of shape (n,)
        The nearest centre of each row, and the squared distance to it.
    """

    def __init__(self, rows: Rows, centers: Float64Array, key: Key, number: int) -> None:
        self.centers = centers
        self._rows = rows
        self._stream = key, number
        self._rng: np.random.Generator | None = None  # most batches draw nothing
        self._groups: Groups | None = None
        self.labels: Labels = np.zeros(len(rows), dtype=np.int32)
        self.squares: Float64Array = np.ones(len(rows))
        if len(centers):
            self.labels, self.squares = rows.nearest(centers)

    @property
    def total(self) -> float:
        """Weighted sum of the squares."""
        return float(self._weighted(self.squares).sum())

    def fill(self, n_free: int) -> None:
        """Open at most `n_free` centres; each round at most doubles their number."""
        while n_free > 0:
            opened, labels, squares = self._drawn(min(n_free, max(len(self.centers), 1)))
            if not len(opened):
                return
            moved = squares < self.squares if len(self.centers) else slice(None)
            self._move(moved, labels, squares, opened)
            n_free -= len(opened)

    def replace(self, limit: int, price: float) -> bool:
        """Open at most `limit` centres that each lower the inertia by more than `price`.

        The number of candidates is the expected one of online facility location (Meyerson,
        FOCS 2001), in which a row opens a centre with probability distance / price. Mergers
        are needed to make room, so nothing is done for a small part of the distances. Return
        whether any were opened.
        """
        mass = self._weighted(self.squares)
        total = float(mass.sum())
        if np.bincount(self.labels, weights=mass).max() <= price:
            return False
        count = limit if limit * price <= total else int(total / price) + 1
        opened, labels, squares = self._drawn(count)
        if not len(opened):
            return False
        saved = self._weighted(np.maximum(self.squares - squares, 0))
        gains = np.bincount(labels, weights=saved, minlength=len(opened)) - price
        pays = gains > 0
        if gains[pays].sum() <= _WORTHWHILE * total:
            return False
        place = (np.cumsum(pays) - 1).astype(np.int32)
        self._move((saved > 0) & pays[labels], place[labels], squares, opened[pays])
        return True

    def _move(
        self,
        moved: NDArray[np.bool_] | slice,
        labels: Labels,
        squares: Float64Array,
        opened: Float64Array,
    ) -> None:
        self.labels[moved] = labels[moved] + np.int32(len(self.centers))
        self.squares[moved] = squares[moved]
        self.centers = np.concatenate([self.centers, opened])

    def _weighted(self, squares: Float64Array) -> Float64Array:
        weight = self._rows.weight
        return squares if weight is None else squares * weight

    def _drawn(self, count: int) -> tuple[Float64Array, Labels, Float64Array]:
        """Return (distinct rows less the shift, label of the nearest, squared distance to it).

        There are fewer if no others are left. Each is its own nearest, even if rounding makes
        another one equal.
        """
        if self._groups is None:
            self._groups = Groups(self._rows.keys())
        if self._rng is None:
            self._rng = stream(*self._stream)
        squares = self.squares
        if len(self.centers):  # otherwise any row may be the first
            squares = np.where(squares > self._rows.rounding, squares, 0.0)
        drawn = self._groups.draw(self._weighted(squares), count, self._rng)
        opened = self._rows.take(self._groups.first(drawn))
        if not len(opened):
            return opened, self.labels, self.squares
        labels, nearest = self._rows.nearest(opened)
        members, place = self._groups.members(drawn)
        labels[members], nearest[members] = place, 0.0
        return opened, labels, nearest


class Groups:
    """Rows grouped by equal keys."""

    def __init__(self, keys: NDArray[np.uint64]) -> None:
        order = np.argsort(keys)
        sorted_keys = keys[order]
        is_first = np.concatenate([[True], sorted_keys[1:] != sorted_keys[:-1]])
        self._order = order
        self._starts = np.flatnonzero(is_first)
        self._sizes = np.diff(self._starts, append=len(keys))
        self._keys = sorted_keys[is_first]

    def draw(self, mass: Float64Array, count: int, rng: np.random.Generator) -> IndexArray:
        """Return distinct groups, drawn without replacement in proportion to their mass.

        The order of independent exponential times with rates `mass` is such a draw
        (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006).
        """
        rates = np.add.reduceat(mass[self._order], self._starts)
        able = np.flatnonzero(rates > 0)
        salt = rng.integers(2**64, dtype=np.uint64)
        with np.errstate(over="ignore"):  # groups of hardly any mass come last
            times = -np.log(_uniform(self._keys[able], salt)) / rates[able]
        if count < len(times):
            first = np.argpartition(times, count)[:count]
            able, times = able[first], times[first]
        return able[np.argsort(times)]

    def first(self, groups: IndexArray) -> IndexArray:
        """Return one row of each of the given groups."""
        return self._order[self._starts[groups]]

    def members(self, groups: IndexArray) -> tuple[IndexArray, IndexArray]:
        """Return (all rows of the given groups, the index in `groups` of each)."""
        sizes = self._sizes[groups]
        place = np.repeat(np.arange(len(groups)), sizes)
        before = np.cumsum(sizes) - sizes
        within = np.arange(len(place)) - before[place]
        return self._order[self._starts[groups][place] + within], place


def _uniform(keys: NDArray[np.uint64], salt: np.uint64) -> Float64Array:
    """Return a number in (0, 1) for each key, which depends on the salt."""
    mixed = keys ^ salt
    for shift in (np.uint64(32), np.uint64(29)):
        mixed = (mixed ^ (mixed >> shift)) * _MIX
    return ((mixed >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
