"""Training data of a network: batches of a panel's windows, and held-back steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from algos._common.arrays import Float32Array, Int64Array
from algos._common.random import Key
from algos.deepar.accuracy import mean_quantile_loss
from algos.deepar.likelihoods import OF_CODE
from algos.deepar.model import Model
from algos.deepar.network import make_network
from algos.deepar.panel import Panel, joined
from algos.deepar.parameters import Settings
from algos.deepar.sampling import Forecaster, n_different, path_quantiles, sample_paths
from algos.deepar.training import Check, TrainState
from algos.deepar.windows import Batch, Sampler, Source

_MOST_HELD_BACK = 128  # windows, whose forecasts take about as long as an epoch
_HELD_BACK = 0.1  # largest share of a typical series beyond the first window
_OF_ONE = 0.25  # largest share of a typical series in one window
_SPREAD_STEP, _MOST_SPREAD_STEPS = 0.1, 10  # of the raw output: about a tenth of the width


class PanelWork:
    """Batches of the windows of a panel, whose order is independent of the user's.

    Parameters
    ----------
    panel : Panel
        The series.
    model : Model
        The model that learns.
    settings : Settings
        The parameters.
    key : ndarray of shape (2,), dtype uint64
        The seed.
    n_threads : int
        Number of threads; it does not change the result.
    places : ndarray of shape (n_series,), dtype int64
        The user's numbers of the series, for error messages.
    """

    def __init__(
        self,
        panel: Panel,
        model: Model,
        settings: Settings,
        key: Key,
        n_threads: int,
        places: Int64Array,
    ) -> None:
        self._settings, self._model, self._key = settings, model, key
        self._n_threads, self._places = n_threads, places
        n = settings.batch_size
        self._batch = Batch.empty(model.plan, n)
        self._source = Source(panel, model.plan)
        self._sampler = Sampler(panel, model.plan, settings.window_sampling, key)
        self._series, self._positions = np.empty(n, np.int64), np.empty(n, np.int64)
        self._network = make_network(model.layout, n, model.plan.n_steps, n_threads)

    def gradient(
        self, weights: Float32Array, number: int, out: Float32Array
    ) -> tuple[float, float]:
        """Overwrite `out` with a batch's summed gradient; return (loss, weight)."""
        self._sampler.draw(number, self._series, self._positions)
        batch, settings, weights = self._batch, self._settings, self._model.weights(weights)
        self._gather(self._series, self._positions, batch)
        return self._network.gradient(
            weights, batch.inputs, batch.static, batch.categories, batch.targets, batch.mask,
            batch.scale, settings.likelihood, settings.dropout, settings.zoneout, self._key,
            number, out,
        )  # fmt: skip

    def culprits(self, weights: Float32Array, number: int) -> list[int]:
        """Return the series of a batch whose windows have, alone, a gradient that is not finite."""
        self._sampler.draw(number, self._series, self._positions)
        found, out, settings = set(), np.empty_like(weights), self._settings
        weights = self._model.weights(weights)
        batch = Batch.empty(self._model.plan, 1)
        for series, position in zip(self._series, self._positions, strict=True):
            self._gather(series.reshape(1), position.reshape(1), batch)
            loss, _ = self._network.gradient(
                weights, batch.inputs, batch.static, batch.categories, batch.targets, batch.mask,
                batch.scale, settings.likelihood, 0.0, settings.zoneout, self._key, number, out,
            )  # fmt: skip
            if not (np.isfinite(loss) and np.all(np.isfinite(out))):
                found.add(int(self._places[series]))
        return sorted(found)

    def _gather(self, series: Int64Array, positions: Int64Array, batch: Batch) -> None:
        """Fill the batch with windows, and apply the weight of their contexts."""
        self._source.gather(series, positions, batch, self._n_threads)
        batch.mask[: self._settings.context_length] *= self._settings.context_weight


def steps_held_back(panel: Panel, length: int) -> int:
    """Return the number of steps of a held-back window: the horizon, if series are long.

    Otherwise too little would be left to learn from.
    """
    lengths = panel.lengths[panel.lengths > 0]
    typical = float(np.median(lengths)) if len(lengths) else 0.0
    return max(1, min(length, int(_OF_ONE * typical)))


def held_back(panel: Panel, length: int) -> tuple[Panel, Panel]:
    """Return the series to learn from, and those whose last steps are held back.

    Series that are no longer than these steps are learned whole, and so are those
    beyond the first 128; if all are so short, they serve both purposes. With fewer series
    several windows of each are held back, one before the other: one alone is too noisy.
    """
    is_long = panel.lengths > length
    if not is_long.any():
        return panel, panel
    typical = float(np.median(panel.lengths[is_long]))
    n_windows = min(_MOST_HELD_BACK // int(is_long.sum()), int(_HELD_BACK * typical) // length)
    n_windows = max(1, n_windows)
    is_long &= panel.lengths > n_windows * length
    is_long &= np.cumsum(is_long) <= _MOST_HELD_BACK
    short = panel.shortened(n_windows * length)
    training = replace(
        short,
        lengths=np.where(is_long, short.lengths, panel.lengths),
        scale=np.where(is_long, short.scale, panel.scale),
        horizon=panel.horizon,
    )
    held = panel.take(np.flatnonzero(is_long))
    return training, joined([held.shortened(k * length) for k in range(n_windows)])


def with_spread(state: TrainState, model: Model, check: Check) -> TrainState:
    """Return the state with the spread of its best weights fitted to the held-back steps.

    Small panels are soon overfitted, and distributions of the training data are too narrow.
    """
    place = OF_CODE[model.likelihood].spread
    if place is None or len(state.best) == 0:
        return state
    best, loss = state.best, state.best_loss
    for step in (_SPREAD_STEP, -_SPREAD_STEP):
        for _ in range(_MOST_SPREAD_STEPS):
            tried = best.copy()
            model.layout.views(tried)["head_bias"][place] += step
            found = check(tried)["loss"]
            if not found < loss:
                break
            best, loss = tried, found
        if loss < state.best_loss:
            break
    return replace(state, best=best, best_loss=loss)


def held_out_check(
    panel: Panel, model: Model, settings: Settings, key: Key, n_threads: int, length: int
) -> Check:
    """Return a function that forecasts the last `length` steps of each series, with the loss."""
    history, truth = panel.shortened(length), panel.last(length)
    n_samples = n_different(settings.likelihood, settings.n_samples)

    def check(weights: Float32Array) -> dict[str, float]:
        forecaster = Forecaster(
            model.plan, model.layout, model.weights(weights), settings.likelihood, settings.zoneout
        )
        found = np.concatenate(
            [
                path_quantiles(paths, settings.quantiles)
                for _, paths in sample_paths(
                    forecaster, history, horizon=length, n_samples=n_samples, key=key,
                    n_threads=n_threads,
                )
            ]
        )  # fmt: skip
        loss = mean_quantile_loss(truth, panel.in_time(found, length), settings.quantiles)
        return {"loss": loss, "validation": loss}

    return check
