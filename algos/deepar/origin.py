"""The origin of learning: the last value, for series close to a random walk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from algos._common.arrays import Float64Array, Int64Array
from algos._common.threads import one_thread_blas
from algos.deepar.panel import Panel
from algos.deepar.windows import Batch, Plan, Sampler, Source

LAST = 1  # the lag of the value before
_N_BATCHES, _N_WINDOWS = 64, 32
_LEAST_STEPS = 12  # to forecast: the sizes of fewer changes are too noisy
_EXPLAINED = 0.02  # of the squared changes
_AT_ONCE = 1024  # series
_SAME = 1e-10  # singular values, relative to the largest, of redundant inputs


def origin_of(panel: Panel, plan: Plan) -> tuple[int, str]:
    """Return the lag whose value an untrained network forecasts, 0 for none, and the reason.

    Weights begin small and are shrunk, so a network that learns little forecasts small values.
    For series close to a random walk it should forecast their last value, and not 0. They are
    recognised by their changes from step to step, which the inputs hardly explain.
    """
    if not (plan.is_scaled and LAST in plan.lags):
        return 0, "values are not divided by their scale, or lag 1 is not an input"
    share = max(0.0, explained_share(panel, plan))
    is_less = share < _EXPLAINED
    compared = "below" if is_less else "at least"
    reason = f"inputs explain {share:.1%} of the squared changes, {compared} {_EXPLAINED:.0%}"
    return LAST if is_less else 0, reason


def explained_share(panel: Panel, plan: Plan) -> float:
    """Return the share of the squared changes explained by a linear regression on all inputs.

    The changes are those of the steps to forecast in windows like those of training, or longer
    ones. Within a context the share would be too large, since the scale is the mean of the
    context and includes later values. The share that inputs would explain by chance is
    subtracted: each explains one part in the number of values, and one in the number of changes
    used, some of which may occur in several windows.
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
    # A change weighs less the more there are in its window: the effective number is this.
    n_changes = n_windows**2 / thinness if n_windows else np.inf
    return share - plan.n_inputs * (1 / panel.n_values + 1 / n_changes)


def first_value(panel: Panel, plan: Plan) -> float:
    """Return the median first value of series, over the scale of a series that has not begun."""
    plan = replace(plan, context_length=1)
    source, series = Source(panel, plan), np.flatnonzero(panel.lengths)
    found = np.empty(len(series))
    for begin in range(0, len(series), _AT_ONCE):
        some = series[begin : begin + _AT_ONCE]
        batch = Batch.empty(plan, len(some), n_steps=2)
        source.gather(some, np.zeros_like(some), batch)
        found[begin : begin + len(some)] = batch.targets[1]
    return float(np.median(found))


def _rows(batch: Batch, positions: Int64Array, plan: Plan) -> tuple[Float64Array, Int64Array]:
    """Return [1 | inputs | change] of the steps to forecast that have a value and one before.

    Other lags are replaced by differences from the last value, 0 before a series begins.
    The changes of each window are normalised, so that none dominates the sum; also returned is the
    number of changes of each window that has any.
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


def _share(inputs: Float64Array, moments: Float64Array, squares: float) -> float:
    """Return the share of `squares` explained by least squares, from products of the inputs."""
    if squares == 0:
        return 0.0
    sizes = np.sqrt(np.diag(inputs))
    sizes[sizes == 0] = 1
    units = moments / sizes
    found = np.linalg.lstsq(inputs / np.outer(sizes, sizes), units, rcond=_SAME)[0]
    return float(found @ units / squares)
