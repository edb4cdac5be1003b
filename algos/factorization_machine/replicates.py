"""Training and validation rows where equal rows of X have different targets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.random import Key
from algos._common.replicates import Assignment, find_replicates
from algos.factorization_machine.rows import Table, keys_of_rows


def split_replicates(
    table: Table,
    keys: NDArray[np.uint64],
    fraction: float,
    key: Key,
    classes: NDArray[Any] | None,
    n_threads: int,
) -> tuple[Table, Table] | None:
    """Return training rows and validation rows; None if there are no replicates.

    Parameters
    ----------
    table : Table
    keys : ndarray of shape (n,), dtype uint64
        Of the rows with their targets.
    fraction : float
    key : ndarray of shape (2,), dtype uint64
    classes : ndarray of shape (n,) or None
    n_threads : int
    """
    row_keys = keys_of_rows(table.rows, np.zeros(table.rows.n), None, n_threads)
    replicates = find_replicates(
        row_keys, table.keys, table.weight, table.target, n_rows=table.n_rows
    )
    if replicates is None:
        return None
    assignment = replicates.split(keys, fraction, key, classes=classes, weight=table.weight)
    if assignment is None:
        return None
    return _part(table, assignment, 0), _part(table, assignment, 1)


def _part(table: Table, assignment: Assignment, side: int) -> Table:
    own = np.flatnonzero(assignment.side == side)
    own = own[np.argsort(assignment.rows[own])]  # in the table's order
    return replace(table.take(assignment.rows[own]), weight=assignment.weight[own])
