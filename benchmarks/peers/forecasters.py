"""The tasks of forecasters.

A subclass learns panels of `benchmarks/cases/forecast_data.py` and gives quantiles; one that
draws sample paths gives these, and has all tasks.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import forecasts
from benchmarks.storage import write_arrays

SHORT = {"max_iter": 1, "n_batches": 2}  # of a smoke test


class Panel(NamedTuple):
    """What is learned, and what is known of it."""

    X: Any
    horizon: int
    start: Any
    freq: str
    season: int
    likelihood: str
    static_categorical: Any = None
    dynamic_real: Any = None
    is_learned: bool = True

    @classmethod
    def of(cls, X, truth, start, freq, season, likelihood, **arrays) -> Panel:
        """Return the panel of a row's arrays."""
        covariates = {name: arrays.get(name) for name in ("static_categorical", "dynamic_real")}
        start = np.asarray(start, dtype="datetime64[s]")
        return cls(X, truth.shape[1], start, freq, season, likelihood, **covariates)

    def windows(self, later: Any) -> list[Panel]:
        """Return the panels to forecast: this one, and those of which more and more has come."""
        n_windows = 1 if later is None else later.shape[1] // self.horizon
        return [self] + [
            self._replace(
                X=np.concatenate([self.X, later[:, : k * self.horizon]], axis=1), is_learned=False
            )
            for k in range(1, n_windows)
        ]


class PointOrLaw(ABC):
    """The task of those who tell quantiles and nothing else.

    Attributes
    ----------
    seeded : bool
        Whether seeds make a difference.
    """

    seeded = True

    @abstractmethod
    def forecast(self, panel: Panel, seed: int, n_jobs: int | None, **settings: Any) -> Any:
        """Return quantiles of what comes; settings are `max_iter` and `n_batches` or nothing."""

    def forecast_windows(self, panels, seed, n_jobs, **settings):
        """Return quantiles of all panels, one behind the other; the first is learned from."""
        return np.concatenate([self.forecast(panel, seed, n_jobs, **settings) for panel in panels])

    def forecast_value(self, n_jobs, n_seeds, seconds, short, later=None, **arrays):
        """Learn and forecast with some seeds, until so many CPU seconds have passed."""
        panels = Panel.of(**arrays).windows(later)
        settings = SHORT if short else {}

        def run():
            begun, quantiles = time.process_time(), []
            for seed in range(n_seeds if self.seeded and not short else 1):
                quantiles.append(self.forecast_windows(panels, seed, n_jobs, **settings))
                spent = time.process_time() - begun
                if spent > seconds:
                    break
            outcome = {"quantiles": quantiles, "seconds": spent / len(quantiles)}
            if self.seeded:
                outcome["note"] = f"{len(quantiles)} seed" + ("s" if len(quantiles) > 1 else "")
            return outcome

        return run


class Forecasters(PointOrLaw):
    """Tasks of those who learn by stochastic steps and draw paths.

    Attributes
    ----------
    importing : str
        The statement that imports the library.
    """

    importing: str

    @abstractmethod
    def learn_series(self, panel: Panel, seed: int, n_jobs: int | None, **settings: Any) -> Any:
        """Return a model; settings are `max_iter`, `n_batches` or none of them."""

    @abstractmethod
    def draw_paths(self, model: Any, panel: Panel, n_samples: int) -> Any:
        """Return sample paths (n_series, n_samples, horizon)."""

    def forecast(self, panel, seed, n_jobs, **settings):
        return self.forecast_windows([panel], seed, n_jobs, **settings)

    def forecast_windows(self, panels, seed, n_jobs, **settings):
        model = self.learn_series(panels[0], seed, n_jobs, **settings)
        return np.concatenate(
            [forecasts.of_samples(self.draw_paths(model, panel, 100)) for panel in panels]
        )

    def equal_epochs(self, max_iter, short):
        """Return settings with which everybody does as many steps."""
        return SHORT if short else {"max_iter": max_iter, "n_batches": 50}

    def forecast_epochs(self, n_jobs, n_epochs, short, **arrays):
        """Learn for some epochs: what a fit of one takes is not in the time of a step."""
        panel, times = Panel.of(**arrays), []
        for _ in range(2):  # the first one loads code
            begun = time.perf_counter()
            self.learn_series(panel, 0, n_jobs, **self.equal_epochs(1, short))
            times.append(time.perf_counter() - begun)

        def run():
            begun = time.perf_counter()
            self.learn_series(panel, 0, n_jobs, **self.equal_epochs(1 + n_epochs, short))
            seconds = time.perf_counter() - begun
            if short:
                return {"seconds": seconds, "steps": 2}
            return {"seconds": max(seconds - times[-1], 1e-9), "steps": 50 * n_epochs}

        return run

    def forecast_paths(self, n_jobs, n_samples, short, **arrays):
        """Draw paths of all series, by a model of one epoch."""
        panel = Panel.of(**arrays)
        model = self.learn_series(panel, 0, n_jobs, **self.equal_epochs(1, short))

        def run():
            begun = time.perf_counter()
            samples = self.draw_paths(model, panel, n_samples)
            return {"seconds": time.perf_counter() - begun, "shape": np.shape(samples)}

        return run

    def forecast_process(self, n_jobs, **arrays):
        """Import, learn and draw in a process of its own, which tells its times and its peak."""
        arrays["start"] = Panel.of(**arrays).start  # a datetime could not be written
        name = type(self).__module__.rpartition(".")[2]
        threads = [] if n_jobs is None else [str(n_jobs)]

        def run():
            with tempfile.TemporaryDirectory() as folder:
                job = Path(folder) / "arrays.npz"
                write_arrays(job, arrays)
                done = subprocess.run(
                    [sys.executable, "-m", "benchmarks.fresh"]
                    + [self.importing, name, str(job), *threads],
                    check=False,
                    capture_output=True,
                    text=True,
                )
            if done.returncode:
                raise RuntimeError(done.stderr.strip().splitlines()[-1])
            return json.loads(done.stdout.splitlines()[-1])

        return run
