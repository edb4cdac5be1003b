"""Fields: neighbouring columns of which no row has two, as one-hot encoding makes them.

Given all others, the parameters of a field's columns are independent of each other, so they are
updated in parallel; and they are of one kind, so they share a prior.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Int64Array
from algos._cython import fm_rows
from algos.factorization_machine.rows import Rows

Bounds = Int64Array
Groups = NDArray[np.int32]

_LEAST_FIELD = 8  # columns from which a variance can be estimated

# For the kernel: entries of a run of columns for one thread, and rows of a column that many
# threads share.
_RUN_ENTRIES = 1024
LONG = 32768


def find_fields(rows: Rows) -> Bounds:
    """Return the bounds of the fields, each as long as possible, from the first column on.

    Parameters
    ----------
    rows : Rows
        With ascending columns in each row.

    Returns
    -------
    bounds : ndarray of shape (n_fields + 1,), int64
        Field f is columns [bounds[f], bounds[f + 1]).
    """
    d = rows.n_columns
    if d == 0:
        return np.zeros(1, dtype=np.int64)
    # A field with column a ends before any column b > a that occurs with it in a row; the nearest
    # such b is the next column of that row.
    limit = np.full(d, d, dtype=np.int32)
    fm_rows.next_columns(rows.indptr, rows.indices, limit)
    ends = np.minimum.accumulate(limit[::-1])[::-1].tolist()
    bounds = [0]
    while bounds[-1] < d:
        bounds.append(ends[bounds[-1]])
    return np.array(bounds, dtype=np.int64)


def groups_of(feature_groups: Any, fields: Bounds) -> Groups:
    """Return the number, from 0, of each column's group; the columns of a group share a prior.

    Parameters
    ----------
    feature_groups : "auto", None, or ndarray of shape (n_columns,)
        "auto": each field is a group, neighbouring small ones together. None: one group.
    fields : ndarray of shape (n_fields + 1,)
    """
    d = int(fields[-1])
    if feature_groups is None:
        return np.zeros(d, dtype=np.int32)
    if isinstance(feature_groups, str):
        is_small = np.diff(fields) < _LEAST_FIELD
        is_new = np.ones(len(is_small), dtype=bool)
        is_new[1:] = ~(is_small[1:] & is_small[:-1])
        number = np.cumsum(is_new) - 1
        return np.repeat(number, np.diff(fields)).astype(np.int32)
    return np.unique(feature_groups, return_inverse=True)[1].astype(np.int32)


def find_runs(fields: Bounds, starts: Bounds) -> tuple[Bounds, Bounds]:
    """Return runs of columns as units of work for threads, and the fields' bounds among them.

    Parameters
    ----------
    fields : ndarray of shape (n_fields + 1,)
    starts : ndarray of shape (n_columns + 1,)
        Bounds of the entries of each column.

    Returns
    -------
    runs : ndarray of shape (n_runs + 1,)
        A column with very many rows is a run of its own.
    field_runs : ndarray of shape (n_fields + 1,)
    """
    is_cut = np.zeros(len(starts), dtype=bool)
    is_cut[fields] = True
    is_long = np.flatnonzero(np.diff(starts) > LONG)
    is_cut[is_long] = is_cut[is_long + 1] = True
    is_cut[1:] |= np.diff(starts // _RUN_ENTRIES) > 0
    runs = np.flatnonzero(is_cut)
    return runs, np.searchsorted(runs, fields)
