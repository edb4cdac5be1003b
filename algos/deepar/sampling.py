"""Forecasts by ancestral sampling: the context of each series is read, and paths are drawn on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.random import Key
from algos._cython import deepar_sample
from algos.deepar.network import Layout
from algos.deepar.panel import Panel
from algos.deepar.windows import Batch, Plan, Source

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_CHUNK_BYTES = 1 << 25  # of inputs and paths
_GATE_FACTORS = -np.log2(np.e) * np.array([1.0, 1.0, 1.0, 2.0])  # see `_deepar_paths.h`
_PADDING = 16  # floats


@dataclass(frozen=True)
class Forecaster:
    """What forecasts are made with.

    Attributes
    ----------
    plan : Plan
        Of windows.
    layout : Layout
        Of weights.
    weights : ndarray of shape (layout.size,), dtype float32
    likelihood : int
        The code of its kind.
    zoneout : float, default=0.0
        The share of states that training kept from the step before.
    """

    plan: Plan
    layout: Layout
    weights: Floats
    likelihood: int
    zoneout: float = 0.0


def sample_paths(
    forecaster: Forecaster,
    panel: Panel,
    *,
    horizon: int,
    n_samples: int,
    key: Key,
    n_threads: int = 1,
) -> Iterator[tuple[slice, Doubles]]:
    """Yield paths of a few series at a time, and the places of these in the panel.

    A path's bits depend on the key, the content of its series and its number: not on other
    series, nor on n_samples.

    Parameters
    ----------
    forecaster : Forecaster
    panel : Panel
        Its `horizon` is at least this one.
    horizon : int
        Number of steps, 1 or more.
    n_samples : int
        Number of paths, 1 or more.
    key : ndarray of shape (2,), dtype uint64
        The seed.
    n_threads : int, default=1
        Changes nothing but the time.

    Yields
    ------
    places : slice
    paths : ndarray of shape (n_places, n_samples, horizon), dtype float64
        In the units of the data.
    """
    raise NotImplementedError


def embed_series(forecaster: Forecaster, panel: Panel, *, n_threads: int = 1) -> Floats:
    """Return the state of the last layer after each series' context, (n_series, hidden_size)."""
    raise NotImplementedError


def path_quantiles(paths: Doubles, levels: Any, *, n_threads: int = 1) -> Doubles:
    """Return quantiles of paths, of shape (n_series, n_levels, horizon).

    Parameters
    ----------
    paths : ndarray of shape (n_series, n_samples, horizon), dtype float64
    levels : array-like of float
        In [0, 1]; between two paths quantiles are interpolated linearly.
    n_threads : int, default=1
        Changes nothing but the time.
    """
    raise NotImplementedError
