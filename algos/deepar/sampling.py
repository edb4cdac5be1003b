"""Forecasts by ancestral sampling: the network reads each context, then draws paths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from algos._common.arrays import Float32Array, Float64Array, IndexArray
from algos._common.memory import require_memory
from algos._common.random import Key
from algos._cython import deepar_sample
from algos.deepar.likelihoods import DETERMINISTIC
from algos.deepar.network import GATES, Layout
from algos.deepar.panel import Panel
from algos.deepar.windows import Batch, Plan, Source

_CHUNK_BYTES = 1 << 23  # of inputs and paths
_BYTES_A_DRAW = 12  # in float32 and in float64
# The kernels' order of gates, and the factors that turn them into powers of 2: see
# `_deepar_paths.h`.
_GATES = [GATES.index(name) for name in ("input", "forget", "output", "candidate")]
_GATE_FACTORS = -np.log2(np.e) * np.array([1.0, 1.0, 1.0, 2.0])
_HUGE = 1e250  # times a float32 may overflow
_PADDING = 16  # floats


@dataclass(frozen=True)
class Forecaster:
    """A network with its weights.

    Attributes
    ----------
    plan : Plan
        Plan of windows.
    layout : Layout
        Layout of weights.
    weights : ndarray of shape (layout.size,), dtype float32
    likelihood : int
        The code of the likelihood.
    zoneout : float, default=0.0
        The share of states kept from the step before, as in training.
    """

    plan: Plan
    layout: Layout
    weights: Float32Array
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
) -> Iterator[tuple[slice, Float64Array]]:
    """Yield paths of a few series at a time, with their places in the panel.

    The bits of a path depend on the key, the content of its series and its number: not on other
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
        Number of threads; it does not change the result.

    Yields
    ------
    places : slice
    paths : ndarray of shape (n_places, n_samples, horizon), dtype float64
        In the units of the data.
    """
    plan = forecaster.plan
    own = np.flatnonzero(plan.lags < horizon)
    walker = network_steps(forecaster, own[::-1])
    for some in _read(forecaster, panel, horizon, n_samples * horizon * _BYTES_A_DRAW, n_threads):
        scale = some.batch.scale
        paths = np.empty((len(scale), n_samples, horizon), dtype=np.float32)
        walker.draw(
            some.batch.inputs[plan.context_length :],
            some.statics,
            some.states,
            scale,
            np.ones_like(scale) if plan.is_scaled else np.reciprocal(scale),
            key,
            panel.keys[some.places],
            plan.lags[own],
            paths,
            forecaster.likelihood,
            n_threads,
        )
        unit = panel.unit[some.places]
        yield some.places, _in_units(paths, unit * scale if plan.is_scaled else unit)


def n_different(likelihood: int, n_samples: int) -> int:
    """Return the number of distinct paths: one for a deterministic likelihood."""
    return 1 if likelihood == DETERMINISTIC else n_samples


def embed_series(forecaster: Forecaster, panel: Panel, *, n_threads: int = 1) -> Float32Array:
    """Return the state of the last layer after each series' context, (n_series, hidden_size)."""
    found = np.empty((len(panel), forecaster.layout.hidden_size), dtype=np.float32)
    for some in _read(forecaster, panel, 0, 0, n_threads):
        found[some.places] = some.states[:, 0, -1]
    return found


def path_quantiles(paths: Float64Array, levels: Any) -> Float64Array:
    """Return quantiles of paths, of shape (n_series, n_levels, horizon).

    Parameters
    ----------
    paths : ndarray of shape (n_series, n_samples, horizon), dtype float64
    levels : array-like of float
        In [0, 1]; quantiles are interpolated linearly between paths.
    """
    ranked = np.sort(np.ascontiguousarray(paths.transpose(0, 2, 1)), axis=-1)
    at = np.asarray(levels, dtype=np.float64) * (paths.shape[1] - 1)
    below = np.minimum(at.astype(np.intp), max(paths.shape[1] - 2, 0))
    above = np.minimum(below + 1, paths.shape[1] - 1)
    share = at - below
    found = ranked[..., below] * (1 - share) + ranked[..., above] * share
    return np.ascontiguousarray(found.transpose(0, 2, 1))


