"""Missing values, which are imputed before rows are scored or learned."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, Int64Array
from algos.random_cut_forest.forest import SAMPLED, Forest
from algos.random_cut_forest.imputation import impute

MOST_FILLED = 0.5  # share of missing values above which a shingle is not learned


def carried_forward(X: NDArray[Any]) -> NDArray[Any]:
    """Return X with each missing value replaced by the last known one of its column.

    If none is known yet, it is the median of the column, or 0 in a column without values.
    """
    is_known = ~np.isnan(X)
    last = np.where(is_known, np.arange(len(X))[:, None], -1)
    last = np.maximum.accumulate(last, axis=0)
    filled = np.take_along_axis(X, np.maximum(last, 0), axis=0)
    row, column = np.nonzero(last < 0)
    if len(row):
        columns = np.unique(column)
        known = np.where(is_known[:, columns].any(axis=0), X[:, columns], 0)
        filled[row, column] = np.nanmedian(known, axis=0)[np.searchsorted(columns, column)]
    return filled


def fill(forest: Forest, rows: Float32Array, shingle_size: int, n_threads: int) -> Float32Array:
    """Return a section of scaled rows with NaN replaced by what the forest expects.

    With shingles, each row is imputed from the filled rows before it; the first rows, which
    have no complete shingle, are filled with the last known value.
    """
    is_missing = np.isnan(rows)
    if shingle_size == 1:
        return impute(forest, rows, is_missing, n_threads)
    rows = rows.copy()
    before = min(shingle_size - 1, len(rows))
    rows[:before] = carried_forward(rows[:before])
    for i in np.flatnonzero(is_missing[before:].any(axis=1)):
        fill_last(forest, rows[i : i + shingle_size])
    return rows


def fill_last(forest: Forest, shingle: Float32Array) -> None:
    """Fill the last row of a shingle, from the shingle itself if nothing is learned yet."""
    if not forest.clock[0, SAMPLED]:
        shingle[:] = carried_forward(shingle)
        return
    is_missing = np.isnan(shingle).reshape(1, -1)
    shingle[:] = impute(forest, shingle.reshape(1, -1), is_missing).reshape(shingle.shape)


def is_skipped(n_filled: Any, n_columns: int) -> Any:
    """Tell whether shingles have too many missing values to be learned."""
    return n_filled > MOST_FILLED * n_columns


def parts(n_filled: Int64Array | None, n_rows: int, most: int, n_columns: int) -> list[slice]:
    """Return the parts of a block that are learned, or skipped, together.

    Parameters
    ----------
    n_filled : ndarray of shape (shingle_size - 1 + n_rows,) or None
        Number of missing values in each row; None if all are known. A row with missing values
        is a part of its own.
    n_rows, most, n_columns : int
        Number of rows in the block, at most in a part, and of columns of a shingle.
    """
    begins = np.arange(n_rows) % most == 0
    if n_filled is not None:
        size = len(n_filled) - n_rows + 1
        sums = np.append(0, n_filled.cumsum())
        skipped = is_skipped(sums[size:] - sums[:-size], n_columns)
        is_gap = n_filled[size - 1 :] > 0
        begins |= is_gap
        begins[1:] |= is_gap[:-1] | (skipped[1:] != skipped[:-1])
    starts = np.flatnonzero(begins).tolist()
    return [slice(*ends) for ends in zip(starts, [*starts[1:], n_rows], strict=True)]
