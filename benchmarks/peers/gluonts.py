"""GluonTS: DeepAR on PyTorch and Lightning."""

from __future__ import annotations

import logging
import tempfile
import warnings
from importlib import metadata

import numpy as np

from benchmarks.peers.forecasters import Forecasters


class Adapter(Forecasters):
    """GluonTS with its defaults, on the processor; sample paths are drawn with the same network."""

    title = "GluonTS"
    importing = "from gluonts.torch import DeepAREstimator"

    def version(self) -> str:
        metadata.version("torch")  # to import either takes seconds
        return metadata.version("gluonts")

    def learn_series(self, panel, seed, n_jobs, max_iter=100, n_batches=50):
        import torch
        from gluonts.torch import DeepAREstimator
        from gluonts.torch.distributions import NegativeBinomialOutput, StudentTOutput
        from lightning.pytorch import seed_everything

        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        if n_jobs is not None:
            torch.set_num_threads(n_jobs)
        seed_everything(seed, verbose=False)
        laws = {"student_t": StudentTOutput, "negative_binomial": NegativeBinomialOutput}
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            estimator = DeepAREstimator(
                freq=panel.freq,
                prediction_length=panel.horizon,
                distr_output=laws[panel.likelihood](),
                num_batches_per_epoch=n_batches,
                trainer_kwargs={
                    "max_epochs": max_iter,
                    "accelerator": "cpu",
                    "logger": False,
                    "enable_progress_bar": False,
                    "enable_model_summary": False,
                    "default_root_dir": folder,
                },
                **_covariates(panel),
            )
            return estimator.train(_series(panel))

    def draw_paths(self, model, panel, n_samples):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            told = model.predict(_series(panel, panel.horizon), num_samples=n_samples)
            return np.stack([one.samples for one in told])


def _covariates(panel):
    """Return what the estimator is told of covariates."""
    found = {}
    if panel.static_categorical is not None:
        cardinality = [int(column.max()) + 1 for column in panel.static_categorical.T]
        found |= {"num_feat_static_cat": len(cardinality), "cardinality": cardinality}
    if panel.dynamic_real is not None:
        found["num_feat_dynamic_real"] = panel.dynamic_real.shape[1]
    return found


def _series(panel, ahead=0):
    """Return the series as dicts; covariates go on so far behind them."""
    import pandas as pd

    found = []
    starts = np.broadcast_to(panel.start, len(panel.X))
    for i, (row, start) in enumerate(zip(panel.X, starts, strict=True)):
        length = 1 + int(np.flatnonzero(np.isfinite(row))[-1])
        one = {
            "start": pd.Period(pd.Timestamp(start), freq=panel.freq),
            "target": row[:length].astype(np.float32),
        }
        if panel.static_categorical is not None:
            one["feat_static_cat"] = panel.static_categorical[i]
        if panel.dynamic_real is not None:
            one["feat_dynamic_real"] = panel.dynamic_real[i, :, : length + ahead].astype(np.float32)
        found.append(one)
    return found
