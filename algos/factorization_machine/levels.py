"""Probabilities of ordered levels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._cython.fm_latent import add_level_probabilities
from algos.factorization_machine.posterior import Draws, predict_levels

Doubles = NDArray[np.float64]

_LARGEST = 1e300  # score


def level_probabilities(rows: Any, model: Any, n_threads: int) -> Doubles:
    """Return the probability of each level, of shape (n, n_levels).

    Parameters
    ----------
    rows : Rows, or ndarray of shape (n,)
        Rows, or their scores.
    model : mapping, or ndarray of shape (n_levels + 1,)
        The parts of `Draws` for rows; cut points for scores.
    n_threads : int
    """
    if isinstance(rows, np.ndarray):
        shares = np.zeros((len(rows), len(model) - 1))
        bounded = np.clip(rows, -_LARGEST, _LARGEST)
        add_level_probabilities(bounded, model, shares, n_threads)
        return np.clip(shares, 0.0, 1.0)
    return predict_levels(rows, Draws(**model), n_threads)
