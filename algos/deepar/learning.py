"""What a network learns from: batches of a panel's windows, and the steps that are held back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algos._common.random import Key
from algos.deepar.model import Model
from algos.deepar.network import make_network
from algos.deepar.panel import Panel
from algos.deepar.parameters import Settings
from algos.deepar.sampling import Forecaster, path_quantiles, sample_paths
from algos.deepar.scoring import loss_of
from algos.deepar.training import Check
from algos.deepar.windows import Batch, Sampler, Source

Floats = NDArray[np.float32]


class PanelWork:
    """Batches of the windows of a panel."""

    def __init__(
        self, panel: Panel, model: Model, settings: Settings, key: Key, n_threads: int
    ) -> None:
        self._settings, self._model, self._key = settings, model, key
        self._n_threads = n_threads
        self._source = Source(panel, model.plan)
        self._sampler = Sampler(panel, model.plan, settings.window_sampling, key)
        n = settings.batch_size
        self._batch = Batch.empty(model.plan, n)
        self._series, self._positions = np.empty(n, np.int64), np.empty(n, np.int64)
        self._network = make_network(model.layout, n, model.plan.n_steps, n_threads)

    def gradient(self, weights: Floats, number: int, out: Floats) -> tuple[float, float]:
        """Overwrite `out` by a batch's summed gradient; return (loss, weight)."""
        self._sampler.draw(number, self._series, self._positions)
        batch, settings = self._batch, self._settings
        self._source.gather(self._series, self._positions, batch, self._n_threads)
        return self._network.gradient(
            weights, batch.inputs, batch.static, batch.categories, batch.targets, batch.mask,
            batch.scale, settings.likelihood, settings.dropout, settings.zoneout, self._key,
            number, out,
        )  # fmt: skip

    def culprits(self, weights: Floats, number: int) -> list[int]:
        """Return the series whose loss in a batch is no number."""
        return []


def held_out_check(
    panel: Panel, model: Model, settings: Settings, key: Key, n_threads: int
) -> Check:
    """Return what forecasts the last steps of each series, and their loss."""
    length = settings.prediction_length
    history, truth = panel.shortened(length), panel.last(length)

    def check(weights: Floats) -> dict[str, float]:
        forecaster = Forecaster(
            model.plan, model.layout, weights, settings.likelihood, settings.zoneout
        )
        found = np.concatenate(
            [
                path_quantiles(paths, settings.quantiles)
                for _, paths in sample_paths(
                    forecaster, history, horizon=length, n_samples=settings.n_samples, key=key,
                    n_threads=n_threads,
                )
            ]
        )  # fmt: skip
        loss = loss_of(truth, found, settings.quantiles)
        return {"loss": loss, "validation": loss}

    return check
