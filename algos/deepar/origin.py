"""Where learning begins: at the value before, where nothing tells how the next one differs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algos._common.threads import one_thread_blas
from algos.deepar.panel import Panel
from algos.deepar.windows import Batch, Plan, Sampler, Source

Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

LAST = 1  # the lag of the value before
_N_BATCHES, _N_WINDOWS = 32, 32
_TOLD = 0.1  # of the squares of changes
_SAME = 1e-10  # singular values, beside the largest one, of inputs that say the same


def origin_of(panel: Panel, plan: Plan) -> int:
    """Return the lag whose value a network begins with, 0 for none.

    Weights begin small and are shrunk, so a network that learns little forecasts little: of
    series that drift at random it should forecast their last value, and not 0. Those are
    known by their changes from step to step, less than a tenth of which inputs tell.
    """
    if not (plan.is_scaled and LAST in plan.lags):
        return 0
    return LAST if share_told(panel, plan) < _TOLD else 0


def share_told(panel: Panel, plan: Plan) -> float:
    """Return which part of the squares of changes is that of their least squares by all inputs.

    The changes are those of the steps to forecast in windows like those of training. In a
    context they would seem to be told better: the scale is its mean, which knows what comes.
    """
    key = np.zeros(2, dtype=np.uint64)
    source, sampler = Source(panel, plan), Sampler(panel, plan, "uniform", key)
    batch = Batch.empty(plan, _N_WINDOWS)
    series, positions = np.empty((2, _N_WINDOWS), dtype=np.int64)
    n = plan.n_inputs + 2
    products = np.zeros((n, n))
    last = int(np.flatnonzero(plan.lags == LAST)[0])
    with one_thread_blas():
        for number in range(_N_BATCHES):
            sampler.draw(number, series, positions)
            source.gather(series, positions, batch)
            rows = _rows(batch, positions, plan.context_length, last)
            products += rows.T @ rows
        return _share(products[:-1, :-1], products[:-1, -1], products[-1, -1])


def _rows(batch: Batch, positions: Ints, first: int, last: int) -> Doubles:
    """Return [1 | inputs | change] of the steps from `first` on with a value, and one before."""
    ahead = np.arange(len(batch.mask) - first)[:, np.newaxis]
    known = (batch.mask[first:] > 0) & (positions + ahead > 0)
    inputs = batch.inputs[first:][known].astype(np.float64)
    changes = batch.targets[first:][known] - inputs[:, last]
    return np.column_stack([np.ones(len(inputs)), inputs, changes])


def _share(inputs: Doubles, moments: Doubles, squares: float) -> float:
    """Return the share that least squares take of `squares`, from products of the inputs."""
    if squares == 0:
        return 0.0
    sizes = np.sqrt(np.diag(inputs))
    sizes[sizes == 0] = 1
    units = moments / sizes
    found = np.linalg.lstsq(inputs / np.outer(sizes, sizes), units, rcond=_SAME)[0]
    return float(found @ units / squares)
