"""Seeds: one 128-bit key for each fit, and the random streams drawn from it."""

from __future__ import annotations

import functools
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

Key = NDArray[np.uint64]


def seed_key(random_state: Any) -> Key:
    """Return the 128-bit key of one fit.

    Parameters
    ----------
    random_state : int, RandomState, Generator or None
        An int always gives the same key. An instance is drawn from once, so that the next call
        gives another key; None is numpy's global RandomState.

    Returns
    -------
    key : ndarray of shape (2,), dtype uint64
    """
    if isinstance(random_state, Integral):
        return _key_of(int(random_state)).copy()
    if isinstance(random_state, np.random.Generator):
        return random_state.integers(0, 2**64, size=2, dtype=np.uint64)
    words = check_random_state(random_state).randint(0, 2**32, size=4, dtype=np.uint32)
    return words.view(np.uint64)


@functools.lru_cache(maxsize=16)
def _key_of(seed: int) -> Key:
    return np.random.SeedSequence(seed).generate_state(4).view(np.uint64)


def stream(key: Key, *path: int) -> np.random.Generator:
    """Return the generator of the stream named by non-negative integers.

    Equal paths give equal streams, different paths independent ones: `stream(key, restart,
    iteration)` does not depend on earlier draws.
    """
    seeds = np.random.SeedSequence([int(word) for word in key], spawn_key=path)
    return np.random.Generator(np.random.Philox(seeds))