@dataclass(frozen=True)
class _Some:
    """A few series whose contexts have been read.

    Attributes
    ----------
    places : slice
        In the panel.
    batch : Batch
        Their windows: the context and the known inputs of the steps ahead.
    statics : ndarray of shape (n_places, static_size), dtype float32
    states : ndarray of shape (n_places, 2, n_layers, hidden_size), dtype float32
        The network's h and c after the context.
    """

    places: slice
    batch: Batch
    statics: Float32Array
    states: Float32Array


def _read(
    forecaster: Forecaster, panel: Panel, n_ahead: int, n_bytes: int, n_threads: int
) -> Iterator[_Some]:
    """Read the contexts of a few series at a time, with `n_bytes` more for each."""
    plan, layout = forecaster.plan, forecaster.layout
    n_steps, context = plan.context_length + n_ahead, plan.context_length
    reader = network_steps(forecaster, np.arange(plan.n_inputs))
    source = Source(panel, plan)
    require_memory(n_bytes, "drawing the paths of a series", "lower `n_samples` or `horizon`")
    at_once = max(1, _CHUNK_BYTES // (n_bytes + 4 * plan.n_inputs * n_steps))
    for first in range(0, len(panel), at_once):
        places = slice(first, min(first + at_once, len(panel)))
        n_places = places.stop - first
        batch = Batch.empty(plan, n_places, n_steps)
        source.gather(np.arange(first, places.stop), panel.lengths[places], batch, n_threads)
        statics = _statics(forecaster, batch)
        shape = (n_places, 2, layout.n_layers, layout.hidden_size)
        states = np.empty(shape, dtype=np.float32)
        reader.read(batch.inputs[:context], statics, states, n_threads)
        yield _Some(places, batch, statics, states)


def _statics(forecaster: Forecaster, batch: Batch) -> Float32Array:
    """Return the static inputs: real numbers, and embeddings of categories."""
    layout = forecaster.layout
    parts = layout.views(forecaster.weights)
    embedded = [
        parts[f"embedding_{j}"][batch.categories[:, j]] for j in range(len(layout.cardinalities))
    ]
    return np.concatenate([batch.static, *embedded], axis=1)


def _in_units(paths: Float32Array, factors: Float64Array) -> Float64Array:
    """Return paths in the units of the data, clipped to finite numbers."""
    with np.errstate(over="ignore"):
        found: Float64Array = paths * factors[:, np.newaxis, np.newaxis]
    if factors.max(initial=0) > _HUGE:
        np.nan_to_num(found, copy=False)
    return found


def network_steps(forecaster: Forecaster, own: IndexArray) -> deepar_sample.Steps:
    """Return the network for the kernels; `own` are the inputs that differ between paths."""
    layout, hidden = forecaster.layout, forecaster.layout.hidden_size
    parts = layout.views(forecaster.weights)

    def gates(name: str) -> Float64Array:
        """Return weights (rows, hidden_size, 4), scaled so that gates are powers of 2."""
        columns = np.atleast_2d(parts[name])[:, layout.gate_columns[_GATES].T]
        return columns * _GATE_FACTORS

    n_outputs, direct = layout.n_outputs, parts["direct"][:, : layout.n_outputs]
    outputs = slice(4 * hidden, 4 * hidden + n_outputs)

    def flat(weights: Float64Array) -> Float32Array:
        """Return rows of gates, with columns for outputs and padding."""
        size = -(-outputs.stop // _PADDING) * _PADDING
        out = np.zeros((len(weights), size), dtype=np.float32)
        out[:, : 4 * hidden] = weights.reshape(len(weights), -1)
        return out

    packed = []
    for layer in range(layout.n_layers):
        inputs = gates(f"input_{layer}")
        inputs = inputs[:hidden] if layer else inputs[own]
        rows = np.concatenate([inputs, gates(f"recurrent_{layer}")[:hidden]])
        packed.append(rows.transpose(1, 0, 2).astype(np.float32).ravel())
    by_input = flat(gates("input_0"))
    by_input[:, outputs] = direct
    base = flat(gates("bias_0"))[0]
    base[outputs] = parts["head_bias"][:n_outputs]
    starts = [gates(f"bias_{layer}").ravel() for layer in range(layout.n_layers)]
    return deepar_sample.Steps(
        np.concatenate(packed),
        np.concatenate([*starts, np.zeros(_PADDING)]).astype(np.float32),
        np.ascontiguousarray(parts["head"][:hidden, :n_outputs]),
        by_input,
        flat(gates("static")),
        base,
        np.ascontiguousarray(direct[own]),
        layout.n_layers,
        len(own),
        forecaster.zoneout,
    )
