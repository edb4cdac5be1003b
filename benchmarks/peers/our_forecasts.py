"""Our forecaster."""

from __future__ import annotations

from benchmarks.peers.forecasters import Forecasters


class OurForecasts(Forecasters):
    """Tasks of forecasters by `algos`, with defaults."""

    importing = "from algos import DeepARForecaster"

    def learn_series(self, panel, seed, n_jobs, **settings):
        from algos import DeepARForecaster

        model = DeepARForecaster(
            panel.horizon, freq=panel.freq, likelihood=panel.likelihood, random_state=seed,
            n_jobs=n_jobs, **settings,
        )  # fmt: skip
        return model.fit(
            panel.X,
            start=panel.start,
            static_categorical=panel.static_categorical,
            dynamic_real=panel.dynamic_real,
        )

    def draw_paths(self, model, panel, n_samples):
        if panel.is_learned:
            return model.sample(n_samples=n_samples)
        dynamic = panel.dynamic_real
        if dynamic is not None:
            dynamic = dynamic[:, :, : panel.X.shape[1] + panel.horizon]
        return model.sample(
            panel.X,
            n_samples,
            start=panel.start,
            static_categorical=panel.static_categorical,
            dynamic_real=dynamic,
        )
