"""Where learning begins: at the value before, where nothing tells how the next one differs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from algos._common.threads import one_thread_blas
from algos.deepar.panel import Panel
from algos.deepar.windows import Batch, Plan, Sampler, Source

Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

LAST = 1  # the lag of the value before
_N_BATCHES, _N_WINDOWS = 64, 32
_LEAST_STEPS = 12  # to forecast: fewer changes are of the size of their noise, not the window's
_TOLD = 0.02  # of the squares of changes
_AT_ONCE = 1024  # series
_SAME = 1e-10  # singular values, beside the largest one, of inputs that say the same


def origin_of(panel: Panel, plan: Plan) -> tuple[int, str]:
    """Return the lag whose value a network begins with, 0 for none, and the reason.

    Weights begin small and are shrunk, so a network that learns little forecasts little: of
    series that drift at random it should forecast their last value, and not 0. Those are
    known by their changes from step to step, of which inputs tell hardly anything.
    """
    if not (plan.is_scaled and LAST in plan.lags):
        return 0, "values are not in units of their scale, or the lag 1 is no input"
    share = max(0.0, share_told(panel, plan))
    is_less = share < _TOLD
    reason = f"inputs tell {share:.1%} of the squares of changes, {'below' if is_less else 'from'}"
    return LAST if is_less else 0, f"{reason} {_TOLD:.0%}{'' if is_less else ' on'}"


def share_told(panel: Panel, plan: Plan) -> float:
    """Return which part of the squares of changes is that of their least squares by all inputs.

    The changes are those of the steps to forecast in windows like those of training, or longer
    ones. In a context they would seem to be told better: the scale is its mean, which knows what
    comes. What inputs would tell of noise by chance is taken off: each tells one part in the
    number of values, and one in that of the changes looked at, some of which may be the same.
    """
    plan = replace(plan, prediction_length=max(plan.prediction_length, _LEAST_STEPS))
    key = np.zeros(2, dtype=np.uint64)
    source, sampler = Source(panel, plan), Sampler(panel, plan, "uniform", key)
    batch = Batch.empty(plan, _N_WINDOWS)
    series, positions = np.empty((2, _N_WINDOWS), dtype=np.int64)
    n = plan.n_inputs + 2
    products, n_windows, thinness = np.zeros((n, n)), 0, 0.0
    with one_thread_blas():
        for number in range(_N_BATCHES):
            sampler.draw(number, series, positions)
            source.gather(series, positions, batch)
            rows, counts = _rows(batch, positions, plan)
            products += rows.T @ rows
            n_windows, thinness = n_windows + len(counts), thinness + float((1 / counts).sum())
        share = _share(products[:-1, :-1], products[:-1, -1], products[-1, -1])
    # A change weighs as little as there are many in its window: so many count as independent.
    n_changes = n_windows**2 / thinness if n_windows else np.inf
    return share - plan.n_inputs * (1 / panel.n_values + 1 / n_changes)


def first_value(panel: Panel, plan: Plan) -> float:
    """Return what series usually begin with, over the scale of what has not begun."""
    plan = replace(plan, context_length=1)
    source, series = Source(panel, plan), np.flatnonzero(panel.lengths)
    found = np.empty(len(series))
    for begin in range(0, len(series), _AT_ONCE):
        some = series[begin : begin + _AT_ONCE]
        batch = Batch.empty(plan, len(some), n_steps=2)
        source.gather(some, np.zeros_like(some), batch)
        found[begin : begin + len(some)] = batch.targets[1]
    return float(np.median(found))


def _rows(batch: Batch, positions: Ints, plan: Plan) -> tuple[Doubles, Ints]:
    """Return [1 | inputs | change] of the steps to forecast that have a value, and one before.

    Other lags are taken as differences from the last value, which are 0 before a series begins.
    Changes are of size 1 in each window, that none may be most of the sum; also returned is how
    many there are in each window that has any.
    """
    inputs = batch.inputs[plan.context_length :].astype(np.float64)
    steps = positions + np.arange(len(inputs))[:, np.newaxis]
    last, others = inputs[:, :, :1], inputs[:, :, 1 : len(plan.lags)]
    changes = batch.targets[plan.context_length :] - last[:, :, 0]
    known = (batch.mask[plan.context_length :] > 0) & (steps >= LAST)
    sizes = np.sqrt((changes**2).sum(axis=0, where=known))
    known &= sizes > 0
    others[...] = np.where(steps[:, :, np.newaxis] >= plan.lags[1:], others - last, 0)
    rows = np.column_stack([np.ones(np.count_nonzero(known)), inputs[known], changes[known]])
    rows /= np.broadcast_to(sizes, known.shape)[known][:, np.newaxis]
    counts = np.count_nonzero(known, axis=0)
    return rows, counts[counts > 0]


def _share(inputs: Doubles, moments: Doubles, squares: float) -> float:
    """Return the share that least squares take of `squares`, from products of the inputs."""
    if squares == 0:
        return 0.0
    sizes = np.sqrt(np.diag(inputs))
    sizes[sizes == 0] = 1
    units = moments / sizes
    found = np.linalg.lstsq(inputs / np.outer(sizes, sizes), units, rcond=_SAME)[0]
    return float(found @ units / squares)
