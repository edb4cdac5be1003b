"""Training and validation rows where equal rows of X have different targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import IndexArray, Int64Array
from algos._common.random import Key
from algos._common.replicates import Assignment, Replicates, find_replicates
from algos._common.row_key import row_keys as keys_of
from algos.linear_learner.data import Data

Keys = NDArray[np.uint64]
Rows = IndexArray


class Partition(NamedTuple):
    """Equivalent rows, and how they are split.

    Attributes
    ----------
    data : Data
        Copies that are in several parts are one weighted row in each.
    parts : list of (rows to train on, rows to validate on)
    copies : ndarray of shape (n,), default=None
        Number of copies that each row of `data` represents; None for one each.
    """

    data: Data
    parts: list[tuple[Rows, Rows]]
    copies: Int64Array | None = None

    @property
    def n_validation_rows(self) -> int:
        """Number of rows that the first part holds out."""
        held_out = self.parts[0][1]
        return len(held_out) if self.copies is None else int(self.copies[held_out].sum())


def split_replicates(
    data: Data,
    keys: Keys,
    row_keys: Keys,
    fraction: float,
    key: Key | None,
    classes: NDArray[Any] | None,
) -> Partition | None:
    """Return a split that distributes replicates; None if there are none.

    Parameters
    ----------
    data : Data
    keys, row_keys : ndarray of shape (n,), dtype uint64
        Of the rows with and without their targets.
    fraction : float
    key : ndarray of shape (2,), dtype uint64
    classes : ndarray of shape (n,) or None
    """
    assignment = _assigned(data, keys, row_keys, key, Replicates.split, fraction, classes)
    if assignment is None:
        return None
    sides = np.flatnonzero(assignment.side == 0), np.flatnonzero(assignment.side == 1)
    return Partition(_rows(data, assignment), [sides], assignment.copies)


def fold_replicates(
    data: Data,
    keys: Keys,
    row_keys: Keys,
    n_folds: int,
    key: Key | None,
    strata: NDArray[Any] | None,
) -> Partition | None:
    """Return folds that distribute replicates; None if there are none.

    Parameters
    ----------
    data : Data
    keys, row_keys : ndarray of shape (n,), dtype uint64
        Of the rows with and without their targets.
    n_folds : int
    key : ndarray of shape (2,), dtype uint64
    strata : ndarray of shape (n,) or None
    """
    assignment = _assigned(data, keys, row_keys, key, Replicates.folds, n_folds, strata)
    if assignment is None:
        return None
    folds = [one for one in range(n_folds) if (assignment.side == one).any()]
    parts = [
        (np.flatnonzero(assignment.side != one), np.flatnonzero(assignment.side == one))
        for one in folds
    ]
    return Partition(_rows(data, assignment), parts, assignment.copies)


def _assigned(
    data: Data,
    keys: Keys,
    row_keys: Keys,
    key: Key | None,
    distribute: Callable[..., Assignment | None],
    how: float,
    classes: NDArray[Any] | None,
) -> Assignment | None:
    assert key is not None
    targets = data.target
    if targets.ndim == 2:  # copies are equal in all outputs
        keys = keys + keys_of(np.ascontiguousarray(targets[:, 1:]), key)
        of_targets: NDArray[np.generic] = keys_of(np.ascontiguousarray(targets), key)
    else:
        of_targets = targets
    replicates = find_replicates(row_keys, keys, data.weight, of_targets)
    if replicates is None:
        return None
    return distribute(replicates, keys, how, key, classes=classes, weight=data.weight)


def _rows(data: Data, assignment: Assignment) -> Data:
    return Data(data.X[assignment.rows], data.target[assignment.rows], assignment.weight)
