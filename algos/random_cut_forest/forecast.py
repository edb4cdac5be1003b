"""Forecasts of a stream: the newest rows of its shingle are imputed, one after another."""

from __future__ import annotations

import numpy as np

from algos._common.arrays import Float32Array
from algos.random_cut_forest.forest import Forest
from algos.random_cut_forest.imputation import conditional_field


def forecast(
    forest: Forest,
    last_shingle: Float32Array,
    n_features: int,
    horizon: int,
    quantiles: list[float] | None = None,
    n_threads: int = 1,
) -> tuple[Float32Array, Float32Array]:
    """Return the likely next rows of a stream, and quantiles of their values.

    Each step drops the oldest row of the shingle and imputes a new one at its end; earlier
    medians are treated as known. So quantiles describe the spread of the values after similar
    shingles, not the accumulated errors of several steps.

    Parameters
    ----------
    forest : Forest
        Of shingles, with the oldest row first.
    last_shingle : ndarray of shape (n_columns,), dtype float32
        The newest rows of the stream, scaled.
    n_features : int
        Columns of the stream itself, fewer than n_columns.
    horizon : int
        Number of rows to predict, at least 0.
    quantiles : list of float, default=None
        Each in [0, 1]; None for no quantiles.
    n_threads : int, default=1
        The result is the same for any number.

    Returns
    -------
    rows : ndarray of shape (horizon, n_features), dtype float32
    ranges : ndarray of shape (len(quantiles), horizon, n_features), dtype float32
    """
    shingle = np.array(last_shingle, dtype=np.float32).reshape(1, -1)
    asked = [0.5, *(quantiles or [])]
    is_missing = np.zeros(shingle.shape, dtype=bool)
    is_missing[:, -n_features:] = True
    found = np.empty((len(asked), horizon, n_features), dtype=np.float32)
    for step in range(horizon):
        shingle[:, :-n_features] = shingle[:, n_features:]
        values = conditional_field(forest, shingle, is_missing, asked, n_threads)
        found[:, step] = values[:, 0, -n_features:]
        shingle[0, -n_features:] = found[0, step]
    return found[0], found[1:]
