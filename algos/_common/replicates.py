"""Splits of data in which equal rows of X have different targets (replicates).

`split.py` keeps all copies of (x, y) together. If x also occurs with other targets, all rows (x, 1)
may be held out and all rows (x, 0) trained on, so that a model learns the opposite of what it is
validated by. The copies of such rows are distributed at random.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, IndexArray, Int64Array
from algos._common.random import Key, stream
from algos._common.split import Rows, folds_of_class, prefix_of_class

_STREAM = 1 << 20  # number of the random stream, above those of epochs and restarts
_MOST_COPIES = 2.0**29  # in total, for numpy's hypergeometric distribution
_ROUNDING = 1e-6  # from an integer, of a share divided by that of one copy
_MOST_UNITS = 1000  # that the smallest count may be, if counts were divided by their sum
_FIRST = 16  # weights that show whether the others may be multiples of one count


class Assignment(NamedTuple):
    """Weighted rows equivalent to the caller's, each in one part.

    Attributes
    ----------
    rows : ndarray of shape (m,)
        Indices of the caller's rows; the copies of a row may be in several parts.
    weight : ndarray of shape (m,)
    copies : ndarray of shape (m,)
        Number of copies that each row represents.
    side : ndarray of shape (m,)
        The fold, or 1 for validation and 0 for training; -1 if no fold holds the row out.
    """

    rows: Rows
    weight: Float64Array
    copies: Int64Array
    side: IndexArray


class Replicates(NamedTuple):
    """Distinct rows whose copies are distributed, and the other rows.

    Attributes
    ----------
    others : ndarray of shape (n_others,)
        Rows that remain as they are, in ascending order.
    first : ndarray of shape (n_replicates,)
        The first copy of each distinct row, in the order of the keys.
    weight : ndarray of shape (n_replicates,)
        Total weight of the copies.
    copies : ndarray of shape (n_replicates,)
        Number of copies.
    """

    others: Rows
    first: Rows
    weight: Float64Array
    copies: Int64Array

    def split(
        self,
        keys: NDArray[np.uint64],
        fraction: float,
        key: Key,
        *,
        classes: NDArray[np.generic] | None,
        weight: Float64Array,
    ) -> Assignment | None:
        """Assign rows to training (0) and validation (1); None if a part would lack a class.

        See `split.validation_split`, which is applied to the other rows.
        """
        codes = _codes(classes, len(keys))
        side = np.zeros(len(self.others), dtype=np.intp)
        counts = np.zeros((2, len(self.first)), dtype=np.int64)
        generator = stream(key, _STREAM)
        for code in range(codes.max() + 1):
            members, own = self._of_class(codes, code)
            if len(own):
                total = int(self.copies[own].sum())
                n_held = min(max(int(np.ceil(fraction * total - 1e-9)), 1), total - 1)
                counts[:, own] = _distribute(self.copies[own], [total - n_held, n_held], generator)
            if len(members):
                rows = self.others[members]
                held = prefix_of_class(keys[rows], weight[rows], fraction)
                if len(held) < len(members):
                    side[members[held]] = 1
                elif not len(own):
                    return None
        return self._assignment(counts, side, weight)

    def folds(
        self,
        keys: NDArray[np.uint64],
        n_folds: int,
        key: Key,
        *,
        classes: NDArray[np.generic] | None,
        weight: Float64Array,
    ) -> Assignment | None:
        """Assign rows to folds; None if only one class would be held out.

        See `split.validation_folds`, which is applied to the other rows.
        """
        codes = _codes(classes, len(keys))
        side = np.full(len(self.others), -1, dtype=np.intp)
        counts = np.zeros((n_folds, len(self.first)), dtype=np.int64)
        generator = stream(key, _STREAM)
        n_validating = 0  # classes
        for code in range(codes.max() + 1):
            members, own = self._of_class(codes, code)
            if len(own):
                ends = int(self.copies[own].sum()) * np.arange(n_folds + 1) // n_folds
                counts[:, own] = _distribute(self.copies[own], np.diff(ends).tolist(), generator)
            if len(members):
                rows = self.others[members]
                order = np.lexsort((weight[rows], keys[rows]))
                found = folds_of_class(keys[rows][order], weight[rows][order], n_folds)
                if len(own) and found[0] < 0:  # one key, but not all of its class
                    found = np.full(len(rows), int(keys[rows[0]] % np.uint64(n_folds)))
                side[members[order]] = found
            n_validating += bool(len(own) or side[members[0]] >= 0)
        if n_validating < min(codes.max() + 1, 2):
            return None
        return self._assignment(counts, side, weight)

    def _of_class(self, codes: IndexArray, code: int) -> tuple[Rows, Rows]:
        """Return the indices of a class in `others` and in `first`."""
        return np.flatnonzero(codes[self.others] == code), np.flatnonzero(codes[self.first] == code)

    def _assignment(self, counts: Int64Array, side: IndexArray, weight: Float64Array) -> Assignment:
        sides, kinds = np.nonzero(counts)
        copies = counts[sides, kinds]
        return Assignment(
            np.concatenate([self.others, self.first[kinds]]),
            np.concatenate([weight[self.others], self.weight[kinds] * copies / self.copies[kinds]]),
            np.concatenate([np.ones(len(self.others), dtype=np.int64), copies]),
            np.concatenate([side, sides]),
        )


def find_replicates(
    row_keys: NDArray[np.uint64],
    keys: NDArray[np.uint64],
    weight: Float64Array,
    targets: NDArray[np.generic],
    *,
    n_rows: NDArray[np.generic] | None = None,
) -> Replicates | None:
    """Return the rows whose copies are to be distributed; None if there are no replicates.

    Copies of (x, y) are distributed if x also occurs with another y. If most repeated rows do,
    as in tables of categories, all copies are distributed.

    A row is one copy whatever its weight: parts of one observation in training and validation
    would let a model be validated on what it was trained on. Only the weights of a table that has
    each (x, y) once are numbers of copies, if they can be counts.

    Parameters
    ----------
    row_keys : ndarray of shape (n,), dtype uint64
        Of x alone.
    keys : ndarray of shape (n,), dtype uint64
        Of x and y.
    weight : ndarray of shape (n,)
        Positive.
    targets : ndarray of shape (n,)
        y, or hashes of its rows.
    n_rows : ndarray of shape (n,), default=None
        Number of the caller's rows that have been merged into each row; None for one each.
    """
    ordered = np.sort(row_keys)
    if not (ordered[1:] == ordered[:-1]).any():
        return None
    order = np.lexsort((weight, keys, row_keys))  # by weight too: sums must not depend on row order
    begins_x = np.diff(row_keys[order], prepend=~row_keys[order[0]]) != 0
    begins = begins_x | (np.diff(keys[order], prepend=~keys[order[0]]) != 0)
    places = np.flatnonzero(begins)
    total = np.add.reduceat(weight[order], places)
    group = np.cumsum(begins_x[places]) - 1
    differs = np.bincount(group)[group] > 1
    if not differs.any():
        return None
    ones = np.ones(len(keys)) if n_rows is None else n_rows[order]
    copies = np.add.reduceat(ones, places).astype(np.int64)
    if copies.max() == 1 and 2 * len(np.unique(targets)) <= len(copies):
        copies = _counts(total)
    repeats = np.bincount(group, copies)[group] >= 2
    is_table = 2 * copies[repeats & differs].sum() > copies[repeats].sum()
    is_distributed = (copies >= 2) & (differs | is_table)
    if not is_distributed.any():
        return None
    is_other = np.ones(len(keys), dtype=bool)
    is_other[order[is_distributed[np.cumsum(begins) - 1]]] = False
    return Replicates(
        np.flatnonzero(is_other),
        order[places[is_distributed]],
        total[is_distributed],
        copies[is_distributed],
    )


def _counts(weight: Float64Array) -> Int64Array:
    """Return weights as numbers of copies; ones if they are neither whole nor shares."""
    least = weight.min()
    if least >= 1 and np.array_equal(weight, np.rint(weight)):
        return _limited(weight)
    if abs(weight.sum() - 1) < _ROUNDING and least * _MOST_COPIES > 1:
        for n in range(1, _MOST_UNITS + 1):
            if _nearly_whole(weight[:_FIRST] / least * n):
                counts = weight / least * n
                if _nearly_whole(counts):
                    return _limited(counts)
    return np.ones(len(weight), dtype=np.int64)


def _nearly_whole(counts: Float64Array) -> bool:
    return bool(np.abs(counts - np.rint(counts)).max() < _ROUNDING)


def _limited(counts: Float64Array) -> Int64Array:
    """Return integers; if they are too large in total, smaller ones in about the same ratios."""
    excess = max(1.0, float((counts / _MOST_COPIES).sum()))
    return np.maximum(np.rint(counts / excess), 1).astype(np.int64)


def _codes(classes: NDArray[np.generic] | None, n_rows: int) -> IndexArray:
    if classes is None:
        return np.zeros(n_rows, dtype=np.intp)
    return np.asarray(np.unique(classes, return_inverse=True)[1], dtype=np.intp)


def _distribute(copies: Int64Array, sizes: list[int], generator: np.random.Generator) -> Int64Array:
    """Return the number of copies of each row in each part, drawn without replacement."""
    left, counts = copies.copy(), []
    for size in sizes[:-1]:
        counts.append(generator.multivariate_hypergeometric(left, size, method="marginals"))
        left -= counts[-1]
    return np.array([*counts, left])
