"""Windows of series: drawing them, and gathering them into a batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, Int64Array
from algos._common.memory import require_memory
from algos._common.random import Key
from algos._cython import deepar_windows
from algos.deepar.panel import Panel

_FACTOR = 8.0  # largest ratio of the typical scale, used for a window without context, to the own


@dataclass(frozen=True)
class Plan:
    """The composition of a window: plain numbers and arrays, `Plan(**vars(plan))` equals it.

    Step t of a window has the inputs [value at each lag, over the window's scale |
    calendar | age | dynamic] and the window the static inputs [log of its scale | static
    real], all of them of size about 1. Inputs before a series begins are 0, and so are lags that
    would refer to times before the series or to the future.

    Attributes
    ----------
    context_length, prediction_length : int
    lags : ndarray of shape (n_lags,), dtype int32
        Positive, ascending.
    n_calendar, n_dynamic, n_static_real, n_categories : int
        Numbers of features of each kind in the panel.
    is_scaled : bool
        Whether targets are divided by the scale of the window (not for counts and shares).
    log_center, log_spread : float
        Center and spread of the log scales of the training panel, in the units of the data.
    scale_floor : float
        Minimum of a window's scale relative to its series' scale, in which values
        far beyond the median do not count.
    origin : int
        The lag whose value an untrained network forecasts; 0 is none.
    first : float
        With an origin, the replacement of the value before the first one of a series, over the
        scale: otherwise a series that has not begun would be forecast as 0.
    """

    context_length: int
    prediction_length: int
    lags: NDArray[np.int32]
    n_calendar: int = 0
    n_dynamic: int = 0
    n_static_real: int = 0
    n_categories: int = 0
    is_scaled: bool = True
    log_center: float = 0.0
    log_spread: float = 1.0
    scale_floor: float = 0.1
    origin: int = 0
    first: float = 0.0

    @property
    def n_steps(self) -> int:
        """Steps of a window in training."""
        return self.context_length + self.prediction_length

    @property
    def n_inputs(self) -> int:
        """Inputs of each step."""
        return len(self.lags) + self.n_calendar + 1 + self.n_dynamic

    @property
    def n_static(self) -> int:
        """Real inputs of each window."""
        return 1 + self.n_static_real


@dataclass(frozen=True)
class Batch:
    """Windows in the layout of the network; the arrays are reused.

    Attributes
    ----------
    inputs : ndarray of shape (n_steps, n_windows, n_inputs), dtype float32
    static : ndarray of shape (n_windows, n_static), dtype float32
    categories : ndarray of shape (n_windows, n_categories), dtype int32
    targets : ndarray of shape (n_steps, n_windows), dtype float32
        0 where the mask is 0.
    mask : ndarray of shape (n_steps, n_windows), dtype float32
        1 where the target was observed, else 0.
    scale : ndarray of shape (n_windows,), dtype float32
        In the unit of the series.
    """

    inputs: Float32Array
    static: Float32Array
    categories: NDArray[np.int32]
    targets: Float32Array
    mask: Float32Array
    scale: Float32Array

    @classmethod
    def empty(cls, plan: Plan, n_windows: int, n_steps: int | None = None) -> Batch:
        """Allocate a batch of windows of `n_steps`, by default those of training."""
        n_steps = plan.n_steps if n_steps is None else n_steps
        require_memory(
            4 * n_windows * n_steps * (plan.n_inputs + 2),
            f"a batch of {n_windows} windows of {n_steps} steps",
            "lower `batch_size`, `context_length`, `prediction_length` or `horizon`",
        )
        single = np.float32
        return cls(
            np.empty((n_steps, n_windows, plan.n_inputs), dtype=single),
            np.empty((n_windows, plan.n_static), dtype=single),
            np.empty((n_windows, plan.n_categories), dtype=np.int32),
            np.empty((n_steps, n_windows), dtype=single),
            np.empty((n_steps, n_windows), dtype=single),
            np.empty(n_windows, dtype=single),
        )


class Source:
    """Windows of a panel according to a plan.

    Parameters
    ----------
    panel : Panel
    plan : Plan
    """

    def __init__(self, panel: Panel, plan: Plan) -> None:
        self._plan = plan
        n_times = panel.longest + panel.horizon
        # A series that is older than any in training must not look like a new one.
        age = np.minimum(np.arange(n_times), plan.n_steps)
        self._source = deepar_windows.WindowSource(
            panel.filled,
            panel.observed,
            panel.offsets,
            panel.lengths,
            np.log(panel.unit),
            panel.scale,
            np.clip(panel.typical, panel.scale / _FACTOR, panel.scale * _FACTOR),
            panel.calendar,
            panel.calendar_rows,
            panel.dynamic,
            panel.dynamic_rows,
            panel.categories,
            panel.static_real,
            plan.lags,
            (np.log10(2.0 + age) / 2).astype(np.float32),
            panel.horizon,
            plan.context_length,
            plan.is_scaled,
            plan.log_center,
            plan.log_spread,
            plan.scale_floor,
        )

    def gather(
        self, series: Int64Array, positions: Int64Array, batch: Batch, n_threads: int = 1
    ) -> None:
        """Fill the batch with the windows whose first forecast steps are `positions`.

        A window has `context_length` steps before the first forecast one, and as many from it on
        as the batch has room for. To forecast, `positions` are the lengths of the
        series.

        Parameters
        ----------
        series : ndarray of shape (n_windows,), dtype int64
            Places in the panel.
        positions : ndarray of shape (n_windows,), dtype int64
            The step of its series at which the forecast of each window begins: from 0, for
            a window without context, to the length of the series.
        batch : Batch
        n_threads : int, default=1
            Number of threads; it does not change the result.
        """
        self._source.gather(
            series,
            positions,
            batch.inputs,
            batch.static,
            batch.categories,
            batch.targets,
            batch.mask,
            batch.scale,
            n_threads,
        )
        if self._plan.origin:
            # The origin is lag 1, which is the first input.
            begins = self._plan.context_length - positions
            new = np.flatnonzero((begins >= 0) & (begins < len(batch.inputs)))
            batch.inputs[begins[new], new, 0] = self._plan.first


class Sampler:
    """Draws training windows: a series by its weight, then a position in it.

    Each batch has one window from each n-th part of the weights, series being sorted by
    scale, so all batches have small and large ones. The forecast of a window lies
    within the series, unless that is shorter than two predictions: then it begins at or before
    its middle. A series shorter than a prediction weighs less, as it fills only part of it.

    Parameters
    ----------
    panel : Panel
    plan : Plan
    window_sampling : {"scale", "uniform"}
        Whether the weight of a series is its scale, or the same for all.
    key : ndarray of shape (2,), dtype uint64
    """

    def __init__(self, panel: Panel, plan: Plan, window_sampling: str, key: Key) -> None:
        logs = np.log2(panel.scale) + np.log2(panel.unit)
        order = np.lexsort((*panel.keys.T, logs))
        order = order[panel.lengths[order] > 0]
        weights = np.minimum(1.0, panel.lengths[order] / plan.prediction_length)
        if window_sampling == "scale":
            weights *= np.exp2(logs[order] - logs[order].max(initial=-np.inf))
        self._heaped = np.cumsum(weights)
        self._order = order.astype(np.int64)
        self._last = np.maximum(panel.lengths - plan.prediction_length, panel.lengths // 2)
        self._first = np.zeros_like(self._last)
        self._key = key

    def draw(self, step: int, series: Int64Array, positions: Int64Array) -> None:
        """Fill both arrays of shape (n_windows,) with the windows of the batch `step`."""
        deepar_windows.draw(
            self._key,
            self._heaped,
            self._order,
            self._first,
            self._last,
            series,
            positions,
            step,
        )
