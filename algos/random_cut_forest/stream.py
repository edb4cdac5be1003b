"""Learning and forgetting single rows."""

from __future__ import annotations

import numpy as np

from algos._common.arrays import Float32Array, Float64Array
from algos._cython.cut_forget import forget as forget_row
from algos._cython.cut_stream import learn as learn_rows
from algos.random_cut_forest.attribution import number_of_shares
from algos.random_cut_forest.forest import SLACK, Forest
from algos.random_cut_forest.scores import METHODS


def learn(
    forest: Forest,
    rows: Float32Array,
    n_rows: int,
    stride: int,
    decay: float,
    n_threads: int = 1,
    method: str | None = None,
    first_scored: int = 0,
    shares: Float64Array | None = None,
) -> Float64Array | None:
    """Learn rows in order: the reservoir of every tree samples or skips them.

    A tree is always distributed as one grown over its sample, and the sample as one
    drawn without replacement from all rows seen, with weights exp(decay * row).

    Parameters
    ----------
    forest : Forest
        Changed in place; nothing can fail after the first change.
    rows : ndarray, dtype float32, C-contiguous
        In scaled units, of absolute values below 1e18.
    n_rows, stride : int
        Row i is rows.ravel()[i * stride : i * stride + n_columns]; with a stride below
        n_columns the rows overlap, as shingles do.
    decay : float
        If it differs from before, it applies from the first of these rows on.
    n_threads : int, default=1
        The results do not depend on it.
    method : str, default=None
        One of `scores.METHODS`; None scores nothing.
    first_scored : int, default=0
        Rows before this one score 0.
    shares : ndarray of shape (n_rows, n_columns, 2), default=None
        Output: what `attribution.attribute` would return then; only with a method.

    Returns
    -------
    scores : ndarray of shape (n_rows,), or None
        The score of each row in the forest before that row was learned, with the same bits as
        from `scores.score`.
    """
    scores = None if method is None else np.empty(n_rows)
    learn_rows(
        rows.reshape(-1),
        stride,
        n_rows,
        first_scored,
        forest.key,
        forest.decay,
        decay,
        *forest.trees,
        *forest.reservoirs,
        0 if method is None else METHODS.index(method),
        scores,
        0 if method is None else number_of_shares(method),
        None if method is None else shares,
        n_threads,
    )
    return scores


def forget(forest: Forest, row: Float32Array) -> int:
    """Delete one copy of a row from every tree that holds it.

    These trees are then distributed as if grown without the row, and have one row less until
    their reservoirs sample another, at the same rate as before.

    Returns
    -------
    held : int
        Number of trees that held it.
    """
    padded = np.append(row, np.zeros(SLACK, dtype=np.float32))
    decay = float(forest.decay[0])
    return forget_row(padded, forest.key, decay, *forest.trees, *forest.reservoirs)
