"""Weights of classes where latent numbers are drawn, of which there are only whole ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.random import Key, stream
from algos.factorization_machine.likelihoods import Latent, Levels, Logit

Doubles = NDArray[np.float64]

_COPIES = 104  # stream of a key


class RoundedLogit(Logit):
    """Two classes whose rows weigh any number: each sweep rounds it up or down at random.

    The mean over sweeps is the weight. There is no law for a part of a row, so this is an
    approximation, good for weights that balance classes.

    Parameters
    ----------
    levels : ndarray of shape (n,), int32
    weight : ndarray of shape (n,)
    """

    def __init__(self, levels: Levels, weight: Doubles) -> None:
        super().__init__(levels, weight)
        self._floor = np.floor(weight)
        self._rest = weight - self._floor

    def draw(self, scores: NDArray[Any], key: Key, sweep: int, n_threads: int) -> Latent:
        """Draw how many copies of each row there are, and the precision of their sum."""
        rng = stream(key, _COPIES, sweep)
        copies = self._floor + (rng.random(len(self._rest)) < self._rest)
        drawn = np.minimum(np.maximum(copies, 1.0), 2**31 - 1).astype(np.int32)
        latent = self._latent(scores, drawn, key, sweep, n_threads)
        assert latent.weight is not None
        latent.weight[copies == 0] = 0  # a row without a copy has a target that weighs nothing
        return latent
